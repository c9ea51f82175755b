//! How many requests a second a log-on may send: GCRA, told by `RateLimit` in each answer.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::{access::LogOn, problem::Problem};
use crate::texts::Text;

/// For each party the time at which all of its requests are paid for.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<String, Duration>>);

/// What a log-on has left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Standing {
    /// Requests a second.
    rate: u32,
    /// Requests that may be sent at once.
    left: u32,
    /// Until the whole burst is there again.
    reset: Duration,
}

/// How many seconds' requests may be sent at once.
const BURST: u32 = 4;
/// From how many log-ons on those that have paid are forgotten.
const MANY: usize = 1000;

impl Rates {
    /// Counts a request of a log-on at `now`; an error if there were more than `rate` a second.
    pub(super) fn admit(
        &self,
        log_on: &LogOn,
        rate: u32,
        now: Duration,
    ) -> (Standing, Result<(), Problem>) {
        let cost = Duration::from_secs(1) / rate.max(1);
        let burst = cost * rate * BURST;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY {
            all.retain(|_, paid_at| *paid_at > now);
        }
        let party = log_on.party();
        let debt = all
            .get(&party)
            .map_or(Duration::ZERO, |paid_at| paid_at.saturating_sub(now));
        let wanted = debt + cost;
        let is_admitted = wanted <= burst;
        let owed = if is_admitted { wanted } else { debt };
        all.insert(party, now + owed);
        let left = burst.saturating_sub(owed).as_nanos() / cost.as_nanos();
        let standing = Standing {
            rate,
            left: u32::try_from(left).unwrap_or(u32::MAX),
            reset: owed,
        };
        if is_admitted {
            return (standing, Ok(()));
        }
        let detail = Text::new("too-fast").with("name", log_on.name.as_str());
        let detail = detail.with("rate", u64::from(rate));
        let wait = seconds(wanted.saturating_sub(burst)).max(1);
        (standing, Err(Problem::too_many(detail, wait)))
    }
}

impl Standing {
    /// Tells it as draft-ietf-httpapi-ratelimit-headers-10 has it.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let Self { rate, left, reset } = self;
        let policy = format!("\"requests\";q={};w={BURST}", rate.saturating_mul(BURST));
        let reset = if headers.contains_key(RETRY_AFTER) {
            1
        } else {
            seconds(reset)
        };
        let now = format!("\"requests\";r={left};t={reset}");
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", now)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// In whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_is_admitted_then_the_rate_and_log_ons_do_not_share() {
        let [anna, bert] = ["anna", "bert"].map(LogOn::administrator);
        let rates = Rates::default();
        let at = Duration::from_millis;
        let mut admitted = 0;
        while rates.admit(&anna, 10, at(0)).1.is_ok() {
            admitted += 1;
        }
        assert_eq!(admitted, 10 * BURST);
        assert!(rates.admit(&anna, 10, at(99)).1.is_err());
        let (standing, outcome) = rates.admit(&anna, 10, at(100));
        assert!(outcome.is_ok() && standing.left == 0, "{standing:?}");
        assert!(rates.admit(&bert, 10, at(100)).1.is_ok());
        let (standing, _) = rates.admit(&anna, 10, at(60_000));
        assert_eq!(standing.left, 10 * BURST - 1);
    }
}
