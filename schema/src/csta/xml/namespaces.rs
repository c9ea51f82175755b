//! The namespaces in scope (Namespaces in XML 1.0, clause 6), each as what it means to CSTA.

use smallvec::SmallVec;

use super::Space;

/// The declarations that hold where the scanner stands.
#[derive(Debug, Default)]
pub(super) struct Namespaces<'a> {
    bindings: SmallVec<[Binding<'a>; 4]>,
}

impl<'a> Namespaces<'a> {
    /// An element at `depth` declares `uri` for `prefix`, or as the default namespace.
    pub(super) fn declare(&mut self, depth: usize, prefix: Option<&'a str>, uri: &str) {
        self.bindings.push(Binding {
            depth,
            prefix,
            space: Space::of(uri),
        });
    }

    /// What elements with `prefix` belong to. An undeclared prefix is nobody's.
    pub(super) fn space(&self, prefix: Option<&str>) -> Space {
        let mut innermost_first = self.bindings.iter().rev();
        match innermost_first.find(|binding| binding.prefix == prefix) {
            Some(binding) => binding.space,
            None if prefix.is_none() => Space::None,
            None => Space::Foreign,
        }
    }

    /// Forgets what the element at `depth` has declared.
    pub(super) fn leave(&mut self, depth: usize) {
        let outer = self
            .bindings
            .partition_point(|binding| binding.depth < depth);
        self.bindings.truncate(outer);
    }
}

#[derive(Clone, Copy, Debug)]
struct Binding<'a> {
    depth: usize,
    prefix: Option<&'a str>,
    space: Space,
}
