//! Filters for line lists and subscriptions, evaluated by index instead of a scan of all lines.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use smallvec::SmallVec;
use uacsta_config::Numbers;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{Directory, Entry};
use crate::numbers::spellings;

/// A filter for lines; by default all lines of enabled phones.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// Restricts to the lines of this phone.
    pub phone: Option<PhoneId>,
    /// Restricts to the lines with these device IDs.
    pub names: Option<Arc<LineNames>>,
}

/// A set of device IDs, indexed by user part.
#[derive(Clone, Debug, Default)]
pub struct LineNames {
    names: Vec<DeviceId>,
    /// The device IDs by user part, and by bare phone ID if the user part is one.
    by_user: HashMap<Box<str>, SmallVec<[DeviceId; 1]>>,
}

impl LineNames {
    /// Whether one of the device IDs matches a line, even ambiguously.
    pub fn mean(&self, entry: &Entry) -> bool {
        let call = |user: &str| {
            let names = self.by_user.get(user);
            names.is_some_and(|names| names.iter().any(|name| entry.is_called(name)))
        };
        call(&entry.device.name().user) || (entry.is_phones && call(&entry.phone.bare()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The device ID, if there is exactly one.
    pub fn only(&self) -> Option<&DeviceId> {
        match &*self.names {
            [name] => Some(name),
            _ => None,
        }
    }
}

impl FromIterator<DeviceId> for LineNames {
    fn from_iter<T: IntoIterator<Item = DeviceId>>(names: T) -> Self {
        Self::spelled(names, &Numbers::default())
    }
}

impl LineNames {
    /// These device IDs, and the other spellings of their numbers.
    pub fn spelled(names: impl IntoIterator<Item = DeviceId>, rules: &Numbers) -> Self {
        let names: Vec<DeviceId> = names.into_iter().collect();
        let mut by_user = HashMap::<Box<str>, SmallVec<[DeviceId; 1]>>::new();
        let spelled = |name: &DeviceId| spellings(rules, &name.name());
        let others: Vec<DeviceId> = names.iter().flat_map(spelled).collect();
        for name in names.iter().chain(&others) {
            let user = name.name().user;
            let phone = user.parse::<PhoneId>().map(PhoneId::bare);
            if let Some(phone) = phone.ok().filter(|phone| **phone != *user) {
                by_user.entry(phone.into()).or_default().push(name.clone());
            }
            by_user
                .entry((&*user).into())
                .or_default()
                .push(name.clone());
        }
        Self { names, by_user }
    }
}

impl LineFilter {
    /// Whether the matching lines may have changed, given the result of [`Directory::take_changes`].
    pub fn is_touched(&self, changed: &HashSet<Box<str>>) -> bool {
        match (self.phone, &self.names) {
            (Some(phone), _) => changed.contains(&*phone.bare()),
            (None, Some(names)) if names.by_user.len() < changed.len() => {
                names.by_user.keys().any(|user| changed.contains(user))
            }
            (None, Some(names)) => changed.iter().any(|user| names.by_user.contains_key(user)),
            (None, None) => !changed.is_empty(),
        }
    }

    /// The number of look-ups to find the lines: the cost of evaluating the filter.
    pub fn names(&self) -> usize {
        match (self.phone, &self.names) {
            (None, Some(names)) => names.names.len(),
            _ => 1,
        }
    }
}

impl Directory {
    /// The matching lines, ordered by device ID and phone; `None` for the filter that matches all lines.
    pub(super) fn filtered(&self, filter: &LineFilter) -> Option<Vec<Entry>> {
        let mut lines = match (filter.phone, &filter.names) {
            (None, None) => return None,
            (None, Some(names)) => self.called(names),
            (Some(phone), names) => {
                let mut lines = self.of(phone);
                lines.retain(|entry| {
                    self.is_listed(phone) && names.as_ref().is_none_or(|names| names.mean(entry))
                });
                lines
            }
        };
        lines.sort_by(|one, other| (&one.name, one.phone).cmp(&(&other.name, other.phone)));
        // Several device IDs may match one line.
        lines.dedup_by(|one, other| (&one.name, one.phone) == (&other.name, other.phone));
        Some(lines)
    }

    fn called(&self, names: &LineNames) -> Vec<Entry> {
        let mut found = Vec::new();
        for (user, names) in &names.by_user {
            let namesakes = self.namesakes.get(user).into_iter();
            let lines = namesakes.flat_map(|namesakes| namesakes.iter());
            let lines = lines.map(|held| self.entry(held.phone, &held.device));
            let phone = user.parse().ok();
            let first = phone.and_then(|phone| self.of(phone).into_iter().next());
            found.extend(lines.chain(first).filter(|entry| {
                self.is_listed(entry.phone) && names.iter().any(|name| entry.is_called(name))
            }));
        }
        found
    }
}
