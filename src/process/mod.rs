//! The process around the server: signals, reloads, the service manager and file descriptors.

mod config_reader;
#[cfg(unix)]
pub mod limits;
mod run;
mod signals;

pub use run::{run, stopping};
pub use signals::Signals;
