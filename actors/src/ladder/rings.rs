//! The last messages of each party on a thread, within a bound in octets.

use std::{cell::Cell, rc::Rc};

use indexmap::IndexMap;

use super::{
    log::{EncodedPath, Log, NONE, Record},
    message::{Direction, Party, RecordedMessage},
};

/// The rings of a thread. All share two logs: one for everybody, and one for what a party sends beyond its share, so that a busy
/// party does not overwrite the messages of others.
#[derive(Debug)]
pub(super) struct Rings {
    bound: usize,
    /// By [`SHARED`] and [`BUSY`].
    logs: [Log; 2],
    rings: IndexMap<Party, Rc<Ring>>,
    /// How many rings there may be before those without messages are removed.
    swept_at: usize,
    /// The ring after which the next one to be replaced is looked for.
    hand: usize,
    messages: u64,
}

/// The messages of one party: its last records, each of which has the position of the one before.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) party: Party,
    last: [Cell<u64>; 2],
    /// The number after that of its last message in each log.
    next: [Cell<u64>; 2],
    /// How many octets of the shared log were used, and in which lap of it.
    used: Cell<usize>,
    lap: Cell<u64>,
}

/// The messages of a ring in one log.
struct Chain {
    /// With their numbers, the newest first.
    messages: Vec<(u64, RecordedMessage)>,
    /// The number of the first message since which none was overwritten.
    complete_since: u64,
}

/// A message that is recorded.
pub(super) struct NewMessage<'a> {
    pub(super) at: std::time::Duration,
    pub(super) direction: Direction,
    pub(super) path: &'a EncodedPath,
    /// Head and body.
    pub(super) parts: [&'a [u8]; 2],
}

const SHARED: usize = 0;
const BUSY: usize = 1;
/// The parts of the bound, in eighths: the logs, and the rings themselves.
const PARTS: [usize; 3] = [5, 2, 1];
/// What a ring takes, with its entry in the map and the name of a client.
const RING: usize = 256;
/// The share of the shared log that a party may fill in each of its laps, and the least share.
const SHARES: usize = 64;
const LEAST_SHARE: usize = 64 * 1024;
/// How many messages and octets of a log are read at most, since the connections of the thread wait meanwhile.
const MOST_READ: usize = 4096;
const MOST_OCTETS_READ: usize = 4 << 20;
/// So many rings are looked through at least before a sweep.
const SWEEP: usize = 64;
/// How many rings are looked at for one to replace.
const LOOKED_AT: usize = 8;

