//! The last messages of each party on a thread, within a bound in octets; the oldest make room for new ones.

use std::collections::HashMap;

use slab::Slab;

use super::message::{Party, RecordedMessage};

/// The rings of a thread.
///
/// All entries form a list by age, and those of each party another one. The oldest entry of all is the oldest of its party, so
/// that an entry leaves both lists at its front, unless its party exceeds a share of its own.
#[derive(Debug)]
pub(super) struct Rings {
    bound: usize,
    used: usize,
    entries: Slab<Entry>,
    oldest: usize,
    newest: usize,
    rings: HashMap<Party, Ring>,
}

#[derive(Debug)]
struct Entry {
    message: RecordedMessage,
    party: Party,
    older: usize,
    newer: usize,
    /// The next one of the same party.
    next: usize,
}

/// The entries of one party; at least one.
#[derive(Debug)]
struct Ring {
    first: usize,
    last: usize,
    used: usize,
}

/// No entry.
const NONE: usize = usize::MAX;
/// What an entry costs besides its octets: the list of entries doubles when it is full, and the octets have a header.
const ENTRY: usize = 2 * size_of::<Entry>() + 32;
/// What a ring costs besides its entries, with the name of a client.
const RING: usize = 2 * size_of::<(Party, Ring)>() + 64;
/// The share of the bound that one party may use at most, so that a busy one leaves room for the others; and the least share.
const SHARES: usize = 64;
const LEAST_SHARE: usize = 64 * 1024;

