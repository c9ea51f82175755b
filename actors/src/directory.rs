//! Which phone has which line, and by which names clients may call it: what a name means is decided here and nowhere else.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use smallvec::SmallVec;
use uacsta_schema::{
    csta::{DeviceId, Name},
    phone_id::PhoneId,
};

/// The lines of all telephones.
#[derive(Debug, Default)]
pub struct Directory {
    phones: HashMap<PhoneId, Shelf>,
    /// By user part or number: who has such a line.
    namesakes: HashMap<Box<str>, Namesakes>,
}

/// What is known of a phone.
#[derive(Debug, Default)]
struct Shelf {
    lines: Vec<DeviceId>,
    reach: Reach,
}

/// How far a phone can be reached. A name that several have means one that can be reached better than all others.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reach {
    /// It is not in operation.
    Off,
    /// It is not registered.
    #[default]
    Away,
    /// It is registered.
    There,
}

/// The lines that have one user part or number; entries of lines that are alone in that hold none.
type Namesakes = Arc<SmallVec<[Held; 1]>>;

/// A line, and who has it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Held {
    mac: PhoneId,
    device: DeviceId,
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
    /// Whether the phone's own name means this line.
    is_phones: bool,
    namesakes: Option<Namesakes>,
}

impl Entry {
    /// A line that nothing else is called like.
    pub fn alone(mac: PhoneId, device: DeviceId) -> Self {
        Self {
            mac,
            name: device.clone(),
            device,
            is_phones: false,
            namesakes: None,
        }
    }

    /// Whether a name means this line, or may mean it: of a line on two phones, `;mac=` says which.
    pub fn is_called(&self, name: &DeviceId) -> bool {
        let name = name.name();
        if !is_on(&name, self.mac) {
            return false;
        }
        if self.is_phones && name.user.parse() == Ok(self.mac) {
            return true;
        }
        name.user == self.device.name().user
            && self.namesakes.as_ref().is_none_or(|namesakes| {
                meant(&name, namesakes).any(|held| held.is(self.mac, &self.device))
            })
    }
}

impl Held {
    fn is(&self, mac: PhoneId, device: &DeviceId) -> bool {
        self.mac == mac && self.device == *device
    }
}

/// Of the lines that have its user part, those that a name means: on the phone that it tells, if it does; with its host, and
/// only where none has that, whatever the host.
fn meant<'l>(name: &'l Name<'_>, namesakes: &'l [Held]) -> impl Iterator<Item = &'l Held> {
    let there = namesakes.iter().filter(|held| is_on(name, held.mac));
    let has_host = |held: &&Held| name.has_host_of(&held.device.name());
    let exact = there.clone().any(|held| has_host(&held));
    there.filter(move |held| !exact || has_host(held))
}

