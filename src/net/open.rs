//! How many connections are open, in all and from each address: a connection counts until it is dropped.

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use settings::Limits;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use uacsta_actors::counters::Event;

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

/// One connection on which nobody has logged on, in the count of those.
pub(super) struct Stranger(Counts);

/// The open connections of all interfaces.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    all: usize,
    strangers: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Open {
    /// Counts one more, or tells the limit that it would pass.
    pub(super) fn new(open: &Counts, limits: &Limits, address: IpAddr) -> Result<Self, Event> {
        let mut counts = open.numbers();
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= limits.connections {
            return Err(Event::TooManyConnections);
        }
        if here >= limits.connections_per_address {
            return Err(Event::TooManyFromAddress);
        }
        counts.all += 1;
        counts.by_address.insert(address, here + 1);
        drop(counts);
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
    ) -> Result<Self, Event> {
        if open.numbers().strangers >= limits.unauthenticated_connections {
            return Err(Event::TooManyStrangers);
        }
        let mut counted = Self::new(open, limits, address)?;
        open.numbers().strangers += 1;
        counted.stranger = Some(Stranger(open.clone()));
        Ok(counted)
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
        let mut counts = self.0.numbers();
        counts.strangers = counts.strangers.saturating_sub(1);
    }
}

impl Open {
    /// Counts on as one of another address, or tells the limit that it would pass.
    pub(super) fn belongs_to(self, limits: &Limits, address: IpAddr) -> Result<Self, Event> {
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
        if let Entry::Occupied(mut here) = counts.by_address.entry(self.address) {
            *here.get_mut() -= 1;
            if *here.get() == 0 {
                here.remove();
            }
        }
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
