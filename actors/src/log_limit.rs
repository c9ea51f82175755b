//! Limits repeated log lines about a peer to one a minute, with a count.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{auth::address_prefix, truncated::Truncated};

/// The latest log lines, by [`address_prefix`] and text.
#[derive(Default)]
pub struct LogLimit(Mutex<HashMap<(IpAddr, String), Occurrences>>);

struct Occurrences {
    at: Duration,
    since: u32,
}

/// The minimum interval between two equal log lines.
const MINUTE: Duration = Duration::from_secs(60);
/// The maximum number of separate pairs of address and text; all further ones share one limit.
const APART: usize = 1024;

impl LogLimit {
    /// Whether to log `what` about an address at `now`, a time since any fixed start; `Some` is the number of occurrences
    /// since the last line.
    pub fn admit(&self, address: IpAddr, what: &str, now: Duration) -> Option<u32> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (address_prefix(address), Truncated(what).to_string());
        if said.len() >= APART && !said.contains_key(&key) {
            said.retain(|_, said| now.saturating_sub(said.at) < MINUTE);
            if said.len() >= APART {
                key = (Ipv4Addr::UNSPECIFIED.into(), String::new());
            }
        }
        let fresh = !said.contains_key(&key);
        let said = said.entry(key).or_insert(Occurrences { at: now, since: 0 });
        said.since = said.since.saturating_add(1);
        if !fresh && now.saturating_sub(said.at) < MINUTE {
            return None;
        }
        said.at = now;
        Some(std::mem::take(&mut said.since))
    }
}

/// The number of occurrences as a field of a log line, which omits 1.
#[must_use]
pub fn repeat_count(times: u32) -> Option<u32> {
    (times > 1).then_some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_retries_every_second_gets_a_line_a_minute() {
        let log_limit = LogLimit::default();
        let say = |peer: u32, what: &str, second: u64| {
            let address = Ipv4Addr::from_bits(peer).into();
            log_limit.admit(address, what, Duration::from_secs(second))
        };
        assert_eq!(say(1, "a", 0), Some(1));
        for second in 1..60 {
            assert_eq!(say(1, "a", second), None, "{second}");
        }
        assert_eq!(say(1, "b", 59), Some(1));
        assert_eq!(say(2, "a", 59), Some(1));
        assert_eq!(say(1, "a", 60), Some(60));
        assert_eq!(say(1, "a", 61), None);
        assert_eq!(say(1, "a", 500), Some(2));
    }

    #[test]
    fn a_network_of_ipv6_gets_a_line_a_minute() {
        let log_limit = LogLimit::default();
        let say = |address: u128, second: u64| {
            let address = std::net::Ipv6Addr::from_bits(address).into();
            log_limit.admit(address, "a", Duration::from_secs(second))
        };
        let network = 0x2001_0db8_u128 << 96;
        let said = (1..100).filter(|host| say(network | host, 0).is_some());
        assert_eq!(said.count(), 1);
        assert_eq!(say(network | 7, 60), Some(99));
        assert_eq!(say(network | 1 << 64, 60), Some(1));
    }

    #[test]
    fn many_peers_take_a_bounded_place() {
        let log_limit = LogLimit::default();
        let say = |peer: u32, second: u64| {
            let address = Ipv4Addr::from_bits(peer).into();
            log_limit.admit(address, "a", Duration::from_secs(second))
        };
        let said = (1..100_000).filter(|peer| say(*peer, 0).is_some()).count();
        assert_eq!(said, APART + 1);
        assert!(log_limit.0.lock().is_ok_and(|said| said.len() == APART + 1));
        assert_eq!(say(99_999, 61), Some(1));
        assert!(log_limit.0.lock().is_ok_and(|said| said.len() <= 2));
    }
}
