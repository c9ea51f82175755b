//! CTI client, phone certification and demonstration for the command line.

mod certify;
mod client;
mod commands;
mod console;
pub mod demo;
mod event_text;
mod listener;
mod output;

pub use certify::Certify;
pub use client::Client;
pub use console::{Console, ConsoleError, LineEvent};
pub use event_text::{EventText, event_text};
