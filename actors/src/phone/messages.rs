//! What a phone is asked and told.

use std::sync::Arc;

use actix::Message;
use uacsta_schema::csta::{DeviceId, Dialect, Document};

use crate::{
    monitor::SubscriptionChange,
    registration::{PhoneBinding, PhoneUas},
    sip::{connection::OrphanRequest, responder::Responder},
};

/// The phone is bound: requests to it go by this binding from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Bound(pub Arc<PhoneBinding>);

/// The phone is bound no longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unbound {
    /// The binding that ended.
    pub binding: Arc<PhoneBinding>,
    /// Why, for the log and the phone list.
    pub reason: Box<str>,
    /// Responds to the REGISTER that ended the binding, if it was one.
    pub responder: Option<Responder>,
}

/// What the registrar knows of a phone whose actor was restarted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Resume {
    /// Whether the phone may be controlled and monitored.
    pub enabled: bool,
    /// Its binding.
    pub binding: Option<Arc<PhoneBinding>>,
}

/// A request came in what may be the phone's dialog, on another link than the phone's.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Orphan(pub OrphanRequest<PhoneUas>);

/// An operator switched the phone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EnabledChanged(pub bool);

/// A client asks something of the phone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Request {
    /// What.
    pub document: Arc<Document>,
    /// The line, by the phone's name of it, where the request names one.
    pub device: Option<Arc<str>>,
    /// Lines of the phone that the client may not see.
    pub hidden: Box<[DeviceId]>,
    /// How the client speaks.
    pub dialect: Dialect,
    /// The client's answer.
    pub reply: Responder,
}

/// A client subscribes to the events of a line, or changes or ends its subscription: forwarded to the line's monitor point.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// The line, by the phone's name of it.
    pub line: DeviceId,
    /// What changes.
    pub change: SubscriptionChange,
}

/// The server is about to stop: the phone's monitors are stopped, then its session ends. Answered when that is done, or the
/// phone is away.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// The registrar was restarted after a panic: the phone reports its status and its lines again.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ReportAgain;
