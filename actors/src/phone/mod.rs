//! A registered phone: its binding, its CSTA session, its lines, the requests to it and their monitor points.
//!
//! [`Phone`] interprets its machines: admission, session, request queue, lines, capabilities, emulation and monitored lines.
//! Each has a file of its own.

mod actor;
mod admission;
mod binding;
mod capabilities;
mod client_request;
mod emulated;
mod emulation;
mod events;
mod failed_requests;
mod handlers;
mod incoming;
mod lines;
mod listing;
mod liveness;
mod messages;
mod monitors;
mod probe;
mod reports;
mod request_queue;
mod requests;
mod responses;
mod session;
mod system_status;
mod watch;

pub use actor::Phone;
pub use messages::*;
pub use probe::{Probe, ProbeAnswer, ProfileEntry};
pub use reports::{AvailabilityChanged, BindingMoved, LinesListed, PhoneRestarted, PhoneUpstream};
pub use watch::{Activity, DescribeLines, WatchedLine};

/// How a phone can be reached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The phone is not registered.
    #[default]
    Away,
    /// The phone is registered, but no CSTA session is open.
    Registered,
    /// The phone's CSTA session is open.
    Controlled,
}
