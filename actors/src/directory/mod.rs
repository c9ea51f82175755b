//! The line directory: the lines of all phones, and the only look-up from device IDs to lines.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Bound,
    sync::Arc,
};

use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

mod entry;
mod filter;
mod look_up;
mod summary;

pub use entry::Entry;
use entry::{Held, Namesakes, may_be_number};
pub use filter::{LineFilter, LineNames};
pub(crate) use look_up::LONGEST;
pub use look_up::NoLine;
pub use summary::LineSummary;

/// The lines of all phones. The list and the counts are updated incrementally, since there may be very many lines.
///
/// Uses no hash maps: growing a very large one takes many milliseconds.
#[derive(Debug, Default)]
pub struct Directory {
    phones: BTreeMap<PhoneId, PhoneLines>,
    /// The lines by user part or number.
    namesakes: BTreeMap<Box<str>, Namesakes>,
    /// The lines of enabled phones, ordered by the device ID shown to clients.
    listed: BTreeSet<LineKey>,
    summary: LineSummary,
    /// The user parts of changed lines, and the bare IDs of their phones, since the last `take_changes`.
    changed: HashSet<Box<str>>,
}

/// The sort key of the line list: the device ID shown to clients, then the phone, since device IDs may collide.
pub type LineKey = (DeviceId, PhoneId);

#[derive(Debug)]
struct PhoneLines {
    /// Never empty: a phone that lists no lines gets one with its own ID.
    lines: Vec<PhoneLine>,
    /// Whether the phone listed the lines itself.
    are_told: bool,
    availability: Availability,
}

#[derive(Debug)]
struct PhoneLine {
    device: DeviceId,
    /// The device ID in the line list; `None` while the phone is disabled.
    listed_as: Option<DeviceId>,
}

/// The availability of a phone. A look-up with several matches prefers the most available phone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Availability {
    /// An operator disabled the phone.
    Disabled,
    /// The phone is not registered.
    #[default]
    Away,
    /// The phone is registered without a CSTA session.
    Registered,
    /// The phone is registered and its CSTA session is open.
    Controlled,
}

impl Availability {
    /// Whether clients see the phone's lines.
    fn is_listed(self) -> bool {
        self != Self::Disabled
    }

    /// The precedence in look-ups; equal for registered phones with and without a session.
    fn rank(self) -> u8 {
        match self {
            Self::Disabled => 0,
            Self::Away => 1,
            Self::Registered | Self::Controlled => 2,
        }
    }
}

/// The lines among the devices that a phone listed: without duplicates and without the identity that only serves its log-on.
pub(crate) fn lines_among(
    phone: PhoneId,
    listed: impl IntoIterator<Item = DeviceId>,
) -> impl Iterator<Item = DeviceId> {
    let log_on = phone.mac().filter(|mac| !may_be_number(*mac));
    let is_log_on =
        move |line: &DeviceId| log_on.is_some() && line.name().user.parse() == Ok(phone);
    let mut called = HashSet::new();
    let listed = listed.into_iter();
    listed.filter(move |line| !is_log_on(line) && called.insert(line.name().to_string()))
}

impl Directory {
    /// Replaces the lines of a phone by those among the devices that it listed (`lines_among`). Returns whether the lines changed.
    pub fn set(&mut self, phone: PhoneId, listed: impl IntoIterator<Item = DeviceId>) -> bool {
        let lines = lines_among(phone, listed).map(PhoneLine::from);
        let mut lines: Vec<PhoneLine> = lines.collect();
        let are_told = !lines.is_empty();
        if !are_told {
            lines.push(DeviceId::from(phone.bare()).into());
        }
        let known = self.phones.get(&phone);
        if known.is_some_and(|known| {
            let devices = known.lines.iter().map(|line| &line.device);
            known.are_told == are_told && devices.eq(lines.iter().map(|line| &line.device))
        }) {
            return false;
        }
        lines.shrink_to_fit();
        let availability = known.map(|known| known.availability).unwrap_or_default();
        self.forget(phone);
        if are_told {
            for PhoneLine { device, .. } in &lines {
                let namesakes = self.namesakes.entry((&*device.name().user).into());
                Arc::make_mut(namesakes.or_default()).push(Held {
                    phone,
                    device: device.clone(),
                });
            }
        }
        let lines = PhoneLines {
            lines,
            are_told,
            availability,
        };
        self.phones.insert(phone, lines);
        self.relist(phone, availability);
        true
    }