impl Rings {
    /// Rings of at most `bound` octets in all; 0 keeps nothing.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            logs: [PARTS[SHARED], PARTS[BUSY]].map(|part| Log::new(bound / 8 * part)),
            rings: IndexMap::new(),
            swept_at: SWEEP,
            hand: 0,
            messages: 0,
        }
    }

    pub(super) fn bound(&self) -> usize {
        self.bound
    }

    /// How many octets of a message are kept at most.
    pub(super) fn longest(&self) -> usize {
        self.logs[BUSY].longest()
    }

    /// The ring of a party, which may replace that of another; `None` if connections use too many.
    pub(super) fn ring(&mut self, party: &Party) -> Option<Rc<Ring>> {
        if let Some(ring) = self.rings.get(party) {
            return Some(Rc::clone(ring));
        }
        if self.rings.len() >= self.swept_at {
            self.sweep();
        }
        let most = self.bound / 8 * PARTS[2] / RING;
        if self.rings.len() >= most && !self.evict() {
            return None;
        }
        let ring = Rc::new(Ring::of(party.clone()));
        self.rings.insert(party.clone(), Rc::clone(&ring));
        Some(ring)
    }

    /// Adds a message, of which at most [`Self::longest`] octets are kept.
    pub(super) fn add(&mut self, ring: &Ring, message: &NewMessage<'_>) {
        let lap = self.logs[SHARED].lap();
        if ring.lap.replace(lap) != lap {
            ring.used.set(0);
        }
        let capacity = self.logs[SHARED].capacity();
        let share = (capacity / SHARES).max(LEAST_SHARE).min(capacity / 2);
        let log = if ring.used.get() < share {
            SHARED
        } else {
            BUSY
        };
        let [head, body] = message.parts;
        let longest = self.longest();
        let kept_head = head.len().min(longest);
        let kept_body = body.len().min(longest - kept_head);
        let record = Record {
            previous: ring.last[log].get(),
            number: self.messages,
            at: message.at,
            direction: message.direction,
            path: message.path,
            length: head.len() + body.len(),
            parts: [
                head.get(..kept_head).unwrap_or_default(),
                body.get(..kept_body).unwrap_or_default(),
            ],
        };
        let Some((position, size)) = self.logs[log].write(&record) else {
            return;
        };
        ring.last[log].set(position);
        if log == SHARED {
            ring.used.set(ring.used.get() + size);
        }
        self.messages += 1;
        ring.next[log].set(self.messages);
    }

    /// The messages of a party, the oldest first, without a gap between them.
    pub(super) fn of(&self, party: &Party) -> Vec<RecordedMessage> {
        let Some(ring) = self.rings.get(party) else {
            return Vec::new();
        };
        let chains = [SHARED, BUSY].map(|log| self.chain(ring, log));
        // What was overwritten in one log is missing behind older messages of the other.
        let complete_since = chains.iter().map(|chain| chain.complete_since).max();
        let mut messages: Vec<_> = chains
            .into_iter()
            .flat_map(|chain| chain.messages)
            .collect();
        messages.retain(|(number, _)| Some(*number) >= complete_since);
        messages.sort_by_key(|(number, _)| *number);
        messages.into_iter().map(|(_, message)| message).collect()
    }

    fn chain(&self, ring: &Ring, log: usize) -> Chain {
        let mut position = ring.last[log].get();
        let mut messages = Vec::new();
        let mut octets = 0;
        while messages.len() < MOST_READ
            && octets < MOST_OCTETS_READ
            && let Some((previous, number, message)) = self.logs[log].read(position)
        {
            octets += message.octets.len();
            messages.push((number, message));
            position = previous;
        }
        let complete_since = match messages.last() {
            _ if position == NONE => 0,
            Some((oldest, _)) => *oldest,
            None => ring.next[log].get(),
        };
        Chain {
            messages,
            complete_since,
        }
    }

    /// Removes the messages of a party.
    pub(super) fn forget(&mut self, party: &Party) {
        if let Some(ring) = self.rings.swap_remove(party) {
            ring.clear();
            // Its connections go on with it.
            if Rc::strong_count(&ring) > 1 {
                self.rings.insert(party.clone(), ring);
            }
        }
    }

    /// Removes the next ring that no connection uses, about the oldest one, if it is soon found. A flood of strangers, each with a
    /// ring of its own, must not look through all of them with each message.
    fn evict(&mut self) -> bool {
        for _ in 0..LOOKED_AT {
            self.hand = (self.hand + 1) % self.rings.len().max(1);
            let ring = self.rings.get_index(self.hand);
            if ring.is_some_and(|(_, ring)| Rc::strong_count(ring) == 1) {
                // The newest ring takes its place, behind the hand.
                self.rings.swap_remove_index(self.hand);
                return true;
            }
        }
        false
    }

    /// Removes rings without messages that no connection uses.
    fn sweep(&mut self) {
        let logs = &self.logs;
        self.rings.retain(|_, ring| {
            let has_messages = [SHARED, BUSY]
                .iter()
                .any(|log| logs[*log].holds(ring.last[*log].get()));
            has_messages || Rc::strong_count(ring) > 1
        });
        self.swept_at = (2 * self.rings.len()).max(SWEEP);
    }
}

impl Ring {
    fn of(party: Party) -> Self {
        Self {
            party,
            last: [Cell::new(NONE), Cell::new(NONE)],
            next: [Cell::new(0), Cell::new(0)],
            used: Cell::new(0),
            lap: Cell::new(0),
        }
    }

    fn clear(&self) {
        self.last.iter().for_each(|last| last.set(NONE));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use proptest::prelude::*;

    use super::*;

    fn party(number: u64) -> Party {
        Party::Client(format!("user{number}").into())
    }

    /// Adds a message of so many octets, told apart by `at`.
    fn add(rings: &mut Rings, number: u64, at: u64, length: usize) {
        let octets = vec![b'x'; length];
        let message = NewMessage {
            at: Duration::from_secs(at),
            direction: Direction::Received,
            path: &[0; 37],
            parts: [&octets, b""],
        };
        if let Some(ring) = rings.ring(&party(number)) {
            rings.add(&ring, &message);
        }
    }

    fn times(rings: &Rings, number: u64) -> Vec<u64> {
        let kept = rings.of(&party(number));
        kept.iter().map(|kept| kept.at.as_secs()).collect()
    }

    #[test]
    fn messages_of_a_party_are_kept_in_order() {
        let mut rings = Rings::new(1 << 20);
        for (at, number) in [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1)] {
            add(&mut rings, number, at, 100);
        }
        assert_eq!(times(&rings, 1), [1, 3, 5]);
        assert_eq!(times(&rings, 2), [2, 4]);
        assert_eq!(times(&rings, 3), [0; 0]);
        rings.forget(&party(1));
        assert_eq!(times(&rings, 1), [0; 0]);
        assert_eq!(times(&rings, 2), [2, 4]);
        add(&mut rings, 1, 6, 100);
        assert_eq!(times(&rings, 1), [6]);
    }

