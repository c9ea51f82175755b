//! Detects two devices that register with one name, by the bindings that they take from each other.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::reason::{Cause, Reason};

/// The moves of a phone's binding between addresses.
#[derive(Debug, Default)]
pub(super) struct SameName {
    /// The address that the binding left last, and when.
    left: Option<(IpAddr, Duration)>,
    /// How often in a row the binding returned to the address that it had left.
    returns: u8,
    seen: Option<Box<Seen>>,
}

#[derive(Debug)]
struct Seen {
    addresses: [SocketAddr; 2],
    since: u64,
    until: Duration,
}

/// A phone may change its network and come back once; two devices do so again and again.
const RETURNS: u8 = 2;

/// A binding that moved to another connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::registrar) struct Rebind {
    pub(in crate::registrar) former: SocketAddr,
    pub(in crate::registrar) address: SocketAddr,
    /// Whether the binding moved between connections so fast that no single phone does so.
    pub(in crate::registrar) is_rapid: bool,
    /// How long the binding lasts.
    pub(in crate::registrar) expires: Duration,
}

impl SameName {
    /// The binding moved at `now`, which is `at` seconds since 1970.
    pub(super) fn moved(&mut self, rebind: Rebind, now: Duration, at: u64) {
        let Rebind {
            former, address, ..
        } = rebind;
        if former.ip() != address.ip() {
            let returned = |(left, when): (IpAddr, Duration)| {
                left == address.ip() && now <= when + rebind.expires
            };
            self.returns = match self.left.is_some_and(returned) {
                true => self.returns.saturating_add(1),
                false => 0,
            };
            self.left = Some((former.ip(), now));
        }
        if self.returns >= RETURNS || rebind.is_rapid {
            let goes_on = self.seen.take().filter(|seen| now < seen.until);
            self.seen = Some(Box::new(Seen {
                addresses: [former, address],
                since: goes_on.map_or(at, |seen| seen.since),
                until: now + rebind.expires,
            }));
        }
    }

    /// The reason, until no binding has moved for the time of a registration.
    pub(super) fn reason(&self, now: Duration) -> Option<Reason> {
        let seen = self.seen.as_ref().filter(|seen| now < seen.until)?;
        Some(Reason {
            cause: Cause::SameName(seen.addresses),
            since: Some(seen.since),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const EXPIRES: Duration = Duration::from_secs(300);

    /// Moves the binding between hosts at these seconds; whether there seem to be two phones after each.
    fn play(moves: &[(u64, u8, u8)]) -> Vec<bool> {
        let mut same_name = SameName::default();
        let address = |host| SocketAddr::from(([10, 0, 0, host], 5060));
        let moved = moves.iter().map(|(second, former, to)| {
            let now = Duration::from_secs(*second);
            let rebind = Rebind {
                former: address(*former),
                address: address(*to),
                is_rapid: false,
                expires: EXPIRES,
            };
            same_name.moved(rebind, now, *second);
            same_name.reason(now).is_some()
        });
        moved.collect()
    }

    #[test]
    fn two_devices_take_the_binding_from_each_other_again_and_again() {
        assert_eq!(
            play(&[(0, 1, 2), (10, 2, 1), (20, 1, 2)]),
            [false, false, true]
        );
        // One that moves, and comes back once or much later.
        assert_eq!(play(&[(0, 1, 2), (10, 2, 1)]), [false, false]);
        assert_eq!(play(&[(0, 1, 2), (400, 2, 1), (800, 1, 2)]), [false; 3]);
        // One that gets a new address each time.
        assert_eq!(play(&[(0, 1, 2), (10, 2, 3), (20, 3, 4)]), [false; 3]);
    }

    #[test]
    fn the_reason_ends_when_no_binding_has_moved_for_a_registration() {
        let mut same_name = SameName::default();
        let rapid = Rebind {
            former: ([10, 0, 0, 1], 1).into(),
            address: ([10, 0, 0, 1], 2).into(),
            is_rapid: true,
            expires: EXPIRES,
        };
        same_name.moved(rapid, Duration::ZERO, 100);
        same_name.moved(rapid, Duration::from_secs(200), 300);
        let reason = |second| same_name.reason(Duration::from_secs(second));
        assert_eq!(reason(499).unwrap().since, Some(100));
        assert_eq!(reason(500), None);
    }
}
