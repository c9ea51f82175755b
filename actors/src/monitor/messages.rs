//! Messages of a monitor point: from clients, from and to its phone.

use std::sync::Arc;

use actix::Message;
use smallvec::SmallVec;
use uacsta_schema::csta::{DeviceId, Document, Event, MonitorCrossRefId, MonitorFilter};

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
    /// The number of clients that the phone has forwarded to this monitor point, including this one.
    pub joins: u64,
    /// The change.
    pub change: SubscriptionChange,
}

/// What a client changes about its subscription.
pub enum SubscriptionChange {
    /// The client subscribes.
    Join(Subscriber),
    /// The client replaces its event filter.
    Filter {
        /// The client's cross reference.
        cross_ref: Arc<str>,
        /// The events that the client does not receive.
        filter: MonitorFilter,
    },
    /// The client unsubscribes.
    Leave {
        /// The client's cross reference.
        cross_ref: Arc<str>,
    },
}

/// Reports an event of the phone to the monitor point of its line.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Observed(pub Arc<Document>);

/// Reports an event of the server's own to the monitor point of its line.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Emulated(pub Event);

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
    /// The request.
    pub action: PointAction,
}

/// A monitor point's request to its phone's actor.
pub enum PointAction {
    /// MonitorStart; answered by [`MonitorEvent::Answered`], [`MonitorEvent::PhoneAway`] or [`MonitorEvent::LineGone`].
    Start,
    /// MonitorStop of this monitor.
    Stop(MonitorCrossRefId),
    /// Report the end of the line's calls; answered by [`MonitorEvent::Drained`].
    Drain,
    /// End the monitor point, which has no subscribers. The number counts the clients that had joined; the phone answers with
    /// [`PointEnded`], unless another client is joining.
    End(u64),
    /// Replace this monitor point, which panicked, by one with these subscribers.
    Replace {
        /// The clients.
        subscribers: SmallVec<[Subscriber; 1]>,
        /// The line's licence permit.
        permit: Option<LicencePermit>,
    },
}

/// Stops a client's monitor, because the phone cannot provide it.
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
