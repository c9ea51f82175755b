//! CTI client, phone certification and demonstration for the command line.

pub mod certify;
mod client;
mod commands;
mod console;
pub mod demo;
mod error;
mod event_text;
mod listener;
mod output;
mod prompt;

pub use certify::Certify;
pub use client::Client;
pub use console::{Console, LineEvent};
pub use error::ConsoleError;
pub use event_text::{EventText, event_text};
