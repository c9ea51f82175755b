//! The policy of one kind of connection (RFC 3261, section 8.2): phones, clients and simulators each have a UAS.

use std::{sync::Arc, time::Duration};

use uacsta_schema::sip::{Request, Status};

use super::{
    incident::Incident,
    responder::{Disposition, PendingRequest},
};

/// Decides about requests that belong to no dialog of their connection. It runs within the connection, so it never waits.
///
/// Messages of its own it receives through `impl Handler<..> for SipConnection<Self>`.
pub trait Uas: Sized + Unpin + 'static {
    /// A REGISTER or INVITE outside of any dialog.
    fn request(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition;

    /// A request in a dialog that is not of this connection: 481, where dialogs do not migrate.
    fn orphan(&mut self, _request: &Request, _pending: PendingRequest<'_>) -> Disposition {
        Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
    }

    /// The peer, as far as it is known.
    fn peer(&self) -> Peer<'_>;

    /// Does what is due at `now`, the time since the server's start; returns when something is due next.
    fn sweep(&mut self, _now: Duration) -> Option<Duration> {
        None
    }

    /// The connection has ended.
    fn ended(&mut self, reason: &str);

    /// Counts an incident. Returns how often it happened since the log mentioned it last, or none if it is not to.
    fn incident(&self, _incident: Incident<'_>) -> Option<u32> {
        Some(1)
    }
}

/// The peer of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// Who it is, for the log; empty as long as that is not known.
    pub name: &'a str,
    /// The device that it speaks for: the log's field `phone`, by which lines are filtered.
    pub device: Option<&'a Arc<str>>,
    /// Whether it has authenticated, so that the limits of unauthenticated peers no longer hold.
    pub authenticated: bool,
}

/// How much a peer may leave undone.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many of its requests may wait for their responses; each further one gets 503.
    pub pending_requests: usize,
    /// How many events it may leave unanswered; one more ends the connection.
    pub unanswered_events: usize,
}

impl Default for Limits {
    /// Those of a peer that is sent no events. A connection may carry many phones, which register at once.
    fn default() -> Self {
        Self {
            pending_requests: 1024,
            unanswered_events: usize::MAX,
        }
    }
}