impl Rings {
    /// Rings of at most `bound` octets in all; 0 keeps nothing.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            used: 0,
            entries: Slab::new(),
            oldest: NONE,
            newest: NONE,
            rings: HashMap::new(),
        }
    }

    /// Keeps at most so many octets from now on.
    pub(super) fn set_bound(&mut self, bound: usize) {
        if bound == 0 {
            // Gives back the memory of the lists, too.
            *self = Self::new(0);
        }
        self.bound = bound;
        self.make_room(0);
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// How many octets of a message are kept at most; 0 if none is kept.
    pub(super) fn longest(&self) -> usize {
        self.share().saturating_sub(ENTRY)
    }

    /// Keeps a message of at most [`Self::longest`] octets.
    pub(super) fn add(&mut self, party: &Party, message: RecordedMessage) {
        let cost = message.octets.len() + ENTRY;
        if cost > self.share() {
            return;
        }
        while let Some(ring) = self.rings.get(party)
            && ring.used + cost > self.share()
        {
            self.remove(ring.first);
        }
        self.make_room(cost + RING);
        let at = self.entries.insert(Entry {
            message,
            party: party.clone(),
            older: self.newest,
            newer: NONE,
            next: NONE,
        });
        self.used += cost;
        match self.entries.get_mut(self.newest) {
            Some(newest) => newest.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
        if let Some(ring) = self.rings.get_mut(party) {
            let last = std::mem::replace(&mut ring.last, at);
            ring.used += cost;
            if let Some(last) = self.entries.get_mut(last) {
                last.next = at;
            }
        } else {
            self.used += RING;
            let ring = Ring {
                first: at,
                last: at,
                used: cost,
            };
            self.rings.insert(party.clone(), ring);
        }
    }

    /// The messages of a party, the oldest first.
    pub(super) fn of(&self, party: &Party) -> impl Iterator<Item = &RecordedMessage> + use<'_> {
        let mut at = self.rings.get(party).map_or(NONE, |ring| ring.first);
        std::iter::from_fn(move || {
            let entry = self.entries.get(at)?;
            at = entry.next;
            Some(&entry.message)
        })
    }

    /// Removes the ring of a party.
    pub(super) fn forget(&mut self, party: &Party) {
        while let Some(ring) = self.rings.get(party) {
            self.remove(ring.first);
        }
    }

    fn share(&self) -> usize {
        (self.bound / SHARES).max(LEAST_SHARE).min(self.bound / 2)
    }

    /// Removes the oldest entries until `octets` more are within the bound.
    fn make_room(&mut self, octets: usize) {
        while self.used + octets > self.bound && self.oldest != NONE {
            self.remove(self.oldest);
        }
    }

    /// Removes an entry that is the first of its ring.
    fn remove(&mut self, at: usize) {
        let Some(entry) = self.entries.try_remove(at) else {
            return;
        };
        match self.entries.get_mut(entry.older) {
            Some(older) => older.newer = entry.newer,
            None => self.oldest = entry.newer,
        }
        match self.entries.get_mut(entry.newer) {
            Some(newer) => newer.older = entry.older,
            None => self.newest = entry.older,
        }
        let cost = entry.message.octets.len() + ENTRY;
        self.used -= cost;
        if entry.next == NONE {
            self.rings.remove(&entry.party);
            self.used -= RING;
        } else if let Some(ring) = self.rings.get_mut(&entry.party) {
            ring.first = entry.next;
            ring.used -= cost;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use bytes::Bytes;
    use proptest::prelude::*;
    use uacsta_schema::sip::Transport;

    use super::*;
    use crate::ladder::{Direction, Path};

    fn party(number: u8) -> Party {
        Party::Client(format!("user{number}").into())
    }

    /// A message of `length` octets, told apart by `at`.
    fn message(at: u64, length: usize) -> RecordedMessage {
        let address = ([192, 0, 2, 1], 5060).into();
        RecordedMessage {
            at: Duration::from_secs(at),
            direction: Direction::Received,
            path: Arc::new(Path {
                local: address,
                peer: address,
                transport: Transport::TCP,
            }),
            length,
            octets: Bytes::from(vec![b'x'; length]),
        }
    }

    fn times(rings: &Rings, number: u8) -> Vec<u64> {
        let times = rings.of(&party(number)).map(|kept| kept.at.as_secs());
        times.collect()
    }

    #[test]
    fn messages_of_a_party_are_kept_in_order() {
        let mut rings = Rings::new(1 << 20);
        for (at, number) in [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1)] {
            rings.add(&party(number), message(at, 100));
        }
        assert_eq!(times(&rings, 1), [1, 3, 5]);
        assert_eq!(times(&rings, 2), [2, 4]);
        assert_eq!(times(&rings, 3), [0; 0]);
        rings.forget(&party(1));
        assert_eq!(times(&rings, 1), [0; 0]);
        assert_eq!(times(&rings, 2), [2, 4]);
    }

    #[test]
    fn a_busy_party_leaves_the_messages_of_others() {
        let mut rings = Rings::new(1 << 20);
        rings.add(&party(1), message(0, 500));
        for at in 1..10_000 {
            rings.add(&party(2), message(at, 500));
        }
        assert_eq!(times(&rings, 1), [0]);
        let kept = times(&rings, 2);
        assert_eq!(kept.last(), Some(&9999));
        assert!((50..200).contains(&kept.len()), "{}", kept.len());
    }

    #[test]
    fn the_oldest_messages_make_room_and_an_empty_ring_is_removed() {
        let mut rings = Rings::new(1 << 20);
        for at in 0..=u64::from(u8::MAX) {
            rings.add(&party(at as u8), message(at, 10_000));
        }
        assert_eq!(times(&rings, 0), [0; 0]);
        assert_eq!(times(&rings, 255), [255]);
        assert!(rings.rings.len() < 110 && rings.rings.len() > 90);
    }

    #[test]
    fn nothing_is_kept_once_the_bound_is_zero() {
        let mut rings = Rings::new(1 << 20);
        rings.add(&party(1), message(1, 100));
        rings.set_bound(0);
        assert_eq!(rings.longest(), 0);
        rings.add(&party(1), message(2, 0));
        assert_eq!((rings.used, times(&rings, 1)), (0, vec![]));
        rings.set_bound(1 << 20);
        rings.add(&party(1), message(3, 100));
        assert_eq!(times(&rings, 1), [3]);
    }

    proptest! {
        #[test]
        fn the_rings_stay_within_their_bound(
            bound in 0_usize..400_000,
            added in prop::collection::vec((0_u8..20, 0_usize..20_000), 0..300),
            forgotten in prop::collection::vec(0_u8..20, 0..5),
            later in 0_usize..200_000,
        ) {
            let mut rings = Rings::new(bound);
            for (at, (number, length)) in added.iter().enumerate() {
                rings.add(&party(*number), message(at as u64, *length));
                prop_assert!(rings.used <= bound);
            }
            for number in forgotten {
                rings.forget(&party(number));
            }
            rings.set_bound(later);
            prop_assert!(rings.used <= later);
            let mut seen = 0;
            for (party, ring) in &rings.rings {
                let kept: Vec<_> = rings.of(party).collect();
                prop_assert!(kept.is_sorted_by_key(|kept| kept.at));
                let used: usize = kept.iter().map(|kept| kept.octets.len() + ENTRY).sum();
                prop_assert_eq!(ring.used, used);
                seen += kept.len();
            }
            prop_assert_eq!(seen, rings.entries.len());
            let used: usize = rings.rings.values().map(|ring| ring.used + RING).sum();
            prop_assert_eq!(used, rings.used);
        }
    }
}
