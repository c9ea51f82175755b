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
    phones: AtomicUsize,
    lines: AtomicUsize,
    /// Whether somebody waits for a seat.
    pub(super) crowded: AtomicBool,
    licensing: Post<Licensing>,
}

impl Seats {
    pub(super) fn new(licensing: Post<Licensing>) -> Self {
        Self {
            phones: AtomicUsize::new(0),
            lines: AtomicUsize::new(0),
            crowded: AtomicBool::new(false),
            licensing,
        }
    }

    pub(super) fn taken(&self, kind: Kind) -> usize {
        self.of(kind).load(Ordering::Relaxed)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            phones: self.taken(Kind::Phone),
            lines: self.taken(Kind::Line),
        }
    }

    fn of(&self, kind: Kind) -> &AtomicUsize {
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
        seats.of(kind).fetch_add(1, Ordering::Relaxed);
        seats.tell(kind);
        Self {
            kind,
            seats: Arc::clone(seats),
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seat({:?})", self.kind)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.of(self.kind).fetch_sub(1, Ordering::Relaxed);
        self.seats.tell(self.kind);
        if self.seats.crowded.load(Ordering::Relaxed) {
            self.seats.licensing.do_send(Freed);
        }
    }
}
