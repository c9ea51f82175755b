//! Licence permits: each gives itself back when it is dropped, and outlives the actor that granted it.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use crate::licence::PermitKind;

/// The permits in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PermitCounts {
    /// Phones that are enabled and connected.
    pub phones: usize,
    /// Monitored lines; a line with many subscribers counts once.
    pub lines: usize,
}

/// Who holds a permit, or waits for one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PermitHolder {
    /// The phone.
    pub phone: PhoneId,
    /// Its line, where the permit is for monitoring it.
    pub line: Option<DeviceId>,
}

/// The right to control a phone, or to monitor a line.
pub struct LicencePermit {
    kind: PermitKind,
    granted: Arc<Granted>,
    usage: Arc<PermitUsage>,
}

/// A permit as licensing knows it.
#[derive(Debug)]
struct Granted {
    holder: PermitHolder,
    is_withdrawn: AtomicBool,
}

/// Counts the permits in use, and reports one that is given back.
pub(super) struct PermitUsage {
    phones: AtomicUsize,
    lines: AtomicUsize,
    /// Whether licensing waits for a permit that is given back.
    is_awaited: AtomicBool,
    /// Tells licensing.
    given_back: Box<dyn Fn() + Send + Sync>,
}

/// The permits of one kind in the order in which they were granted, with some that were given back since.
#[derive(Debug, Default)]
pub(super) struct GrantedPermits(Vec<Weak<Granted>>);

impl PermitHolder {
    /// What its permit is for.
    pub fn kind(&self) -> PermitKind {
        match self.line {
            None => PermitKind::Phone,
            Some(_) => PermitKind::Line,
        }
    }
}

impl PermitUsage {
    /// Without a permit in use; `given_back` is called once after each [`Self::await_one`].
    pub(super) fn new(given_back: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            phones: AtomicUsize::new(0),
            lines: AtomicUsize::new(0),
            is_awaited: AtomicBool::new(false),
            given_back: Box::new(given_back),
        }
    }

    pub(super) fn in_use(&self, kind: PermitKind) -> usize {
        self.of(kind).load(SeqCst)
    }

    pub(super) fn counts(&self) -> PermitCounts {
        PermitCounts {
            phones: self.in_use(PermitKind::Phone),
            lines: self.in_use(PermitKind::Line),
        }
    }

    /// Licensing is told of the next permit that is given back, and of no further one.
    pub(super) fn await_one(&self) {
        self.is_awaited.store(true, SeqCst);
    }

    fn of(&self, kind: PermitKind) -> &AtomicUsize {
        match kind {
            PermitKind::Phone => &self.phones,
            PermitKind::Line => &self.lines,
        }
    }

    fn log(&self, changed: PermitKind) {
        let PermitCounts { phones, lines } = self.counts();
        tracing::debug!(phones, lines, ?changed, "licence permits in use");
    }
}

impl GrantedPermits {
    pub(super) fn add(&mut self, holder: PermitHolder, usage: &Arc<PermitUsage>) -> LicencePermit {
        if self.0.len() == self.0.capacity() {
            self.0.retain(|permit| permit.strong_count() > 0);
        }
        let kind = holder.kind();
        let granted = Arc::new(Granted {
            holder,
            is_withdrawn: AtomicBool::new(false),
        });
        self.0.push(Arc::downgrade(&granted));
        usage.of(kind).fetch_add(1, SeqCst);
        usage.log(kind);
        LicencePermit {
            kind,
            granted,
            usage: Arc::clone(usage),
        }
    }

    /// Those who hold a permit, in the order in which they got it.
    pub(super) fn holders(&self) -> impl Iterator<Item = PermitHolder> {
        let granted = self.0.iter().filter_map(Weak::upgrade);
        granted.map(|granted| granted.holder.clone())
    }

    /// Decides which permits are withdrawn: as many as are surplus, those first that were granted last.
    pub(super) fn withdraw(&self, surplus: usize) {
        let newest_first = self.0.iter().rev().filter_map(Weak::upgrade);
        for (place, granted) in newest_first.enumerate() {
            granted.is_withdrawn.store(place < surplus, SeqCst);
        }
    }
}

impl LicencePermit {
    /// Whether its holder has to drop it, because there are fewer licences than permits.
    pub fn is_withdrawn(&self) -> bool {
        self.granted.is_withdrawn.load(SeqCst)
    }
}

impl fmt::Debug for LicencePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicencePermit({:?})", self.kind)
    }
}

impl Drop for LicencePermit {
    fn drop(&mut self) {
        self.usage.of(self.kind).fetch_sub(1, SeqCst);
        self.usage.log(self.kind);
        if self.usage.is_awaited.swap(false, SeqCst) {
            (self.usage.given_back)();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn holder(line: Option<&str>) -> PermitHolder {
        PermitHolder {
            phone: "000413000001".parse().unwrap(),
            line: line.map(DeviceId::from),
        }
    }

    #[test]
    fn the_permits_granted_last_are_withdrawn_first() {
        let usage = Arc::new(PermitUsage::new(|| {}));
        let mut granted = GrantedPermits::default();
        let mut permits: Vec<LicencePermit> =
            (0..6).map(|_| granted.add(holder(None), &usage)).collect();
        // The second and the fourth are given back.
        permits.remove(3);
        permits.remove(1);
        let withdrawn = |surplus: usize| {
            granted.withdraw(surplus);
            permits
                .iter()
                .map(|permit| u8::from(permit.is_withdrawn()))
                .collect::<Vec<_>>()
        };
        for (surplus, expected) in [
            (0, [0, 0, 0, 0]),
            (1, [0, 0, 0, 1]),
            (3, [0, 1, 1, 1]),
            (3, [0, 1, 1, 1]),
            // A licence was added before all were dropped.
            (2, [0, 0, 1, 1]),
            (9, [1, 1, 1, 1]),
            (0, [0, 0, 0, 0]),
        ] {
            assert_eq!(withdrawn(surplus), expected, "{surplus}");
        }
    }

    #[test]
    fn a_dropped_permit_is_given_back_and_reported_where_it_is_awaited() {
        let reports = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&reports);
        let usage = Arc::new(PermitUsage::new(move || {
            counted.fetch_add(1, SeqCst);
        }));
        let mut granted = GrantedPermits::default();
        let mut permits: Vec<LicencePermit> = (0..1000)
            .map(|_| granted.add(holder(Some("215")), &usage))
            .collect();
        assert_eq!(usage.in_use(PermitKind::Line), 1000);
        assert_eq!(usage.in_use(PermitKind::Phone), 0);
        permits.pop();
        assert_eq!(reports.load(SeqCst), 0);
        usage.await_one();
        permits.clear();
        assert_eq!(reports.load(SeqCst), 1);
        assert_eq!(usage.counts(), PermitCounts::default());
        // What was given back takes no room for long.
        for _ in 0..5000 {
            drop(granted.add(holder(Some("215")), &usage));
        }
        assert!(granted.0.capacity() <= 2000, "{}", granted.0.capacity());
    }
}
