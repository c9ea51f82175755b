//! Licensing: grants permits to phones and monitored lines, as many as the licences allow.

mod actor;
mod messages;
mod permit;

pub use actor::Licensing;
pub use messages::*;
pub use permit::{LicencePermit, PermitCounts};
