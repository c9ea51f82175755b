//! The system's clocks, as the actors are given them.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use uacsta_actors::clock::Clock;

/// The time since a start, and the wall clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> u64 {
        // A clock before 1970 is not set at all.
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}
