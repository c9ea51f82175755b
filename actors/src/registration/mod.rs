//! Registration of phones (RFC 3261, section 10): the bindings, and the UAS that authenticates REGISTER on phones' connections.
//!
//! The registrar and the phones import this room, which imports neither.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix::{Addr, Message};
use actix_rt::ArbiterHandle;
use uacsta_schema::{phone_id::PhoneId, sip};

use crate::{
    reason::ContactFault,
    sip::{
        connection::{OrphanRequest, SipConnection},
        responder::Responder,
    },
    supervision::RestartableRecipient,
};

mod authentication;
mod binding_end;
mod bindings;
mod identity;
mod lease;
mod register;
mod rejection;
pub mod stateless_uas;
mod uas;

pub(crate) use authentication::is_client;
pub use binding_end::BindingEnd;
pub use bindings::Binding;
pub(crate) use bindings::Bindings;
pub use lease::{Granted, Lease, ListBinding, LoggedOff, Released};
pub use register::{ContactUpdate, Known, RegisterStep, Update, seconds_left};
pub(crate) use register::{RAPID_REBINDS, RegisterOutcome, RegisterRequest, register};
pub use rejection::Rejection;
pub use uas::PhoneUas;

/// The connection of a phone, or of several behind a front end or a base station.
pub type PhoneConnection = SipConnection<PhoneUas>;

/// A binding of a phone.
pub type PhoneBinding = Binding<Flow>;

/// The path of requests to a phone: its connection, and the connection's thread.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The connection. Shared, since each copy of an address takes memory of its own.
    pub connection: Arc<Addr<PhoneConnection>>,
    /// The connection's thread.
    pub arbiter: ArbiterHandle,
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        *self.connection == *other.connection
    }
}

/// The registrar's addresses for phones' connections. Shared, since each copy of an address allocates.
pub struct RegistrarRecipients {
    /// Decides about a REGISTER.
    pub register: RestartableRecipient<Register>,
    /// Removes a binding.
    pub binding_ended: RestartableRecipient<BindingEnded>,
    /// Finds the phone of an orphan.
    pub forward_orphan: RestartableRecipient<ForwardOrphan>,
    /// Notes failed contacts of listed phones.
    pub contact_failed: RestartableRecipient<ContactFailed>,
}

impl RegistrarRecipients {
    /// Reports a contact of this phone that failed.
    pub(crate) fn refused(&self, phone: PhoneId, from: SocketAddr, fault: ContactFault) {
        self.contact_failed.do_send(ContactFailed {
            phone: Some(phone),
            from: from.ip(),
            fault,
        });
    }

    /// Reports a failed contact from an address; the peer did not name a phone.
    pub fn refused_unnamed(&self, from: SocketAddr, fault: ContactFault) {
        self.contact_failed.do_send(ContactFailed {
            phone: None,
            from: from.ip(),
            fault,
        });
    }
}

/// A peer was refused before it was a registered phone. The registrar keeps this for listed phones only.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct ContactFailed {
    /// The phone that the peer named.
    pub phone: Option<PhoneId>,
    /// The peer's address.
    pub from: IpAddr,
    /// Why it was refused.
    pub fault: ContactFault,
}

/// A REGISTER that only the registrar can respond to.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Register {
    /// The authenticated sender.
    pub phone: PhoneId,
    /// The REGISTER.
    pub request: sip::Request,
    /// When its sender was challenged on this connection.
    pub challenged_at: Duration,
    /// The source address.
    pub address: SocketAddr,
    /// The connection that received the REGISTER.
    pub flow: Flow,
    /// Responds to the REGISTER.
    pub responder: Responder,
}

/// A binding ended on its connection: no refresh arrived in time, or the connection ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BindingEnded {
    /// The binding.
    pub binding: Arc<PhoneBinding>,
    /// The binding's expiry, as time since the server's start.
    pub until: Duration,
    /// Why.
    pub end: BindingEnd,
}

/// Asks the registrar to forward an in-dialog request to its phone. The request arrived outside its dialog's connection.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ForwardOrphan {
    /// The phone in the request, or its extension.
    pub from: PhoneId,
    /// The request.
    pub orphan: OrphanRequest<PhoneUas>,
}
