//! Reports of a phone to the registrar: its status, its lines, a moved binding, and a restart.

use std::sync::Arc;

use actix::Message;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::Status;
use crate::{
    licensing::Licensing,
    reason::Cause,
    registration::PhoneBinding,
    supervision::{RestartableAddr, RestartableRecipient},
};

/// Whom phones report to and ask. Shared, since each copy of an address takes memory of its own.
pub struct PhoneUpstream {
    /// Licensing.
    pub licensing: RestartableAddr<Licensing>,
    /// The registrar, of a phone's status.
    pub availability: RestartableRecipient<AvailabilityChanged>,
    /// The registrar, of a phone's lines.
    pub lines: RestartableRecipient<LinesListed>,
    /// The registrar, of a binding that moved.
    pub moved: RestartableRecipient<BindingMoved>,
    /// The registrar, of a restart.
    pub restarted: RestartableRecipient<PhoneRestarted>,
}

/// The phone continues its dialog on another connection; the registrar moves the binding there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BindingMoved {
    /// The binding on the connection where the dialog was.
    pub former: Arc<PhoneBinding>,
    /// The binding on the new connection.
    pub binding: Arc<PhoneBinding>,
}

/// A phone listed its lines.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LinesListed {
    /// The phone.
    pub phone: PhoneId,
    /// Its lines.
    pub lines: Vec<DeviceId>,
}

/// How a phone can be reached now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AvailabilityChanged {
    /// The phone.
    pub phone: PhoneId,
    /// How.
    pub status: Status,
    /// Why it is not controlled; `None` if it is, or if the cause of before goes on.
    pub cause: Option<Cause>,
}

/// A phone's actor was restarted after a panic. It has no binding until it receives [`Resume`](super::Resume).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PhoneRestarted {
    /// The phone.
    pub phone: PhoneId,
}
