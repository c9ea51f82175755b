//! What a phone reports to the registrar: its status, its lines, a moved binding, and the end of its actor.

use std::sync::Arc;

use actix::{Addr, Message};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{Phone, RestartState, Status};
use crate::registration::PhoneBinding;

/// A phone's dialog continues on another connection, and its binding with it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BindingMoved {
    /// The binding on the connection where the dialog was.
    pub former: Arc<PhoneBinding>,
    /// The binding on the connection where it is.
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
    /// Why not better, in words.
    pub reason: Option<String>,
}

/// A phone's actor ended, by a panic if the server is not stopping.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PhoneActorEnded {
    /// The phone.
    pub phone: PhoneId,
    /// Its actor.
    pub actor: Addr<Phone>,
    /// What the actor that takes its place goes on with.
    pub restart_state: RestartState,
}
