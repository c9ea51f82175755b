//! The namespaces in scope (Namespaces in XML 1.0, section 6), each as what it means to CSTA.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Space;

/// The declarations that hold where the scanner stands.
#[derive(Debug, Default)]
pub(super) struct Namespaces<'a> {
    bindings: SmallVec<[Binding<'a>; FEW]>,
    /// Where the innermost declaration of each prefix is, but for the first few: a hostile document has thousands.
    innermost: BTreeMap<Option<&'a str>, usize>,
}

/// So many declarations are looked through, more than any honest document has.
const FEW: usize = 4;

impl<'a> Namespaces<'a> {
    /// An element at `depth` declares `uri` for `prefix`, or as the default namespace.
    pub(super) fn declare(&mut self, depth: usize, prefix: Option<&'a str>, uri: &str) {
        let position = self.bindings.len();
        let outer = match position < FEW {
            true => None,
            false => self.innermost.insert(prefix, position),
        };
        self.bindings.push(Binding {
            depth,
            prefix,
            outer,
            space: match (prefix, uri) {
                // Clause 5: only the default namespace may be none.
                (Some(_), "") => Space::Foreign,
                _ => Space::of(uri),
            },
        });
    }

    /// What elements with `prefix` belong to. An undeclared prefix is nobody's.
    pub(super) fn space(&self, prefix: Option<&str>) -> Space {
        let known = self.innermost.get(&prefix).copied().or_else(|| {
            let mut first = self.bindings.iter().take(FEW);
            first.rposition(|binding| binding.prefix == prefix)
        });
        match known.and_then(|position| self.bindings.get(position)) {
            Some(binding) => binding.space,
            None if prefix.is_none() => Space::None,
            None => Space::Foreign,
        }
    }

    /// Forgets what the element at `depth` has declared.
    pub(super) fn leave(&mut self, depth: usize) {
        while self
            .bindings
            .last()
            .is_some_and(|binding| binding.depth >= depth)
            && let Some(binding) = self.bindings.pop()
        {
            if self.bindings.len() >= FEW {
                match binding.outer {
                    Some(position) => self.innermost.insert(binding.prefix, position),
                    None => self.innermost.remove(&binding.prefix),
                };
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Binding<'a> {
    depth: usize,
    prefix: Option<&'a str>,
    space: Space,
    /// The declaration of the same prefix that this one hides.
    outer: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_declaration_holds_however_many_there_are() {
        let names: Vec<String> = (0..3 * FEW).map(|number| format!("p{number}")).collect();
        let mut namespaces = Namespaces::default();
        let csta = "http://www.ecma-international.org/standards/ecma-323/csta/ed5";
        for (depth, uri) in [csta, "u", csta].into_iter().enumerate() {
            for name in &names {
                namespaces.declare(depth, Some(name), uri);
            }
        }
        for uri in [csta, "u", csta] {
            for name in &names {
                assert_eq!(namespaces.space(Some(name)), Space::of(uri), "{name}");
            }
            assert_eq!(namespaces.space(Some("q")), Space::Foreign);
            let depth = namespaces.bindings.last().map_or(0, |last| last.depth);
            namespaces.leave(depth);
        }
        assert_eq!(namespaces.space(Some("p0")), Space::Foreign);
        assert_eq!(namespaces.innermost.len(), 0);
    }
}
