//! A wall clock that is set by hand, beside a clock that only goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use uacsta_actors::clock::Clock;

/// Shows the date that a test sets.
#[derive(Debug)]
pub struct WallClock {
    begun: Instant,
    date: AtomicU64,
}

impl WallClock {
    /// The date in seconds since 1970-01-01T00:00:00Z.
    pub fn at(date: u64) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            date: date.into(),
        })
    }

    pub fn set(&self, date: u64) {
        self.date.store(date, Ordering::SeqCst);
    }
}

impl Clock for WallClock {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn wall(&self) -> u64 {
        self.date.load(Ordering::SeqCst)
    }
}
