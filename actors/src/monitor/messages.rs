//! What a monitor point is asked and told.

use std::sync::Arc;

use actix::Message;
use uacsta_schema::csta::{Document, MonitorFilter};

use super::{Surroundings, Watcher};
use crate::refusal::Refusal;

/// A client watches.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Join(pub Watcher);

/// A client watches no more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave {
    /// The client's cross reference.
    pub cross_ref: Arc<str>,
}

/// A client changes what it is told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Filter {
    /// The client's cross reference.
    pub cross_ref: Arc<str>,
    /// What it is not told.
    pub filter: MonitorFilter,
}

/// Another actor has taken the phone's place.
#[derive(Message)]
#[rtype(result = "()")]
pub struct PhoneReplaced(pub Surroundings);

/// The phone can be asked for its monitor.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PhoneReady;

/// The phone's session is lost, or the line is not the phone's any more, and the monitor with it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PhoneLost;

/// The phone ended this monitor by itself; it is started again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MonitorLost;

/// The monitor on the phone was ended, since there is no licence for it.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Relinquished;

/// The answer to [`StartMonitor`](crate::phone::StartMonitor).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Started(pub Result<(), Refusal>);

/// The phone reports an event of this monitor.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Observed(pub Arc<Document>);

/// A monitor of the receiver's is over, because the phone will never have it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Stopped {
    /// The client's cross reference.
    pub cross_ref: Arc<str>,
}
