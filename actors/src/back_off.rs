//! Exponential back-off for retries: 1, 2, 4 ... 60 seconds, or up to a longer limit.

use std::time::Duration;

/// The delay of the next retry. Doubles with each failure, until a success lasts longer than the delay.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BackOff {
    failures: u8,
    /// When the last attempt succeeded; `None` after its loss.
    stands: Option<Duration>,
}

/// The maximum delay.
const LONGEST: Duration = Duration::from_secs(60);

impl BackOff {
    /// An attempt succeeded at `now`.
    pub(crate) fn stands(&mut self, now: Duration) {
        self.stands = Some(now);
    }

    /// The success of the last attempt was lost at `now`. If it lasted longer than the delay, the next failure counts as the
    /// first.
    pub(crate) fn lost(&mut self, now: Duration) {
        if let Some(since) = self.stands.take()
            && since + self.wait() < now
        {
            self.failures = 0;
        }
    }

    /// Whether the next failure counts as the first.
    pub(crate) fn is_fresh(self) -> bool {
        self.failures == 0
    }

    /// Counts a failure; returns the delay of the next retry.
    pub(crate) fn failed(&mut self) -> Duration {
        self.failed_within(LONGEST)
    }

    /// Counts a failure; returns the delay of the next retry, of at most `longest`.
    pub(crate) fn failed_within(&mut self, longest: Duration) -> Duration {
        let wait = self.doubled().min(longest);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    fn wait(self) -> Duration {
        self.doubled().min(LONGEST)
    }

    fn doubled(self) -> Duration {
        Duration::from_secs(1 << self.failures.min(16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays what happened, each after so many seconds: `x` a try that fails, a number a success that is lost after so
    /// many seconds.
    fn waits(course: &str) -> Vec<u64> {
        let mut back_off = BackOff::default();
        let mut now = Duration::ZERO;
        let lived = |part: &str| part.parse().ok().map(Duration::from_secs);
        course
            .split(' ')
            .map(|part| {
                if let Some(lived) = lived(part) {
                    back_off.stands(now);
                    now += lived;
                    back_off.lost(now);
                }
                let wait = back_off.failed();
                now += wait;
                wait.as_secs()
            })
            .collect()
    }

    #[track_caller]
    fn check(course: &str, expected: &[u64]) {
        assert_eq!(waits(course), expected, "{course}");
    }

    #[test]
    fn the_wait_grows_until_what_was_tried_stands() {
        check("x x x x x x x x x", &[1, 2, 4, 8, 16, 32, 60, 60, 60]);
        check("100 100 100", &[1, 1, 1]);
        check("x x x 100 x", &[1, 2, 4, 1, 2]);
        check("0 0 0 0", &[1, 2, 4, 8]);
        check("5 5 5 5", &[1, 1, 1, 1]);
        check("3 0 0 3 9 3", &[1, 2, 4, 8, 16, 32]);
        check(
            "x x x x x x x x 59 61",
            &[1, 2, 4, 8, 16, 32, 60, 60, 60, 1],
        );
    }

    #[test]
    fn the_longest_wait_may_be_an_hour() {
        let mut back_off = BackOff::default();
        let mut failed = || back_off.failed_within(Duration::from_secs(3600)).as_secs();
        let waits: Vec<u64> = (0..14).map(|_| failed()).collect();
        assert_eq!(waits[5..], [32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);
    }

    #[test]
    fn who_never_failed_is_fresh() {
        let mut back_off = BackOff::default();
        assert!(back_off.is_fresh());
        back_off.failed();
        assert!(!back_off.is_fresh());
    }
}
