//! What a phone is asked and told.

use std::sync::Arc;

use actix::Message;
use uacsta_schema::csta::{DeviceId, Dialect, Document};

use crate::{
    monitor::SubscriptionChange,
    registration::PhoneUas,
    sip::{connection::OrphanRequest, responder::Responder},
};

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