    /// Removes a phone with its lines.
    pub fn forget(&mut self, phone: PhoneId) {
        self.set_availability(phone, Availability::Disabled);
        let known = self.phones.remove(&phone);
        for PhoneLine { device, .. } in known.into_iter().flat_map(|known| known.lines) {
            let user = &*device.name().user;
            if let Some(namesakes) = self.namesakes.get_mut(user) {
                Arc::make_mut(namesakes).retain(|held| held.phone != phone);
                if namesakes.is_empty() {
                    self.namesakes.remove(user);
                }
            }
        }
    }

    /// Sets the availability of a known phone. Returns whether look-ups may now find other lines.
    pub fn set_availability(&mut self, phone: PhoneId, availability: Availability) -> bool {
        let Some(known) = self.phones.get_mut(&phone) else {
            return false;
        };
        let before = std::mem::replace(&mut known.availability, availability);
        if before == availability {
            return false;
        }
        if before.is_listed() && availability.is_listed() {
            let names = known
                .lines
                .iter()
                .filter_map(|line| line.listed_as.as_ref());
            for name in names {
                self.summary.remove(name, before);
                self.summary.add(name, availability);
                self.changed.insert((&*name.name().user).into());
            }
            self.changed.insert(phone.bare().into());
        } else {
            self.relist(phone, before);
        }
        before.rank() != availability.rank() && self.has_namesakes(phone)
    }

    /// The lines of a phone; a single line with the phone's own ID if it listed none.
    pub fn of(&self, phone: PhoneId) -> Vec<Entry> {
        let known = self.phones.get(&phone).into_iter();
        let lines = known.flat_map(|known| &known.lines);
        lines.map(|line| self.entry(phone, &line.device)).collect()
    }

    /// Up to `limit` matching lines, ordered by device ID and phone, starting after `after`. Reading page by page yields each
    /// line exactly once that exists throughout, even if others are added or removed meanwhile.
    pub fn page(&self, filter: &LineFilter, after: Option<&LineKey>, limit: usize) -> Vec<Entry> {
        if let Some(lines) = self.filtered(filter) {
            let is_after = |entry: &Entry| {
                after.is_none_or(|(name, phone)| (&entry.name, &entry.phone) > (name, phone))
            };
            return lines.into_iter().filter(is_after).take(limit).collect();
        }
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.listed.range((after, Bound::Unbounded)).take(limit);
        keys.filter_map(|(name, phone)| {
            let mut lines = self.phones.get(phone)?.lines.iter();
            let line = lines.find(|line| line.listed_as.as_ref() == Some(name))?;
            Some(self.entry(*phone, &line.device))
        })
        .collect()
    }

    /// The digest and the counts of the matching lines.
    pub fn summary(&self, filter: &LineFilter) -> LineSummary {
        let Some(lines) = self.filtered(filter) else {
            return self.summary;
        };
        let mut summary = LineSummary::default();
        for entry in lines {
            summary.add(&entry.name, self.availability(entry.phone));
        }
        summary
    }

    /// Takes the changes since the last call, for [`LineFilter::is_touched`].
    pub fn take_changes(&mut self) -> HashSet<Box<str>> {
        std::mem::take(&mut self.changed)
    }

    /// Updates the list entries of a phone's lines. `counted` is the availability under which they were counted.
    fn relist(&mut self, phone: PhoneId, counted: Availability) {
        let lines = self.phones.get(&phone).map_or(0, |known| known.lines.len());
        for at in 0..lines {
            self.relist_line(phone, at, counted);
            // The only other line of that name gains or loses its `;mac=`.
            if let Some((other, at)) = self.only_namesake(phone, at) {
                self.relist_line(other, at, self.availability(other));
            }
        }
    }

    fn relist_line(&mut self, phone: PhoneId, at: usize, counted: Availability) {
        let Some(device) = self.device(phone, at) else {
            return;
        };
        let name = self.is_listed(phone).then(|| self.name(phone, &device));
        let Some(known) = self.phones.get_mut(&phone) else {
            return;
        };
        let listed_as = known.lines.get_mut(at).map(|line| &mut line.listed_as);
        let before = listed_as.and_then(|listed_as| std::mem::replace(listed_as, name.clone()));
        if before == name {
            return;
        }
        if let Some(before) = before {
            self.summary.remove(&before, counted);
            self.listed.remove(&(before, phone));
        }
        if let Some(name) = name {
            self.summary.add(&name, known.availability);
            self.listed.insert((name, phone));
        }
        self.changed.insert((&*device.name().user).into());
        self.changed.insert(phone.bare().into());
    }

