//! What is told of many lines at once: a digest of their names, and how many have their phone.

use std::hash::{DefaultHasher, Hash, Hasher};

use uacsta_schema::csta::DeviceId;

use super::Availability;

/// Lines of enabled phones, counted. Lines are added and removed in any order.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LineSummary {
    /// Differs when the names of the lines differ.
    pub names: u64,
    /// Lines whose phone is under control.
    pub controlled: usize,
    /// Lines whose phone is not.
    pub uncontrolled: usize,
}

impl LineSummary {
    /// Counts a line.
    pub fn add(&mut self, name: &DeviceId, availability: Availability) {
        self.names = self.names.wrapping_add(digest(name));
        *self.count(availability) += 1;
    }

    /// Takes a line out of the count.
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
