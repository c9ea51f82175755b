//! Licence permits: each counts itself wherever it is dropped, and outlives the actor that grants them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{Freed, Licensing};
use crate::post::Post;

/// What a permit is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PermitKind {
    /// A phone that is in operation and connected.
    Phone,
    /// A line with at least one subscriber.
    Line,
}

impl PermitKind {
    pub(super) const ALL: [Self; 2] = [Self::Phone, Self::Line];
}

/// The permits in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PermitCounts {
    /// Phones that are in operation and connected.
    pub phones: usize,
    /// Monitored lines; a line with many subscribers counts once.
    pub lines: usize,
}

/// The right to control a phone, or to monitor a line. Dropping it gives it back.
pub struct LicencePermit {
    kind: PermitKind,
    permits: Arc<Permits>,
}

/// The counts of permits.
pub(super) struct Permits {
    phones: PermitCount,
    lines: PermitCount,
    /// Whether somebody waits for a permit, and licensing has not been told of one yet.
    awaited: AtomicBool,
    licensing: Post<Licensing>,
}

#[derive(Default)]
struct PermitCount {
    taken: AtomicUsize,
    /// How many are still to be given back, because there are fewer licences.
    withdrawn: AtomicUsize,
}

impl Permits {
    pub(super) fn new(licensing: Post<Licensing>) -> Self {
        Self {
            phones: PermitCount::default(),
            lines: PermitCount::default(),
            awaited: AtomicBool::new(false),
            licensing,
        }
    }

    pub(super) fn taken(&self, kind: PermitKind) -> usize {
        self.of(kind).taken.load(Ordering::SeqCst)
    }

    pub(super) fn counts(&self) -> PermitCounts {
        PermitCounts {
            phones: self.taken(PermitKind::Phone),
            lines: self.taken(PermitKind::Line),
        }
    }

    /// Tells licensing once when permits are given back, however many.
    pub(super) fn await_one(&self) {
        self.awaited.store(true, Ordering::SeqCst);
    }

    /// So many permits of a kind are to be given back.
    pub(super) fn withdraw(&self, kind: PermitKind, permits: usize) {
        self.of(kind).withdrawn.store(permits, Ordering::SeqCst);
    }

    fn of(&self, kind: PermitKind) -> &PermitCount {
        match kind {
            PermitKind::Phone => &self.phones,
            PermitKind::Line => &self.lines,
        }
    }

    fn tell(&self, changed: PermitKind) {
        let PermitCounts { phones, lines } = self.counts();
        tracing::info!(phones, lines, ?changed, "seats in use");
    }
}

impl LicencePermit {
    pub(super) fn new(kind: PermitKind, permits: &Arc<Permits>) -> Self {
        permits.of(kind).taken.fetch_add(1, Ordering::SeqCst);
        permits.tell(kind);
        Self {
            kind,
            permits: Arc::clone(permits),
        }
    }

    /// Whether this one is among those that are withdrawn; who is told so has to give it back.
    pub fn is_withdrawn(&self) -> bool {
        let withdrawn = &self.permits.of(self.kind).withdrawn;
        withdrawn
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }
}

impl fmt::Debug for LicencePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicencePermit({:?})", self.kind)
    }
}

impl Drop for LicencePermit {
    fn drop(&mut self) {
        self.permits
            .of(self.kind)
            .taken
            .fetch_sub(1, Ordering::SeqCst);
        self.permits.tell(self.kind);
        if self.permits.awaited.swap(false, Ordering::SeqCst) {
            self.permits.licensing.do_send(Freed);
        }
    }
}
