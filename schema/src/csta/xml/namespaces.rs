//! The namespace declarations in scope (Namespaces in XML 1.0, section 6).

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::{Space, unescaped};

/// The prefix that needs no declaration, and the namespaces that only itself and `xmlns` have.
const XML_PREFIX: &str = "xml";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

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
    ///
    /// # Errors
    /// The constraint of Namespaces in XML 1.0, sections 3 and 5, that the declaration violates.
    pub(super) fn declare(
        &mut self,
        depth: usize,
        prefix: Option<&'a str>,
        uri: &'a str,
    ) -> Result<(), &'static str> {
        match (prefix, uri) {
            (Some(XML_PREFIX), XML) => return Ok(()),
            (Some(XML_PREFIX | "xmlns"), _) => {
                return Err("a reserved namespace prefix is declared");
            }
            (_, XML | XMLNS) => return Err("a reserved namespace is declared"),
            (Some(_), "") => return Err("a namespace prefix is undeclared"),
            _ => {}
        }
        let position = self.bindings.len();
        let outer = match position < FEW {
            true => None,
            false => self.innermost.insert(prefix, position),
        };
        self.bindings.push(Binding {
            depth,
            prefix,
            outer,
            uri,
            space: Space::of(uri),
        });
        Ok(())
    }

    /// The namespace of elements with `prefix`; `None` for an undeclared prefix.
    pub(super) fn space(&self, prefix: Option<&str>) -> Option<Space> {
        match (self.find(prefix), prefix) {
            (Some(binding), _) => Some(binding.space),
            (None, None) => Some(Space::None),
            (None, Some(XML_PREFIX)) => Some(Space::Foreign),
            (None, Some(_)) => None,
        }
    }

    /// Whether two prefixes of attributes mean one namespace, at least once a relay has replaced the edition.
    pub(super) fn are_equal(&self, one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|prefix| self.find(Some(prefix)));
        one.zip(other).is_some_and(|(one, other)| {
            let are_csta = [one, other].map(|it| matches!(it.space, Space::Csta(_)));
            are_csta == [true, true] || unescaped(one.uri) == unescaped(other.uri)
        })
    }

    fn find(&self, prefix: Option<&str>) -> Option<&Binding<'a>> {
        let known = self.innermost.get(&prefix).copied().or_else(|| {
            let mut first = self.bindings.iter().take(FEW);
            first.rposition(|binding| binding.prefix == prefix)
        });
        known.and_then(|position| self.bindings.get(position))
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
    uri: &'a str,
    space: Space,
    /// The declaration of the same prefix that this one hides.
    outer: Option<usize>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn innermost_declaration_wins_among_many() {
        let names: Vec<String> = (0..3 * FEW).map(|number| format!("p{number}")).collect();
        let mut namespaces = Namespaces::default();
        let csta = "http://www.ecma-international.org/standards/ecma-323/csta/ed5";
        for (depth, uri) in [csta, "u", csta].into_iter().enumerate() {
            for name in &names {
                namespaces.declare(depth, Some(name), uri).unwrap();
            }
        }
        for uri in [csta, "u", csta] {
            for name in &names {
                assert_eq!(namespaces.space(Some(name)), Some(Space::of(uri)), "{name}");
            }
            assert_eq!(namespaces.space(Some("q")), None);
            let depth = namespaces.bindings.last().map_or(0, |last| last.depth);
            namespaces.leave(depth);
        }
        assert_eq!(namespaces.space(Some("p0")), None);
        assert_eq!(namespaces.innermost.len(), 0);
    }
}
