//! A histogram of durations that threads fill without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the buckets, in seconds: from a refresh of microseconds to the longest `advanced.request_timeout`.
pub const BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Durations by bucket. The last bucket has those above all bounds.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

/// The state of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// How many durations are at most as long as each bound; the last one counts all.
    pub cumulative: [u64; BOUNDS.len() + 1],
    /// Their sum in seconds.
    pub sum: f64,
}

impl Histogram {
    /// Adds a duration.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    /// The present state.
    pub fn observed(&self) -> Observed {
        let mut all = 0;
        let cumulative = self.buckets.each_ref().map(|bucket| {
            all += bucket.load(Relaxed);
            all
        });
        Observed {
            cumulative,
            sum: self.sum_micros.load(Relaxed) as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_their_bound() {
        let histogram = Histogram::default();
        for micros in [1, 500, 501, 99_000, 100_000, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let Observed { cumulative, sum } = histogram.observed();
        assert_eq!(cumulative, [2, 3, 3, 3, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 6]);
        assert!((sum - 60.200_002).abs() < 1e-6, "{sum}");
    }
}
