//! The rights of a client's log-on: the lines that it may see, and the services that it may use.

use std::sync::Arc;

use uacsta_config::Numbers;
use uacsta_schema::csta::{DeviceId, Document, ServiceId};

use crate::{
    account::{Account, EVERY_LINE, Level},
    directory::{Entry, LineNames},
    numbers::spellings,
    refusal::Refusal,
    registrar::Line,
};

/// The rights of one log-on.
#[derive(Clone, Debug)]
pub struct Rights {
    /// The lines of each level, those of higher levels included; `None` means all.
    lines: [Option<Arc<LineNames>>; 3],
    /// The user's own numbers, digits and `+` alone.
    numbers: Vec<Box<str>>,
    /// How the office's numbers are written.
    rules: Numbers,
}

impl Rights {
    /// All lines and all services, without a number of the user's own.
    pub(super) fn all(rules: &Numbers) -> Self {
        Self {
            lines: [const { None }; 3],
            numbers: Vec::new(),
            rules: rules.clone(),
        }
    }

    /// The rights of an account.
    pub fn granted(account: &Account, rules: &Numbers) -> Self {
        let lines = [Level::Status, Level::Watch, Level::Control].map(|level| {
            let grants = account.grants.iter().filter(|grant| grant.level >= level);
            let lines: Vec<&str> = grants
                .flat_map(|grant| grant.lines.iter().map(String::as_str))
                .collect();
            let names = lines.iter().map(|line| DeviceId::from(*line));
            (!lines.contains(&EVERY_LINE)).then(|| Arc::new(LineNames::spelled(names, rules)))
        });
        Self {
            lines,
            numbers: account
                .numbers
                .iter()
                .map(|number| digits(&DeviceId::from(number.clone())))
                .collect(),
            rules: rules.clone(),
        }
    }

    /// How the office's numbers are written.
    pub(super) fn rules(&self) -> &Numbers {
        &self.rules
    }

    /// The lines with this name, or with another spelling of its number.
    pub(super) fn lines_called(&self, name: &DeviceId) -> LineNames {
        LineNames::spelled([name.clone()], &self.rules)
    }

    /// Whether a name matches a line, in any spelling of its number.
    pub(super) fn is_called(&self, entry: &Entry, name: &DeviceId) -> bool {
        entry.is_called(name)
            || (self.rules.are_set()
                && spellings(&self.rules, &name.name())
                    .iter()
                    .any(|name| entry.is_called(name)))
    }

    /// The visible lines; `None` means all.
    pub fn lines(&self) -> Option<Arc<LineNames>> {
        self.at(Level::Status).clone()
    }

    /// Whether a line is visible to the user.
    pub fn sees(&self, entry: &Entry) -> bool {
        self.hold(Level::Status, entry)
    }

    /// Whether the user has this level, or a higher one, for a line.
    pub fn hold(&self, level: Level, entry: &Entry) -> bool {
        let lines = self.at(level).as_ref();
        lines.is_none_or(|lines| lines.mean(entry))
    }

    fn at(&self, level: Level) -> &Option<Arc<LineNames>> {
        let [status, watch, control] = &self.lines;
        match level {
            Level::Status => status,
            Level::Watch => watch,
            Level::Control => control,
        }
    }

    /// Whether a request for another line of the phone can be refused, so that those lines must be known.
    pub(super) fn may_lack(&self, other: &Entry) -> bool {
        let highest = match self.at(Level::Control) {
            Some(lines) if lines.is_empty() => Level::Watch,
            _ => Level::Control,
        };
        !self.hold(highest, other)
    }

    /// The other lines of the phone for which the user lacks a level.
    pub(super) fn hidden<'l>(
        &self,
        line: &'l Line,
        level: Level,
    ) -> impl Iterator<Item = &'l DeviceId> {
        let others = line.others.iter();
        let hidden = others.filter(move |other| !self.hold(level, other));
        hidden.map(|other| &other.device)
    }

    /// Whether one of the parties is a line of the same phone for which the user lacks the level. Compares user parts, ignoring
    /// case and what a phone may ignore: visual separators and parameters.
    fn hides_party(&self, line: &Line, level: Level, parties: &[DeviceId]) -> bool {
        let is_hidden = |party: &DeviceId| {
            let (user, dialled) = (party.name().user, dialled(party));
            self.hidden(line, level).any(|hidden| {
                hidden.name().user.eq_ignore_ascii_case(&user)
                    || !dialled.is_empty() && self::dialled(hidden) == dialled
            })
        };
        let mut parties = parties
            .iter()
            .filter(|party| !self.is_called(&line.entry, party));
        parties.any(|party| {
            is_hidden(party) || spellings(&self.rules, &party.name()).iter().any(is_hidden)
        })
    }

    /// Checks that the user may make a request for a line.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn check(&self, line: &Line, request: &Document) -> Result<(), Refusal> {
        let level = needed(request);
        match self.hold(level, &line.entry) {
            false if self.hold(Level::Watch, &line.entry) => return Err(Refusal::MonitorOnly),
            false => return Err(Refusal::NoRight),
            true => {}
        }
        // A party may be another line of the same phone.
        let is_confined = self.at(level).is_some();
        match is_confined && self.hides_party(line, level, &request.connections().1) {
            true => Err(Refusal::NoRight),
            false => Ok(()),
        }
    }

    /// No right at all, after the account was removed.
    pub(super) fn none() -> Self {
        Self {
            lines: [(); 3].map(|()| Some(Arc::default())),
            numbers: Vec::new(),
            rules: Numbers::default(),
        }
    }

    /// The user's own number that the device denotes, as digits and `+`; `None` for any other device. Accepts any spelling of
    /// the number.
    pub fn own_number(&self, device: &DeviceId) -> Option<DeviceId> {
        if self.numbers.is_empty() {
            return None;
        }
        let own = |device: &DeviceId| {
            let asked = digits(device);
            self.numbers.iter().find(|number| **number == asked)
        };
        let spelled = || spellings(&self.rules, &device.name());
        let number = own(device).or_else(|| spelled().iter().find_map(own))?;
        Some(number.clone().into())
    }

    /// The only visible line, if there is exactly one.
    pub fn only_line(&self) -> Option<&DeviceId> {
        self.at(Level::Status).as_ref()?.only()
    }

    /// Whether the user may use a service for any line. Every user may use services that change nothing at a device.
    pub fn allow(&self, service: ServiceId) -> bool {
        let controlled = self.at(Level::Control).as_ref();
        service.observes() || controlled.is_none_or(|lines| !lines.is_empty())
    }
}

