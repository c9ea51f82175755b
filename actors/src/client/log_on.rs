//! The user of a client's log-on, with the password and the rights of the user's account.

use uacsta_config::{Secret, Settings};

use super::Rights;
use crate::{
    ServerContext,
    account::{Account, Accounts},
};

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

    /// Whether a trusted front end named the user.
    pub fn is_by_front_end(&self) -> bool {
        self.by_front_end
    }

    /// The user's name, or `user@host` from a trusted front end.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's rights; `None` if there is no such user.
    pub fn rights(&self, context: &ServerContext) -> Option<Rights> {
        let (config, accounts) = (context.config(), context.accounts.load());
        let settings = &config.settings;
        if self.by_front_end {
            return Some(Rights::by_front_end(settings, &accounts, &self.user));
        }
        Rights::of(settings, &accounts, &self.user)
    }
}

impl Rights {
    /// The password of a user; `None` for an unknown one.
    pub(super) fn password<'s>(
        settings: &'s Settings,
        accounts: &'s Accounts,
        user: &str,
    ) -> Option<&'s Secret> {
        let clients = &settings.clients;
        if user == clients.user {
            return Some(&clients.password);
        }
        let mut configured = clients.accounts.iter();
        let configured = configured.find(|account| account.user == user);
        configured
            .map(|account| &account.password)
            .or_else(|| accounts.find(user).map(|account| &account.password))
    }

    /// The rights of a user; `None` for an unknown one.
    fn of(settings: &Settings, accounts: &Accounts, user: &str) -> Option<Self> {
        let (clients, rules) = (&settings.clients, &settings.numbers);
        if user == clients.user {
            return Some(Self::all(rules));
        }
        let mut configured = clients.accounts.iter();
        if let Some(account) = configured.find(|account| account.user == user) {
            return Some(Self::granted(&account.into(), rules));
        }
        let account = accounts.find(user)?;
        Some(Self::granted(account, rules))
    }

    /// The rights of a user (`user@host`) whom a trusted front end names: those of the account with this address or name,
    /// else those of the simple log-on.
    fn by_front_end(settings: &Settings, accounts: &Accounts, user: &str) -> Self {
        let name = user.split('@').next().unwrap_or(user);
        let called = |wanted: &str| {
            let mut configured = settings.clients.accounts.iter();
            let configured = configured.find(|account| account.user.eq_ignore_ascii_case(wanted));
            configured
                .map(Account::from)
                .or_else(|| accounts.called(wanted).cloned())
        };
        called(user).or_else(|| called(name)).map_or_else(
            || Self::all(&settings.numbers),
            |account| Self::granted(&account, &settings.numbers),
        )
    }
}
