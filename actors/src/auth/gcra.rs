//! Rate-limits failed log-ons per address and user in constant memory: GCRA over a count-min table of two rows.
//!
//! GCRA is the Generic Cell Rate Algorithm of ITU-T I.371 in its form as virtual scheduling: of each name the table keeps one
//! number, the theoretical arrival time. The table is a count-min sketch (Cormode and Muthukrishnan, 2005), in which a name has
//! a cell in each row and the smaller one counts.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use uacsta_config::Limits;
use uacsta_schema::phone_id::PhoneId;

use super::address_prefix;

/// Limits log-ons of an address or user after failures, in constant memory (0.5 MiB). Each failure moves the theoretical arrival time
/// of its address and its user on; beyond the limit, attempts are admitted at the configured rate only.
///
/// The hashes are seeded, so that an attacker cannot choose names whose cells collide. The cells are atomic numbers: no thread waits for
/// another.
pub struct LogOnLimiter {
    seed: RandomState,
    /// The theoretical arrival times, in microseconds; the lowest bit says that the limit was logged.
    rows: [Box<[AtomicU64]>; 2],
    /// Hashes of the users that logged on last, each with its address.
    known: Box<[AtomicU64]>,
}

/// An attempt to log on.
#[derive(Clone, Copy, Debug, Hash)]
pub struct AuthAttempt<'u> {
    pub(super) address: IpAddr,
    pub(super) user: AuthUser<'u>,
}

/// The user that credentials name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AuthUser<'u> {
    /// A phone, however its user name is spelt.
    Phone(PhoneId),
    /// Another user.
    User(&'u str),
    /// The administrator of the API, who is no SIP user.
    Administrator,
}

/// How many log-ons may fail.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How many failures in a row are admitted.
    pub failures: usize,
    /// How many attempts a second are admitted after that.
    pub tries: usize,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitStatus {
    /// Further attempts are admitted.
    Below,
    /// From now on its address or user is limited.
    Reached,
    /// It is limited as before.
    Exceeded,
}

/// How many attempts are under way beside one.
#[derive(Clone, Copy, Default)]
pub(super) struct Others {
    pub(super) at_address: usize,
    pub(super) of_user: usize,
    /// Of that user at that address.
    pub(super) alike: usize,
}

const CELLS: usize = 1 << 14;
const KNOWN: usize = 1 << 15;
/// How long after its last failure an address counts as failing, in microseconds. Failures of a user elsewhere count for such
/// addresses only.
const SUSPICION: u64 = 60_000_000;
const LOGGED: u64 = 1;

impl Default for LogOnLimiter {
    fn default() -> Self {
        let table = |cells| (0..cells).map(|_| AtomicU64::new(0)).collect();
        Self {
            seed: RandomState::new(),
            rows: [table(CELLS), table(CELLS)],
            known: table(KNOWN),
        }
    }
}

impl<'u> AuthAttempt<'u> {
    /// An attempt from `address` with the name `user`.
    pub fn new(address: IpAddr, user: AuthUser<'u>) -> Self {
        Self {
            address: address_prefix(address),
            user,
        }
    }
}

impl LogOnLimiter {
    /// Whether an attempt is admitted at `now`, the time since the server's start. A user that logged on from the same address last is
    /// admitted until that fails; an address without failures is not limited by failures elsewhere.
    pub fn admits(&self, attempt: AuthAttempt<'_>, rate: Rate, now: Duration) -> bool {
        self.admits_beside(attempt, Others::default(), rate, now)
    }

    /// The same beside others under way, which count as failed.
    pub(super) fn admits_beside(
        &self,
        attempt: AuthAttempt<'_>,
        others: Others,
        rate: Rate,
        now: Duration,
    ) -> bool {
        let (now, most) = (micros(now), rate.most());
        let is_within = |debt: u64, others: usize| {
            debt.saturating_sub(now) + others as u64 * rate.price() <= most
        };
        let here = self.debt(&attempt.address);
        if others.alike == 0 && self.is_known(attempt) {
            return true;
        }
        is_within(here, others.at_address)
            && (here + SUSPICION <= now || is_within(self.debt(&attempt.user), others.of_user))
    }

