//! The time, as an argument: the server hands actors a clock, and tests one of their own.

use std::time::Duration;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Since the server started; never goes back, whatever happens to the wall clock.
    fn now(&self) -> Duration;

    /// Seconds since 1970-01-01T00:00:00Z, for people and files.
    fn wall(&self) -> u64;
}
