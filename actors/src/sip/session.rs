//! CSTA application sessions (ECMA TR/87): what an actor may ask of a connection, and the events that it receives.

use std::{fmt, sync::Arc, time::Duration};

use actix::{Message, Recipient};
use bytes::Bytes;
use uacsta_schema::{csta::Edition, sip::Status};

pub use super::body::Body;
use super::responder::{FinalResponse, Responder};

/// A session on one connection. No later session of the connection has the same identity.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SessionId {
    pub(super) slot: u32,
    pub(super) serial: u32,
}

impl SessionId {
    /// Names no session: that of a session which was never established.
    pub(crate) const NONE: Self = Self {
        slot: u32::MAX,
        serial: 0,
    };
}

/// Opens a session with the connection's peer: INVITE with RequestSystemStatus (ECMA TR/87, section 7.1).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Open {
    /// Receives the session's events.
    pub owner: Recipient<SessionEvent>,
    /// The owner's name for the session, repeated in each event.
    pub key: u64,
    /// The Request-URI.
    pub target: Box<str>,
    /// The To, without a tag.
    pub to: Box<str>,
    /// The From, without a tag.
    pub from: Box<str>,
    /// The Route of the INVITE, such as the Path of a registration (RFC 3327, section 5.4).
    pub routes: Box<[Box<str>]>,
    /// The edition of the CSTA documents in this INVITE and in those that refresh the session.
    pub edition: Edition,
    /// The session interval to propose (RFC 4028, section 4).
    pub interval: Duration,
    /// Answers the peer's challenges; without it a challenge is a rejection.
    pub login: Option<Arc<Login>>,
}

/// Credentials for a peer's challenge.
pub struct Login {
    /// The user name.
    pub user: Box<str>,
    /// The password.
    pub password: Box<str>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Accepts the peer's INVITE, which starts a session. Goes to the connection that received the INVITE; sent to another one,
/// it answers 500.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Accept {
    /// The INVITE's.
    pub responder: Responder,
    /// The 2xx.
    pub response: FinalResponse,
    /// Receives the session's events; the first is [`SessionEventKind::Opened`], or `Ended` if the INVITE was cancelled.
    pub owner: Recipient<SessionEvent>,
    /// The owner's name for the session, repeated in each event.
    pub key: u64,
    /// The session interval if the peer names none (RFC 4028, section 9).
    pub interval: Duration,
}

/// Sends a CSTA request in a session (INFO); its owner receives [`SessionEventKind::Response`] with the same ticket.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Invoke {
    /// The session.
    pub session: SessionId,
    /// The owner's name for the request.
    pub ticket: u64,
    /// The request.
    pub content: Body,
}

/// Sends a CSTA event in a session (INFO). Its owner is told only if the session ends by it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Notify {
    /// The session.
    pub session: SessionId,
    /// The event.
    pub content: Body,
}

/// Ends a session (BYE). Its owner receives no further event of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Close {
    /// The session.
    pub session: SessionId,
}

/// Withdraws an [`Open`] of the same owner and key: cancels its INVITE, or ends the session that it opened meanwhile. The owner
/// receives no further event of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Withdraw {
    /// The owner of the session.
    pub owner: Recipient<SessionEvent>,
    /// The owner's name for the session.
    pub key: u64,
}

/// An event of one of the receiver's sessions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SessionEvent {
    /// The owner's name for the session.
    pub key: u64,
    /// The connection's name for it.
    pub session: SessionId,
    /// The event itself.
    pub what: SessionEventKind,
}

/// The kinds of [`SessionEvent`].
#[derive(Debug)]
pub enum SessionEventKind {
    /// The session is open: the peer accepted our INVITE with this body, or our 2xx was sent.
    Opened(Bytes),
    /// The peer rejected our INVITE: there is no session.
    Refused(RequestError),
    /// The peer sent a CSTA request or event: the body of an INFO, or of an INVITE that refreshes the session.
    Request(Bytes, Responder),
    /// The peer sent its last INFO again: the owner repeats its response and does nothing else. Dropping the responder rejects
    /// the INFO with 500 (RFC 3261, section 12.2.2).
    Repeated(Bytes, Responder),
    /// The response to [`Invoke`].
    Response {
        /// The ticket of the request.
        ticket: u64,
        /// The body of the 2xx, or why there is none.
        answer: Result<Bytes, RequestError>,
    },
    /// The session ended.
    Ended(SessionEnd),
}

/// Why a request got no positive response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestError {
    /// The peer rejected it; phones may add a CSTA error.
    Refused {
        /// The status.
        status: Status,
        /// The body, which may be empty.
        body: Bytes,
        /// The Retry-After, at most an hour.
        retry_after: Option<Duration>,
    },
    /// No response arrived in time.
    TimedOut,
    /// The session ended first.
    Ended,
    /// The connection ended first.
    ConnectionLost,
    /// The peer rang instead of accepting our INVITE, which was cancelled.
    Rang,
    /// The request was not sent: it is too large for a datagram.
    TooLarge,
    /// The 2xx to our INVITE establishes no dialog, or one that needs too much memory.
    NoDialog,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionEnd {
    /// The peer sent BYE.
    Bye,
    /// The peer no longer knows the dialog (481).
    Unknown,
    /// The peer did not answer a request in the dialog (408 or time-out).
    Silent,
    /// The peer did not refresh the session in time (RFC 4028, section 10).
    Expired,
    /// The connection ended.
    ConnectionLost,
    /// The session was never established: its INVITE was cancelled before our 2xx (RFC 3261, section 9.2), or makes no dialog.
    Cancelled,
    /// The dialog moved to another connection, which ended first.
    Stranded,
}

impl SessionEnd {
    /// Its name in the facts of a reason.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bye => "bye",
            Self::Unknown => "unknown",
            Self::Silent => "silent",
            Self::Expired => "expired",
            Self::ConnectionLost => "connectionLost",
            Self::Cancelled => "cancelled",
            Self::Stranded => "stranded",
        }
    }
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bye => "the peer sent BYE",
            Self::Unknown => "the peer no longer knows the dialog (481)",
            Self::Silent => "the peer did not answer a request",
            Self::Expired => "the session was not refreshed in time",
            Self::ConnectionLost => "the connection was lost",
            Self::Cancelled => "the peer cancelled its INVITE",
            Self::Stranded => "the connection on which the peer continued it ended",
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, .. } => {
                write!(f, "rejected with {} {}", status.code(), status.reason())
            }
            Self::TimedOut => f.write_str("not answered in time"),
            Self::Ended => f.write_str("interrupted by the end of its session"),
            Self::ConnectionLost => f.write_str("interrupted: the connection was lost"),
            Self::Rang => f.write_str("cancelled: the phone rang on it"),
            Self::NoDialog => f.write_str("accepted by a 200 that establishes no dialog"),
            Self::TooLarge => f.write_str("not sent: too large for a datagram"),
        }
    }
}
