//! Messages of a monitor point: from clients, from and to its phone.

use std::sync::Arc;

use actix::Message;
use smallvec::SmallVec;
use uacsta_schema::csta::{DeviceId, Document, MonitorCrossRefId, MonitorFilter};

use super::{MonitorEvent, Subscriber};
use crate::{
    ServerContext,
    licensing::{LicencePermit, Licensing},
    supervision::{RestartableAddr, RestartableRecipient},
};

/// A client's change to its subscription of a line, forwarded by the phone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SubscriptionChanged {
    /// How many clients the phone has forwarded to this monitor point, with this one.
    pub joins: u64,
    /// The change.
    pub change: SubscriptionChange,
}

/// What a client changes about its subscription.
pub enum SubscriptionChange {
    /// It subscribes.
    Join(Subscriber),
    /// It is sent other events from now on.
    Filter {
        /// The client's cross reference.
        cross_ref: Arc<str>,
        /// The events that it is not sent.
        filter: MonitorFilter,
    },
    /// It unsubscribes.
    Leave {
        /// The client's cross reference.
        cross_ref: Arc<str>,
    },
}

/// The phone sent an event of the line, or the server made one in its place.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Observed(pub Arc<Document>);

/// What happened is a message: from the phone's actor, as far as it is the phone's.
impl Message for MonitorEvent {
    type Result = ();
}

/// The phone has removed the monitor point, as [`PointAction::End`] asked.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct PointEnded;

/// A monitor point asks its phone's actor for something.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PointRequest {
    /// The line.
    pub line: DeviceId,
    /// What.
    pub action: PointAction,
}

/// What a monitor point asks for.
pub enum PointAction {
    /// MonitorStart; answered by [`MonitorEvent::Answered`], [`MonitorEvent::PhoneAway`] or [`MonitorEvent::LineGone`].
    Start,
    /// MonitorStop of this monitor.
    Stop(MonitorCrossRefId),
    /// Word when the calls of the line are over; answered by [`MonitorEvent::Drained`].
    Drain,
    /// The end of a monitor point without subscribers, with the number of clients that had joined it; answered by
    /// [`PointEnded`], unless a later change is on its way.
    End(u64),
    /// Another monitor point for these subscribers, since this one panicked.
    Replace {
        /// The clients.
        subscribers: SmallVec<[Subscriber; 1]>,
        /// The line's licence permit.
        permit: Option<LicencePermit>,
    },
}

/// The monitor of a client is stopped, because the phone will never have it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MonitorStopped {
    /// The client's cross reference.
    pub cross_ref: Arc<str>,
}

/// Whom a monitor point asks.
#[derive(Clone)]
pub struct Deps {
    /// The phone's actor.
    pub phone: RestartableRecipient<PointRequest>,
    /// The server's shared state, with its clock.
    pub context: Arc<ServerContext>,
    /// Licensing.
    pub licensing: RestartableAddr<Licensing>,
}
