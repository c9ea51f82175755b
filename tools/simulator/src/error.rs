//! The errors of a fleet and of its phones.

use uacsta_schema::csta::Failure;

/// Why a request to a fleet or to one of its phones failed.
#[derive(Debug, thiserror::Error, Eq, PartialEq)]
pub enum FleetError {
    /// Two phones have the same number.
    #[error("two phones cannot both have the number {0}")]
    Twice(Box<str>),
    /// The phone rejected the request.
    #[error("phone rejected the request: {0}")]
    Refused(#[from] Failure),
    /// The phone has no line with that number.
    #[error("the phone has no line {0}")]
    NoLine(Box<str>),
    /// The phones' thread has ended.
    #[error("the phones have stopped")]
    Stopped,
}
