//! Monitor points: one unfiltered monitor of each monitored line on its phone, fanned out to the subscribed clients.
//!
//! `point` decides, and `Monitor` carries it out. The phone's actor owns the `Calls` of the line: each event passes through it, and
//! emulated services and the check of rights read the calls there, so neither costs a message more.

mod actor;
mod call;
mod calls;
mod event_history;
mod messages;
mod point;
mod reconcile;
mod subscribers;
mod watch;

pub use actor::Monitor;
pub(crate) use call::{ConnectionState, LONGEST, parties_of};
pub(crate) use calls::Calls;
pub(crate) use event_history::Mark;
pub use messages::*;
pub use point::MonitorEvent;
pub(crate) use reconcile::Reconciled;
pub use subscribers::{ClientAddrs, Subscriber};
pub use watch::{DescribeWatch, LineWatch, WatchState};
