//! The namespace declarations in scope (Namespaces in XML 1.0, section 6).

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Space;

/// The declarations in scope at the scanner's position.
#[derive(Debug, Default)]
pub(super) struct Namespaces<'a> {
    bindings: SmallVec<[Binding<'a>; FEW]>,
    /// The innermost declaration of each prefix, except the first [`FEW`]. Keeps hostile documents with thousands cheap.
    innermost: BTreeMap<Option<&'a str>, usize>,
}

/// The number of declarations to search linearly; more than any known peer sends.
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
                // Section 5: only the default namespace may be undeclared.
                (Some(_), "") => Space::Foreign,
                _ => Space::of(uri),
            },
        });
    }

    /// The namespace of elements with `prefix`; foreign for an undeclared prefix.
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

    /// Removes the declarations of the element at `depth`.
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
    fn innermost_declaration_wins_among_many() {
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