/// The level that a request for a line needs.
pub(super) fn needed(request: &Document) -> Level {
    match request.service().is_some_and(ServiceId::observes) {
        true => Level::Watch,
        false => Level::Control,
    }
}

/// What a phone may dial for a device: its number without parameters, in small letters.
fn dialled(device: &DeviceId) -> String {
    let number = digits(device);
    let number = number.split(';').next().unwrap_or_default();
    number.to_ascii_lowercase()
}

/// A number without its scheme, host and visual separators (RFC 3966, section 5.1.1).
fn digits(number: &DeviceId) -> Box<str> {
    let separator = |c: &char| matches!(c, '-' | '.' | '(' | ')' | ' ' | '/');
    let digits: String = number
        .name()
        .user
        .chars()
        .filter(|c| !separator(c))
        .collect();
    digits.into()
}

#[cfg(test)]
impl Rights {
    /// These lines and all services.
    pub(super) fn of_lines(lines: &[&str]) -> Self {
        let lines = lines.iter().map(|line| DeviceId::from(*line));
        let lines: Arc<LineNames> = Arc::new(lines.collect());
        Self {
            lines: [(); 3].map(|()| Some(Arc::clone(&lines))),
            ..Self::all(&Numbers::default())
        }
    }

    /// All lines, and only the services that observe.
    pub(super) fn to_monitor() -> Self {
        Self {
            lines: [None, None, Some(Arc::default())],
            ..Self::all(&Numbers::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use uacsta_config::Secret;

    use super::*;
    use crate::{
        account::Grant,
        client::fixtures::{document, line},
    };

    #[test]
    fn a_hidden_line_is_recognised_in_any_spelling() {
        let (entry, hidden) = ("sip:215@example.com", "sip:Anna@example.com");
        let mut line = crate::registrar::Line::clone(&line("000413000001", entry));
        line.others = vec![Entry::alone(line.entry.phone, DeviceId::from(hidden))];
        let check = |rights: &Rights, party: &str, expected: bool| {
            let hides = rights.hides_party(&line, Level::Watch, &[DeviceId::from(party)]);
            assert_eq!(hides, expected, "{party}");
        };
        let confined = Rights::of_lines(&["215"]);
        check(&confined, "anna", true);
        check(&confined, "sip:ANNA@elsewhere.example", true);
        check(&confined, "anna;ext=5", true);
        check(&confined, "//An-na", true);
        check(&confined, "215", false);
        check(&confined, "0170", false);
        check(&Rights::all(&Numbers::default()), "anna", false);
    }

    #[test]
    fn request_names_no_other_line_of_the_phone_without_its_level() {
        let grant = |level, line: &str| Grant {
            level,
            lines: vec![line.to_owned()],
        };
        let account = Account {
            user: "crm".to_owned(),
            password: Secret::default(),
            grants: vec![grant(Level::Control, "215"), grant(Level::Watch, "216")],
            numbers: Vec::new(),
        };
        let rights = Rights::granted(&account, &Numbers::default());
        let entry = "sip:215@example.com";
        let mut line = crate::registrar::Line::clone(&line("000413000001", entry));
        let others = ["sip:216@example.com", "sip:217@example.com"];
        let phone = line.entry.phone;
        line.others = others
            .map(|other| Entry::alone(phone, DeviceId::from(other)))
            .into();
        for (service, party, expected) in [
            ("HoldCall", "215", true),
            ("HoldCall", "216", false),
            ("HoldCall", "217", false),
            ("SnapshotCall", "216", true),
            ("SnapshotCall", "217", false),
        ] {
            let member = match service {
                "HoldCall" => "callToBeHeld",
                _ => "snapshotObject",
            };
            let connection =
                format!("<{member}><callID>1</callID><deviceID>{party}</deviceID></{member}>");
            let checked = rights.check(&line, &document(service, &connection));
            assert_eq!(checked.is_ok(), expected, "{service} {party}");
        }
    }

    #[test]
    fn rfc_3966_every_form_of_an_own_number_is_recognised() {
        let check = |own: &str, written: &str, expected: bool| {
            let rights = Rights {
                numbers: vec![digits(&DeviceId::from(own.to_owned()))],
                ..Rights::all(&Numbers::default())
            };
            let written = DeviceId::from(written.to_owned());
            assert_eq!(
                rights.own_number(&written).is_some(),
                expected,
                "{own} {written}"
            );
        };
        check("+49 170 12345", "tel:+49-170-12345", true);
        check(
            "+4917012345",
            "sip:+4917012345@example.com;user=phone",
            true,
        );
        check("tel:+49-(170)-12.345", "+4917012345", true);
        check("+4917012345", "+4917012346", false);
        check("+4917012345", "215", false);
    }
}
