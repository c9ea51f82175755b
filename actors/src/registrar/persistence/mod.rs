//! Writes changes of the phone list to disk, one write at a time, so that each contains all acknowledged changes.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use uacsta_schema::phone_id::PhoneId;

use crate::phone_list::{EntryChange, ListedPhone, Save};

/// The only write path of the phone list. `W` is the requester of a change.
#[derive(Debug)]
pub(super) struct Persistence<W> {
    queue: Vec<Write<W>>,
    /// The changes that are being written.
    writing: Vec<Write<W>>,
    is_writing: bool,
    /// Phones with a change that is not on disk.
    unsaved: HashSet<PhoneId>,
    /// Entries that the next write of another one replaces: the new and the former name.
    replaced: Vec<(PhoneId, PhoneId)>,
    /// The former names in the write under way.
    forgetting: Vec<PhoneId>,
    /// Whether the last write failed.
    failed: bool,
    /// Whether [`Self::retry`] is scheduled.
    retry_scheduled: bool,
    /// When the write under way began.
    began: Duration,
    /// Whether [`Self::overdue`] is scheduled.
    check_scheduled: bool,
    /// The phones of the write under way, if its requesters have been told that it failed.
    abandoned: Vec<PhoneId>,
}

/// The delay before a failed write is retried.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// How long a requester waits for a disk that does not answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A change of one phone's entry.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Write<W> {
    pub(super) phone: PhoneId,
    pub(super) change: ListChange,
    pub(super) waiter: W,
}

/// The kind of a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ListChange {
    /// Writes the entry as it is in memory. A failed write is retried.
    Entry,
    /// An operator changes the entry at this time, in seconds since 1970-01-01T00:00:00Z; memory follows once the change is on
    /// disk. A failed write cancels the change.
    Change(EntryChange, u64),
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
            replaced: Vec::new(),
            forgetting: Vec::new(),
            failed,
            retry_scheduled: false,
            began: Duration::ZERO,
            check_scheduled: false,
            abandoned: Vec::new(),
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

    /// Has the next write of a phone's entry remove the entry of its former name, in one step.
    pub(super) fn replace(&mut self, phone: PhoneId, former: PhoneId) {
        self.unsaved.insert(phone);
        self.replaced.push((phone, former));
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
        which: impl Fn(&ListChange) -> bool,
    ) -> Vec<W> {
        let of = |write: &mut Write<W>| write.phone == phone && which(&write.change);
        let withdrawn = self.queue.extract_if(.., of);
        withdrawn.map(|write| write.waiter).collect()
    }

    /// Starts the next write at `now`, if there are changes and no write is under way. `entry` returns the entry in memory.
    pub(super) fn begin<'t>(
        &mut self,
        now: Duration,
        entry: impl Fn(PhoneId) -> Option<&'t ListedPhone>,
    ) -> Option<Save> {
        if self.is_writing || self.queue.is_empty() {
            return None;
        }
        self.is_writing = true;
        self.began = now;
        self.writing = std::mem::take(&mut self.queue);
        let mut save = Save {
            listed: Vec::new(),
            forgotten: Vec::new(),
        };
        // By phone: the operators' changes in their order, and whether the entry is removed.
        let mut changes = BTreeMap::<PhoneId, (Vec<(&EntryChange, u64)>, bool)>::new();
        for Write { phone, change, .. } in &self.writing {
            let (made, removed) = changes.entry(*phone).or_default();
            match change {
                ListChange::Entry => {}
                ListChange::Change(change, at) => made.push((change, *at)),
                ListChange::Remove => *removed = true,
            }
        }
        // A former name that is written itself is another phone's.
        let is_due = |(phone, former): &&(PhoneId, PhoneId)| {
            changes.contains_key(phone) && !changes.contains_key(former)
        };
        let due = self.replaced.iter().filter(is_due);
        self.forgetting = due.map(|(_, former)| *former).collect();
        save.forgotten.clone_from(&self.forgetting);
        for (phone, (made, removed)) in changes {
            match entry(phone) {
                _ if removed => save.forgotten.push(phone),
                None => {}
                Some(entry) => {
                    let mut entry = entry.clone();
                    for (change, at) in made {
                        change.apply(&mut entry, at);
                    }
                    save.listed.push(entry);
                }
            }
        }
        Some(save)
    }

    /// The write of [`Self::begin`] succeeded or failed; returns its changes.
    pub(super) fn end(&mut self, saved: bool) -> Vec<Write<W>> {
        self.is_writing = false;
        // What the disk has of an abandoned write differs from the memory.
        let abandoned = std::mem::take(&mut self.abandoned);
        self.failed = !saved || !abandoned.is_empty();
        self.unsaved.extend(abandoned);
        if !saved {
            self.forgetting.clear();
        }
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

    /// Whether to schedule [`Self::overdue`], and after which time.
    pub(super) fn schedule_check(&mut self, now: Duration) -> Option<Duration> {
        let is_due = self.is_writing && !std::mem::replace(&mut self.check_scheduled, true);
        let left = (self.began + PATIENCE).saturating_sub(now);
        // A write that was abandoned leaves those that wait for the next one.
        is_due.then(|| if left.is_zero() { PATIENCE } else { left })
    }

    /// The changes that wait for a write which the disk has not answered for [`PATIENCE`]. The write goes on without them, and
    /// what it leaves is written again.
    pub(super) fn overdue(&mut self, now: Duration) -> Vec<Write<W>> {
        self.check_scheduled = false;
        if !self.is_writing || now < self.began + PATIENCE {
            return Vec::new();
        }
        self.failed = true;
        let writing = self.writing.iter().map(|write| write.phone);
        self.abandoned.extend(writing);
        let mut open = std::mem::take(&mut self.writing);
        open.append(&mut self.queue);
        open
    }

    /// The former names that the last write removed.
    pub(super) fn take_forgotten(&mut self) -> Vec<PhoneId> {
        let forgotten = std::mem::take(&mut self.forgetting);
        self.replaced
            .retain(|(_, former)| !forgotten.contains(former));
        forgotten
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

    /// Queues the unsaved entries, or else `probe`, any other entry, which shows whether the disk is writable again.
    /// `is_on_disk` says of a listed phone whether it was ever on disk: if not, it is added when it registers again. One that is
    /// not listed is removed from the disk.
    pub(super) fn retry(
        &mut self,
        is_on_disk: impl Fn(PhoneId) -> Option<bool>,
        probe: impl FnOnce() -> Option<PhoneId>,
    ) where
        W: Default,
    {
        self.retry_scheduled = false;
        let change = |phone| match is_on_disk(phone) {
            Some(true) => Some((phone, ListChange::Entry)),
            Some(false) => None,
            None => Some((phone, ListChange::Remove)),
        };
        let mut due: Vec<_> = self.unsaved.iter().copied().filter_map(change).collect();
        if due.is_empty() && self.failed {
            due.extend(probe().map(|phone| (phone, ListChange::Entry)));
        }
        for (phone, change) in due {
            self.push(phone, change, W::default());
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
            replaced: std::mem::take(&mut self.replaced),
            ..Self::new(self.failed)
        };
        (open, successor)
    }
}

#[cfg(test)]
mod tests;
