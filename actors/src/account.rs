//! Accounts of CTI clients and programs: what each may do with which lines.

use std::collections::HashMap;

use uacsta_config::{Secret, Settings};

/// What an account may do with a line; each level includes those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// See the line and whether it is in service.
    Status,
    /// Monitor the line, and use services that change nothing.
    Watch,
    /// Use all services.
    Control,
}

/// A level, and the lines for which an account has it.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What the account may do.
    pub level: Level,
    /// Names of lines as clients use them; [`EVERY_LINE`] stands for all.
    pub lines: Vec<String>,
}

/// The name that stands for all lines.
pub const EVERY_LINE: &str = "*";

/// Whether a line can be called so: 1 to 512 octets, without what ends a name in a SIP header field.
pub fn is_line_name(name: &str) -> bool {
    let never = |c: char| c.is_whitespace() || c.is_control() || ",\"<>".contains(c);
    (1..=512).contains(&name.len()) && !name.contains(never)
}

/// An account. It may log on by SIP, and by its tokens.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name to log on with.
    pub user: String,
    /// The password of its SIP log-on, or its hashes.
    pub password: Secret,
    /// What it may do. The highest level that names a line counts.
    pub grants: Vec<Grant>,
    /// The user's own phone numbers.
    pub numbers: Vec<String>,
}

/// The accounts that the settings do not contain.
#[derive(Debug, Default)]
pub struct Accounts(HashMap<String, Account>);

impl From<&uacsta_config::Account> for Account {
    fn from(account: &uacsta_config::Account) -> Self {
        let lines = match account.lines.as_slice() {
            [] => vec![EVERY_LINE.to_owned()],
            lines => lines.to_vec(),
        };
        Self {
            user: account.user.clone(),
            password: account.password.clone(),
            grants: vec![Grant {
                level: match account.control {
                    true => Level::Control,
                    false => Level::Watch,
                },
                lines,
            }],
            numbers: account.numbers.clone(),
        }
    }
}

impl Account {
    /// The account of `clients.user`, which may do everything.
    pub fn of_clients_user(settings: &Settings) -> Self {
        Self {
            user: settings.clients.user.clone(),
            password: settings.clients.password.clone(),
            grants: vec![Grant {
                level: Level::Control,
                lines: vec![EVERY_LINE.to_owned()],
            }],
            numbers: Vec::new(),
        }
    }
}

impl Accounts {
    /// The account with exactly this name.
    pub fn find(&self, user: &str) -> Option<&Account> {
        let account = self.called(user);
        account.filter(|account| account.user == user)
    }

    /// The account with this name in any case.
    pub fn called(&self, user: &str) -> Option<&Account> {
        self.0.get(&user.to_lowercase())
    }
}

impl FromIterator<Account> for Accounts {
    /// Of accounts whose names differ only in case, the last is kept.
    fn from_iter<T: IntoIterator<Item = Account>>(accounts: T) -> Self {
        let named = accounts
            .into_iter()
            .map(|account| (account.user.to_lowercase(), account));
        Self(named.collect())
    }
}
