//! How many connections are open, in all and from each address: a connection counts until it is dropped.

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use uacsta_actors::{auth::address_prefix, counters::Counter};
use uacsta_config::Limits;

/// A connection that counts as open until it is dropped.
pub(super) struct Counted {
    pub(super) io: TcpStream,
    pub(super) open: Open,
}

/// The same, whose first octets are looked at as they come.
pub(super) struct Watched {
    io: Counted,
    watch: Option<Watch>,
}

/// Hears of the first octets; its error ends the connection.
type Watch = Box<dyn FnOnce(&[u8]) -> io::Result<()>>;

/// One open connection in the counts of all and of its address.
pub(super) struct Open {
    address: IpAddr,
    counts: Counts,
    /// While nobody has logged on, until somebody takes it.
    pub(super) stranger: Option<Stranger>,
}

/// One connection on which nobody has logged on, in the counts of those.
pub(super) struct Stranger {
    address: IpAddr,
    counts: Counts,
}

/// The open connections of all interfaces.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    all: usize,
    strangers: usize,
    /// By [`source`].
    by_address: HashMap<IpAddr, Here>,
}

/// The open connections of one address.
#[derive(Clone, Copy, Debug, Default)]
struct Here {
    all: usize,
    strangers: usize,
}

/// An address may have so many times as many strangers as there are places left for further ones: two thirds of all while
/// it is alone, for a site behind one address comes back all at once, and less the more there are and the more connections are
/// taken otherwise, so that nobody takes all places however many it asks for.
const SHARE: usize = 2;

impl Open {
    /// Counts one more, or tells the limit that it would pass.
    pub(super) fn new(open: &Counts, limits: &Limits, address: IpAddr) -> Result<Self, Counter> {
        let address = address_prefix(address);
        open.numbers().enter(limits, address)?;
        Ok(Self {
            address,
            counts: open.clone(),
            stranger: None,
        })
    }

    /// The same for a connection on which nobody has logged on.
    pub(super) fn by_stranger(
        open: &Counts,
        limits: &Limits,
        address: IpAddr,
    ) -> Result<Self, Counter> {
        let address = address_prefix(address);
        let mut numbers = open.numbers();
        numbers.admit(limits, address)?;
        numbers.enter(limits, address)?.strangers += 1;
        numbers.strangers += 1;
        drop(numbers);
        Ok(Self {
            address,
            counts: open.clone(),
            stranger: Some(Stranger {
                address,
                counts: open.clone(),
            }),
        })
    }
}

impl Numbers {
    /// Counts one more, or tells the limit that it would pass.
    fn enter(&mut self, limits: &Limits, address: IpAddr) -> Result<&mut Here, Counter> {
        if self.all >= limits.connections {
            return Err(Counter::TooManyConnections);
        }
        let here = self.by_address.get(&address).map_or(0, |here| here.all);
        if here >= limits.connections_per_address {
            return Err(Counter::TooManyFromAddress);
        }
        self.all += 1;
        let here = self.by_address.entry(address).or_default();
        here.all += 1;
        Ok(here)
    }

    /// Whether there is room for one more stranger from an address.
    fn admit(&self, limits: &Limits, address: IpAddr) -> Result<(), Counter> {
        let places = limits.connections.saturating_sub(self.all);
        let left = limits
            .unauthenticated_connections
            .saturating_sub(self.strangers)
            .min(places);
        let here = self
            .by_address
            .get(&address)
            .map_or(0, |here| here.strangers);
        if places == 0 {
            return Err(Counter::TooManyConnections);
        }
        if left == 0 || here >= left.saturating_mul(SHARE) {
            return Err(Counter::TooManyStrangers);
        }
        Ok(())
    }

    /// Takes something off an address, which is forgotten with its last connection.
    fn leave(&mut self, address: IpAddr, take: impl FnOnce(&mut Here)) {
        if let Entry::Occupied(mut here) = self.by_address.entry(address) {
            take(here.get_mut());
            if here.get().all == 0 && here.get().strangers == 0 {
                here.remove();
            }
        }
    }
}

