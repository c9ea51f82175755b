//! The rights of a client's log-on: the lines that it may see, and the services that it may use.

use std::sync::Arc;

use uacsta_config::{Account, Numbers, Secret, Settings};
use uacsta_schema::csta::{DeviceId, Document, ServiceId};

use crate::{
    directory::{Entry, LineNames},
    numbers::spellings,
    registrar::Line,
};

/// The rights of one log-on.
#[derive(Clone, Debug)]
pub struct Rights {
    /// The visible lines; `None` means all.
    lines: Option<Arc<LineNames>>,
    /// Whether the user may use services that change the state of a phone.
    control: bool,
    /// The user's own numbers, digits and `+` alone.
    numbers: Vec<Box<str>>,
    /// How the office's numbers are written.
    rules: Numbers,
}

/// The user of a client, and how the user was authenticated.
#[derive(Debug)]
pub struct LogOn {
    user: Box<str>,
    /// Whether a trusted front end named the user, who then sent no password.
    by_front_end: bool,
}

impl LogOn {
    /// A user who logged on with a password.
    pub fn by_password(user: &str) -> Self {
        Self {
            user: user.into(),
            by_front_end: false,
        }
    }

    /// A user (`user@host`) whom a trusted front end names.
    pub fn by_front_end(user: &str) -> Self {
        Self {
            user: user.into(),
            by_front_end: true,
        }
    }

    /// The user's name, or `user@host` from a trusted front end.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's rights under these settings; `None` if they do not contain the user.
    pub fn rights(&self, settings: &Settings) -> Option<Rights> {
        if self.by_front_end {
            return Some(Rights::by_front_end(settings, &self.user));
        }
        Rights::of(settings, &self.user).map(|(_, rights)| rights)
    }
}

impl Rights {
    /// All lines and all services, without a number of the user's own.
    pub(super) fn all(rules: &Numbers) -> Self {
        Self {
            lines: None,
            control: true,
            numbers: Vec::new(),
            rules: rules.clone(),
        }
    }

    /// The password and the rights of a user; `None` for an unknown user.
    pub fn of<'s>(settings: &'s Settings, user: &str) -> Option<(&'s Secret, Self)> {
        let clients = &settings.clients;
        if user == clients.user {
            return Some((&clients.password, Self::all(&settings.numbers)));
        }
        let account = clients
            .accounts
            .iter()
            .find(|account| account.user == user)?;
        Some((&account.password, Self::granted(account, &settings.numbers)))
    }

    /// The rights of a user (`user@host`) whom a trusted front end names: those of the account with this address or name,
    /// else those of the simple log-on.
    fn by_front_end(settings: &Settings, user: &str) -> Self {
        let name = user.split('@').next().unwrap_or(user);
        let accounts = &settings.clients.accounts;
        let called = |wanted: &str| {
            accounts
                .iter()
                .find(|account| account.user.eq_ignore_ascii_case(wanted))
        };
        called(user).or_else(|| called(name)).map_or_else(
            || Self::all(&settings.numbers),
            |account| Self::granted(account, &settings.numbers),
        )
    }

    fn granted(account: &Account, rules: &Numbers) -> Self {
        let lines = account.lines.iter().cloned().map(DeviceId::from);
        Self {
            lines: (!account.lines.is_empty()).then(|| Arc::new(LineNames::spelled(lines, rules))),
            control: account.control,
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

    /// Whether any lines are hidden from the user.
    pub fn is_confined(&self) -> bool {
        self.lines.is_some()
    }

    /// The visible lines; `None` means all.
    pub fn lines(&self) -> Option<Arc<LineNames>> {
        self.lines.clone()
    }

    /// Whether a line is visible to the user.
    pub fn sees(&self, entry: &Entry) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.mean(entry))
    }

    /// The other lines of the phone that are hidden from the user.
    pub(super) fn hidden<'l>(&self, line: &'l Line) -> impl Iterator<Item = &'l DeviceId> {
        let others = line.others.iter();
        let hidden = others.filter(|other| !self.sees(other));
        hidden.map(|other| &other.device)
    }

    /// Whether one of the parties is a hidden line of the same phone. Compares user parts, ignoring case and what a phone may
    /// ignore: visual separators and parameters.
    pub(super) fn hides_party(&self, line: &Line, parties: &[DeviceId]) -> bool {
        let is_hidden = |party: &DeviceId| {
            let (user, dialled) = (party.name().user, dialled(party));
            self.hidden(line).any(|hidden| {
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

    /// Whether the user may make a request for a line.
    pub(super) fn permit(&self, line: &Line, request: &Document) -> bool {
        let service = request.service();
        service.is_some_and(|service| self.allow(service))
            && self.sees(&line.entry)
            && !(self.is_confined() && self.hides_party(line, &request.connections().1))
    }

    /// No right at all, after the account was removed.
    pub(super) fn none() -> Self {
        Self {
            lines: Some(Arc::default()),
            control: false,
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
        self.lines.as_ref()?.only()
    }

    /// Whether the user may use a service. Every user may use services that change nothing at a device.
    pub fn allow(&self, service: ServiceId) -> bool {
        self.control || service.observes()
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
        Self {
            lines: Some(Arc::new(lines.collect())),
            ..Self::all(&Numbers::default())
        }
    }

    /// All lines, and only the services that observe.
    pub(super) fn to_monitor() -> Self {
        Self {
            control: false,
            ..Self::all(&Numbers::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fixtures::line;

    #[test]
    fn a_hidden_line_is_recognised_in_any_spelling() {
        let (entry, hidden) = ("sip:215@example.com", "sip:Anna@example.com");
        let mut line = crate::registrar::Line::clone(&line("000413000001", entry));
        line.others = vec![Entry::alone(line.entry.phone, DeviceId::from(hidden))];
        let check = |rights: &Rights, party: &str, expected: bool| {
            let hides = rights.hides_party(&line, &[DeviceId::from(party)]);
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
