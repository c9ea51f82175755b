//! Limits of depth and attributes of a document; its transport limits the length.

/// How far a document may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// The deepest nesting of elements.
    pub depth: usize,
    /// The most attributes, namespace declarations included, of one element.
    pub attributes: usize,
}

impl DocumentLimits {
    /// For what has been read within its bounds before.
    pub const NONE: Self = Self {
        depth: usize::MAX,
        attributes: usize::MAX,
    };
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            depth: 64,
            attributes: 32,
        }
    }
}
