//! A connection's lease of a binding: refreshed without the registrar, and reported to the registrar when it ends.

use std::{sync::Arc, time::Duration};

use actix::{Handler, Message};
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{HeaderName, Status},
};

use super::{
    BindingEnd, BindingEnded, Known, PhoneBinding, PhoneConnection, RegistrarRecipients,
    seconds_left,
};
use crate::sip::responder::{FinalResponse, Responder};

/// The expiry and the last CSeq of a binding, held by the binding's connection. Dropping the lease reports the end of the
/// binding to the registrar.
pub struct Lease {
    registrar: Arc<RegistrarRecipients>,
    binding: Arc<PhoneBinding>,
    cseq: u32,
    /// When the last REGISTER arrived.
    at: Duration,
    until: Duration,
    /// Whether the registrar knows that the lease ended.
    is_known: bool,
}

/// How long a binding outlasts its expiry, for a late refresh.
const GRACE: Duration = Duration::from_secs(5);

impl Lease {
    /// Creates the lease of a binding that was created at `now`.
    pub(crate) fn new(
        registrar: &Arc<RegistrarRecipients>,
        binding: &Arc<PhoneBinding>,
        now: Duration,
    ) -> Self {
        let until = now + Duration::from_secs(binding.expires.into());
        Self {
            registrar: Arc::clone(registrar),
            cseq: binding.cseq,
            at: binding.made_at,
            until,
            binding: Arc::clone(binding),
            is_known: false,
        }
    }

    pub(crate) fn phone(&self) -> PhoneId {
        self.binding.phone
    }

    /// Whether this is the lease of the binding, not of a later one of the same phone.
    pub(crate) fn is_of(&self, binding: &PhoneBinding) -> bool {
        self.binding.phone == binding.phone && self.binding.made_at <= binding.made_at
    }

    /// The binding's data that a REGISTER is compared with.
    pub(crate) fn known(&self) -> Known<'_> {
        Known {
            contact: &self.binding.contact,
            call_id: &self.binding.call_id,
            cseq: self.cseq,
            path: &self.binding.path,
            at: self.at,
        }
    }

    /// Extends the binding by this many seconds, for a REGISTER with this CSeq.
    pub(crate) fn refresh(&mut self, cseq: u32, expires: u32, now: Duration) {
        self.cseq = cseq;
        self.at = now;
        self.until = now + Duration::from_secs(expires.into());
    }

    /// The time at which the binding ends without a refresh.
    pub(crate) fn lapses_at(&self) -> Duration {
        self.until + GRACE
    }

    /// The 200 that lists the binding (RFC 3261, section 10.3, step 8).
    pub(crate) fn response(&self, now: Duration) -> FinalResponse {
        let seconds = seconds_left(self.until, now);
        let contact = &self.binding.contact;
        let response = FinalResponse::from(Status::OK)
            .header(
                HeaderName::Contact,
                format_args!("<{contact}>;expires={seconds}"),
            )
            .header(HeaderName::Expires, seconds);
        // RFC 3327, section 5.3: "The registrar copies the Path header field values into a Path header field".
        match &*self.binding.path {
            [] => response,
            path => response.header(HeaderName::Path, path.join(", ")),
        }
    }

    /// Replaces a former lease of the same phone.
    pub(crate) fn replace(self, former: &mut Self) {
        let mut former = std::mem::replace(former, self);
        former.is_known = true;
    }

    /// Ends the binding.
    pub(crate) fn end(mut self, end: BindingEnd) {
        self.report(end);
        self.is_known = true;
    }

    /// Ends a lease whose binding the registrar is already removing.
    pub(crate) fn discard(mut self) {
        self.is_known = true;
    }

    fn report(&self, end: BindingEnd) {
        self.registrar.binding_ended.do_send(BindingEnded {
            binding: Arc::clone(&self.binding),
            until: self.until,
            end,
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.is_known {
            self.report(BindingEnd::connection_ended());
        }
    }
}

/// Transfers a lease to its connection, with the 200 of the REGISTER that created the binding.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Granted {
    /// The lease.
    pub lease: Lease,
    /// Responds to the REGISTER, if there was one.
    pub responder: Option<Responder>,
}

/// Ends a connection's lease. The connection ends with its last lease, after the INVITEs that were given up: a front end or a
/// base station may carry several phones.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Released {
    /// The binding. The lease of a later binding stays.
    pub binding: Arc<PhoneBinding>,
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Ends the lease of a phone that logged off, perhaps over another connection. That other connection ends only if it held the
/// lease, since it may still have to carry the 200.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LoggedOff(pub Arc<PhoneBinding>);

/// Asks a connection to list a binding, for a REGISTER on another connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ListBinding {
    /// The phone.
    pub phone: PhoneId,
    /// Responds to the REGISTER.
    pub responder: Responder,
}

impl Handler<Granted> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, Granted { lease, responder }: Granted, ctx: &mut Self::Context) {
        let uas = self.uas_mut();
        let response = lease.response(uas.now());
        uas.hold(lease);
        self.stay();
        self.reschedule(ctx);
        if let Some(responder) = responder {
            self.respond(responder, response, ctx);
        }
    }
}

impl Handler<Released> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, Released { binding, reason }: Released, ctx: &mut Self::Context) {
        let uas = self.uas_mut();
        uas.release(&binding, BindingEnd::ConnectionLost(reason.clone()));
        if !uas.is_bound() {
            self.leave(reason, ctx);
        }
    }
}

impl Handler<LoggedOff> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, LoggedOff(binding): LoggedOff, ctx: &mut Self::Context) {
        let uas = self.uas_mut();
        if uas.release(&binding, BindingEnd::LoggedOff) && !uas.is_bound() {
            self.leave(BindingEnd::LoggedOff.to_string(), ctx);
        }
    }
}

impl Handler<ListBinding> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, ListBinding { phone, responder }: ListBinding, _: &mut Self::Context) {
        match self.uas_mut().listing(phone) {
            Some(response) => responder.with(response),
            None => responder.ok(),
        }
    }
}
