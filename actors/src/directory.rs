//! Which phone has which line, and by which names clients may call it.

use std::{borrow::Cow, collections::HashMap};

use smallvec::SmallVec;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

/// The lines of all telephones.
#[derive(Debug, Default)]
pub struct Directory {
    lines: HashMap<PhoneId, Vec<DeviceId>>,
    /// By user part or number: who has such a line.
    owners: HashMap<Box<str>, SmallVec<[PhoneId; 1]>>,
}

/// A line of a phone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The phone.
    pub mac: PhoneId,
    /// The DeviceID as the phone lists it.
    pub device: DeviceId,
    /// The DeviceID as clients are told: with `;mac=` where two phones have the line.
    pub name: DeviceId,
}

/// What a name calls its line by: the user part of a SIP URI, or the number, of a `tel:` URI without its visual separators
/// (RFC 3966 section 5.1.1).
pub fn called(name: &DeviceId) -> Cow<'_, str> {
    let scheme = name.as_str().get(..4).unwrap_or_default();
    match scheme.eq_ignore_ascii_case("tel:") {
        true => name.normalised().into(),
        false => name.user().into(),
    }
}

impl Entry {
    /// Whether a name means this line, or its phone by MAC address; of a line on two phones, `;mac=` says which.
    pub fn is_called(&self, name: &DeviceId) -> bool {
        let on = name
            .parameter("mac")
            .and_then(|mac| mac.parse::<PhoneId>().ok());
        let name = called(name);
        name.parse() == Ok(self.mac)
            || (name == called(&self.device) && on.is_none_or(|mac| mac == self.mac))
    }
}

/// The octets of the longest name that is looked up: whoever asks keeps it.
pub(crate) const LONGEST: usize = 512;

/// Why a name is not a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoLine {
    /// No phone has it.
    #[error("no telephone has this line")]
    Unknown,
    /// It is longer than any line's name.
    #[error("no line has a name of more than {LONGEST} octets")]
    TooLong,
    /// More than one phone has it.
    #[error("more than one telephone has this line; add ;mac=<MAC> to say which")]
    Ambiguous,
}

impl Directory {
    /// A phone's lines are these now. The identity that only serves its log-on is left out. Returns whether that is new.
    pub fn set(&mut self, mac: PhoneId, lines: impl IntoIterator<Item = DeviceId>) -> bool {
        let mut lines: Vec<DeviceId> = lines
            .into_iter()
            .filter(|line| mac.mac().is_none() || line.user().parse() != Ok(mac))
            .collect();
        if self.lines.get(&mac) == Some(&lines) {
            return false;
        }
        lines.shrink_to_fit();
        for line in self.lines.remove(&mac).unwrap_or_default() {
            if let Some(owners) = self.owners.get_mut(&*called(&line)) {
                owners.retain(|owner| *owner != mac);
                if owners.is_empty() {
                    self.owners.remove(&*called(&line));
                }
            }
        }
        for line in &lines {
            let owners = self.owners.entry((&*called(line)).into()).or_default();
            if !owners.contains(&mac) {
                owners.push(mac);
            }
        }
        self.lines.insert(mac, lines);
        true
    }

    /// The lines of a phone; one that lists none has a single line that bears its own name.
    pub fn of(&self, mac: PhoneId) -> Vec<Entry> {
        match self.lines.get(&mac) {
            None => Vec::new(),
            Some(lines) if lines.is_empty() => {
                let device = DeviceId::from(mac.bare());
                vec![Entry {
                    mac,
                    name: device.clone(),
                    device,
                }]
            }
            Some(lines) => lines.iter().map(|device| self.entry(mac, device)).collect(),
        }
    }

    /// The line that a client means: by the phone's name, `sip:` or `tel:` URI or bare number, perhaps with `;mac=`.
    pub fn find(&self, name: &DeviceId) -> Result<Entry, NoLine> {
        if name.as_str().len() > LONGEST {
            return Err(NoLine::TooLong);
        }
        let user = &*called(name);
        let named = user.parse::<PhoneId>().ok();
        let first_of = |id: PhoneId| self.of(id).into_iter().next();
        if let Some(mac) = named.filter(|id| id.mac().is_some()) {
            return first_of(mac).ok_or(NoLine::Unknown);
        }
        let wanted = name
            .parameter("mac")
            .and_then(|mac| mac.parse::<PhoneId>().ok());
        let mut found: SmallVec<[(PhoneId, &DeviceId); 2]> = self
            .owners
            .get(user)
            .into_iter()
            .flatten()
            .filter(|mac| wanted.is_none_or(|wanted| wanted == **mac))
            .flat_map(|mac| {
                self.lines
                    .get(mac)
                    .into_iter()
                    .flatten()
                    .map(|line| (*mac, line))
            })
            .filter(|(_, line)| called(line) == user)
            .collect();
        // Two identities with the same user part at different hosts: the host decides, where the client names one of them.
        if found.len() > 1 {
            let exact = name.normalised();
            let same: SmallVec<[_; 2]> = found
                .iter()
                .copied()
                .filter(|(_, line)| line.normalised() == exact)
                .collect();
            if !same.is_empty() {
                found = same;
            }
        }
        match found[..] {
            [] => named.and_then(first_of).ok_or(NoLine::Unknown),
            [(mac, line)] => Ok(self.entry(mac, line)),
            _ => Err(NoLine::Ambiguous),
        }
    }

