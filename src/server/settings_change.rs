//! Prepares a change of settings by an operator: the operators' file with it, and the entries of the history.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use uacsta_actors::account::is_line_name;
use uacsta_config::{Secret, Setting, Settings, SettingsError};

use crate::{
    data_dir::{self, HistoryEntry, OperatorSettings, Replaced, Replacements, Values},
    password_policy::weakness,
    reload::{Mistake, ReloadError},
};

/// A change that is possible now.
#[derive(Clone, Debug)]
pub(super) struct PlannedChange {
    pub(super) id: String,
    pub(super) by: String,
    /// Values by key; null resets.
    pub(super) values: Values,
    /// Whether it undoes another one, and is not undone itself.
    pub(super) is_undo: bool,
}

/// A change that is on disk under temporary names.
pub(super) struct PreparedChange {
    pub(super) planned: PlannedChange,
    /// The operators' values before.
    former: Values,
    files: Replacements,
}

/// A change that is on disk in its place, and not in force yet.
pub(super) struct WrittenChange {
    pub(super) planned: PlannedChange,
    pub(super) former: Values,
    files: Replaced,
}

impl PreparedChange {
    /// Puts its files in place.
    ///
    /// # Errors
    /// A file cannot be replaced; nothing is changed then.
    pub(super) fn write(self) -> Result<WrittenChange, ReloadError> {
        let Self {
            planned,
            former,
            files,
        } = self;
        let files = files.write()?;
        Ok(WrittenChange {
            planned,
            former,
            files,
        })
    }
}

impl WrittenChange {
    /// Takes it back, since it cannot be applied; its own mistakes have no place in a file then.
    pub(super) fn take_back(self, error: ReloadError) -> ReloadError {
        self.files.put_back();
        error.unplaced(&self.planned.values)
    }
}

impl PlannedChange {
    /// The operators' settings with the change, and their values before.
    ///
    /// # Errors
    /// Unknown settings, and those that the environment sets; the file cannot be read.
    pub(super) fn apply(
        &self,
        data: &Path,
        current: &Settings,
    ) -> Result<(OperatorSettings, Values), ReloadError> {
        let mut settings = OperatorSettings::read(data)?;
        let former = self.values.keys();
        let former: Values = former.map(|key| (key.clone(), settings.get(key))).collect();
        let mut values = self.values.clone();
        if let Some(accounts) = values.get_mut("clients.accounts") {
            keep_passwords(accounts, current);
        }
        let mut mistakes = settings.change(&values).err().unwrap_or_default();
        mistakes.extend(locked(&self.values, current));
        if !self.is_undo {
            mistakes.extend(unfit(&self.values));
        }
        if mistakes.is_empty() {
            return Ok((settings, former));
        }
        let mistakes = mistakes.into_iter().map(Mistake::from);
        Err(ReloadError::Invalid(mistakes.collect()))
    }

    /// Writes the files under temporary names.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) fn prepare(
        self,
        data: &Path,
        settings: &OperatorSettings,
        former: Values,
        [before, after]: [&Settings; 2],
    ) -> Result<PreparedChange, ReloadError> {
        let at = Timestamp::now();
        let [before, after] = [before.list(), after.list()];
        let changed = |(before, after): (&Setting, Setting)| {
            let own = former.get(after.key)?;
            (*own != settings.get(after.key)).then(|| HistoryEntry {
                number: 0,
                change: self.id.clone(),
                at,
                by: self.by.clone(),
                key: after.key.to_owned(),
                before: before.value.clone(),
                after: after.value,
                source: after.source,
            })
        };
        let entries = before.iter().zip(after).filter_map(changed).collect();
        let files = data_dir::prepare_change(data, settings, entries)?;
        Ok(PreparedChange {
            planned: self,
            former,
            files,
        })
    }

    /// The keys, for the log.
    pub(super) fn keys(&self) -> String {
        self.values.keys().cloned().collect::<Vec<_>>().join(",")
    }
}

/// The settings among `values` that have no effect, since the environment or `admin.toml` sets them.
fn locked(values: &Values, current: &Settings) -> Vec<SettingsError> {
    let locked = current.list().into_iter().filter(|it| it.locked);
    let wanted = locked.filter(|it| values.get(it.key).is_some_and(|value| !value.is_null()));
    wanted
        .map(|it| {
            let place = it.place.unwrap_or_default();
            let what = format!("is set by {place}, which overrides it: remove it there first");
            SettingsError::of_key(it.key, what)
        })
        .collect()
}

/// New passwords that are not secure, and entries of accounts that no line can have as its name. A file may have them, with a
/// warning: phones and clients may know such a password already.
fn unfit(values: &Values) -> Vec<SettingsError> {
    let single = ["phones.password", "clients.password", "web.password"];
    let single = single
        .iter()
        .filter_map(|key| weak(key, values.get(*key)?, &[]));
    let accounts = values.get("clients.accounts").and_then(Value::as_array);
    let accounts = accounts.into_iter().flatten().enumerate();
    let accounts = accounts.flat_map(|(at, account)| {
        let key = format!("clients.accounts[{at}]");
        let user = account["user"].as_str();
        let weak = weak(&format!("{key}.password"), &account["password"], user.as_slice());
        let lines = account["lines"].as_array().into_iter().flatten();
        let unfit = lines.filter_map(Value::as_str).find(|line| !is_line_name(line));
        let unfit = unfit.map(|line| {
            let what = format!(
                "has {line:?}, which no line can be called; write [\"215\", \"216\"], one name a string"
            );
            SettingsError::of_key(format!("{key}.lines"), what)
        });
        weak.into_iter().chain(unfit)
    });
    single.chain(accounts).collect()
}

fn weak(key: &str, password: &Value, names: &[&str]) -> Option<SettingsError> {
    let password = Secret::from(password.as_str()?);
    if password.is_empty() || password.is_hashed() {
        return None;
    }
    let weakness = weakness(password.expose(), names)?;
    Some(SettingsError::of_key(key, weakness.to_string()))
}

/// An account without a password keeps the one of the same user.
fn keep_passwords(accounts: &mut Value, current: &Settings) {
    for account in accounts.as_array_mut().into_iter().flatten() {
        let Some(account) = account.as_object_mut() else {
            continue;
        };
        if account
            .get("password")
            .is_some_and(|given| !given.is_null())
        {
            continue;
        }
        account.remove("password");
        let mut known = current.clients.accounts.iter();
        let known = known.find(|known| account.get("user") == Some(&known.user.as_str().into()));
        if let Some(known) = known {
            let password = known.password.expose();
            account.insert("password".to_owned(), password.into());
        }
    }
}