    #[test]
    fn busy_party_leaves_the_messages_of_others_and_has_no_gap() {
        let mut rings = Rings::new(1 << 20);
        add(&mut rings, 1, 0, 500);
        for at in 1..10_000 {
            add(&mut rings, 2, at, 500);
        }
        assert_eq!(times(&rings, 1), [0]);
        let kept = times(&rings, 2);
        let first = kept.first().copied().unwrap_or_default();
        assert_eq!(kept, (first..10_000).collect::<Vec<_>>());
        assert!((300..1000).contains(&kept.len()), "{}", kept.len());
    }

    #[test]
    fn party_that_was_busy_has_no_gap_either() {
        let mut rings = Rings::new(1 << 20);
        for at in 0..1000 {
            add(&mut rings, 1, at, 500);
        }
        let busy = times(&rings, 1);
        assert!(busy.len() > 400 && busy.len() < 1000, "{}", busy.len());
        // Another busy party overwrites its messages.
        for at in 1000..3000 {
            add(&mut rings, 2, at, 500);
        }
        assert_eq!(times(&rings, 1), [0; 0]);
        // The others fill the shared log, so that each has its share again.
        for at in 3000..6000 {
            add(&mut rings, at, at, 500);
        }
        for at in 6000..6010 {
            add(&mut rings, 1, at, 500);
        }
        assert_eq!(times(&rings, 1), (6000..6010).collect::<Vec<_>>());
    }

    #[test]
    fn newest_messages_overwrite_the_oldest_and_rings_without_messages_are_removed() {
        let mut rings = Rings::new(1 << 20);
        for at in 0..10_000 {
            add(&mut rings, at, at, 5_000);
        }
        assert_eq!(times(&rings, 0), [0; 0]);
        assert_eq!(times(&rings, 9_999), [9_999]);
        assert!(rings.rings.len() < 300, "{}", rings.rings.len());
    }

    #[test]
    fn rings_of_strangers_replace_the_oldest_but_none_in_use() {
        let mut rings = Rings::new(1 << 20);
        let in_use = rings.ring(&party(0));
        for at in 0..5_000 {
            add(&mut rings, at, at, 1);
        }
        assert_eq!(rings.rings.len(), (1 << 20) / 8 / RING);
        assert_eq!(times(&rings, 4_999), [4_999]);
        assert_eq!(times(&rings, 4_600), [4_600]);
        assert_eq!(times(&rings, 1), [0; 0]);
        assert_eq!(times(&rings, 0), [0]);
        drop(in_use);
    }

    #[test]
    fn only_the_start_of_a_long_message_is_kept() {
        let mut rings = Rings::new(1 << 20);
        add(&mut rings, 1, 1, 500_000);
        let kept = rings.of(&party(1));
        let kept = kept.first();
        assert!(kept.is_some_and(|kept| kept.is_truncated() && kept.length == 500_000));
        assert_eq!(kept.map(|kept| kept.octets.len()), Some(rings.longest()));
    }

    #[test]
    fn nothing_is_kept_within_no_bound() {
        let mut rings = Rings::new(0);
        add(&mut rings, 1, 1, 100);
        assert_eq!(times(&rings, 1), [0; 0]);
        assert!(rings.rings.is_empty());
    }

    proptest! {
        #[test]
        fn each_party_has_its_last_messages_without_a_gap(
            bound in 0_usize..400_000,
            added in prop::collection::vec((0_u64..20, 0_usize..20_000), 0..400),
            forgotten in (0_u64..20, 0_usize..400),
        ) {
            let mut rings = Rings::new(bound);
            let mut expected = HashMap::<u64, Vec<u64>>::new();
            for (at, (number, length)) in added.iter().enumerate() {
                if at == forgotten.1 {
                    rings.forget(&party(forgotten.0));
                    expected.remove(&forgotten.0);
                }
                add(&mut rings, *number, at as u64, *length);
                expected.entry(*number).or_default().push(at as u64);
            }
            for (number, all) in expected {
                let kept = times(&rings, number);
                prop_assert!(all.ends_with(&kept), "{:?} of {:?}", kept, all);
            }
        }
    }
}
