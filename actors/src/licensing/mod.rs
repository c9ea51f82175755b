//! Licensing: grants permits to phones and monitored lines, as many as the licences allow.

mod actor;
pub mod allowance;
pub mod code;
mod messages;
mod permit;

pub use actor::Licensing;
pub use allowance::Allowance;
pub use messages::*;
pub use permit::{LicencePermit, PermitCounts, PermitKind};