    /// All lines, by phone.
    pub fn all(&self) -> impl Iterator<Item = Entry> + '_ {
        self.lines.keys().flat_map(|mac| self.of(*mac))
    }

    fn entry(&self, mac: PhoneId, device: &DeviceId) -> Entry {
        let shared = self.owners.get(&*called(device)).is_some_and(|owners| {
            let exact = device.normalised();
            owners.iter().any(|owner| {
                *owner != mac
                    && self
                        .lines
                        .get(owner)
                        .is_some_and(|lines| lines.iter().any(|line| line.normalised() == exact))
            })
        });
        let name = if shared {
            DeviceId::from(format!("{};mac={}", device.as_str(), mac.bare()))
        } else {
            device.clone()
        };
        Entry {
            mac,
            device: device.clone(),
            name,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const FIRST: &str = "00:04:13:00:00:01";
    const SECOND: &str = "00:04:13:00:00:02";

    fn directory() -> Directory {
        let mut directory = Directory::default();
        let ids = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| DeviceId::from((*line).to_owned()))
                .collect::<Vec<_>>()
        };
        directory.set(
            FIRST.parse().unwrap(),
            ids(&[
                "sip:000413000001@pbx",
                "sip:215@pbx.example",
                "sip:+4930123@pbx.example",
                "sip:300@pbx.example",
                "sip:400@a",
            ]),
        );
        directory.set(
            SECOND.parse().unwrap(),
            ids(&["sip:300@pbx.example", "sip:400@b"]),
        );
        directory.set("000413000003".parse().unwrap(), ids(&[]));
        directory.set("500".parse().unwrap(), ids(&[]));
        directory.set("501".parse().unwrap(), ids(&["sip:501@pbx.example"]));
        directory
    }

    #[track_caller]
    fn finds(name: &str, expected: Result<(&str, &str), NoLine>) {
        let found = directory().find(&DeviceId::from(name.to_owned()));
        let found = found.map(|entry| (entry.mac.to_string(), entry.device.as_str().to_owned()));
        assert_eq!(
            found,
            expected.map(|(mac, device)| (mac.to_owned(), device.to_owned())),
            "{name}"
        );
    }

    #[test]
    fn a_line_has_many_names() {
        finds("sip:215@pbx.example", Ok((FIRST, "sip:215@pbx.example")));
        finds(
            "sip:215@uacsta.example:5070;transport=tcp",
            Ok((FIRST, "sip:215@pbx.example")),
        );
        finds("215@pbx.example", Ok((FIRST, "sip:215@pbx.example")));
        finds("215", Ok((FIRST, "sip:215@pbx.example")));
        finds(
            "tel:215;phone-context=dialstring",
            Ok((FIRST, "sip:215@pbx.example")),
        );
        finds("tel:+4930123", Ok((FIRST, "sip:+4930123@pbx.example")));
        finds(
            "TEL:+49-(30)-1.23;ext=7",
            Ok((FIRST, "sip:+4930123@pbx.example")),
        );
        finds("000413000001", Ok((FIRST, "sip:215@pbx.example")));
        finds(
            "sip:00-04-13-00-00-01@x",
            Ok((FIRST, "sip:215@pbx.example")),
        );
        finds(&format!("215;{}", "x".repeat(509)), Err(NoLine::TooLong));
        finds("216", Err(NoLine::Unknown));
        finds("00:04:13:00:00:ff", Err(NoLine::Unknown));
    }

    #[test]
    fn a_line_on_two_phones_needs_the_phone_s_name() {
        finds("300", Err(NoLine::Ambiguous));
        finds("sip:300@pbx.example", Err(NoLine::Ambiguous));
        finds(
            "sip:300@pbx.example;mac=000413000002",
            Ok((SECOND, "sip:300@pbx.example")),
        );
        finds("sip:400@b", Ok((SECOND, "sip:400@b")));
        finds("400", Err(NoLine::Ambiguous));
        let names: Vec<String> = directory()
            .of(SECOND.parse().unwrap())
            .iter()
            .map(|entry| entry.name.as_str().to_owned())
            .collect();
        assert_eq!(names, ["sip:300@pbx.example;mac=000413000002", "sip:400@b"]);
    }

    #[test]
    fn a_phone_without_inventory_is_one_line() {
        finds("000413000003", Ok(("00:04:13:00:00:03", "000413000003")));
        finds("500", Ok(("500", "500")));
        finds("sip:500@pbx.example", Ok(("500", "500")));
        finds("sip:501@pbx.example", Ok(("501", "sip:501@pbx.example")));
    }

    #[test]
    fn lines_that_go_are_forgotten() {
        let mut directory = directory();
        assert!(directory.set(SECOND.parse().unwrap(), []));
        assert!(!directory.set(SECOND.parse().unwrap(), []));
        assert_eq!(
            directory
                .find(&DeviceId::from("300".to_owned()))
                .unwrap()
                .mac,
            FIRST.parse().unwrap()
        );
    }
}
