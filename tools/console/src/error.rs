//! The errors of a console.

use uacsta_actors::sip::session::RequestError;
use uacsta_connect::ConnectError;
use uacsta_schema::csta::Failure;

/// Why a console's request failed.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The server cannot be reached.
    #[error(transparent)]
    Dial(#[from] ConnectError),
    /// The server rejected the user or the password.
    #[error("the server does not accept this user and password")]
    LogOn,
    /// The server rejected the INVITE.
    #[error("the server opens no session: the INVITE was {0}")]
    NoSession(RequestError),
    /// The server or the phone rejected the request.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// The request was rejected by its SIP status alone, or not answered.
    #[error("{service} was {why}")]
    RequestError {
        /// The request.
        service: &'static str,
        /// How it failed.
        why: RequestError,
    },
    /// The response does not belong to the request.
    #[error("invalid response to {service}: {reason}")]
    NotCsta {
        /// The request.
        service: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The line has no call in the required state.
    #[error("{line} has no call that {which}")]
    NoCall {
        /// The line.
        line: String,
        /// The required state.
        which: &'static str,
    },
    /// The server has no such line, or this user may not see it.
    #[error("there is no line {0}; `lines` lists them")]
    NoLine(String),
    /// The line is not watched.
    #[error("{0} is not watched")]
    NotWatched(String),
    /// The session is over.
    #[error("the session with the server is over: {0}")]
    Over(String),
}
