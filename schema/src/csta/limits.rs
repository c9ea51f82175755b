//! Limits of depth and attributes of a document; its transport limits the length.

/// Limits on the structure of a document, against stack overflow and quadratic work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// The maximum nesting depth of elements.
    pub depth: usize,
    /// The maximum number of attributes of an element, including namespace declarations.
    pub attributes: usize,
}

impl DocumentLimits {
    /// No limits, for documents that were validated before.
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
