//! The seats in use: each counts itself, wherever it is dropped, and outlives the actor that hands them out.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{Freed, Licensing};
use crate::post::Post;

/// What a seat is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A phone that is in operation and connected.
    Phone,
    /// A line that at least one client watches.
    Line,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Phone, Self::Line];
}

/// The seats in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Phones that are in operation and connected.
    pub phones: usize,
    /// Monitored lines; one that many clients watch counts once.
    pub lines: usize,
}

/// The right to control a phone, or to watch a line. Dropping it gives it back.
pub struct Seat {
    kind: Kind,
    seats: Arc<Seats>,
}

/// What seats count themselves in.
pub(super) struct Seats {
    phones: Count,
    lines: Count,
    /// Whether somebody waits for a seat, and licensing is not on its way to look for one yet.
    awaited: AtomicBool,
    licensing: Post<Licensing>,
}

#[derive(Default)]
struct Count {
    taken: AtomicUsize,
    /// How many are still to be given back, because there are fewer licences.
    withdrawn: AtomicUsize,
}

impl Seats {
    pub(super) fn new(licensing: Post<Licensing>) -> Self {
        Self {
            phones: Count::default(),
            lines: Count::default(),
            awaited: AtomicBool::new(false),
            licensing,
        }
    }

    pub(super) fn taken(&self, kind: Kind) -> usize {
        self.of(kind).taken.load(Ordering::SeqCst)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            phones: self.taken(Kind::Phone),
            lines: self.taken(Kind::Line),
        }
    }

    /// The next seat that comes back is told of, once: however many come back at a time, licensing looks for all of them.
    pub(super) fn await_one(&self) {
        self.awaited.store(true, Ordering::SeqCst);
    }

    /// So many seats of a kind are to be given back.
    pub(super) fn withdraw(&self, kind: Kind, seats: usize) {
        self.of(kind).withdrawn.store(seats, Ordering::SeqCst);
    }

    fn of(&self, kind: Kind) -> &Count {
        match kind {
            Kind::Phone => &self.phones,
            Kind::Line => &self.lines,
        }
    }

    fn tell(&self, changed: Kind) {
        let Counts { phones, lines } = self.counts();
        tracing::info!(phones, lines, ?changed, "seats in use");
    }
}

impl Seat {
    pub(super) fn new(kind: Kind, seats: &Arc<Seats>) -> Self {
        seats.of(kind).taken.fetch_add(1, Ordering::SeqCst);
        seats.tell(kind);
        Self {
            kind,
            seats: Arc::clone(seats),
        }
    }

    /// Whether this one is among those that are withdrawn; who is told so has to give it back.
    pub fn is_withdrawn(&self) -> bool {
        let withdrawn = &self.seats.of(self.kind).withdrawn;
        withdrawn
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seat({:?})", self.kind)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats
            .of(self.kind)
            .taken
            .fetch_sub(1, Ordering::SeqCst);
        self.seats.tell(self.kind);
        if self.seats.awaited.swap(false, Ordering::SeqCst) {
            self.seats.licensing.do_send(Freed);
        }
    }
}
