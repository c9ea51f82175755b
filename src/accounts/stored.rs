//! What `accounts.json` contains.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use uacsta_actors::account::{self, Account, Grant};
use uacsta_config::{Secret, Settings};
use uacsta_schema::sip::digest::{Algorithm, Ha1};
use utoipa::ToSchema;

use super::{AccountError, KnownAccount, tokens::Token};
use crate::data_dir::LastChange;

/// What an account may do with a line; each level includes those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// See the line and whether it is in service.
    Status,
    /// Monitor the line, and use services that change nothing.
    Watch,
    /// Use all services.
    Control,
}

/// A level, and the lines for which an account has it. The highest level that names a line counts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRight {
    /// What the account may do.
    pub level: Level,
    /// Names of lines as clients use them; `*` is every line.
    #[schema(min_items = 1, max_items = 1000)]
    pub lines: Vec<String>,
}

/// The content of the file.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) accounts: Vec<StoredAccount>,
    #[serde(default)]
    pub(super) tokens: Vec<Token>,
}

/// An account as it is kept: with hashes of its password alone.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoredAccount {
    /// Never used for another account.
    pub(super) id: String,
    pub(super) user: String,
    pub(super) rights: Vec<LineRight>,
    #[serde(default)]
    pub(super) numbers: Vec<String>,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub(super) created_at: u64,
    /// The last change, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) changed: Option<LastChange>,
    /// The realm for which the password is hashed.
    pub(super) realm: String,
    /// Hashes as the settings have them.
    pub(super) password: String,
}

impl From<Level> for account::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Status => Self::Status,
            Level::Watch => Self::Watch,
            Level::Control => Self::Control,
        }
    }
}

impl From<account::Level> for Level {
    fn from(level: account::Level) -> Self {
        match level {
            account::Level::Status => Self::Status,
            account::Level::Watch => Self::Watch,
            account::Level::Control => Self::Control,
        }
    }
}

impl From<&LineRight> for Grant {
    fn from(right: &LineRight) -> Self {
        Self {
            level: right.level.into(),
            lines: right.lines.clone(),
        }
    }
}

impl From<&Grant> for LineRight {
    fn from(grant: &Grant) -> Self {
        Self {
            level: grant.level.into(),
            lines: grant.lines.clone(),
        }
    }
}

impl State {
    /// The account with exactly this id.
    pub(super) fn by_id(&self, settings: &Settings, id: &str) -> Option<KnownAccount> {
        let made = self.accounts.iter().find(|account| account.id == id);
        made.map(StoredAccount::known)
            .or_else(|| configured(settings, id).map(KnownAccount::of_settings))
    }

    /// Removes tokens whose accounts are gone.
    pub(super) fn forget_orphans(&mut self, settings: &Settings) {
        let mut tokens = std::mem::take(&mut self.tokens);
        tokens.retain(|token| self.by_id(settings, &token.account).is_some());
        self.tokens = tokens;
    }
}

/// The account of the settings with this name.
pub(super) fn configured(settings: &Settings, user: &str) -> Option<Account> {
    if settings.clients.user == user {
        return Some(Account::of_clients_user(settings));
    }
    let mut accounts = settings.clients.accounts.iter();
    accounts
        .find(|account| account.user == user)
        .map(Account::from)
}

impl StoredAccount {
    pub(super) fn account(&self) -> Account {
        Account {
            user: self.user.clone(),
            password: Secret::from(self.password.as_str()),
            grants: self.rights.iter().map(Grant::from).collect(),
            numbers: self.numbers.clone(),
        }
    }

    pub(super) fn known(&self) -> KnownAccount {
        KnownAccount {
            id: self.id.clone(),
            account: self.account(),
            created_at: Some(self.created_at),
            changed: self.changed.clone(),
        }
    }
}

/// The hashes of a password for SIP log-ons (RFC 7616, section 3.4.2).
pub(super) fn hashed(user: &str, realm: &str, password: &str) -> String {
    let hashes = [Algorithm::Md5, Algorithm::Sha256].map(|algorithm| {
        let hash = Ha1::new(algorithm, user, realm, password).expose();
        (algorithm.as_str(), hash)
    });
    let hashes = hashes.iter().map(|(name, hash)| (*name, hash.as_str()));
    Secret::hashed(hashes).expose().to_owned()
}

/// A random id.
pub(super) fn id() -> Result<String, AccountError> {
    let mut octets = [0; 6];
    getrandom::fill(&mut octets).map_err(|error| AccountError::System(error.to_string()))?;
    Ok(HEXLOWER.encode(&octets))
}
