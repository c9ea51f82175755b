//! The listed phones: the stored entry, the actor and the status of each, and the limit of unknown phones.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    ops::Bound,
    time::Duration,
};

use uacsta_config::Described;
use uacsta_schema::{mac::Mac, phone_id::PhoneId};

use super::hinted::{self, HintedEntries};
use crate::{
    back_off::BackOff,
    directory::Availability,
    phone::{Phone, Status as PhoneStatus},
    phone_list::ListedPhone,
    supervision::{RestartableAddr, WeakRestartableAddr},
};

/// All listed phones.
#[derive(Default)]
pub(super) struct Records {
    /// Boxed, since a large map is up to half empty.
    listed: BTreeMap<PhoneId, Box<Record>>,
    /// The actors of removed phones, while clients still hold them.
    removed: HashMap<PhoneId, WeakRestartableAddr<Phone>>,
    /// How many phones never listed a line; a sender with the phones' password can invent any number.
    unknown: usize,
    /// Whether the log has reported that the limit of unknown phones is reached.
    limit_logged: bool,
    hinted: HintedEntries,
}

/// A listed phone.
pub(super) struct Record {
    entry: ListedPhone,
    actor: Option<RestartableAddr<Phone>>,
    status: PhoneStatus,
    /// The reason for the status, in words.
    reason: Option<String>,
    is_on_disk: bool,
    /// The pause of the session after a restart of the actor.
    restarts: BackOff,
    /// Whether the actor was restarted and has not received its binding yet.
    is_paused: bool,
}

/// A phone's data from a REGISTER.
pub(super) struct LogOnDetails {
    pub(super) described: Described,
    /// The MAC address in the REGISTER.
    pub(super) mac: Option<Mac>,
    pub(super) address: IpAddr,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub(super) at: u64,
    /// The URI of the To, for a phone without a list of lines.
    pub(super) identity: String,
}

impl Records {
    /// Creates the records of the phones on disk. Returns the new and the former name of each phone that an earlier version
    /// listed under a hint.
    pub(super) fn of(mut listed: Vec<ListedPhone>) -> (Self, Vec<(PhoneId, PhoneId)>) {
        let (hinted, renamed) = HintedEntries::of(&mut listed);
        let unknown = listed.iter().filter(|entry| entry.lines.is_empty());
        let records = Self {
            unknown: unknown.count(),
            listed: listed
                .into_iter()
                .map(|entry| (entry.id, Box::new(Record::new(entry, true))))
                .collect(),
            hinted,
            ..Self::default()
        };
        (records, renamed)
    }

    /// The successor's records after a panic of the registrar. Phones that are not on disk are new again.
    pub(super) fn hand_over(&mut self) -> Self {
        let mut records = std::mem::take(self);
        records.listed.retain(|_, record| record.is_on_disk);
        let listed = records.listed.values();
        records.unknown = listed
            .filter(|record| record.entry.lines.is_empty())
            .count();
        records
    }

    pub(super) fn len(&self) -> usize {
        self.listed.len()
    }

    pub(super) fn contains(&self, phone: PhoneId) -> bool {
        self.listed.contains_key(&phone)
    }

    pub(super) fn get(&self, phone: PhoneId) -> Option<&Record> {
        self.listed.get(&phone).map(|record| &**record)
    }

    pub(super) fn get_mut(&mut self, phone: PhoneId) -> Option<&mut Record> {
        self.listed.get_mut(&phone).map(|record| &mut **record)
    }

