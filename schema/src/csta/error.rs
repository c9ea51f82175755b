//! Errors of reading a CSTA document.

/// The reason why a document was rejected, with the position or member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not well-formed XML (XML 1.0).
    #[error("not well-formed XML at byte {offset}: {what}")]
    NotXml {
        /// Bytes from the start of the document.
        offset: usize,
        /// The syntax error at that position.
        what: &'static str,
    },
    /// A document type declaration. CSTA does not use entities, and attackers do.
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
    /// The root's namespace is not that of an edition of ECMA-323.
    #[error("namespace {0:?} is not one of ECMA-323")]
    UnknownNamespace(String),
    /// A mandatory member is missing.
    #[error("{element}: {member} is missing")]
    Missing {
        /// The element that lacks the member.
        element: String,
        /// The local name of the missing member.
        member: &'static str,
    },
    /// The content of a member violates its type.
    #[error("{element}: {what}")]
    Malformed {
        /// The element with the wrong content.
        element: String,
        /// The violation, with the expected content.
        what: String,
    },
}

/// The start of a peer's text, short enough for an error message and the log.
pub(super) fn quoted(text: &str) -> String {
    const QUOTED: usize = 64;
    text.chars().take(QUOTED).collect()
}
