//! Errors in received messages, worded for the response and the log.

use std::{fmt, io};

use bytes::Bytes;

use super::HeaderName;

/// A fault of a value, as the predicate of a sentence: "has no closing quote".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub(super) &'static str);

/// A fault of a header field.
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

    /// The faulty header field.
    #[must_use]
    pub const fn header(&self) -> HeaderName {
        self.header
    }

    /// The fault.
    #[must_use]
    pub const fn problem(&self) -> SyntaxError {
        self.problem
    }
}

/// Writes a reason phrase (RFC 3261, section 21.4.1): "CSeq is missing".
impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.header, self.problem)
    }
}

impl std::error::Error for HeaderError {}

/// The exceeded limit, with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// The maximum length of a line, in bytes.
    Line(usize),
    /// The maximum length of the head, in bytes.
    Head(usize),
    /// The maximum number of header fields.
    Headers(usize),
    /// The maximum length of the body, in bytes.
    Body(usize),
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(limit) => write!(f, "a line is longer than {limit} bytes"),
            Self::Head(limit) => write!(f, "the head is longer than {limit} bytes"),
            Self::Headers(limit) => write!(f, "there are more than {limit} header fields"),
            Self::Body(limit) => write!(f, "the body is longer than {limit} bytes"),
        }
    }
}

/// The reason why reading a connection had to stop.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A message exceeds a limit.
    #[error("{excess}")]
    Excess {
        /// The exceeded limit.
        excess: Excess,
        /// The response to send before closing.
        answer: Option<Bytes>,
    },
    /// The end of the message is unknown.
    #[error("Content-Length {problem}")]
    ContentLength {
        /// The fault.
        problem: &'static str,
        /// The response to send before closing.
        answer: Option<Bytes>,
    },
    /// The peer does not speak SIP.
    #[error("not a SIP message")]
    NotSip,
    /// The connection or datagram ended inside a message.
    #[error("incomplete message")]
    Truncated,
    /// The transport failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameError {
    /// The response to send before closing the connection, if one is due and possible.
    #[must_use]
    pub const fn answer(&self) -> Option<&Bytes> {
        match self {
            Self::Excess { answer, .. } | Self::ContentLength { answer, .. } => answer.as_ref(),
            Self::NotSip | Self::Truncated | Self::Io(_) => None,
        }
    }
}
