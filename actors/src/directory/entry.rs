//! A line of a phone, and the match of device IDs to lines.

use std::sync::Arc;

use smallvec::SmallVec;
use uacsta_schema::{
    csta::{DeviceId, Name},
    mac::Mac,
    phone_id::PhoneId,
};

/// The lines with the same user part or number; an entry without namesakes contains `None`.
pub(super) type Namesakes = Arc<SmallVec<[Held; 1]>>;

/// A line and its phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Held {
    pub(super) phone: PhoneId,
    pub(super) device: DeviceId,
}

/// A line of a phone, as look-ups return it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The phone with the line.
    pub phone: PhoneId,
    /// The device ID as listed by the phone.
    pub device: DeviceId,
    /// The device ID shown to clients, with `;mac=` if several enabled phones have the line.
    pub name: DeviceId,
    /// Whether the phone's ID also matches this line.
    pub(super) is_phones: bool,
    /// Whether a line is called like the phone's ID without separators, which then means that line.
    pub(super) is_phone_a_line: bool,
    pub(super) namesakes: Option<Namesakes>,
}

impl Entry {
    /// A line with a unique user part.
    pub fn alone(phone: PhoneId, device: DeviceId) -> Self {
        Self {
            phone,
            name: device.clone(),
            device,
            is_phones: false,
            is_phone_a_line: false,
            namesakes: None,
        }
    }

    /// Whether a device ID matches this line, even ambiguously; `;mac=` selects one of several phones.
    pub fn is_called(&self, name: &DeviceId) -> bool {
        let name = name.name();
        if !is_on(&name, self.phone) {
            return false;
        }
        if self.is_phones
            && name.user.parse() == Ok(self.phone)
            && !(self.is_phone_a_line && may_be_line(&name.user))
        {
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

/// The matches for a name among the lines with its user part: on the phone of its `;mac=`, if given, and with its host,
/// or with any host if no line has its host.
pub(super) fn meant<'l>(
    name: &'l Name<'_>,
    namesakes: &'l [Held],
) -> impl Iterator<Item = &'l Held> {
    let there = namesakes.iter().filter(|held| is_on(name, held.phone));
    let has_host = |held: &&Held| name.has_host_of(&held.device.name());
    let exact = there.clone().any(|held| has_host(&held));
    there.filter(move |held| !exact || has_host(held))
}

/// Whether a phone's ID may as well be a line: an extension, or the twelve decimal digits of a MAC address or a number.
pub(super) fn may_be_line(user: &str) -> bool {
    user.bytes().all(|byte| byte.is_ascii_digit()) || user.parse::<Mac>().is_err()
}

/// Whether a MAC address without letters may be a number with which the phone logs on. Numbers do not begin with 00, as makers'
/// addresses do.
pub(super) fn may_be_number(mac: Mac) -> bool {
    let bare = mac.bare();
    !bare.starts_with("00") && may_be_line(&bare)
}

pub(super) fn is_on(name: &Name<'_>, phone: PhoneId) -> bool {
    name.mac.is_none_or(|mac| mac.parse() == Ok(phone))
}
