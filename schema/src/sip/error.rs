//! Errors in what a peer sent, worded for the response and the log.

use std::{fmt, io};

use bytes::Bytes;

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

/// One sentence without a full stop, as a reason phrase (RFC 3261, section 21.4.1) wants it: "CSeq is missing".
impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.header, self.problem)
    }
}

impl std::error::Error for HeaderError {}

/// Which bound was passed, with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// A line is longer than so many bytes.
    Line(usize),
    /// The head is longer than so many bytes.
    Head(usize),
    /// There are more than so many header fields.
    Headers(usize),
    /// The body is announced as longer than so many bytes.
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

/// Why a connection cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A bound was passed.
    #[error("{excess}")]
    Excess {
        /// Which one.
        excess: Excess,
        /// What to send before closing.
        answer: Option<Bytes>,
    },
    /// Where the message ends cannot be told.
    #[error("Content-Length {problem}")]
    ContentLength {
        /// What is wrong with it.
        problem: &'static str,
        /// What to send before closing.
        answer: Option<Bytes>,
    },
    /// The peer does not speak SIP.
    #[error("this is not SIP")]
    NotSip,
    /// The connection or datagram ended within a message.
    #[error("it ends within a message")]
    Truncated,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameError {
    /// The response to send before the connection is closed, if one is due and possible.
    #[must_use]
    pub const fn answer(&self) -> Option<&Bytes> {
        match self {
            Self::Excess { answer, .. } | Self::ContentLength { answer, .. } => answer.as_ref(),
            Self::NotSip | Self::Truncated | Self::Io(_) => None,
        }
    }
}