    /// Counts a failed attempt.
    pub fn failed(&self, attempt: AuthAttempt<'_>, rate: Rate, now: Duration) -> LimitStatus {
        let now = micros(now);
        let pair = self.place(attempt);
        // The cell may belong to another pair by now.
        let _ = self.known[pair.0].compare_exchange(pair.1, 0, Relaxed, Relaxed);
        let here = self.owe(&attempt.address, rate, now);
        let user = self.owe(&attempt.user, rate, now);
        match (here, user) {
            (LimitStatus::Reached, _) | (_, LimitStatus::Reached) => LimitStatus::Reached,
            (LimitStatus::Below, LimitStatus::Below) => LimitStatus::Below,
            _ => LimitStatus::Exceeded,
        }
    }

    /// Remembers a successful log-on.
    pub fn succeeded(&self, attempt: AuthAttempt<'_>) {
        let (place, name) = self.place(attempt);
        self.known[place].store(name, Relaxed);
    }

    fn is_known(&self, attempt: AuthAttempt<'_>) -> bool {
        let (place, name) = self.place(attempt);
        self.known[place].load(Relaxed) == name
    }

    /// The cell of a user and address, and its value.
    fn place(&self, attempt: AuthAttempt<'_>) -> (usize, u64) {
        let name = self.seed.hash_one(attempt);
        (name as usize % KNOWN, name | 1)
    }

    fn cells(&self, name: &impl Hash) -> [&AtomicU64; 2] {
        let name = self.seed.hash_one(name);
        let [first, second] = &self.rows;
        [
            &first[name as usize % CELLS],
            &second[(name >> 32) as usize % CELLS],
        ]
    }

    /// The theoretical arrival time of a name: its debt is gone then.
    fn debt(&self, name: &impl Hash) -> u64 {
        let [first, second] = self.cells(name).map(|cell| cell.load(Relaxed) & !LOGGED);
        first.min(second)
    }

    fn owe(&self, name: &impl Hash, rate: Rate, now: u64) -> LimitStatus {
        let [first, second] = self.cells(name).map(|cell| {
            let mut after = 0;
            let add = |paid: u64| {
                // Without debt the next limit is logged again.
                let told = if paid <= now { 0 } else { paid & LOGGED };
                after = (paid & !LOGGED).max(now) + rate.price();
                let held = after.saturating_sub(now) > rate.most();
                Some(after & !LOGGED | told | u64::from(held))
            };
            let before = cell.fetch_update(Relaxed, Relaxed, add).unwrap_or_default();
            let told = before > now && before & LOGGED == LOGGED;
            (after.saturating_sub(now) > rate.most(), told)
        });
        match (first, second) {
            ((true, true), (true, true)) => LimitStatus::Exceeded,
            ((true, _), (true, _)) => LimitStatus::Reached,
            // Between two limited attempts the debt shrinks a little.
            ((_, true), (_, true)) => LimitStatus::Exceeded,
            _ => LimitStatus::Below,
        }
    }
}

impl Rate {
    /// The configured rate.
    pub fn of(limits: &Limits) -> Self {
        Self {
            failures: limits.failed_log_ons,
            tries: limits.log_on_tries,
        }
    }

    /// The increment of one failure, in microseconds (T of I.371).
    fn price(self) -> u64 {
        1_000_000 / self.tries.max(1) as u64
    }

    /// The limit of debt up to which an attempt is admitted, in microseconds (tau of I.371).
    fn most(self) -> u64 {
        self.failures.saturating_sub(1) as u64 * self.price()
    }
}

impl fmt::Debug for LogOnLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogOnLimiter(...)")
    }
}