    /// The phones after the given one, in order; `None` means all.
    pub(super) fn after(&self, last: Option<PhoneId>) -> impl Iterator<Item = (PhoneId, &Record)> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let listed = self.listed.range((after, Bound::Unbounded));
        listed.map(|(phone, record)| (*phone, &**record))
    }

    /// Adds a phone that registered for the first time, and is not on disk yet.
    pub(super) fn add(&mut self, entry: ListedPhone) -> &mut Record {
        self.unknown += usize::from(entry.lines.is_empty());
        let phone = entry.id;
        let record = Box::new(Record::new(entry, false));
        self.listed.entry(phone).or_insert(record)
    }

    /// Gives a phone that registers the entry under which an earlier version listed it, until it has logged on with its name.
    /// Returns the name of that entry, which stays listed until the new one is on disk.
    pub(super) fn take_over(
        &mut self,
        phone: PhoneId,
        hint: Option<Mac>,
        is_bound: impl Fn(PhoneId) -> bool,
    ) -> Option<PhoneId> {
        let known = self.get(phone).map(Record::entry);
        if known.is_some_and(|entry| entry.name_confirmed) {
            return None;
        }
        let former = self.hinted.candidates(phone, hint).find_map(|id| {
            // Another phone may have a listed one's line.
            let may_be = known.is_none() || id.mac() == hint;
            let entry = self.get(id).filter(|_| may_be && !is_bound(id))?.entry();
            entry.unconfirmed_mac().is_some().then(|| entry.clone())
        })?;
        self.hinted.replaced(phone, &former);
        match self.listed.get_mut(&phone) {
            Some(record) => {
                let entry = &mut record.entry;
                let was_unknown = entry.lines.is_empty();
                hinted::merge(entry, &former, false);
                self.unknown -= usize::from(was_unknown && !entry.lines.is_empty());
            }
            None => drop(self.add(hinted::renewed(phone, &former))),
        }
        Some(former.id)
    }

    /// Whether the entry of an earlier version that named this phone, and is another's now, was enabled.
    pub(super) fn was_enabled(&self, phone: PhoneId) -> Option<bool> {
        self.hinted.was_enabled(phone)
    }

    /// Removes a phone. Keeps its actor while clients hold it.
    pub(super) fn remove(&mut self, phone: PhoneId) -> bool {
        let Some(record) = self.listed.remove(&phone) else {
            return false;
        };
        self.unknown -= usize::from(record.entry.lines.is_empty());
        self.removed.retain(|_, actor| actor.upgrade().is_some());
        if let Some(actor) = record.actor {
            self.removed.insert(phone, actor.downgrade());
        }
        true
    }

    /// Returns the former actor of a removed phone that is listed again, if clients still hold it.
    pub(super) fn restore_actor(&mut self, phone: PhoneId) -> Option<&RestartableAddr<Phone>> {
        let actor = self.removed.remove(&phone)?.upgrade()?;
        Some(self.listed.get_mut(&phone)?.actor.insert(actor))
    }

    /// Stores the lines that a phone listed. Returns the former lines if they differ.
    pub(super) fn set_lines(&mut self, phone: PhoneId, lines: &[String]) -> Option<Vec<String>> {
        let entry = &mut self.listed.get_mut(&phone)?.entry;
        if let Some(first) = lines.first() {
            entry.last_identity = Some(first.clone());
        }
        if entry.lines == lines {
            return None;
        }
        let former = std::mem::replace(&mut entry.lines, lines.to_vec());
        self.unknown += usize::from(lines.is_empty());
        self.unknown -= usize::from(former.is_empty());
        Some(former)
    }

    /// Whether a phone is listed, or may be added under this `limit` of phones that never listed a line.
    pub(super) fn has_room(&mut self, phone: PhoneId, limit: usize) -> bool {
        let has_room = self.unknown < limit;
        self.limit_logged &= !has_room;
        has_room || self.contains(phone) || self.hinted.names(phone)
    }

    /// Whether to log that the limit is reached: once, until a phone can be added again.
    pub(super) fn may_log_limit(&mut self) -> bool {
        !std::mem::replace(&mut self.limit_logged, true)
    }
}

impl Record {
    fn new(entry: ListedPhone, is_on_disk: bool) -> Self {
        Self {
            entry,
            actor: None,
            status: PhoneStatus::Away,
            reason: None,
            is_on_disk,
            restarts: BackOff::default(),
            is_paused: false,
        }
    }

    pub(super) fn entry(&self) -> &ListedPhone {
        &self.entry
    }

    pub(super) fn actor(&self) -> Option<&RestartableAddr<Phone>> {
        self.actor.as_ref()
    }

    /// The phone's actor was started at `now`.
    pub(super) fn set_actor(&mut self, actor: RestartableAddr<Phone>, now: Duration) {
        self.actor = Some(actor);
        self.restarts.stands(now);
    }

    pub(super) fn status(&self) -> PhoneStatus {
        self.status
    }

    pub(super) fn reason(&self) -> Option<&String> {
        self.reason.as_ref()
    }

    /// Returns whether the status changed.
    pub(super) fn set_status(&mut self, status: PhoneStatus, reason: Option<String>) -> bool {
        self.reason = reason;
        std::mem::replace(&mut self.status, status) != status
    }

    pub(super) fn set_enabled(&mut self, enabled: bool) {
        self.entry.enabled = enabled;
    }

    pub(super) fn is_on_disk(&self) -> bool {
        self.is_on_disk
    }

    pub(super) fn set_on_disk(&mut self, is_on_disk: bool) {
        self.is_on_disk = is_on_disk;
    }

    pub(super) fn availability(&self) -> Availability {
        match self.status {
            _ if !self.entry.enabled => Availability::Disabled,
            PhoneStatus::Away => Availability::Away,
            PhoneStatus::Registered => Availability::Registered,
            PhoneStatus::Controlled => Availability::Controlled,
        }
    }

    /// Maker and model, for clients.
    pub(super) fn model(&self) -> String {
        let ListedPhone { maker, model, .. } = &self.entry;
        match model {
            Some(model) => format!("{maker} {model}"),
            None => maker.clone(),
        }
    }

    pub(super) fn logged_on(&mut self, details: LogOnDetails) {
        let entry = &mut self.entry;
        entry.name_confirmed = true;
        // A hint that is left out once stays true.
        let hint = details.mac.filter(|_| entry.id.mac().is_none());
        entry.hint = hint.or(entry.hint);
        entry.maker = details.described.maker;
        entry.model = details.described.model;
        entry.firmware = details.described.firmware;
        entry.last_address = Some(details.address);
        entry.last_login = Some(details.at);
        entry.last_identity.get_or_insert(details.identity);
    }

    /// The phone's actor panicked and was restarted at `now`. Returns how long its session is paused.
    pub(super) fn actor_restarted(&mut self, now: Duration) -> Duration {
        self.is_paused = true;
        self.restarts.lost(now);
        let is_first = self.restarts.is_fresh();
        let wait = self.restarts.failed();
        // A malformed message may make each successor panic at once, so the pause grows.
        if is_first { Duration::ZERO } else { wait }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Ends the pause after a restart at `now`.
    pub(super) fn resume(&mut self, now: Duration) {
        self.restarts.stands(now);
        self.is_paused = false;
    }
}

#[cfg(test)]
mod tests;
