//! Accounts of CTI clients and programs that operators make, and tokens, kept in `accounts.json` of the data folder.

mod stored;
mod tokens;

use std::{path::Path, sync::Arc};

pub use stored::{Level, LineRight};
use stored::{State, StoredAccount, configured, hashed};
use tokens::Uses;
pub use tokens::{AcceptedToken, PREFIX, Token, TokenError, TokenUse};
use tokio::sync::Mutex;
use uacsta_actors::{
    ServerContext, account::Account, registrar::AccountsChanged, supervision::RestartableRecipient,
};
use uacsta_config::Settings;

use crate::data_dir::{Kept, KeptError, LastChange};

/// An account of the settings or of the data folder.
#[derive(Clone, Debug)]
pub struct KnownAccount {
    /// Names it: the user name for an account of the settings.
    pub id: String,
    /// What it is and may do.
    pub account: Account,
    /// In seconds since 1970-01-01T00:00:00Z; `None` for an account of the settings.
    pub created_at: Option<u64>,
    /// Its last change here, if there was one.
    pub changed: Option<LastChange>,
}

/// A new account, with its password.
#[derive(Clone)]
pub struct NewAccount {
    /// The name to log on with.
    pub user: String,
    /// The password of its SIP log-on.
    pub password: String,
    /// What it may do with which lines.
    pub rights: Vec<LineRight>,
    /// The user's own phone numbers.
    pub numbers: Vec<String>,
}

/// What changes of an account.
#[derive(Clone, Default)]
pub struct AccountChange {
    /// Who changes it.
    pub by: String,
    /// The new password.
    pub password: Option<String>,
    /// The new rights, in place of all former ones.
    pub rights: Option<Vec<LineRight>>,
    /// The user's own phone numbers, in place of all former ones.
    pub numbers: Option<Vec<String>>,
}

/// Why accounts cannot be changed.
#[derive(Debug)]
pub enum AccountError {
    /// Another account has the name.
    Exists(String),
    /// There is no such account.
    Unknown(String),
    /// The account is in the settings.
    Configured {
        /// Its name.
        user: String,
        /// The setting, and the file with its line where that is known.
        place: String,
    },
    /// There are as many as there may be.
    Full(usize),
    /// The account has no such token.
    UnknownToken(String),
    /// There are as many tokens as there may be.
    TooManyTokens(usize),
    /// The file could not be read at the start, or cannot be written.
    File(KeptError),
    /// The system does not do its part.
    System(String),
}

impl From<KeptError> for AccountError {
    fn from(error: KeptError) -> Self {
        Self::File(error)
    }
}

/// The accounts of the data folder.
pub struct AccountStore {
    kept: Kept<State>,
    uses: Uses,
    /// Held during a change, which waits for the disk.
    changing: Arc<Mutex<()>>,
    context: Arc<ServerContext>,
    changed: RestartableRecipient<AccountsChanged>,
}

impl AccountStore {
    /// Reads them, so that clients can log on. A file that cannot be read is reported and left as it is.
    pub fn open(
        data: &Path,
        context: Arc<ServerContext>,
        changed: RestartableRecipient<AccountsChanged>,
    ) -> Arc<Self> {
        let kept = Kept::<State>::open(data.join("accounts.json"));
        if let Some(error) = kept.fault() {
            tracing::error!(file = %kept.file().display(), error, "cannot read the accounts; nobody of them can log on");
        }
        let store = Self {
            kept,
            uses: Uses::default(),
            changing: Arc::default(),
            context,
            changed,
        };
        store.publish();
        store.warn_of_settings();
        Arc::new(store)
    }

    /// Warns of accounts that cannot log on with the settings in force.
    pub fn warn_of_settings(&self) {
        let config = self.context.config();
        let state = self.kept.load();
        let realm = &config.settings.advanced.realm;
        if state.accounts.iter().any(|one| one.realm != *realm) {
            tracing::warn!(
                "accounts cannot log on by SIP: advanced.realm has changed since they got their passwords; give them new ones"
            );
        }
        let shadowed = |one: &&StoredAccount| configured(&config.settings, &one.user).is_some();
        for account in state.accounts.iter().filter(shadowed) {
            let user = &account.user;
            tracing::warn!(
                user,
                "two accounts have one name; that of the settings is used"
            );
        }
    }

    /// All accounts, those of the settings first.
    pub fn all(&self) -> Vec<KnownAccount> {
        let config = self.context.config();
        let settings = &config.settings;
        let simple = Account::of_clients_user(settings);
        let configured = settings.clients.accounts.iter().map(Account::from);
        let configured = std::iter::once(simple).chain(configured);
        let state = self.kept.load();
        let made = state.accounts.iter().map(StoredAccount::known);
        configured
            .map(KnownAccount::of_settings)
            .chain(made)
            .collect()
    }

    /// The account with this id or name. An id goes first.
    pub fn find(&self, name: &str) -> Option<KnownAccount> {
        let state = self.kept.load();
        let made = |is_meant: &dyn Fn(&StoredAccount) -> bool| {
            let found = state.accounts.iter().find(|one| is_meant(one));
            found.map(StoredAccount::known)
        };
        made(&|one| one.id == name)
            .or_else(|| {
                let config = self.context.config();
                configured(&config.settings, name).map(KnownAccount::of_settings)
            })
            .or_else(|| made(&|one| one.user.to_lowercase() == name.to_lowercase()))
    }

