//! Writes changes of the phone list to disk, one write at a time, so that each contains all acknowledged changes.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use uacsta_schema::phone_id::PhoneId;

use crate::phone_list::{ListedPhone, Save};

/// The only write path of the phone list. `W` is the requester of a change.
#[derive(Debug)]
pub(super) struct Persistence<W> {
    queue: Vec<Write<W>>,
    /// The changes that are being written.
    writing: Vec<Write<W>>,
    is_writing: bool,
    /// Phones with a change that is not on disk.
    unsaved: HashSet<PhoneId>,
    /// Whether the last write failed.
    failed: bool,
    /// Whether [`Self::retry`] is scheduled.
    retry_scheduled: bool,
}

/// The delay before a failed write is retried.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// A change of one phone's entry.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Write<W> {
    pub(super) phone: PhoneId,
    pub(super) change: ListChange,
    pub(super) waiter: W,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ListChange {
    /// Writes the entry as it is in memory. A failed write is retried.
    Entry,
    /// An operator sets `enabled`; memory follows once the change is on disk. A failed write cancels the change.
    SetEnabled(bool),
    /// An operator removes the entry. A failed write cancels the removal.
    Remove,
}

impl<W> Persistence<W> {
    /// Creates the write path of a list that was read from disk; `failed` if the last write failed.
    pub(super) fn new(failed: bool) -> Self {
        Self {
            queue: Vec::new(),
            writing: Vec::new(),
            is_writing: false,
            unsaved: HashSet::new(),
            failed,
            retry_scheduled: false,
        }
    }

    /// Adds a change to the next write.
    pub(super) fn push(&mut self, phone: PhoneId, change: ListChange, waiter: W) {
        if change == ListChange::Entry {
            self.unsaved.insert(phone);
        }
        self.queue.push(Write {
            phone,
            change,
            waiter,
        });
    }

    /// Adds a waiter for an entry's change that others already wait for.
    ///
    /// # Errors
    /// The waiter, if no change of that entry is pending.
    pub(super) fn join(
        &mut self,
        phone: PhoneId,
        waiter: W,
        waits: impl Fn(&W) -> bool,
    ) -> Result<(), W> {
        let has = |list: &[Write<W>]| {
            let mut entries = list.iter().filter(|write| write.phone == phone);
            entries.any(|write| write.change == ListChange::Entry && waits(&write.waiter))
        };
        let list = match (has(&self.queue), has(&self.writing)) {
            (true, _) => &mut self.queue,
            (false, true) => &mut self.writing,
            (false, false) => return Err(waiter),
        };
        list.push(Write {
            phone,
            change: ListChange::Entry,
            waiter,
        });
        Ok(())
    }

    /// Withdraws queued changes of a phone's entry; returns their waiters.
    pub(super) fn withdraw(
        &mut self,
        phone: PhoneId,
        which: impl Fn(ListChange) -> bool,
    ) -> Vec<W> {
        let of = |write: &mut Write<W>| write.phone == phone && which(write.change);
        let withdrawn = self.queue.extract_if(.., of);
        withdrawn.map(|write| write.waiter).collect()
    }

