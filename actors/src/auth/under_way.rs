//! Log-ons whose passwords are being checked: those at the same time do not pass the limit together.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::gcra::{AuthAttempt, LogOnLimiter, Others, Rate};

/// The attempts under way: hashes of address and user of each.
#[derive(Default)]
pub struct LogOnsUnderWay {
    seed: RandomState,
    all: Mutex<Vec<[u64; 2]>>,
}

/// An attempt under way, as long as it is held.
pub struct LogOnUnderWay<'a> {
    all: &'a LogOnsUnderWay,
    names: [u64; 2],
}

impl LogOnsUnderWay {
    /// Begins an attempt, during which it counts as failed for others; `None` if `limiter` does not admit it. Hashing a password
    /// takes time, and only then is it known whether the attempt fails.
    pub fn begin(
        &self,
        limiter: &LogOnLimiter,
        attempt: AuthAttempt<'_>,
        rate: Rate,
        now: Duration,
    ) -> Option<LogOnUnderWay<'_>> {
        let names @ [address, user] = [
            self.seed.hash_one(attempt.address),
            self.seed.hash_one(attempt.user),
        ];
        let mut all = self.lock();
        let count = |is_meant: &dyn Fn(&[u64; 2]) -> bool| {
            all.iter().filter(|other| is_meant(other)).count()
        };
        let others = Others {
            at_address: count(&|other| other[0] == address),
            of_user: count(&|other| other[1] == user),
            alike: count(&|other| *other == names),
        };
        limiter.admits_beside(attempt, others, rate, now).then(|| {
            all.push(names);
            LogOnUnderWay { all: self, names }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<[u64; 2]>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LogOnUnderWay<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(at) = all.iter().position(|names| *names == self.names) {
            all.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::AuthUser;

    const RATE: Rate = Rate {
        failures: 20,
        tries: 10,
    };

    fn who<'u>(address: &str, user: &'u str) -> AuthAttempt<'u> {
        let address = address.parse().expect("an address of this test");
        AuthAttempt::new(address, AuthUser::User(user))
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn attempts_at_the_same_time_are_limited_and_leave_no_trace_when_they_succeed() {
        let (limiter, under_way) = (LogOnLimiter::default(), LogOnsUnderWay::default());
        let begin = |attempt, now| under_way.begin(&limiter, attempt, RATE, at(now));
        let here = who("192.0.2.1", "a");
        let some: Vec<_> = std::iter::from_fn(|| begin(here, 0)).collect();
        assert_eq!(some.len(), 20);
        drop(some);
        assert_eq!(std::iter::from_fn(|| begin(here, 1)).take(100).count(), 100);
        let some: Vec<_> = std::iter::from_fn(|| begin(here, 1)).collect();
        assert_eq!(some.len(), 20);
        drop(some);

        // An address whose attempts all succeed is not held back by failures elsewhere.
        let quiet = who("192.0.2.2", "a");
        for now in [5_000, 6_000] {
            drop([begin(quiet, now), begin(quiet, now + 10)]);
        }
        let elsewhere = who("192.0.2.3", "a");
        for _ in 0..100 {
            limiter.failed(elsewhere, RATE, at(7_000));
        }
        assert!(begin(elsewhere, 7_002).is_none());
        assert!(begin(quiet, 7_002).is_some());
    }

    #[test]
    fn failures_stay_counted_beside_an_attempt_that_succeeds() {
        let (limiter, under_way) = (LogOnLimiter::default(), LogOnsUnderWay::default());
        let here = who("192.0.2.4", "b");
        let fails = || {
            let begun = under_way.begin(&limiter, here, RATE, at(0));
            begun.map(|_begun| limiter.failed(here, RATE, at(0)))
        };
        let right = under_way.begin(&limiter, here, RATE, at(0));
        assert!(right.is_some());
        assert_eq!(std::iter::from_fn(fails).count(), 19);
        drop(right);
        assert_eq!(std::iter::from_fn(fails).count(), 1);
    }

    #[test]
    fn guesses_at_the_same_time_are_limited_for_a_known_user_too() {
        let (limiter, under_way) = (LogOnLimiter::default(), LogOnsUnderWay::default());
        let here = who("192.0.2.5", "c");
        limiter.succeeded(here);
        let some = std::iter::from_fn(|| under_way.begin(&limiter, here, RATE, at(0)));
        assert_eq!(some.collect::<Vec<_>>().len(), 20);
    }
}
