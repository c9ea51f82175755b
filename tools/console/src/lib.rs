//! The other side of CTI: a client that talks to a server as any TAPI driver or TR/87 program does.

mod certify;
mod command;
mod console;
pub mod demo;
mod ear;
mod orders;
mod paper;
mod telling;

pub use certify::Certify;
pub use command::Client;
pub use console::{Console, ConsoleError, Heard};
pub use telling::{Told, tell};
