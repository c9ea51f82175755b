//! Limits of open connections: in total, of each address, and of unauthenticated peers.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uacsta_actors::{
    auth::address_prefix, counters::Counter, sip::connection::CountUnauthenticated,
};
use uacsta_config::Limits;

/// Counts one open connection until it is dropped.
pub(super) struct ConnectionPermit {
    address: IpAddr,
    counts: ConnectionCounts,
    /// Taken by the connection's actor, which counts with it while the peer is unauthenticated.
    pub(super) unauthenticated: Option<UnauthenticatedPermit>,
}

/// Counts one connection while it is unauthenticated, until it is dropped.
#[derive(Debug)]
pub(super) struct UnauthenticatedPermit {
    address: IpAddr,
    counts: ConnectionCounts,
    is_counted: bool,
}

/// The open connections of all interfaces.
#[derive(Clone, Debug, Default)]
pub struct ConnectionCounts(Arc<Mutex<Totals>>);

#[derive(Debug, Default)]
struct Totals {
    all: usize,
    unauthenticated: usize,
    /// By [`address_prefix`].
    by_address: HashMap<IpAddr, AddressCount>,
}

#[derive(Clone, Copy, Debug, Default)]
struct AddressCount {
    all: usize,
    unauthenticated: usize,
}

/// The unauthenticated connections of one address must stay below `SHARE` times the places that are still free. So one site
/// behind one address gets two thirds of them while it is alone, and no address ever gets the last place.
const SHARE: usize = 2;

impl ConnectionPermit {
    /// Counts an authenticated connection.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn new(
        counts: &ConnectionCounts,
        limits: &Limits,
        address: IpAddr,
    ) -> Result<Self, Counter> {
        let address = address_prefix(address);
        counts.lock().add(limits, address)?;
        Ok(Self {
            address,
            counts: counts.clone(),
            unauthenticated: None,
        })
    }

    /// Counts a connection on which nobody has authenticated yet.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn unauthenticated(
        counts: &ConnectionCounts,
        limits: &Limits,
        address: IpAddr,
    ) -> Result<Self, Counter> {
        let address = address_prefix(address);
        counts.lock().add_unauthenticated(limits, address)?;
        let unauthenticated = UnauthenticatedPermit {
            address,
            counts: counts.clone(),
            is_counted: true,
        };
        Ok(Self {
            address,
            counts: counts.clone(),
            unauthenticated: Some(unauthenticated),
        })
    }

    /// Counts the connection for another address, the one that a PROXY header names.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn moved_to(self, limits: &Limits, address: IpAddr) -> Result<Self, Counter> {
        let counts = self.counts.clone();
        drop(self);
        Self::unauthenticated(&counts, limits, address)
    }
}

impl Totals {
    fn add(&mut self, limits: &Limits, address: IpAddr) -> Result<&mut AddressCount, Counter> {
        if self.all >= limits.connections {
            return Err(Counter::TooManyConnections);
        }
        if self.of(address).all >= limits.connections_per_address {
            return Err(Counter::TooManyFromAddress);
        }
        self.all += 1;
        let count = self.by_address.entry(address).or_default();
        count.all += 1;
        Ok(count)
    }

    fn add_unauthenticated(&mut self, limits: &Limits, address: IpAddr) -> Result<(), Counter> {
        let free = limits.connections.saturating_sub(self.all);
        if free == 0 {
            return Err(Counter::TooManyConnections);
        }
        let places = limits
            .unauthenticated_connections
            .saturating_sub(self.unauthenticated)
            .min(free);
        if places == 0 || self.of(address).unauthenticated >= places.saturating_mul(SHARE) {
            return Err(Counter::TooManyUnauthenticated);
        }
        self.add(limits, address)?.unauthenticated += 1;
        self.unauthenticated += 1;
        Ok(())
    }

    fn of(&self, address: IpAddr) -> AddressCount {
        self.by_address.get(&address).copied().unwrap_or_default()
    }

    /// Changes the count of an address, and removes it with its last connection.
    fn subtract(&mut self, address: IpAddr, change: impl FnOnce(&mut AddressCount)) {
        if let Entry::Occupied(mut count) = self.by_address.entry(address) {
            change(count.get_mut());
            if count.get().all == 0 && count.get().unauthenticated == 0 {
                count.remove();
            }
        }
    }
}

