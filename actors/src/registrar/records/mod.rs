//! The listed phones, by name and by last address, and the limit of unknown phones.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    ops::Bound,
};

use uacsta_schema::{mac::Mac, phone_id::PhoneId};

mod failures;
mod record;
mod same_name;

use self::failures::{Addresses, Failure};
pub(super) use self::{
    record::{LogOnDetails, Record},
    same_name::Rebind,
};
use super::hinted::{self, HintedEntries};
use crate::{
    phone::Phone,
    phone_list::ListedPhone,
    reason::ContactFault,
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
    addresses: Addresses,
}

impl Records {
    /// Creates the records of the phones on disk. Returns the new and the former name of each phone that an earlier version
    /// listed under a hint. The server starts `at` this time, in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn of(mut listed: Vec<ListedPhone>, at: u64) -> (Self, Vec<(PhoneId, PhoneId)>) {
        let (hinted, renamed) = HintedEntries::of(&mut listed);
        let unknown = listed.iter().filter(|entry| entry.lines.is_empty());
        let mut addresses = Addresses::default();
        for entry in &listed {
            addresses.moved(None, entry.last_address);
        }
        let records = Self {
            unknown: unknown.count(),
            listed: listed
                .into_iter()
                .map(|entry| (entry.id, Box::new(Record::from_disk(entry, at))))
                .collect(),
            hinted,
            addresses,
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
        records.addresses = Addresses::default();
        for record in records.listed.values() {
            records.addresses.moved(None, record.entry.last_address);
        }
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
    pub(super) fn add(&mut self, entry: ListedPhone, at: u64) -> &mut Record {
        self.addresses.moved(None, entry.last_address);
        self.unknown += usize::from(entry.lines.is_empty());
        let phone = entry.id;
        let record = Box::new(Record::new(entry, at));
        self.listed.entry(phone).or_insert(record)
    }

    /// Gives a phone that registers the entry under which an earlier version listed it, until it has logged on with its name.
    /// Returns the name of that entry, which stays listed until the new one is on disk.
    pub(super) fn take_over(
        &mut self,
        phone: PhoneId,
        hint: Option<Mac>,
        is_bound: impl Fn(PhoneId) -> bool,
        at: u64,
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
                let address = entry.last_address;
                hinted::merge(entry, &former, false);
                self.addresses.moved(address, entry.last_address);
                self.unknown -= usize::from(was_unknown && !entry.lines.is_empty());
            }
            None => drop(self.add(hinted::renewed(phone, &former), at)),
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
        self.addresses.moved(record.entry.last_address, None);
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

    /// Enters the data of a REGISTER that made a binding; the contacts that failed before are over.
    pub(super) fn logged_on(&mut self, phone: PhoneId, details: LogOnDetails) {
        let address = details.address;
        if let Some(record) = self.listed.get_mut(&phone) {
            self.addresses
                .moved(record.entry.last_address, Some(address));
            record.logged_on(details);
        }
        self.addresses.registered(address);
    }

    /// Notes a failed contact of a peer that named no phone.
    pub(super) fn failed_from(&mut self, address: IpAddr, fault: ContactFault, at: u64) {
        self.addresses.failed(address, fault, at);
    }

    /// The last failed contact from an address, of a peer that named no phone.
    pub(super) fn failure_from(&self, address: IpAddr) -> Option<&Failure> {
        self.addresses.failure(address)
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

#[cfg(test)]
mod tests;