    /// Starts the next write, if there are changes and no write is under way. `entry` returns the entry in memory.
    pub(super) fn begin<'t>(
        &mut self,
        entry: impl Fn(PhoneId) -> Option<&'t ListedPhone>,
    ) -> Option<Save> {
        if self.is_writing || self.queue.is_empty() {
            return None;
        }
        self.is_writing = true;
        self.writing = std::mem::take(&mut self.queue);
        let mut save = Save {
            listed: Vec::new(),
            forgotten: Vec::new(),
        };
        // By phone: the new `enabled`, if it changes, and whether the entry is removed.
        let mut changes = BTreeMap::<PhoneId, (Option<bool>, bool)>::new();
        for Write { phone, change, .. } in &self.writing {
            let (enabled, removed) = changes.entry(*phone).or_default();
            match change {
                ListChange::Entry => {}
                ListChange::SetEnabled(on) => *enabled = Some(*on),
                ListChange::Remove => *removed = true,
            }
        }
        for (phone, (enabled, removed)) in changes {
            let Some(entry) = entry(phone) else { continue };
            if removed {
                save.forgotten.push(phone);
            } else {
                let enabled = enabled.unwrap_or(entry.enabled);
                save.listed.push(ListedPhone {
                    enabled,
                    ..entry.clone()
                });
            }
        }
        Some(save)
    }

    /// The write of [`Self::begin`] succeeded or failed; returns its changes.
    pub(super) fn end(&mut self, saved: bool) -> Vec<Write<W>> {
        self.is_writing = false;
        self.failed = !saved;
        let written = std::mem::take(&mut self.writing);
        if saved {
            let queued = self.queue.iter();
            let queued = queued.filter(|write| write.change == ListChange::Entry);
            let queued: HashSet<PhoneId> = queued.map(|write| write.phone).collect();
            for Write { phone, .. } in &written {
                if !queued.contains(phone) {
                    self.unsaved.remove(phone);
                }
            }
        }
        written
    }

    /// Whether the last write failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Phones with a change that is not on disk.
    pub(super) fn unsaved(&self) -> &HashSet<PhoneId> {
        &self.unsaved
    }

    /// Drops the unsaved mark of a removed phone.
    pub(super) fn forget(&mut self, phone: PhoneId) {
        self.unsaved.remove(&phone);
    }

    /// Whether to schedule [`Self::retry`] after [`RETRY_INTERVAL`]: the last write failed, and no retry is scheduled.
    pub(super) fn schedule_retry(&mut self) -> bool {
        self.failed && !std::mem::replace(&mut self.retry_scheduled, true)
    }

    /// Queues the unsaved entries, or else `probe`, any other entry, which shows whether the disk is writable again. A phone
    /// that was never on disk is added when it registers again.
    pub(super) fn retry(
        &mut self,
        is_on_disk: impl Fn(PhoneId) -> bool,
        probe: impl FnOnce() -> Option<PhoneId>,
    ) where
        W: Default,
    {
        self.retry_scheduled = false;
        let unsaved = self.unsaved.iter().copied();
        let mut due: Vec<PhoneId> = unsaved.filter(|phone| is_on_disk(*phone)).collect();
        if due.is_empty() && self.failed {
            due.extend(probe());
        }
        for phone in due {
            self.push(phone, ListChange::Entry, W::default());
        }
    }

    /// The changes that may not be on disk, in order, and the successor that writes their entries again.
    pub(super) fn hand_over(&mut self) -> (Vec<Write<W>>, Self) {
        let mut open = std::mem::take(&mut self.writing);
        open.append(&mut self.queue);
        self.unsaved.extend(open.iter().map(|write| write.phone));
        let unsaved = std::mem::take(&mut self.unsaved);
        let successor = Self {
            unsaved,
            ..Self::new(self.failed)
        };
        (open, successor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn phone(number: u8) -> PhoneId {
        format!("0004130000{number:02x}").parse().unwrap()
    }

    fn entry(number: u8, enabled: bool) -> ListedPhone {
        ListedPhone::new(phone(number), enabled)
    }

    fn empty() -> Persistence<&'static str> {
        Persistence::new(false)
    }

    /// The content of the next write for the first phone, which is enabled in memory: `on`, `off`, `removed` or nothing.
    #[track_caller]
    fn writes(persistence: &mut Persistence<&'static str>) -> &'static str {
        let one = entry(1, true);
        let save = persistence
            .begin(|id| (id == phone(1)).then_some(&one))
            .unwrap();
        match (&*save.listed, &*save.forgotten) {
            ([one], []) if one.enabled => "on",
            ([_], []) => "off",
            ([], [_]) => "removed",
            ([], []) => "nothing",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_write_has_all_changes_of_an_entry() {
        use ListChange::{Entry, Remove, SetEnabled};
        for (changes, expected) in [
            (&[Entry][..], "on"),
            (&[SetEnabled(false)], "off"),
            // Other changes of the phone keep the new value.
            (&[SetEnabled(false), Entry], "off"),
            (&[Entry, SetEnabled(false)], "off"),
            // Of two contradictory changes the later one counts.
            (&[SetEnabled(false), SetEnabled(true)], "on"),
            (&[SetEnabled(true), SetEnabled(false), Entry], "off"),
            (&[Remove], "removed"),
            (&[Entry, Remove, Entry], "removed"),
            (&[SetEnabled(false), Remove], "removed"),
        ] {
            let mut persistence = empty();
            for change in changes {
                persistence.push(phone(1), *change, "");
            }
            assert_eq!(writes(&mut persistence), expected, "{changes:?}");
        }
        let mut persistence = empty();
        persistence.push(phone(2), Entry, "a phone that is gone");
        assert_eq!(writes(&mut persistence), "nothing");
        assert_eq!(persistence.end(true).len(), 1);
    }

    #[test]
    fn what_comes_while_the_disk_is_busy_waits_for_the_next_write() {
        let mut persistence = empty();
        assert!(persistence.begin(|_| None).is_none());
        persistence.push(phone(1), ListChange::Entry, "first");
        assert_eq!(writes(&mut persistence), "on");
        persistence.push(phone(1), ListChange::SetEnabled(false), "second");
        assert!(persistence.begin(|_| None).is_none());
        let written = persistence.end(true);
        assert_eq!(written.len(), 1);
        assert_eq!(written[0].waiter, "first");
        assert_eq!(writes(&mut persistence), "off");
        assert_eq!(persistence.end(true)[0].waiter, "second");
    }

    #[test]
    fn who_joins_shares_the_fate_of_the_entry() {
        let waits = |waiter: &&str| !waiter.is_empty();
        let mut persistence = empty();
        persistence.push(phone(1), ListChange::Entry, "");
        assert_eq!(persistence.join(phone(1), "alone", waits), Err("alone"));
        persistence.push(phone(1), ListChange::Entry, "first");
        persistence.begin(|_| None).unwrap();
        assert_eq!(persistence.join(phone(2), "other", waits), Err("other"));
        assert_eq!(persistence.join(phone(1), "second", waits), Ok(()));
        let written = persistence.end(false);
        let waiters: Vec<&str> = written.iter().map(|write| write.waiter).collect();
        assert_eq!(waiters, ["", "first", "second"]);
        assert_eq!(persistence.join(phone(1), "late", waits), Err("late"));
    }

    #[test]
    fn what_the_disk_refused_stays_unsaved_until_it_is_written() {
        let mut persistence = empty();
        persistence.push(phone(1), ListChange::Entry, "");
        persistence.begin(|_| None).unwrap();
        persistence.push(phone(1), ListChange::Entry, "");
        persistence.end(true);
        assert!(persistence.unsaved().contains(&phone(1)), "changed since");
        persistence.begin(|_| None).unwrap();
        persistence.end(false);
        assert!(persistence.has_failed());
        assert!(persistence.unsaved().contains(&phone(1)));
        persistence.push(phone(1), ListChange::Entry, "");
        persistence.begin(|_| None).unwrap();
        persistence.end(true);
        assert!(persistence.unsaved().is_empty() && !persistence.has_failed());
        // A switch that was refused is not done, so nothing lacks on disk.
        persistence.push(phone(1), ListChange::SetEnabled(false), "");
        persistence.begin(|_| None).unwrap();
        persistence.end(false);
        assert!(persistence.unsaved().is_empty());
    }

    #[test]
    fn a_change_is_withdrawn_before_the_disk_is_asked() {
        let removal = |change| change == ListChange::Remove;
        let mut persistence = empty();
        persistence.push(phone(1), ListChange::Remove, "operator");
        persistence.push(phone(1), ListChange::Entry, "phone");
        assert!(persistence.withdraw(phone(2), |_| true).is_empty());
        assert_eq!(persistence.withdraw(phone(1), removal), ["operator"]);
        assert_eq!(writes(&mut persistence), "on");
        assert!(persistence.withdraw(phone(1), |_| true).is_empty());
        persistence.push(phone(1), ListChange::Entry, "later");
        assert_eq!(persistence.withdraw(phone(1), |_| true), ["later"]);
    }

    #[test]
    fn a_successor_writes_what_was_on_its_way() {
        let mut persistence = empty();
        persistence.push(phone(1), ListChange::SetEnabled(false), "");
        persistence.begin(|_| None).unwrap();
        persistence.push(phone(2), ListChange::Remove, "");
        let (open, successor) = persistence.hand_over();
        let open: Vec<PhoneId> = open.iter().map(|write| write.phone).collect();
        assert_eq!(open, [phone(1), phone(2)]);
        assert_eq!(*successor.unsaved(), HashSet::from([phone(1), phone(2)]));
    }

    #[test]
    fn refused_entries_are_written_again_and_any_entry_probes_the_disk() {
        let mut persistence = empty();
        assert!(!persistence.schedule_retry());
        persistence.push(phone(1), ListChange::Entry, "");
        persistence.push(phone(2), ListChange::Entry, "a new phone");
        persistence.begin(|_| None).unwrap();
        persistence.end(false);
        assert!(persistence.schedule_retry() && !persistence.schedule_retry());
        let on_disk = |id| id == phone(1);
        persistence.retry(on_disk, || Some(phone(3)));
        let queued = |persistence: &Persistence<&'static str>| {
            let queue = persistence.queue.iter();
            queue.map(|write| write.phone).collect::<Vec<_>>()
        };
        assert_eq!(queued(&persistence), [phone(1)]);
        persistence.begin(|_| None).unwrap();
        persistence.end(false);
        assert!(persistence.schedule_retry(), "the last retry is over");
        persistence.forget(phone(1));
        // No entry lacks on disk, but the last write failed.
        persistence.retry(on_disk, || Some(phone(3)));
        assert_eq!(queued(&persistence), [phone(3)]);
        persistence.begin(|_| None).unwrap();
        persistence.end(true);
        persistence.retry(on_disk, || Some(phone(3)));
        assert!(queued(&persistence).is_empty() && !persistence.schedule_retry());
    }
}
