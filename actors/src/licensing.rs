//! Counts phones and monitored lines: hands out a [`Seat`] that gives itself back on drop.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix::{Actor, Context, Handler, Message, Recipient};

use crate::{House, counters::Event, registrar::Recount};

/// Counts the seats in use.
pub struct Licensing {
    house: Arc<House>,
    seats: Arc<Seats>,
}

/// What seats count themselves in: it outlives the actor that hands them out.
#[derive(Debug, Default)]
struct Seats {
    phones: AtomicUsize,
    lines: AtomicUsize,
}

/// What a seat is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A phone that is in operation and connected.
    Phone,
    /// A line that at least one client watches.
    Line,
}

/// The seats in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Phones that are in operation and connected.
    pub phones: usize,
    /// Monitored lines; one that many clients watch counts once.
    pub lines: usize,
}

/// Asks for a seat; [`Taken`] brings it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Take {
    /// What for.
    pub kind: Kind,
    /// Who gets it.
    pub to: Recipient<Taken>,
}

/// A seat was taken for the receiver. Dropped unread, the seat goes back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Taken(pub Seat);

/// The right to control a phone, or to watch a line. Dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    kind: Kind,
    seats: Arc<Seats>,
}

/// Asks for the counts.
#[derive(Debug, Message)]
#[rtype(result = "Counts")]
pub struct Count;

impl Licensing {
    /// With no seat taken.
    pub fn new(house: Arc<House>) -> Self {
        Self {
            house,
            seats: Arc::default(),
        }
    }
}

impl Actor for Licensing {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        if std::thread::panicking() {
            self.house.counters.count(Event::Panicked);
            tracing::error!("licensing failed; another takes its place");
            let successor = Self {
                house: Arc::clone(&self.house),
                seats: Arc::clone(&self.seats),
            };
            self.house.licensing.exchange(successor.start());
            // Who asked the one that failed has no seat yet.
            self.house.registrar.do_send(Recount);
        }
    }
}

impl Handler<Take> for Licensing {
    type Result = ();

    fn handle(&mut self, Take { kind, to }: Take, _: &mut Self::Context) {
        to.do_send(Taken(Seat::taken(kind, &self.seats)));
    }
}

impl Handler<Count> for Licensing {
    type Result = actix::MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(self.seats.counts())
    }
}

impl Seats {
    fn of(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Phone => &self.phones,
            Kind::Line => &self.lines,
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            phones: self.phones.load(Ordering::Relaxed),
            lines: self.lines.load(Ordering::Relaxed),
        }
    }

    fn tell(&self, changed: Kind) {
        let Counts { phones, lines } = self.counts();
        tracing::info!(phones, lines, ?changed, "seats in use");
    }
}

impl Seat {
    fn taken(kind: Kind, seats: &Arc<Seats>) -> Self {
        seats.of(kind).fetch_add(1, Ordering::Relaxed);
        seats.tell(kind);
        Self {
            kind,
            seats: Arc::clone(seats),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.of(self.kind).fetch_sub(1, Ordering::Relaxed);
        self.seats.tell(self.kind);
    }
}
