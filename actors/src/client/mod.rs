//! Connected CTI clients: their log-on, sessions, monitors and requests.

mod actor;
mod dial_via_office;
mod dispatch;
mod features;
#[cfg(test)]
pub(crate) mod fixtures;
mod line_resolver;
mod listing;
mod log_on;
mod messages;
mod monitors;
mod office_line;
mod operator;
mod registrar_queries;
mod relocation;
mod requests;
mod rights;
mod rights_changed;
mod segments;
mod sessions;
mod system;
pub mod uas;
mod withdrawal;

pub use actor::Client;
pub use log_on::LogOn;
pub use messages::{ClientDisconnected, ClientName, ClientUser, OpenSession};
pub use monitors::CrossRefs;
pub use rights::Rights;
pub use uas::ClientConnection;
