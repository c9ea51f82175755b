//! Summary of a set of lines: a digest of their device IDs, and counts by availability.

use std::hash::{DefaultHasher, Hash, Hasher};

use uacsta_schema::csta::DeviceId;

use super::Availability;

/// Summary of a set of lines of enabled phones; independent of the order of additions and removals.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LineSummary {
    /// Digest of the device IDs, to detect changes of the set.
    pub names: u64,
    /// The number of lines whose phone has an open CSTA session.
    pub controlled: usize,
    /// The number of lines whose phone has none.
    pub uncontrolled: usize,
}

impl LineSummary {
    /// Adds a line.
    pub fn add(&mut self, name: &DeviceId, availability: Availability) {
        self.names = self.names.wrapping_add(digest(name));
        *self.count(availability) += 1;
    }

    /// Removes a line; `availability` must be that of its addition.
    pub fn remove(&mut self, name: &DeviceId, availability: Availability) {
        self.names = self.names.wrapping_sub(digest(name));
        let count = self.count(availability);
        *count = count.saturating_sub(1);
    }

    fn count(&mut self, availability: Availability) -> &mut usize {
        match availability {
            Availability::Controlled => &mut self.controlled,
            _ => &mut self.uncontrolled,
        }
    }
}

fn digest(name: &DeviceId) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.as_str().hash(&mut hasher);
    hasher.finish()
}
