//! What a log-on may see and do.

use std::sync::Arc;

use uacsta_config::{Account, Secret, Settings};
use uacsta_schema::csta::DeviceId;

use crate::directory::{Entry, LineNames};

/// The rights of one log-on.
#[derive(Clone, Debug)]
pub struct Rights {
    /// The lines that it may open; none means all.
    lines: Option<Arc<LineNames>>,
    control: bool,
    /// The user's own numbers, digits and `+` alone.
    numbers: Vec<Box<str>>,
}

/// Who a client is, and how that is known.
#[derive(Debug)]
pub struct LogOn {
    user: Box<str>,
    /// Whether a trusted front end says so, and no password.
    vouched: bool,
}

impl LogOn {
    /// A user who proved by a password who it is.
    pub fn proven(user: &str) -> Self {
        Self {
            user: user.into(),
            vouched: false,
        }
    }

    /// A user (`user@host`) whom a trusted front end names.
    pub fn vouched(user: &str) -> Self {
        Self {
            user: user.into(),
            vouched: true,
        }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What it may see and do; `None` if there is no such user.
    pub fn rights(&self, settings: &Settings) -> Option<Rights> {
        if self.vouched {
            return Some(Rights::vouched(settings, &self.user));
        }
        Rights::of(settings, &self.user).map(|(_, rights)| rights)
    }
}

impl Rights {
    /// The rights of a user, with the password that proves who it is; `None` for an unknown user.
    pub fn of<'s>(settings: &'s Settings, user: &str) -> Option<(&'s Secret, Self)> {
        let clients = &settings.clients;
        if user == clients.user {
            return Some((
                &clients.password,
                Self {
                    lines: None,
                    control: true,
                    numbers: Vec::new(),
                },
            ));
        }
        let account = clients
            .accounts
            .iter()
            .find(|account| account.user == user)?;
        Some((&account.password, Self::granted(account)))
    }

    /// The rights of a user (`user@host`) whom a trusted front end names: those of the account of that address or name,
    /// else those of the simple log-on.
    fn vouched(settings: &Settings, user: &str) -> Self {
        let name = user.split('@').next().unwrap_or(user);
        let accounts = &settings.clients.accounts;
        let called = |wanted: &str| {
            accounts
                .iter()
                .find(|account| account.user.eq_ignore_ascii_case(wanted))
        };
        called(user).or_else(|| called(name)).map_or(
            Self {
                lines: None,
                control: true,
                numbers: Vec::new(),
            },
            Self::granted,
        )
    }

    fn granted(account: &Account) -> Self {
        let lines = &account.lines;
        Self {
            lines: (!lines.is_empty())
                .then(|| Arc::new(lines.iter().cloned().map(DeviceId::from).collect())),
            control: account.control,
            numbers: account
                .numbers
                .iter()
                .map(|number| digits(&DeviceId::from(number.clone())))
                .collect(),
        }
    }

    /// Whether there are lines that it may not open.
    pub fn is_confined(&self) -> bool {
        self.lines.is_some()
    }

    /// The lines that it may open, where that is not all.
    pub fn lines(&self) -> Option<Arc<LineNames>> {
        self.lines.clone()
    }

    /// Whether a line may be opened.
    pub fn sees(&self, entry: &Entry) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.mean(entry))
    }

    /// The one of the user's own numbers that a device is, in whatever form it is written: digits and `+` alone.
    pub fn own_number(&self, device: &DeviceId) -> Option<DeviceId> {
        let number = (!self.numbers.is_empty()).then(|| digits(device))?;
        let known = self.numbers.contains(&number);
        known.then(|| number.into_string().into())
    }

    /// The line, where there is but one.
    pub fn only_line(&self) -> Option<&DeviceId> {
        self.lines.as_ref()?.only()
    }

    /// Whether a service may be used: those that only look are everybody's.
    pub fn allow(&self, service: &str) -> bool {
        self.control || LOOKS.iter().any(|prefix| service.starts_with(prefix))
    }
}

/// A number without its scheme, host and visual separators (RFC 3966 section 5.1.1).
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

/// How the names of services begin that change nothing at the phone.
const LOOKS: [&str; 6] = [
    "Get",
    "Snapshot",
    "Monitor",
    "ChangeMonitorFilter",
    "RequestSystemStatus",
    "System",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3966_a_number_is_known_in_every_form() {
        let check = |own: &str, written: &str, expected: bool| {
            let rights = Rights {
                lines: None,
                control: true,
                numbers: vec![digits(&DeviceId::from(own.to_owned()))],
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
