//! The UAS core of a connection (RFC 3261, section 8.2): the policy that differs between phones, clients and tools.

use std::{sync::Arc, time::Duration};

use uacsta_schema::sip::{Head, Request, Status};

use super::{
    incident::Incident,
    responder::{Disposition, PendingRequest},
};

/// Responds to requests outside the dialogs of its connection. Runs within the connection, so it must not block.
///
/// Receives messages of its own through `impl Handler<..> for SipConnection<Self>`.
pub trait Uas: Sized + Unpin + 'static {
    /// A REGISTER or INVITE outside dialogs.
    fn request(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition;

    /// A request in a dialog that its connection does not own. The default is 481.
    fn orphan(&mut self, _request: &Request, _pending: PendingRequest<'_>) -> Disposition {
        Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
    }

    /// The peer, as far as known.
    fn peer(&self) -> Peer<'_>;

    /// The device that a message of the connection concerns, for the trace.
    fn device_of(_head: &Head) -> Option<String> {
        None
    }

    /// What may have kept the peer from logging on, for the log.
    fn log_on_hint(&self) -> Option<&'static str> {
        None
    }

    /// Does the work that is due at `now`, the time since the server's start; returns the time of the next work.
    fn sweep(&mut self, _now: Duration) -> Option<Duration> {
        None
    }

    /// The connection ended; `reason` is for the log.
    fn ended(&mut self, reason: &str);

    /// Counts an incident. Returns the occurrences since the last log line, or `None` if it is not to be logged.
    fn incident(&self, _incident: Incident<'_>) -> Option<u32> {
        Some(1)
    }
}

/// The peer of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// The peer's name for the log; empty while unknown.
    pub name: &'a str,
    /// The peer's device, for the log field `phone`.
    pub device: Option<&'a Arc<str>>,
    /// Whether the peer has authenticated, so that the limits of unauthenticated peers no longer apply.
    pub authenticated: bool,
}

/// Limits of unanswered messages on a connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The peer's requests without a response; further ones get 503.
    pub pending_requests: usize,
    /// Events to the peer without a response; a further one ends the connection.
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
