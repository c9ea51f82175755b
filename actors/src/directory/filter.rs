//! Which lines a list or a subscription is about, and how they are found without a look at all others.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use smallvec::SmallVec;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{Directory, Entry};

/// Lines that a client sees; by default all lines of enabled phones.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    /// The only phone whose lines are meant.
    pub phone: Option<PhoneId>,
    /// The only names whose lines are meant.
    pub names: Option<Arc<LineNames>>,
}

/// Names of lines, found by what they have in common with the lines that they mean.
#[derive(Clone, Debug, Default)]
pub struct LineNames {
    names: Vec<DeviceId>,
    /// By user part, and by the plain form of the phone that the user part names.
    by_user: HashMap<Box<str>, SmallVec<[DeviceId; 1]>>,
}

impl LineNames {
    /// Whether one of the names means a line, or may mean it.
    pub fn mean(&self, entry: &Entry) -> bool {
        let call = |user: &str| {
            let names = self.by_user.get(user);
            names.is_some_and(|names| names.iter().any(|name| entry.is_called(name)))
        };
        call(&entry.device.name().user) || (entry.is_phones && call(&entry.phone.bare()))
    }

    /// The name, where there is but one.
    pub fn only(&self) -> Option<&DeviceId> {
        match &*self.names {
            [name] => Some(name),
            _ => None,
        }
    }
}

impl FromIterator<DeviceId> for LineNames {
    fn from_iter<T: IntoIterator<Item = DeviceId>>(names: T) -> Self {
        let names: Vec<DeviceId> = names.into_iter().collect();
        let mut by_user = HashMap::<Box<str>, SmallVec<[DeviceId; 1]>>::new();
        for name in &names {
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
    /// Whether the lines may have changed, by what [`Directory::take_changes`] returned.
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

    /// How many names are looked up to find the lines: what a look costs.
    pub fn names(&self) -> usize {
        match (self.phone, &self.names) {
            (None, Some(names)) => names.names.len(),
            _ => 1,
        }
    }
}

impl Directory {
    /// The lines that a filter leaves, by name; `None` for one that leaves all, of which there may be very many.
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
        // Several names may mean one line.
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
