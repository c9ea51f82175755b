//! Registration of phones (RFC 3261, section 10): the bindings, and the UAS that authenticates REGISTER on phones' connections.
//!
//! The registrar and the phones import this room, which imports neither.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix::{Addr, Message};
use actix_rt::ArbiterHandle;
use uacsta_schema::{phone_id::PhoneId, sip};

use crate::{
    sip::{
        connection::{OrphanRequest, SipConnection},
        responder::Responder,
    },
    supervision::RestartableRecipient,
};

mod bindings;
mod identity;
mod lease;
mod register;
mod rejection;
pub mod stateless_uas;
mod uas;

pub(crate) use bindings::Bindings;
pub use bindings::{AddressOfRecord, Binding, RegisterIdentity};
pub use lease::{Granted, Lease, ListBinding, LoggedOff, Released};
pub use register::{ContactUpdate, Known, RegisterStep, Update, seconds_left};
pub(crate) use register::{RAPID_REBINDS, RegisterOutcome, RegisterRequest, register};
pub use rejection::Rejection;
pub use uas::PhoneUas;

/// The connection of a phone, or of several behind a front end or a base station.
pub type PhoneConnection = SipConnection<PhoneUas>;

/// A binding of a phone.
pub type PhoneBinding = Binding<Flow>;

/// What requests to a phone go by: its connection, and the thread that it lives on.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The connection. Shared, since each copy of an address takes memory of its own.
    pub connection: Arc<Addr<PhoneConnection>>,
    /// Its thread.
    pub arbiter: ArbiterHandle,
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        *self.connection == *other.connection
    }
}

/// The registrar, as the connections of phones see it. Shared, since each copy of an address takes memory of its own.
pub struct RegistrarRecipients {
    /// Decides about a REGISTER.
    pub register: RestartableRecipient<Register>,
    /// Removes a binding.
    pub binding_ended: RestartableRecipient<BindingEnded>,
    /// Finds the phone of an orphan.
    pub forward_orphan: RestartableRecipient<ForwardOrphan>,
}

/// A REGISTER that its connection cannot respond to by itself.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Register {
    /// Whom it names, which its sender has proved.
    pub identity: RegisterIdentity,
    /// What it says.
    pub request: sip::Request,
    /// Where it came from.
    pub address: SocketAddr,
    /// The connection that it came on.
    pub flow: Flow,
    /// Its response.
    pub responder: Responder,
}

/// A binding ended on its connection: it was not refreshed in time, or the connection ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BindingEnded {
    /// The binding.
    pub binding: Arc<PhoneBinding>,
    /// Until when it was to last, as time since the server's start.
    pub until: Duration,
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Asks the registrar to forward an in-dialog request, which arrived outside its dialog's connection, to the phone that it names.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ForwardOrphan {
    /// The phone, or the extension that it is known by.
    pub from: PhoneId,
    /// The request.
    pub orphan: OrphanRequest<PhoneUas>,
}
