//! Reads the log files: lists them, opens one by its name, and searches their lines.

mod entry;
mod files;
mod lines;
mod search;
#[cfg(test)]
mod tests;

pub use entry::Entry;
pub use files::{LogFile, list, open};
pub use search::{Found, Order, Position, Query, end, search};
