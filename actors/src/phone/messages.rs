//! What a phone is asked and told.

use std::sync::Arc;

use actix::Message;
use uacsta_schema::csta::{DeviceId, Dialect, Document, ServiceId};

use crate::{
    monitor::SubscriptionChange,
    refusal::Refusal,
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

/// An operator tries a service at the phone itself; the document's device is spelled as the phone does.
#[derive(Debug, Message)]
#[rtype(result = "ProbeAnswer")]
pub struct Probe {
    /// The service, for what the profile says of it.
    pub service: ServiceId,
    /// The request.
    pub document: Arc<Document>,
}

/// What came of a trial.
#[derive(Debug)]
pub struct ProbeAnswer {
    /// What the maker's profile says of the service.
    pub profile: ProfileEntry,
    /// The phone's response, or why there is none.
    pub answer: Result<Document, Refusal>,
}

/// What a maker's profile says of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProfileEntry {
    /// Whether the phone has it, which is assumed where the profile does not list it.
    pub has: bool,
    /// The first firmware that has it, `yes` or `no`; none where the profile does not list it.
    pub since: Option<String>,
    /// Whether the server makes it out of other services.
    pub emulated: bool,
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