impl ConnectionCounts {
    /// The open connections, and how many of them are unauthenticated.
    pub fn totals(&self) -> (usize, usize) {
        let totals = self.lock();
        (totals.all, totals.unauthenticated)
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut totals = self.counts.lock();
        totals.all = totals.all.saturating_sub(1);
        totals.subtract(self.address, |count| {
            count.all = count.all.saturating_sub(1);
        });
    }
}

impl CountUnauthenticated for UnauthenticatedPermit {
    /// A peer that logged off is counted even above the limit.
    fn set(&mut self, unauthenticated: bool) {
        if std::mem::replace(&mut self.is_counted, unauthenticated) == unauthenticated {
            return;
        }
        let mut totals = self.counts.lock();
        if unauthenticated {
            totals.unauthenticated += 1;
            let count = totals.by_address.entry(self.address).or_default();
            count.unauthenticated += 1;
            return;
        }
        totals.unauthenticated = totals.unauthenticated.saturating_sub(1);
        totals.subtract(self.address, |count| {
            count.unauthenticated = count.unauthenticated.saturating_sub(1);
        });
    }
}

impl Drop for UnauthenticatedPermit {
    fn drop(&mut self) {
        self.set(false);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn limits() -> Limits {
        uacsta_config::Settings::builtin().limits
    }

    /// The permits of those that are accepted out of `number` attempts.
    fn accepted(
        counts: &ConnectionCounts,
        limits: &Limits,
        address: &str,
        number: usize,
    ) -> Vec<ConnectionPermit> {
        let address = address.parse().unwrap();
        (0..number)
            .filter_map(|_| ConnectionPermit::unauthenticated(counts, limits, address).ok())
            .collect()
    }

    #[test]
    fn one_address_cannot_take_all_unauthenticated_places() {
        let (counts, mut limits) = (ConnectionCounts::default(), limits());
        limits.unauthenticated_connections = 10_000;
        let site = accepted(&counts, &limits, "192.0.2.1", 10_000);
        assert_eq!(site.len(), 6_667);
        let other = accepted(&counts, &limits, "192.0.2.2", 10_000);
        assert_eq!(other.len(), 2_222);
        let mut guards = Vec::new();
        for last in 3..=8 {
            guards.push(accepted(
                &counts,
                &limits,
                &format!("192.0.2.{last}"),
                10_000,
            ));
        }
        assert!(guards.iter().all(|guard| !guard.is_empty()));
        drop((site, other, guards));
        assert_eq!(counts.totals(), (0, 0));
        assert!(counts.lock().by_address.is_empty());
    }

    #[test]
    fn authenticated_connections_leave_fewer_unauthenticated_places() {
        let (counts, mut limits) = (ConnectionCounts::default(), limits());
        (limits.connections, limits.unauthenticated_connections) = (100, 100);
        let phone = |number| {
            let address = IpAddr::from([192, 0, 2, number]);
            ConnectionPermit::new(&counts, &limits, address).unwrap()
        };
        let phones: Vec<ConnectionPermit> = (0..70).map(phone).collect();
        let greedy = accepted(&counts, &limits, "198.51.100.1", 100);
        assert_eq!(greedy.len(), 20, "two thirds of 30");
        let other = accepted(&counts, &limits, "198.51.100.2", 100);
        assert!(!other.is_empty() && counts.totals().0 < 100);
        drop(phones);
    }

    #[test]
    fn ipv6_prefix_and_mapped_ipv4_count_as_one_address() {
        let check = |one: &str, other: &str, same: bool| {
            let mut limits = limits();
            limits.connections_per_address = 1;
            let counts = ConnectionCounts::default();
            let first = ConnectionPermit::new(&counts, &limits, one.parse().unwrap());
            let second = ConnectionPermit::new(&counts, &limits, other.parse().unwrap());
            assert!(first.is_ok());
            assert_eq!(second.is_err(), same, "{one} and {other}");
        };
        // RFC 4291, section 2.5.4: 64 bits identify the interface. Section 2.5.5.2: IPv4-mapped addresses.
        check("2001:db8::1", "2001:db8::ffff:2", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
        check("192.0.2.1", "192.0.2.2", false);
    }
}
