//! A line of a phone, and which names mean it.

use std::sync::Arc;

use smallvec::SmallVec;
use uacsta_schema::{
    csta::{DeviceId, Name},
    phone_id::PhoneId,
};

/// The lines that have one user part or number; entries of lines that are alone in that hold none.
pub(super) type Namesakes = Arc<SmallVec<[Held; 1]>>;

/// A line, and the phone that has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Held {
    pub(super) phone: PhoneId,
    pub(super) device: DeviceId,
}

/// A line of a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The phone.
    pub phone: PhoneId,
    /// The DeviceID as the phone lists it.
    pub device: DeviceId,
    /// The DeviceID as clients are told: with `;mac=` where two phones have the line.
    pub name: DeviceId,
    /// Whether the phone's own name means this line.
    pub(super) is_phones: bool,
    pub(super) namesakes: Option<Namesakes>,
}

impl Entry {
    /// A line that nothing else is called like.
    pub fn alone(phone: PhoneId, device: DeviceId) -> Self {
        Self {
            phone,
            name: device.clone(),
            device,
            is_phones: false,
            namesakes: None,
        }
    }

    /// Whether a name means this line, or may mean it: of a line on two phones, `;mac=` says which.
    pub fn is_called(&self, name: &DeviceId) -> bool {
        let name = name.name();
        if !is_on(&name, self.phone) {
            return false;
        }
        if self.is_phones && name.user.parse() == Ok(self.phone) {
            return true;
        }
        name.user == self.device.name().user
            && self.namesakes.as_ref().is_none_or(|namesakes| {
                meant(&name, namesakes).any(|held| held.is(self.phone, &self.device))
            })
    }
}

impl Held {
    pub(super) fn is(&self, phone: PhoneId, device: &DeviceId) -> bool {
        self.phone == phone && self.device == *device
    }
}

/// Of the lines that have its user part, those that a name means: on the phone that it tells, if it does; with its host, and
/// only where none has that, whatever the host.
pub(super) fn meant<'l>(
    name: &'l Name<'_>,
    namesakes: &'l [Held],
) -> impl Iterator<Item = &'l Held> {
    let there = namesakes.iter().filter(|held| is_on(name, held.phone));
    let has_host = |held: &&Held| name.has_host_of(&held.device.name());
    let exact = there.clone().any(|held| has_host(&held));
    there.filter(move |held| !exact || has_host(held))
}

pub(super) fn is_on(name: &Name<'_>, phone: PhoneId) -> bool {
    name.mac.is_none_or(|mac| mac.parse() == Ok(phone))
}
