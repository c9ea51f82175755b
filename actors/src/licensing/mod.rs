//! Licensing: grants permits to phones and monitored lines, as many as the licences allow.

mod actor;
mod messages;
mod permit;
mod warnings;

pub use actor::Licensing;
pub use messages::*;
pub use permit::{LicencePermit, PermitCounts, PermitHolder};
pub use warnings::LicenceWarning;