fn micros(now: Duration) -> u64 {
    // The offset keeps cells that are 0 out of suspicion.
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX / 2) + 2 * SUSPICION
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        failures: 20,
        tries: 10,
    };

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn who<'u>(address: &str, user: &'u str) -> AuthAttempt<'u> {
        let address = address.parse().expect("an address of this test");
        AuthAttempt::new(address, AuthUser::User(user))
    }

    /// How many of `tries`, evenly spread over the milliseconds from `from` to `to`, may be made and fail.
    fn failures(
        log_on_limiter: &LogOnLimiter,
        attempt: AuthAttempt<'_>,
        from: u64,
        to: u64,
        tries: u64,
    ) -> usize {
        (0..tries)
            .map(|number| at(from + (to - from) * number / tries))
            .filter(|now| log_on_limiter.admits(attempt, RATE, *now))
            .inspect(|now| {
                log_on_limiter.failed(attempt, RATE, *now);
            })
            .count()
    }

    #[test]
    fn failures_are_limited_until_a_pause() {
        let log_on_limiter = LogOnLimiter::default();
        let guesser = who("192.0.2.1", "a");
        assert_eq!(failures(&log_on_limiter, guesser, 0, 1, 1000), 20);
        // Ten a second from then on, however many are tried.
        assert_eq!(failures(&log_on_limiter, guesser, 100, 10_100, 5_000), 100);
        assert!(!log_on_limiter.admits(guesser, RATE, at(10_050)));
        // A pause gives back what it lasts, and no more than there was.
        assert_eq!(
            failures(&log_on_limiter, guesser, 100_000, 100_001, 100),
            20
        );
        // Who fails ten times a second is never held back.
        let clumsy = who("192.0.2.2", "b");
        assert_eq!(failures(&log_on_limiter, clumsy, 0, 10_000, 100), 100);
    }

    #[test]
    fn failures_do_not_lock_out_other_addresses_or_known_users() {
        let log_on_limiter = LogOnLimiter::default();
        let phone = |address: &str| {
            let address = address.parse().expect("an address of this test");
            AuthAttempt::new(address, AuthUser::User("000413000001"))
        };
        log_on_limiter.succeeded(phone("192.0.2.1"));
        let check = |now, attempt, expected, why: &str| {
            assert_eq!(
                log_on_limiter.admits(attempt, RATE, at(now)),
                expected,
                "{why}"
            );
        };
        let guesser = who("192.0.2.1", "000413000009");
        assert_eq!(failures(&log_on_limiter, guesser, 0, 1, 100), 20);
        check(2, guesser, false, "who guesses");
        check(
            2,
            who("192.0.2.1", "000413000002"),
            false,
            "another user of that address",
        );
        check(
            2,
            phone("192.0.2.1"),
            true,
            "who logged on from there before",
        );
        check(2, phone("192.0.2.2"), true, "who comes from elsewhere");
        // Guessing at one phone from there and from elsewhere.
        assert_eq!(failures(&log_on_limiter, phone("192.0.2.1"), 2, 3, 100), 1);
        check(
            4,
            phone("192.0.2.1"),
            false,
            "it is known no longer once it failed",
        );
        let mut made = 0;
        for host in 1..=200 {
            let address = format!("198.51.100.{host}");
            made += failures(&log_on_limiter, phone(&address), 1000, 1001, 100);
        }
        assert!(
            made < 250,
            "{made} failures from 200 addresses for one phone"
        );
        check(
            1100,
            phone("192.0.2.3"),
            true,
            "the phone, from an address that did not fail",
        );
    }

    #[test]
    fn an_ipv6_network_is_limited_as_one_address() {
        let log_on_limiter = LogOnLimiter::default();
        let total: usize = (0..100)
            .map(|host| {
                let address = format!("2001:db8::{host:x}");
                failures(&log_on_limiter, who(&address, "a"), 0, 1, 5)
            })
            .sum();
        assert_eq!(total, 20);
        assert!(log_on_limiter.admits(who("2001:db8:0:1::1", "b"), RATE, at(1)));
        // RFC 4291, section 2.5.5.2: an IPv4 address that is mapped is that address.
        failures(&log_on_limiter, who("::ffff:192.0.2.1", "c"), 0, 1, 50);
        assert!(!log_on_limiter.admits(who("192.0.2.1", "d"), RATE, at(1)));
    }

    #[test]
    fn the_limit_is_reported_once_until_a_pause() {
        let log_on_limiter = LogOnLimiter::default();
        let guesser = who("192.0.2.1", "a");
        let mut heard = Vec::new();
        for number in 0..1000 {
            let now = at(number * 10);
            if log_on_limiter.admits(guesser, RATE, now) {
                heard.push(log_on_limiter.failed(guesser, RATE, now));
            }
        }
        let count = |what| heard.iter().filter(|one| **one == what).count();
        assert_eq!(count(LimitStatus::Reached), 1);
        assert!(count(LimitStatus::Below) < 25, "{heard:?}");
        // After a pause it is news again.
        for number in 0..20 {
            heard.push(log_on_limiter.failed(guesser, RATE, at(100_000 + number)));
        }
        assert_eq!(
            heard
                .iter()
                .filter(|one| **one == LimitStatus::Reached)
                .count(),
            2
        );
    }
}
