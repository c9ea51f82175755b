//! What a phone is asked and told.

use std::sync::Arc;

use actix::Message;
use smallvec::SmallVec;
use uacsta_schema::csta::{DeviceId, Document, MonitorFilter, Speech};

use super::uas::PhoneUas;
use crate::{
    licensing::Seat,
    monitor::Watcher,
    refusal::Refusal,
    sip::{connection::OrphanRequest, responder::Responder},
};

/// A request came in what may be the phone's dialog, on another link than the phone's.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Wanted(pub OrphanRequest<PhoneUas>);

/// An operator switched the phone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct InOperation(pub bool);

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
    pub speech: Speech,
    /// The client's answer.
    pub reply: Responder,
}

/// An operator tries a service at the phone itself; the document's device is spelled as the phone does.
#[derive(Debug, Message)]
#[rtype(result = "Tried")]
pub struct Try(pub Arc<Document>);

/// What came of a trial.
#[derive(Debug)]
pub struct Tried {
    /// What the maker's profile says of the service.
    pub said: Said,
    /// The phone's response, or why there is none.
    pub answer: Result<Document, Refusal>,
}

/// What a maker's profile says of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// Whether the phone has it, which is assumed where the profile does not list it.
    pub has: bool,
    /// The first firmware that has it, `yes` or `no`; none where the profile does not list it.
    pub since: Option<String>,
    /// Whether the server makes it out of other services.
    pub emulated: bool,
}

/// A client watches a line.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Watch {
    /// The line, by the phone's name of it.
    pub device: DeviceId,
    /// The client.
    pub watcher: Watcher,
}

/// A client changes what it is told of a line.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Refilter {
    /// The line.
    pub device: DeviceId,
    /// The client's cross reference.
    pub cross_ref: Arc<str>,
    /// What it is not told.
    pub filter: MonitorFilter,
}

/// The server is about to stop: the phone's monitors are stopped, then its session ends. Answered when that is done, or the
/// phone is away.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// The registrar or licensing failed, and another is in its place: what the phone, or a monitor point, told it or asked of it
/// is said again.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Announce;

/// There is no licence for a line: its monitor is ended when its calls are over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Relinquish {
    /// The line.
    pub device: DeviceId,
}

/// A client watches a line no more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unwatch {
    /// The line.
    pub device: DeviceId,
    /// The client's cross reference.
    pub cross_ref: Arc<str>,
}

/// A monitor point asks for its monitor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartMonitor {
    /// The line.
    pub device: DeviceId,
}

/// A monitor point failed while clients watched.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Orphaned {
    /// The line.
    pub device: DeviceId,
    /// The clients.
    pub watchers: SmallVec<[Watcher; 1]>,
    /// The line's seat.
    pub seat: Option<Seat>,
}

/// A monitor point has no watchers; it ends unless more than these had joined.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unwatched {
    /// The line.
    pub device: DeviceId,
    /// How many clients had joined.
    pub joins: u64,
}
