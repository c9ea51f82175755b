//! The other side of CTI: a client that talks to a server as any TAPI driver or TR/87 program does.

pub mod command;
mod console;
pub mod dial;
mod ear;
mod orders;
mod paper;
mod reach;
mod telling;
pub(crate) mod time;

pub use console::{Console, ConsoleError, Heard};
pub use reach::Reach;
pub use telling::{Told, tell};
