//! Who receives a link's requests that belong to no session: phones, clients and simulated phones each have a uas.

use std::{sync::Arc, time::Duration};

use actix::Addr;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{Request, Status},
};

use super::{
    connection::SipConnection,
    responder::{Disposition, FinalResponse, PendingRequest, Responder},
};
use crate::{counters::Event, registration::Bound};

/// The policy of one kind of link. It runs within the link, so it never waits.
pub trait Uas: Send {
    /// A REGISTER or INVITE outside of any dialog.
    fn request(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition;

    /// A request in a dialog that this link does not own.
    fn stray(&mut self, _request: &Request, _asked: PendingRequest<'_>) -> Disposition {
        Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
    }

    /// Whether the sender of a request in a dialog of another link proves to be its party, who logs on by this name.
    fn admits(&mut self, _request: &Request, _user: PhoneId) -> Result<(), FinalResponse> {
        Err(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into())
    }

    /// The desk's link has started.
    fn opened(&mut self, _link: &Arc<Addr<SipConnection>>) {}

    /// A phone is bound on this link.
    fn bound(&mut self, _bound: Bound) {}

    /// A phone is bound on this link no longer.
    fn left(&mut self, _mac: PhoneId) {}

    /// Somebody asks with which bindings a phone is bound here (RFC 3261 10.2.3).
    fn bindings(&self, _mac: PhoneId, reply: Responder) {
        reply.ok();
    }

    /// Carries out what is due at `now`, the time since the server's start; returns when something is due next.
    fn sweep(&mut self, _now: Duration) -> Option<Duration> {
        None
    }

    /// The link is gone.
    fn ended(&mut self, link: &Addr<SipConnection>, reason: &str);

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
