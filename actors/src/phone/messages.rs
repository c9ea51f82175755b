//! Messages to a phone: from the registrar, clients and the UAS of its connection.

use std::{sync::Arc, time::Duration};

use actix::Message;
use uacsta_schema::csta::{DeviceId, Dialect, Document};

use crate::{
    monitor::SubscriptionChange,
    registration::{BindingEnd, PhoneBinding, PhoneUas},
    sip::{connection::OrphanRequest, responder::Responder},
};

/// How long a phone may take to answer MonitorStop while the service stops, before the session ends all the same.
pub(super) const RETIRE_TIME: Duration = Duration::from_millis(1500);
/// How long a phone may take to answer clients' requests while the service stops.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(1);

/// The registrar bound the phone: the server now sends its requests by this binding.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Bound(pub Arc<PhoneBinding>);

/// A binding of the phone ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unbound {
    /// May be one that the phone no longer uses.
    pub binding: Arc<PhoneBinding>,
    /// Why.
    pub end: BindingEnd,
    /// Responds to the REGISTER that ended the binding, if it was one.
    pub responder: Option<Responder>,
}

/// The registrar's data of a phone whose actor was restarted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Resume {
    /// Whether the phone may be controlled and monitored.
    pub enabled: bool,
    /// The phone's binding.
    pub binding: Option<Arc<PhoneBinding>>,
}

/// An in-dialog request that arrived on another connection than the phone's, and may belong to its dialog.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Orphan(pub OrphanRequest<PhoneUas>);

/// An operator enabled or disabled the phone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EnabledChanged(pub bool);

/// A client's request to the phone. The client gets exactly one response.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Request {
    /// The request as the client sent it.
    pub document: Arc<Document>,
    /// The line by the phone's name; `None` if the request names no line.
    pub device: Option<Arc<str>>,
    /// Lines of the phone that the client may not see.
    pub hidden: Box<[DeviceId]>,
    /// The client's edition and spelling, for the response.
    pub dialect: Dialect,
    /// Responds to the client.
    pub reply: Responder,
}

/// A client subscribes to the events of a line, or changes or ends its subscription: forwarded to the line's monitor point.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    /// The line by the phone's name.
    pub line: DeviceId,
    /// Only [`SubscriptionChange::Join`] creates a monitor point; other changes of a line without one are ignored.
    pub change: SubscriptionChange,
}

/// The service is stopping. The answer comes when the step is done, or the phone is away.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub enum Retire {
    /// The phone refuses further requests of clients, and answers those under way, within a second.
    SettleRequests,
    /// The phone stops its monitors, then ends its session, within 1.5 seconds.
    EndSession,
    /// The server leaves the phone's connection, while it runs on itself.
    LeaveConnection,
}

/// An operator restarts the CSTA session: the phone stops its monitors, then the session ends, within 1.5 seconds, and the next
/// one is opened. Clients' requests wait for it. Answered when the session has ended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), NotRestarted>")]
pub struct RestartSession;

/// Why a session is not restarted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotRestarted {
    /// The phone is away, disabled, or has no licence.
    NoSession,
    /// The session ends already, for another restart or because the service is stopping.
    Ending,
}

/// The registrar was restarted after a panic: the phone reports its status and its lines again.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ReportAgain;
