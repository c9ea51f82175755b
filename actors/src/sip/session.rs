//! A CSTA application session on a dialog (ECMA TR/87): what its owner may ask for, and what it is told.

use std::{fmt, sync::Arc, time::Duration};

use actix::{Message, Recipient};
use bytes::{Bytes, BytesMut};
use uacsta_schema::{
    csta::{self, Changes, Document, Edition, RequestSystemStatus},
    sip::Status,
};

use super::responder::Responder;

/// The media type of CSTA documents (TR/87, section 7).
pub(super) const CSTA: &str = "application/csta+xml";

/// The request in our INVITEs, which opens a session and keeps it alive (TR/87, section 7.1).
pub(super) fn request_system_status(edition: Edition) -> Bytes {
    csta::write(&RequestSystemStatus::default().into(), &edition.into())
}

/// A session on one connection. Sessions that ended are never mistaken for later ones.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SessionId {
    pub(super) slot: u32,
    pub(super) serial: u32,
}

impl SessionId {
    /// The name of a session that never was.
    pub(crate) const NONE: Self = Self {
        slot: u32::MAX,
        serial: 0,
    };
}

/// A CSTA document to be sent.
#[derive(Clone, Debug)]
pub enum Body {
    /// As it stands.
    Whole(Bytes),
    /// One that arrived, with what is ours exchanged while it is written.
    Relayed {
        /// What arrived.
        document: Arc<Document>,
        /// The receiver's edition.
        edition: Edition,
        /// The receiver's cross reference, in events.
        cross_ref: Option<Arc<str>>,
        /// The line by the receiver's name, in requests.
        device: Option<Arc<str>>,
    },
}

impl Body {
    /// The length in octets.
    pub fn length(&self) -> usize {
        match self {
            Self::Whole(document) => document.len(),
            Self::Relayed {
                document,
                edition,
                cross_ref,
                device,
            } => document.relayed_len(&Changes {
                edition: *edition,
                cross_ref: cross_ref.as_deref(),
                device: device.as_deref(),
            }),
        }
    }

    /// Writes the document at the end of `out`.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Whole(document) => out.extend_from_slice(document),
            Self::Relayed {
                document,
                edition,
                cross_ref,
                device,
            } => {
                document.relay_into(
                    &Changes {
                        edition: *edition,
                        cross_ref: cross_ref.as_deref(),
                        device: device.as_deref(),
                    },
                    out,
                );
            }
        }
    }
}

impl From<Bytes> for Body {
    fn from(document: Bytes) -> Self {
        Self::Whole(document)
    }
}

/// Opens a session with the peer of a link: INVITE with RequestSystemStatus (TR/87, section 7.1).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Open {
    /// Who is told what happens in the session.
    pub owner: Recipient<SessionEvent>,
    /// The owner's name for the session.
    pub key: u64,
    /// The Request-URI.
    pub target: Box<str>,
    /// The To.
    pub to: Box<str>,
    /// The From.
    pub from: Box<str>,
    /// The edition that the INVITE is written in, and those that refresh the session.
    pub edition: Edition,
    /// The session interval to ask for (RFC 4028).
    pub interval: Duration,
    /// What answers a challenge of the peer.
    pub login: Option<Arc<Login>>,
}

/// What answers a peer's challenge.
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

/// Sends a CSTA request in a session (INFO); the owner hears [`SessionEventKind::Response`] with the same ticket.
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

/// Sends a CSTA event in a session (INFO); the owner hears of it only if the session ends by it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Notify {
    /// The session.
    pub session: SessionId,
    /// The event.
    pub content: Body,
}

/// Ends a session (BYE). The owner hears nothing more of it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Close {
    /// The session.
    pub session: SessionId,
}

/// Something happened in a session of the receiver's.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SessionEvent {
    /// The owner's name for the session.
    pub key: u64,
    /// The link's name for it.
    pub session: SessionId,
    /// What happened.
    pub what: SessionEventKind,
}

/// What can happen in a session.
#[derive(Debug)]
pub enum SessionEventKind {
    /// It is open: our INVITE was accepted with this body, or our acceptance was sent.
    Opened(Bytes),
    /// Our INVITE was refused. There is no session.
    Refused(RequestError),
    /// The peer asks something: the body of an INFO, or of an INVITE that refreshes the session.
    Request(Bytes, Responder),
    /// The peer's last INFO came once more: the same answer, and nothing done. An owner that drops it refuses it with 500 (RFC 3261, section 12.2.2).
    Repeated(Bytes, Responder),
    /// The answer to [`Invoke`].
    Response {
        /// The ticket of the request.
        ticket: u64,
        /// The body of the 2xx, or why there is none.
        answer: Result<Bytes, RequestError>,
    },
    /// It is over.
    Ended(SessionEnd),
}

/// Why a request got no positive response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestError {
    /// It was refused with a status; phones may add a CSTA error to it.
    Refused {
        /// The status.
        status: Status,
        /// The body.
        body: Bytes,
        /// How long the peer asks us to wait.
        retry_after: Option<Duration>,
    },
    /// No answer came in time.
    TimedOut,
    /// The session or its connection ended first.
    Ended,
    /// The request was not sent: it is too large for a datagram.
    TooLarge,
    /// The 2xx to our INVITE makes no dialog, or one that takes more memory than a session is worth.
    NoDialog,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionEnd {
    /// The peer said BYE.
    Bye,
    /// The peer does not know the dialog any more (481).
    Unknown,
    /// A request in the dialog was not answered (408 or time-out).
    Silent,
    /// It was not refreshed in time (RFC 4028).
    Expired,
    /// The connection is gone.
    ConnectionLost,
    /// It never was: its INVITE was cancelled before our acceptance could be sent (RFC 3261, section 9.2), or makes no dialog.
    Cancelled,
}

impl fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bye => "the peer ended it (BYE)",
            Self::Unknown => "the peer no longer knows the dialog (481)",
            Self::Silent => "the peer did not answer a request",
            Self::Expired => "it was not refreshed in time",
            Self::ConnectionLost => "the connection was lost",
            Self::Cancelled => "the peer gave it up before it was open",
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, .. } => {
                write!(f, "refused with {} {}", status.code(), status.reason())
            }
            Self::TimedOut => f.write_str("not answered in time"),
            Self::Ended => f.write_str("cut short by the end of its session"),
            Self::NoDialog => f.write_str("accepted by a 200 that makes no dialog"),
            Self::TooLarge => f.write_str("not sent: it is too large for a datagram"),
        }
    }
}
