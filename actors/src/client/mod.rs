//! Connected CTI clients: their log-on, sessions, monitors and requests.

mod actor;
mod dial_via_office;
mod features;
mod line_cache;
mod line_resolver;
mod listing;
mod monitors;
mod relocation;
mod requests;
mod rights;
mod rights_changed;
mod segments;
mod system;
pub mod uas;

pub use actor::{Client, ClientDisconnected, OpenSession};
pub use monitors::CrossRefs;
pub use rights::{LogOn, Rights};
pub use uas::ClientConnection;
