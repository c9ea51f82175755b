//! One registered phone: its binding, its CSTA session, its lines, the requests to it and the monitor points of its lines.
//!
//! [`Phone`] is an interpreter: its machines (admission, session, request queue, lines, capabilities, emulation, monitored lines) decide, each in
//! a file of its own.

mod actor;
mod admission;
mod capabilities;
mod client_request;
mod emulation;
mod events;
mod handlers;
mod incoming;
mod lines;
mod messages;
mod monitors;
mod probe;
mod reports;
mod request_queue;
mod requests;
mod responses;
mod session;

pub use actor::Phone;
pub use messages::*;
pub use probe::{Probe, ProbeAnswer, ProfileEntry};
pub use reports::{AvailabilityChanged, BindingMoved, LinesListed, PhoneRestarted, PhoneUpstream};

/// How a phone can be reached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is not registered.
    #[default]
    Away,
    /// It is registered, but no CSTA session is open.
    Registered,
    /// Its CSTA session is open.
    Controlled,
}
