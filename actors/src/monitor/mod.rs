//! Monitor points: one unfiltered monitor of each watched line on its phone, fanned out to the clients that subscribed.
//!
//! `point` decides, [`Monitor`] carries out. The phone's actor owns the tracked calls of the line, since each event passes through it on
//! its way here and emulated services and the rights check read them in its turn: neither an event nor a request costs a message more.

mod actor;
mod call;
mod calls;
mod messages;
mod point;
mod reconcile;
mod subscribers;

pub use actor::Monitor;
pub(crate) use call::{ConnectionState, parties_of};
pub(crate) use calls::Calls;
pub use messages::*;
pub use point::MonitorEvent;
pub(crate) use reconcile::{Mark, Reconciled};
pub use subscribers::{ClientAddrs, Subscriber};
