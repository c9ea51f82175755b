//! Why a document could not be read.

/// What is wrong with a document; each says where or which member, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not well-formed XML (W3C XML 1.0).
    #[error("not well-formed XML at byte {offset}: {what}")]
    NotXml {
        /// Bytes from the start of the document.
        offset: usize,
        /// What was found or missed there.
        what: &'static str,
    },
    /// The bytes are not in the encoding that the document declares, or in one that is not read here.
    #[error("the text is not valid {0}")]
    Encoding(String),
    /// A document type declaration: entities are an attack, and CSTA has no use for them.
    #[error("a document type declaration is not allowed")]
    Forbidden,
    /// Nested deeper than [`DocumentLimits::depth`](super::DocumentLimits::depth).
    #[error("elements are nested deeper than {0}")]
    TooDeep(usize),
    /// More attributes on one element than [`DocumentLimits::attributes`](super::DocumentLimits::attributes).
    #[error("an element has more than {0} attributes")]
    TooManyAttributes(usize),
    /// Longer than [`MAX_LENGTH`](super::MAX_LENGTH).
    #[error("the document is longer than {} bytes", super::MAX_LENGTH)]
    TooLong,
    /// The root belongs to no edition of ECMA-323.
    #[error("namespace {0:?} is not one of ECMA-323")]
    UnknownNamespace(String),
    /// A mandatory member is not there.
    #[error("{element}: {member} is missing")]
    Missing {
        /// The element that lacks it.
        element: String,
        /// The member.
        member: &'static str,
    },
    /// A member holds what its type does not allow.
    #[error("{element}: {what}")]
    Malformed {
        /// The element with the wrong content.
        element: String,
        /// What is wrong with it.
        what: String,
    },
}

/// As much of what a peer wrote as an error repeats: the peer is told, and the log, not more than it takes to find the place.
pub(super) fn quoted(text: &str) -> String {
    const QUOTED: usize = 64;
    text.chars().take(QUOTED).collect()
}