impl Counts {
    /// How many connections are open, and on how many of them nobody has logged on.
    pub fn totals(&self) -> (usize, usize) {
        let numbers = self.numbers();
        (numbers.all, numbers.strangers)
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut counts = self.counts.numbers();
        counts.strangers = counts.strangers.saturating_sub(1);
        counts.leave(self.address, |here| {
            here.strangers = here.strangers.saturating_sub(1);
        });
    }
}

impl Open {
    /// Counts on as one of another address, or tells the limit that it would pass.
    pub(super) fn belongs_to(self, limits: &Limits, address: IpAddr) -> Result<Self, Counter> {
        let counts = self.counts.clone();
        drop(self);
        Self::by_stranger(&counts, limits, address)
    }
}

impl Counted {
    /// Lets `watch` see the first octets that come.
    pub(super) fn watched(self, watch: impl FnOnce(&[u8]) -> io::Result<()> + 'static) -> Watched {
        Watched {
            io: self,
            watch: Some(Box::new(watch)),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut counts = self.counts.numbers();
        counts.all = counts.all.saturating_sub(1);
        counts.leave(self.address, |here| here.all = here.all.saturating_sub(1));
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io.io).poll_read(cx, buffer))?;
        let first = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(match self.watch.take_if(|_| !first.is_empty()) {
            Some(watch) => watch(first),
            None => Ok(()),
        })
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io.io).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn limits() -> Limits {
        uacsta_config::Settings::builtin().limits
    }

    /// How many of so many strangers from an address are let in.
    fn let_in(open: &Counts, limits: &Limits, address: &str, number: usize) -> Vec<Open> {
        let address = address.parse().unwrap();
        (0..number)
            .filter_map(|_| Open::by_stranger(open, limits, address).ok())
            .collect()
    }

    #[test]
    fn no_address_takes_all_places_for_strangers() {
        let (open, mut limits) = (Counts::default(), limits());
        limits.unauthenticated_connections = 10_000;
        let site = let_in(&open, &limits, "192.0.2.1", 10_000);
        assert_eq!(site.len(), 6_667);
        let other = let_in(&open, &limits, "192.0.2.2", 10_000);
        assert_eq!(other.len(), 2_222);
        let mut guards = Vec::new();
        for last in 3..=8 {
            guards.push(let_in(&open, &limits, &format!("192.0.2.{last}"), 10_000));
        }
        assert!(guards.iter().all(|guard| !guard.is_empty()));
        drop((site, other, guards));
        assert_eq!(open.totals(), (0, 0));
        assert!(open.numbers().by_address.is_empty());
    }

    #[test]
    fn places_that_phones_have_are_not_for_strangers_to_take() {
        let (open, mut limits) = (Counts::default(), limits());
        (limits.connections, limits.unauthenticated_connections) = (100, 100);
        let phone = |number| {
            let address = IpAddr::from([192, 0, 2, number]);
            Open::new(&open, &limits, address).unwrap()
        };
        let phones: Vec<Open> = (0..70).map(phone).collect();
        let greedy = let_in(&open, &limits, "198.51.100.1", 100);
        assert_eq!(greedy.len(), 20, "two thirds of 30");
        let other = let_in(&open, &limits, "198.51.100.2", 100);
        assert!(!other.is_empty() && open.totals().0 < 100);
        drop(phones);
    }

    #[test]
    fn who_has_many_addresses_counts_as_one() {
        let check = |one: &str, other: &str, same: bool| {
            let mut limits = limits();
            limits.connections_per_address = 1;
            let open = Counts::default();
            let first = Open::new(&open, &limits, one.parse().unwrap());
            let second = Open::new(&open, &limits, other.parse().unwrap());
            assert!(first.is_ok());
            assert_eq!(second.is_err(), same, "{one} and {other}");
        };
        // RFC 4291 2.5.4: 64 bits are the interface's own. 2.5.5.2: an IPv4 address in IPv6.
        check("2001:db8::1", "2001:db8::ffff:2", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
        check("192.0.2.1", "192.0.2.2", false);
    }
}
