//! The UAS core of a connection (RFC 3261, section 8.2): the policy that differs between phones, clients and tools.

use std::{sync::Arc, time::Duration};

use uacsta_schema::sip::{Request, Status};

use super::{
    incident::Incident,
    responder::{Disposition, PendingRequest},
};

/// Answers requests that are in no dialog of their connection. It runs within the connection, so it must not block.
///
/// It receives messages of its own through `impl Handler<..> for SipConnection<Self>`.
pub trait Uas: Sized + Unpin + 'static {
    /// A REGISTER or INVITE outside dialogs.
    fn request(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition;

    /// A request in a dialog that its connection does not own. The default is 481.
    fn orphan(&mut self, _request: &Request, _pending: PendingRequest<'_>) -> Disposition {
        Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
    }

    /// Who the peer is, as far as that is known.
    fn peer(&self) -> Peer<'_>;

    /// Does what is due at `now`, the time since the server's start; returns when something is due next.
    fn sweep(&mut self, _now: Duration) -> Option<Duration> {
        None
    }

    /// The connection ended; `reason` is for the log.
    fn ended(&mut self, reason: &str);

    /// Counts an incident. Returns how often it happened since it was last logged, or `None` if it is not to be logged.
    fn incident(&self, _incident: Incident<'_>) -> Option<u32> {
        Some(1)
    }
}

/// The peer of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// Its name for the log; empty as long as it is unknown.
    pub name: &'a str,
    /// Its device: the log field `phone`, by which lines are filtered.
    pub device: Option<&'a Arc<str>>,
    /// Whether it has authenticated, so that the limits of unauthenticated peers no longer hold.
    pub authenticated: bool,
}

/// How many messages may be unanswered.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The peer's requests without a response; each further one gets 503.
    pub pending_requests: usize,
    /// Events to the peer without a response; one more ends the connection.
    pub unanswered_events: usize,
}

impl Default for Limits {
    /// For a peer that receives no events. A connection may carry many phones, which register at once.
    fn default() -> Self {
        Self {
            pending_requests: 1024,
            unanswered_events: usize::MAX,
        }
    }
}
