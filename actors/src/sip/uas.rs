//! The policy of one kind of connection: phones, clients, simulated phones and consoles each have a UAS.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{Request, Status},
};

use super::{
    connection::SipConnection,
    responder::{Disposition, PendingRequest},
};
use crate::counters::Event;

/// Decides what becomes of the requests that belong to no session of a connection. It runs within the connection, so it never
/// waits; messages of its own it takes through `impl Handler<..> for SipConnection<Self>`.
pub trait Uas: Sized + Unpin + 'static {
    /// A REGISTER or INVITE outside of any dialog.
    fn request(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition;

    /// A request in a dialog that this connection does not own: 481 where dialogs never move between connections.
    fn orphan(&mut self, _request: &Request, _asked: PendingRequest<'_>) -> Disposition {
        Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
    }

    /// The connection has started, and is reached here.
    fn opened(&mut self, _connection: &Arc<Addr<SipConnection<Self>>>) {}

    /// Carries out what is due at `now`, the time since the server's start; returns when something is due next.
    fn sweep(&mut self, _now: Duration) -> Option<Duration> {
        None
    }

    /// The connection is gone.
    fn ended(&mut self, reason: &str);

    /// How many requests of a peer on a connection may wait for their answers; each further one gets 503. Many phones may
    /// share a connection, and come back at once.
    fn most_waiting(&self) -> usize {
        1024
    }

    /// How many events a peer may leave unanswered. Only clients are sent any.
    fn most_unanswered(&self) -> usize {
        usize::MAX
    }

    /// Whether the log is to say what the peer did wrong, and how often that was since it was said last.
    fn mentions(&self, _what: &str) -> Option<u32> {
        Some(1)
    }

    /// Counts something that happened to the connection.
    fn count(&self, _event: Event) {}

    /// Whether somebody has logged on.
    fn is_known(&self) -> bool {
        true
    }

    /// The phone that the connection is for, as far as that is known.
    fn mac(&self) -> Option<PhoneId> {
        None
    }

    /// Who is at the other end, for the log: empty while nobody has logged on.
    fn peer(&self) -> &str;
}
