//! The clock that the server passes to all actors, and tests replace.

use std::time::Duration;

/// A source of the time.
pub trait Clock: Send + Sync {
    /// The time since the server's start; it never goes back.
    fn now(&self) -> Duration;

    /// Seconds since 1970-01-01T00:00:00Z, for display and files.
    fn wall(&self) -> u64;

    /// The same in full precision, as far as the clock has it.
    fn since_epoch(&self) -> Duration {
        Duration::from_secs(self.wall())
    }
}
