//! Addresses and credentials of phones and clients, and counters of what happened to all of them.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::Duration,
};

use anyhow::ensure;
use tokio::time::{Instant, sleep};

pub(crate) use crate::support::server::PHONES_PASSWORD;
use crate::{drive::Ticket, measure::Process, support::server::CLIENTS_PASSWORD, wire::Address};

/// A server as its peers see it.
pub(crate) struct Site {
    /// Where phones connect.
    pub(crate) phones: Address,
    /// Where clients connect.
    pub(crate) clients: Address,
    /// As the system sees it.
    pub(crate) process: Process,
    /// Phones whose identities the server has.
    pub(crate) listed: Cell<usize>,
    /// Phones that the server watches.
    pub(crate) watched: Cell<usize>,
    /// Connections that ended.
    pub(crate) lost: Cell<usize>,
    events: RefCell<HashMap<u64, Due>>,
    numbers: Cell<u64>,
}

/// The name and password of the clients.
pub(crate) const CLIENTS: (&str, &str) = ("ecsta", CLIENTS_PASSWORD);
/// The domain of identities.
pub(crate) const DOMAIN: &str = "bench.example";

/// An event under way: how often it must still be seen.
struct Due {
    times: usize,
    ticket: Ticket,
}

impl Site {
    /// A site where nothing has happened yet.
    pub(crate) fn new(phones: Address, clients: Address, process: Process) -> Rc<Self> {
        Rc::new(Self {
            phones,
            clients,
            process,
            listed: Cell::new(0),
            watched: Cell::new(0),
            lost: Cell::new(0),
            events: RefCell::default(),
            numbers: Cell::new(0),
        })
    }

    /// A number that nothing else at this site bears.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// An event leaves its phone: it has ended well when it was seen so many times.
    pub(crate) fn leaves(&self, times: usize, ticket: Ticket) -> u64 {
        let number = self.number();
        self.events
            .borrow_mut()
            .insert(number, Due { times, ticket });
        number
    }

    /// The event was seen once more.
    pub(crate) fn seen(&self, number: u64) {
        let mut events = self.events.borrow_mut();
        let Some(due) = events.get_mut(&number) else {
            return;
        };
        due.times -= 1;
        if due.times == 0 {
            let ended = events.remove(&number);
            drop(events);
            if let Some(due) = ended {
                due.ticket.finish(true);
            }
        }
    }

    /// Waits until a count has come to `wanted`.
    ///
    /// # Errors
    /// When it stands still for 20 seconds.
    pub(crate) async fn until(
        &self,
        what: &str,
        count: &Cell<usize>,
        wanted: usize,
    ) -> anyhow::Result<()> {
        let (mut last, mut since) = (count.get(), Instant::now());
        while count.get() < wanted {
            sleep(Duration::from_millis(5)).await;
            if count.get() != last {
                (last, since) = (count.get(), Instant::now());
            }
            ensure!(
                since.elapsed() < STANDSTILL,
                "{what}: stuck at {last} of {wanted}"
            );
        }
        Ok(())
    }
}

const STANDSTILL: Duration = Duration::from_secs(20);
