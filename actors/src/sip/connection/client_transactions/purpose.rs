//! Why a request was sent, and what remains of that until its response.

use tokio::sync::oneshot;
use uacsta_schema::sip::Response;

use super::branch::Branch;
use crate::sip::{
    body::Body,
    dialog::Dialog,
    session::{RequestError, SessionId},
};

/// Why a request was sent.
#[derive(Debug)]
pub(in crate::sip::connection) enum Purpose {
    /// In a session, which handles the outcome.
    Session(SessionId, SessionPurpose),
    /// To end a session that the connection has already removed.
    Bye,
    /// To cancel an INVITE.
    Cancel,
    /// Outside dialogs, for another actor.
    Request(ResponseSender),
    /// An INVITE in a session that has ended meanwhile. Its final response is acknowledged all the same.
    Orphaned(Box<(Dialog, Branch)>),
    /// The final response arrived. The transaction remains for its copies; those of a 2xx to an INVITE are acknowledged, and
    /// one with another To `tag` makes a dialog of its own (RFC 3261, section 13.2.2.4).
    Answered { tag: Option<Box<str>> },
}

/// Why a request was sent in a session.
#[derive(Debug)]
pub(in crate::sip::connection) enum SessionPurpose {
    /// Opens the session; `retries` counts the challenges and the 422 that were answered.
    Invite { retries: u8 },
    /// Refreshes the session.
    Refresh { by_invite: bool },
    /// A CSTA request. The content is kept if a challenge to it can be answered.
    Invoke {
        ticket: u64,
        content: Option<Body>,
        retries: u8,
    },
    /// A CSTA event.
    Notify,
}

/// Receives the final response to a request outside dialogs.
pub(in crate::sip::connection) type ResponseSender =
    oneshot::Sender<Result<Response, RequestError>>;

impl Purpose {
    pub(in crate::sip::connection) fn session(&self) -> Option<SessionId> {
        match self {
            Self::Session(session, _) => Some(*session),
            Self::Bye
            | Self::Cancel
            | Self::Request(_)
            | Self::Orphaned(_)
            | Self::Answered { .. } => None,
        }
    }
}
