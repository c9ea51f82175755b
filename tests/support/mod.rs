//! The peers of the server in tests - a desk phone and a CTI client - and the server itself.

pub mod credentials;
pub mod csta;
pub mod cti_client;
pub mod datagrams;
pub mod dialog;
pub mod digest;
pub mod documents;
pub mod fixture;
pub mod line;
pub mod maker;
pub mod phone;
pub mod process;
pub mod programs;
pub mod sample;
pub mod server;
pub mod sip;
pub mod skipped;
#[cfg(unix)]
pub mod terminal;
pub mod wall_clock;
pub mod web_socket;
pub mod wire;
pub mod xml;

use std::time::Duration;

/// How long a test waits for a condition before it fails; far above what any of them takes.
pub const PATIENCE: Duration = Duration::from_secs(15);