    fn device(&self, phone: PhoneId, at: usize) -> Option<DeviceId> {
        let line = self.phones.get(&phone)?.lines.get(at)?;
        Some(line.device.clone())
    }

    /// The line of another enabled phone with the same name, if there is exactly one.
    fn only_namesake(&self, phone: PhoneId, at: usize) -> Option<(PhoneId, usize)> {
        let device = self.device(phone, at)?;
        let mut others = self.listed_namesakes(phone, &device);
        let (Some(other), None) = (others.next(), others.next()) else {
            return None;
        };
        let mut lines = self.phones.get(&other.phone)?.lines.iter();
        let at = lines.position(|line| line.device == other.device)?;
        Some((other.phone, at))
    }

    /// The lines of other enabled phones with the same name.
    fn listed_namesakes<'d>(
        &'d self,
        phone: PhoneId,
        device: &'d DeviceId,
    ) -> impl Iterator<Item = &'d Held> {
        let called = device.name();
        let namesakes = self.namesakes.get(&*called.user).into_iter();
        let namesakes = namesakes.flat_map(|namesakes| namesakes.iter());
        namesakes.filter(move |held| {
            held.phone != phone
                && called.has_host_of(&held.device.name())
                && self.is_listed(held.phone)
        })
    }

    /// A line of this phone that another phone has as well, if it is as available, so that the line's name means neither.
    pub fn rival(&self, phone: PhoneId) -> Option<(DeviceId, PhoneId)> {
        let known = self.phones.get(&phone).filter(|known| known.are_told)?;
        let mut lines = known.lines.iter().map(|line| &line.device);
        lines.find_map(|device| Some((device.clone(), self.rival_of(phone, device)?)))
    }

    /// Another phone that has this line of a phone as well, if it is as available.
    pub fn rival_of(&self, phone: PhoneId, device: &DeviceId) -> Option<PhoneId> {
        let mut others = self.listed_namesakes(phone, device);
        let other = others.find(|held| self.rank(held.phone) == self.rank(phone))?;
        Some(other.phone)
    }

    /// Whether another phone has a line with the same user part as one of this phone's lines.
    fn has_namesakes(&self, phone: PhoneId) -> bool {
        let known = self.phones.get(&phone).filter(|known| known.are_told);
        let mut lines = known.into_iter().flat_map(|known| &known.lines);
        lines.any(|line| {
            let namesakes = self.namesakes.get(&*line.device.name().user);
            namesakes.is_some_and(|namesakes| namesakes.iter().any(|held| held.phone != phone))
        })
    }

    fn availability(&self, phone: PhoneId) -> Availability {
        let known = self.phones.get(&phone);
        known.map_or(Availability::Disabled, |known| known.availability)
    }

    fn is_listed(&self, phone: PhoneId) -> bool {
        self.availability(phone).is_listed()
    }

    fn rank(&self, phone: PhoneId) -> u8 {
        self.availability(phone).rank()
    }

    /// The device ID shown to clients, with `;mac=` if several enabled phones have the line.
    fn name(&self, phone: PhoneId, device: &DeviceId) -> DeviceId {
        let is_told = self.phones.get(&phone).is_some_and(|known| known.are_told);
        if is_told && self.listed_namesakes(phone, device).next().is_some() {
            DeviceId::from(format!("{};mac={}", device.as_str(), phone.bare()))
        } else {
            device.clone()
        }
    }

    fn entry(&self, phone: PhoneId, device: &DeviceId) -> Entry {
        let known = self.phones.get(&phone);
        if known.is_some_and(|known| !known.are_told) {
            return Entry {
                is_phones: true,
                ..Entry::alone(phone, device.clone())
            };
        }
        let namesakes = self.namesakes.get(&*device.name().user);
        let namesakes = namesakes.filter(|namesakes| namesakes.len() > 1);
        let first = known.and_then(|known| known.lines.first());
        let is_first = first.is_some_and(|line| line.device == *device);
        Entry {
            phone,
            device: device.clone(),
            name: self.name(phone, device),
            is_phones: is_first,
            is_phone_a_line: is_first && self.namesakes.contains_key(&*phone.bare()),
            namesakes: namesakes.cloned(),
        }
    }
}

impl From<DeviceId> for PhoneLine {
    fn from(device: DeviceId) -> Self {
        Self {
            device,
            listed_as: None,
        }
    }
}

#[cfg(test)]
mod tests;
