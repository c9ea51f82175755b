//! The latest events of all topics, from which each stream reads at its own pace.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Time,
    kinds::{Head, Topic},
    written::{Written, cursor},
};

/// An event that was written once, for all streams.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) topic: Topic,
    /// Who may see it beside those who may operate; `None` where whoever may read the topic may see it.
    pub(super) owner: Option<String>,
    pub(super) written: Written,
}

/// The latest events, in the order of their numbers.
pub(super) struct Ring {
    events: VecDeque<Arc<Event>>,
    octets: usize,
    capacity: usize,
    /// The number of the last event.
    pub(super) last: u64,
    /// The number of the last event that is no longer kept.
    pub(super) dropped: u64,
}

impl Ring {
    /// Keeps so many octets of events; `term` grows with each start of the server.
    pub(super) fn new(capacity: usize, term: u64) -> Self {
        // Two million events a second would be needed to reach the next term, and 2^53 is safe in JSON.
        let first = term << 21;
        Self {
            events: VecDeque::new(),
            octets: 0,
            capacity,
            last: first,
            dropped: first,
        }
    }

    /// Adds the event that `event` makes of its head.
    pub(super) fn push<T: Serialize>(
        &mut self,
        topic: Topic,
        subject: String,
        owner: Option<String>,
        event: impl FnOnce(Head) -> T,
    ) {
        self.last += 1;
        let seq = self.last;
        let head = Head {
            id: format!("{subject}/{seq}"),
            time: Time(Timestamp::now()),
            subject,
            cursor: cursor(seq),
            seq,
        };
        let written = Written::new(&event(head), seq);
        self.octets += written.len();
        self.events.push_back(Arc::new(Event {
            seq,
            topic,
            owner,
            written,
        }));
        while self.octets > self.capacity {
            self.drop_first();
        }
    }

    /// At most `most` events after this number; `None` if the first of them are no longer kept.
    pub(super) fn after(&self, seq: u64, most: usize) -> Option<Vec<Arc<Event>>> {
        let skipped = usize::try_from(seq.checked_sub(self.dropped)?).ok()?;
        let events = self.events.iter().skip(skipped).take(most);
        Some(events.cloned().collect())
    }

    /// Forgets all events.
    pub(super) fn clear(&mut self) {
        self.events = VecDeque::new();
        self.octets = 0;
        self.dropped = self.last;
    }

    fn drop_first(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.octets -= event.written.len();
            self.dropped = event.seq;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::resources::events::kinds::PhoneRemoved;

    fn push(ring: &mut Ring) {
        let id = "x".repeat(100);
        ring.push(Topic::Phones, "/phones/1".to_owned(), None, |head| {
            PhoneRemoved::new(head, id)
        });
    }

    #[test]
    fn ring_keeps_the_latest_events_and_tells_a_gap() {
        let mut ring = Ring::new(2000, 7);
        let start = ring.last;
        assert!(ring.after(start, 9).unwrap().is_empty());
        for _ in 0..100 {
            push(&mut ring);
        }
        assert_eq!(ring.last, start + 100);
        assert!(ring.octets <= 2000 && ring.dropped > start);
        assert!(ring.after(ring.dropped - 1, 9).is_none());
        let kept = ring.after(ring.dropped, usize::MAX).unwrap();
        let numbers: Vec<u64> = kept.iter().map(|event| event.seq).collect();
        let expected: Vec<u64> = (ring.dropped + 1..=ring.last).collect();
        assert_eq!(numbers, expected);
        assert_eq!(ring.after(ring.last - 1, 9).unwrap().len(), 1);
        assert_eq!(ring.after(ring.dropped, 2).unwrap().len(), 2);
    }
}