fn is_on(name: &Name<'_>, phone: PhoneId) -> bool {
    name.mac.is_none_or(|mac| mac.parse() == Ok(phone))
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
    /// A phone's lines are these now, each of them once. The identity that only serves its log-on is left out. Returns whether
    /// that is new.
    pub fn set(&mut self, mac: PhoneId, listed: impl IntoIterator<Item = DeviceId>) -> bool {
        let is_log_on =
            |line: &DeviceId| mac.mac().is_some() && line.name().user.parse() == Ok(mac);
        let mut called = HashSet::new();
        let mut lines: Vec<DeviceId> = listed
            .into_iter()
            .filter(|line| !is_log_on(line) && called.insert(line.name().to_string()))
            .collect();
        let shelf = self.phones.get(&mac);
        if shelf.is_some_and(|shelf| shelf.lines == lines) {
            return false;
        }
        lines.shrink_to_fit();
        let reach = shelf.map(|shelf| shelf.reach).unwrap_or_default();
        self.forget(mac);
        for device in &lines {
            let namesakes = self.namesakes.entry((&*device.name().user).into());
            Arc::make_mut(namesakes.or_default()).push(Held {
                mac,
                device: device.clone(),
            });
        }
        self.phones.insert(mac, Shelf { lines, reach });
        true
    }

    /// A phone is on the list no more, and has no lines.
    pub fn forget(&mut self, mac: PhoneId) {
        let shelf = self.phones.remove(&mac).unwrap_or_default();
        for line in &shelf.lines {
            let user = &*line.name().user;
            if let Some(namesakes) = self.namesakes.get_mut(user) {
                Arc::make_mut(namesakes).retain(|held| held.mac != mac);
                if namesakes.is_empty() {
                    self.namesakes.remove(user);
                }
            }
        }
    }

    /// A listed phone can be reached so far now. Returns whether names may mean other lines for that.
    pub fn reach(&mut self, mac: PhoneId, reach: Reach) -> bool {
        let Some(shelf) = self.phones.get_mut(&mac) else {
            return false;
        };
        if std::mem::replace(&mut shelf.reach, reach) == reach {
            return false;
        }
        shelf.lines.iter().any(|line| {
            let namesakes = self.namesakes.get(&*line.name().user);
            namesakes.is_some_and(|namesakes| namesakes.iter().any(|held| held.mac != mac))
        })
    }

    /// The lines of a phone; one that lists none has a single line that bears its own name.
    pub fn of(&self, mac: PhoneId) -> Vec<Entry> {
        match self.phones.get(&mac) {
            None => Vec::new(),
            Some(shelf) if shelf.lines.is_empty() => vec![Entry {
                is_phones: true,
                ..Entry::alone(mac, DeviceId::from(mac.bare()))
            }],
            Some(shelf) => {
                let lines = shelf.lines.iter();
                lines.map(|device| self.entry(mac, device)).collect()
            }
        }
    }

    /// The line that a client means: by the phone's name, `sip:` or `tel:` URI or bare number, perhaps with `;mac=`. One of
    /// several that it may mean is the line of the session that it is for, as long as the phone is in operation.
    pub fn find(&self, name: &DeviceId, session: Option<&Entry>) -> Result<Entry, NoLine> {
        if name.as_str().len() > LONGEST {
            return Err(NoLine::TooLong);
        }
        let name = name.name();
        let phone = name.user.parse::<PhoneId>().ok();
        let phone = phone.filter(|id| is_on(&name, *id) && self.phones.contains_key(id));
        let first = || phone.and_then(|id| self.of(id).into_iter().next());
        if phone.is_some_and(|id| id.mac().is_some()) {
            return first().ok_or(NoLine::Unknown);
        }
        let Some(namesakes) = self.namesakes.get(&*name.user) else {
            return first().ok_or(NoLine::Unknown);
        };
        let found: SmallVec<[&Held; 2]> = meant(&name, namesakes).collect();
        let own = session.and_then(|own| found.iter().find(|held| held.is(own.mac, &own.device)));
        if let Some(own) = own.filter(|own| self.reach_of(own.mac) > Reach::Off) {
            return Ok(self.entry(own.mac, &own.device));
        }
        let best = found.iter().map(|held| self.reach_of(held.mac)).max();
        let mut found = found
            .iter()
            .filter(|held| Some(self.reach_of(held.mac)) == best);
        match (found.next(), found.next()) {
            (None, _) => first().ok_or(NoLine::Unknown),
            (Some(held), None) => Ok(self.entry(held.mac, &held.device)),
            (Some(_), Some(_)) => Err(NoLine::Ambiguous),
        }
    }

    /// All lines of phones in operation, by phone.
    pub fn all(&self) -> impl Iterator<Item = Entry> + '_ {
        let in_operation = |(_, shelf): &(_, &Shelf)| shelf.reach > Reach::Off;
        let phones = self.phones.iter().filter(in_operation);
        phones.flat_map(|(mac, _)| self.of(*mac))
    }

    fn reach_of(&self, mac: PhoneId) -> Reach {
        self.phones
            .get(&mac)
            .map_or(Reach::Off, |shelf| shelf.reach)
    }

    fn entry(&self, mac: PhoneId, device: &DeviceId) -> Entry {
        let called = device.name();
        let namesakes = self.namesakes.get(&*called.user);
        let namesakes = namesakes.filter(|namesakes| namesakes.len() > 1);
        let is_shared = namesakes.is_some_and(|namesakes| {
            namesakes.iter().any(|held| {
                held.mac != mac
                    && called.has_host_of(&held.device.name())
                    && self.reach_of(held.mac) > Reach::Off
            })
        });
        let lines = self.phones.get(&mac).map(|shelf| &*shelf.lines);
        let is_first = lines.and_then(<[_]>::first) == Some(device);
        let name = match is_shared {
            true => DeviceId::from(format!("{};mac={}", device.as_str(), mac.bare())),
            false => device.clone(),
        };
        Entry {
            mac,
            device: device.clone(),
            name,
            is_phones: is_first
                && (mac.mac().is_some() || !self.namesakes.contains_key(&*mac.bare())),
            namesakes: namesakes.cloned(),
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
                "sip:220@a:5060",
                "sip:220@A",
                "220@a",
                "sip:493012345678@pbx.example",
            ]),
        );
        directory.set(
            SECOND.parse().unwrap(),
            ids(&["sip:300@pbx.example", "sip:400@b"]),
        );
        directory.set("000413000003".parse().unwrap(), ids(&[]));
        directory.set("500".parse().unwrap(), ids(&[]));
        directory.set("501".parse().unwrap(), ids(&["sip:501@pbx.example"]));
        directory.set("502".parse().unwrap(), ids(&["sip:503@pbx.example"]));
        directory
    }

    #[track_caller]
    fn finds(name: &str, expected: Result<(&str, &str), NoLine>) {
        let found = directory().find(&DeviceId::from(name.to_owned()), None);
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
        let found = directory.find(&"300".into(), None).unwrap();
        assert_eq!(found.mac, FIRST.parse().unwrap());
        directory.forget(FIRST.parse().unwrap());
        for name in ["300", "215", "000413000001"] {
            let found = directory.find(&name.into(), None);
            assert_eq!(found, Err(NoLine::Unknown), "{name}");
        }
    }

    /// Which lines names may mean: the rights of accounts go by that.
    #[test]
    fn a_name_means_the_same_lines_wherever_it_stands() {
        let directory = directory();
        let check = |name: &str, expected: &[&str]| {
            let name = DeviceId::from(name.to_owned());
            let mut meant: Vec<String> = directory
                .all()
                .filter(|entry| entry.is_called(&name))
                .map(|entry| entry.name.to_string())
                .collect();
            meant.sort();
            assert_eq!(meant, expected, "{name}");
        };
        check("sip:400@a", &["sip:400@a"]);
        check("sip:400@B:5070;lr", &["sip:400@b"]);
        check("400", &["sip:400@a", "sip:400@b"]);
        check("sip:400@c", &["sip:400@a", "sip:400@b"]);
        check("400;mac=000413000002", &["sip:400@b"]);
        check("sip:400@a;mac=000413000002", &["sip:400@b"]);
        check("400;mac=000413000009", &[]);
        check("215", &["sip:215@pbx.example"]);
        check("<sip:%3215:secret@c>", &["sip:215@pbx.example"]);
        check("000413000001", &["sip:215@pbx.example"]);
        check("000413000003", &["000413000003"]);
        check(
            "sip:300@pbx.example",
            &[
                "sip:300@pbx.example;mac=000413000001",
                "sip:300@pbx.example;mac=000413000002",
            ],
        );
        check("500", &["500"]);
        check("sip:501@x", &["sip:501@pbx.example"]);
        check("502", &["sip:503@pbx.example"]);
        check("", &[]);
    }

    #[test]
    fn a_number_of_twelve_digits_is_a_line_unless_a_phone_has_that_mac_address() {
        finds("493012345678", Ok((FIRST, "sip:493012345678@pbx.example")));
        finds("000413000002", Ok((SECOND, "sip:300@pbx.example")));
    }

    #[test]
    fn a_line_that_is_listed_twice_is_one() {
        finds("220", Ok((FIRST, "sip:220@a:5060")));
        finds("sip:220@a", Ok((FIRST, "sip:220@a:5060")));
        let lines = directory().of(FIRST.parse().unwrap());
        let same = lines.iter().filter(|entry| entry.is_called(&"220".into()));
        assert_eq!(same.count(), 1);
    }

    #[test]
    fn a_phone_that_is_there_has_a_line_before_one_that_is_not() {
        use Reach::{Away, Off, There};
        let name = DeviceId::from("sip:300@pbx.example");
        let check = |first: Reach, second: Reach, expected: Result<&str, NoLine>| {
            let mut directory = directory();
            let [one, other] = [FIRST, SECOND].map(|mac| mac.parse::<PhoneId>().unwrap());
            directory.reach(one, first);
            directory.reach(other, second);
            let found = directory.find(&name, None);
            let at = found.map(|entry| entry.mac);
            let expected = expected.map(|mac| mac.parse().unwrap());
            assert_eq!(at, expected, "{first:?} {second:?}");
            // A session of the first phone's line stays with it until that is switched off.
            let session = Entry::alone(one, name.clone());
            let found = directory.find(&name, Some(&session));
            let stays = found.is_ok_and(|entry| entry.mac == one);
            assert_eq!(stays, first > Off || second == Off, "{first:?} {second:?}");
            let shown = directory.entry(other, &name).name;
            assert_eq!(shown != name, first > Off, "{first:?} {second:?}");
        };
        check(There, There, Err(NoLine::Ambiguous));
        check(There, Away, Ok(FIRST));
        check(Away, There, Ok(SECOND));
        check(Away, Away, Err(NoLine::Ambiguous));
        check(Off, Away, Ok(SECOND));
        check(There, Off, Ok(FIRST));
    }

    #[test]
    fn it_is_news_how_far_a_phone_can_be_reached_where_others_have_its_lines() {
        let mut directory = directory();
        let mut check = |mac: &str, reach: Reach, expected: bool| {
            let news = directory.reach(mac.parse().unwrap(), reach);
            assert_eq!(news, expected, "{mac} {reach:?}");
        };
        check(FIRST, Reach::There, true);
        check(FIRST, Reach::There, false);
        check("501", Reach::There, false);
        check("000413000009", Reach::There, false);
    }
}
