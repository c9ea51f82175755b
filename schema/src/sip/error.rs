//! What is wrong with a text that a peer sent, in words fit for its answer and for the log.

use std::fmt;

use super::HeaderName;

/// What is wrong with a value, as the second half of a sentence: "has no closing quote".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub(super) &'static str);

/// A header field that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderError {
    header: HeaderName,
    problem: SyntaxError,
}

impl HeaderError {
    pub(super) const fn new(header: HeaderName, problem: SyntaxError) -> Self {
        Self { header, problem }
    }

    pub(super) const fn missing(header: HeaderName) -> Self {
        Self::new(header, SyntaxError("is missing"))
    }

    /// The header field that is at fault.
    #[must_use]
    pub const fn header(&self) -> HeaderName {
        self.header
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn problem(&self) -> SyntaxError {
        self.problem
    }
}

/// One sentence without a full stop, as a reason phrase (RFC 3261, 21.4.1) wants it: "CSeq is missing".
impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.header, self.problem)
    }
}

impl std::error::Error for HeaderError {}