    /// Adds an account.
    ///
    /// # Errors
    /// The name is taken, or the change cannot be stored; nothing is changed then.
    pub async fn add(self: &Arc<Self>, new: NewAccount) -> Result<KnownAccount, AccountError> {
        let at = self.context.clock.wall();
        let add = move |state: &mut State, settings: &Settings| {
            let limit = settings.limits.accounts;
            if state.accounts.len() >= limit {
                return Err(AccountError::Full(limit));
            }
            let name = new.user.to_lowercase();
            let clients = &settings.clients;
            let mut names = clients.accounts.iter().map(|account| &account.user);
            let is_configured = names.any(|user| user.to_lowercase() == name)
                || clients.user.to_lowercase() == name;
            let mut made = state.accounts.iter();
            if is_configured || made.any(|one| one.user.to_lowercase() == name) {
                return Err(AccountError::Exists(new.user));
            }
            let realm = settings.advanced.realm.clone();
            let account = StoredAccount {
                id: stored::id()?,
                password: hashed(&new.user, &realm, &new.password),
                realm,
                user: new.user,
                rights: new.rights,
                numbers: new.numbers,
                created_at: at,
                changed: None,
            };
            let known = account.known();
            state.accounts.push(account);
            state.accounts.sort_by_key(|one| one.user.to_lowercase());
            Ok(known)
        };
        self.change(add, Self::notify).await
    }

    /// Changes an account whose present state `check` accepts. Sessions and monitors that its new rights do not allow end.
    ///
    /// # Errors
    /// The account is unknown or in the settings, `check` refuses, or the change cannot be stored; nothing is changed then.
    pub async fn modify<E: From<AccountError> + Send + 'static>(
        self: &Arc<Self>,
        id: &str,
        check: impl FnOnce(KnownAccount) -> Result<(), E> + Send + 'static,
        change: AccountChange,
    ) -> Result<KnownAccount, E> {
        let id = id.to_owned();
        let modify = move |state: &mut State, settings: &Settings| {
            let mut made = state.accounts.iter_mut();
            let Some(account) = made.find(|one| one.id == id) else {
                return Err(not_made(settings, id).into());
            };
            check(account.known())?;
            if let Some(password) = &change.password {
                account.realm.clone_from(&settings.advanced.realm);
                account.password = hashed(&account.user, &account.realm, password);
            }
            account.rights = change.rights.unwrap_or_else(|| account.rights.clone());
            account.numbers = change.numbers.unwrap_or_else(|| account.numbers.clone());
            account.changed = Some(LastChange::now(&change.by));
            Ok(account.known())
        };
        self.change(modify, Self::notify).await
    }

    /// Removes an account whose present state `check` accepts, and its tokens. Its sessions end.
    ///
    /// # Errors
    /// As [`Self::modify`].
    pub async fn remove<E: From<AccountError> + Send + 'static>(
        self: &Arc<Self>,
        id: &str,
        check: impl FnOnce(KnownAccount) -> Result<(), E> + Send + 'static,
    ) -> Result<(), E> {
        let id = id.to_owned();
        let remove = move |state: &mut State, settings: &Settings| {
            let Some(found) = state.accounts.iter().position(|one| one.id == id) else {
                return Err(not_made(settings, id).into());
            };
            check(state.accounts[found].known())?;
            state.accounts.remove(found);
            state.tokens.retain(|token| token.account != id);
            Ok(())
        };
        self.change(remove, Self::notify).await
    }

    /// Stores a change, then applies it and calls `then`, on a thread that may wait for the disk, even if nobody waits for it
    /// any more.
    async fn change<R: Send + 'static, E: From<AccountError> + Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State, &Settings) -> Result<R, E> + Send + 'static,
        then: fn(&Self),
    ) -> Result<R, E> {
        self.kept.check().map_err(AccountError::from)?;
        let alone = Arc::clone(&self.changing).lock_owned().await;
        let store = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            let mut state = State::clone(&store.kept.load());
            let result = change(&mut state, &store.context.config().settings)?;
            let uses = store.uses.enter(&mut state);
            store.kept.replace(state).map_err(AccountError::from)?;
            store.uses.written(&uses);
            then(&store);
            Ok(result)
        });
        done.await
            .unwrap_or_else(|error| Err(AccountError::System(error.to_string()).into()))
    }

    /// Has clients log on by the accounts as they are.
    fn publish(&self) {
        let state = self.kept.load();
        let accounts = state.accounts.iter().map(StoredAccount::account).collect();
        self.context.accounts.store(Arc::new(accounts));
    }

    /// The same, and tells connected clients.
    fn notify(&self) {
        self.publish();
        self.changed.do_send(AccountsChanged);
    }
}

impl KnownAccount {
    fn of_settings(account: Account) -> Self {
        Self {
            id: account.user.clone(),
            account,
            created_at: None,
            changed: None,
        }
    }
}

/// Why an account that is not in the data folder cannot be changed.
fn not_made(settings: &Settings, id: String) -> AccountError {
    if configured(settings, &id).is_none() {
        return AccountError::Unknown(id);
    }
    let key = match settings.clients.user == id {
        true => "clients.user",
        false => "clients.accounts",
    };
    let place = settings.place(key);
    AccountError::Configured {
        user: id,
        place: place.map_or_else(|| key.to_owned(), |place| format!("{key} in {place}")),
    }
}
