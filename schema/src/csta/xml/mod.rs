//! The subset of XML that CSTA needs (XML 1.0, Namespaces in XML 1.0): pull scanner, spans and text.

mod name;
mod namespaces;
mod refusal;
mod scanner;
mod text;

use std::ops::Range;

pub(super) use scanner::{Scanner, Tag, Token};
pub(super) use text::{escaped, is_character, plain, unescaped};

use super::edition::Edition;

/// The namespace of a Microsoft client's private elements; its `line` element identifies the line of a session.
const RCC_NAMESPACE: &str = "http://schemas.microsoft.com/Lcs/2005/04/RCCExtension";

/// A byte range of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::csta) struct Span {
    pub(in crate::csta) start: u32,
    pub(in crate::csta) end: u32,
}

impl Span {
    /// The range `start..end`; documents are shorter than 4 GiB.
    pub(in crate::csta) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The empty range at `at`.
    pub(in crate::csta) fn at(at: u32) -> Self {
        Self { start: at, end: at }
    }

    pub(in crate::csta) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The owner of an element, determined by its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::csta) enum Space {
    /// In no namespace.
    None,
    Csta(Edition),
    Rcc,
    Foreign,
}

impl Space {
    /// Whether elements of this namespace are read as CSTA. Includes no namespace: some peers qualify only the root.
    pub(in crate::csta) fn is_csta(self) -> bool {
        matches!(self, Self::None | Self::Csta(_))
    }

    fn of(uri: &str) -> Self {
        match Edition::from_namespace(uri) {
            Some(edition) => Self::Csta(edition),
            None if uri.is_empty() => Self::None,
            None if uri == RCC_NAMESPACE => Self::Rcc,
            None => Self::Foreign,
        }
    }
}
