//! What every command needs to reach a server: arguments, SIP connections, the HTTP API, errors with exit codes.

mod api;
mod args;
mod clock;
pub mod completion;
mod connect_error;
pub mod data_dir;
mod duration;
mod error;
mod http;
mod number;
mod probe;
mod server;
mod stop_signal;
mod tls;

pub use api::ApiArgs;
pub use args::{ConnectArgs, DataArgs, Side, Target, parse_phone, with_cause};
pub use clock::SystemClock;
pub use connect_error::ConnectError;
pub use duration::parse_duration;
pub use error::{CommandError, print, sentence};
pub use number::parse_number;
pub use probe::{ProbeOutcome, ProbeResult};
pub use server::ServerAddress;
pub use stop_signal::{StopWatch, stop_signal};
pub use tls::{Trust, trusting};
