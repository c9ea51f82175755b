//! Bounds the memory of partial messages from peers that have not authenticated: all of them share one budget.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The octets of all such peers' partial messages.
pub type PartialBudget = Arc<AtomicUsize>;

/// One peer's share of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct PartialShare {
    used: PartialBudget,
    most: usize,
    /// The octets of the message that have arrived, and how many of them are counted.
    arrived: usize,
    counted: usize,
}

/// The first octets of a message are not counted: hardly any REGISTER is longer.
const FREE: usize = 4 * 1024;

impl PartialShare {
    /// A share of the budget `used`, which may grow to `most` octets.
    pub(super) fn of(used: PartialBudget, most: usize) -> Self {
        Self {
            used,
            most,
            arrived: 0,
            counted: 0,
        }
    }

    /// More octets arrived, and the message is not complete. Returns whether the budget has room for them.
    pub(super) fn grows(&mut self, octets: usize) -> bool {
        self.arrived += octets;
        if self.arrived <= FREE {
            return true;
        }
        let more = self.arrived - self.counted;
        self.counted = self.arrived;
        self.used.fetch_add(more, Relaxed) + more <= self.most
    }

    /// The message is complete, and `octets` of the next one have arrived.
    pub(super) fn restart(&mut self, octets: usize) {
        self.used.fetch_sub(self.counted, Relaxed);
        (self.arrived, self.counted) = (octets, 0);
    }
}

impl Drop for PartialShare {
    fn drop(&mut self) {
        self.used.fetch_sub(self.counted, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_messages_count_until_they_are_complete_or_dropped() {
        let all = PartialBudget::default();
        let part = || PartialShare::of(Arc::clone(&all), 3 * FREE);
        let (mut first, mut second) = (part(), part());
        assert!(first.grows(FREE) && second.grows(FREE));
        assert_eq!(all.load(Relaxed), 0);
        assert!(first.grows(FREE));
        assert_eq!(all.load(Relaxed), 2 * FREE);
        assert!(!second.grows(1));
        drop(second);
        assert!(first.grows(FREE) && !first.grows(1));
        first.restart(1);
        assert_eq!(all.load(Relaxed), 0);
        assert!(part().grows(3 * FREE));
        assert_eq!(all.load(Relaxed), 0);
    }
}
