//! What operators set through the API: `settings.toml` in the data folder, and the history of changes beside it.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Table;
use uacsta_config::{OPERATOR_FILE, SettingsError, Source};

use super::{DataDirError, files::read, replacements::Replacements};

/// Values by key; null: the operators set none.
pub type Values = BTreeMap<String, Value>;

/// The content of `settings.toml`.
#[derive(Clone, Debug, Default)]
pub struct OperatorSettings(Table);

impl OperatorSettings {
    /// Reads the file of a data folder; it need not exist.
    ///
    /// # Errors
    /// The file cannot be read, or is not TOML.
    pub fn read(data: &Path) -> Result<Self, DataDirError> {
        let path = data.join(OPERATOR_FILE);
        let text = read(&path)?.unwrap_or_default();
        let table = text
            .parse()
            .map_err(|error: toml::de::Error| DataDirError::NotToml {
                path,
                reason: error.message().to_owned(),
            });
        table.map(Self)
    }

    /// The value that operators set; null if they set none.
    pub fn get(&self, key: &str) -> Value {
        let mut names = key.split('.');
        let first = names.next().and_then(|name| self.0.get(name));
        let value = names.fold(first, |value, name| value?.get(name));
        let json = value.and_then(|value| serde_json::to_value(value).ok());
        json.unwrap_or_default()
    }

    /// Sets values, or removes those that are null.
    ///
    /// # Errors
    /// Each key that is no setting, and each value that TOML cannot have.
    pub fn change(&mut self, values: &Values) -> Result<(), Vec<SettingsError>> {
        let mut mistakes = Vec::new();
        for (key, value) in values {
            let put = uacsta_config::known(key).and_then(|()| {
                let value = match value {
                    Value::Null => None,
                    value => Some(toml::Value::try_from(value).map_err(|error| {
                        SettingsError::of_key(key, format!("cannot be used: {error}"))
                    })?),
                };
                put(&mut self.0, key, value);
                Ok(())
            });
            mistakes.extend(put.err());
        }
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(mistakes)
        }
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        format!(
            "# Set by operators through the API. To change it: uacsta settings set KEY VALUE, uacsta settings reset KEY.\n{}",
            self.0
        )
    }
}

/// Sets a value in its section, or removes it, and its section if that is empty then.
fn put(table: &mut Table, key: &str, value: Option<toml::Value>) {
    let Some((section, rest)) = key.split_once('.') else {
        match value {
            Some(value) => drop(table.insert(key.to_owned(), value)),
            None => drop(table.remove(key)),
        }
        return;
    };
    let inner = table
        .entry(section)
        .or_insert_with(|| toml::Value::Table(Table::new()));
    if let toml::Value::Table(inner) = inner {
        put(inner, rest, value);
        if inner.is_empty() {
            table.remove(section);
        }
    }
}

/// One setting that an operator changed. Secrets are null.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Counts the entries.
    pub number: u64,
    /// The change that it is part of, by which it can be undone.
    pub change: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// The setting.
    pub key: String,
    /// The value that was in force.
    pub before: Value,
    /// The value in force since.
    pub after: Value,
    /// The layer that sets it since: the operators', unless it was reset.
    pub source: Source,
}

const HISTORY_FILE: &str = "settings-history.jsonl";
/// Entries that are kept.
const MAX_ENTRIES: usize = 1000;
/// Octets of the file.
const MAX_SIZE: usize = 1 << 20;

/// The changes so far, the latest last. A line that cannot be read is left out.
///
/// # Errors
/// The file exists and cannot be read.
pub fn history(data: &Path) -> Result<Vec<HistoryEntry>, DataDirError> {
    let text = read(&data.join(HISTORY_FILE))?.unwrap_or_default();
    let entries = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Ok(entries.collect())
}

/// Writes operators' settings, and the history with further entries, which it numbers, under temporary names. The settings
/// are replaced first: nothing is in the history that did not happen.
///
/// # Errors
/// A file cannot be written, as on a full disk, or the history cannot be read.
pub fn prepare_change(
    data: &Path,
    settings: &OperatorSettings,
    entries: Vec<HistoryEntry>,
) -> Result<Replacements, DataDirError> {
    let mut all = history(data)?;
    let next = all.last().map_or(1, |entry| entry.number + 1);
    let numbered = (next..).zip(entries);
    all.extend(numbered.map(|(number, entry)| HistoryEntry { number, ..entry }));
    let lines = all
        .iter()
        .filter_map(|entry| serde_json::to_string(entry).ok());
    let history = bounded(lines.collect(), MAX_SIZE);
    Replacements::prepare([
        (data.join(OPERATOR_FILE), settings.to_toml()),
        (data.join(HISTORY_FILE), history),
    ])
}

/// The last lines that fit.
fn bounded(mut lines: VecDeque<String>, most: usize) -> String {
    let mut size: usize = lines.iter().map(|line| line.len() + 1).sum();
    while lines.len() > MAX_ENTRIES || size > most {
        let Some(line) = lines.pop_front() else { break };
        size -= line.len() + 1;
    }
    lines
        .into_iter()
        .flat_map(|line| [line, "\n".to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use serde_json::json;

    use super::*;

    fn values(pairs: &[(&str, Value)]) -> Values {
        let pairs = pairs.iter().cloned();
        pairs.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn entry(number: u64, key: &str) -> HistoryEntry {
        HistoryEntry {
            number,
            change: "1a".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            by: "anna".to_owned(),
            key: key.to_owned(),
            before: json!(1),
            after: json!(2),
            source: Source::Operator,
        }
    }

    #[test]
    fn values_are_set_and_removed_by_key() {
        let mut settings = OperatorSettings::default();
        let set = values(&[
            ("advanced.keep_alive", json!(30)),
            ("phones.lan.tcp", json!("127.0.0.1:5060")),
            ("web.names", json!(["a.example"])),
        ]);
        settings.change(&set).unwrap();
        for (key, value) in &set {
            assert_eq!(settings.get(key), *value);
        }
        let reset = values(&[("phones.lan.tcp", json!(null)), ("logs.level", json!(null))]);
        settings.change(&reset).unwrap();
        assert_eq!(settings.get("phones.lan.tcp"), json!(null));
        let text = settings.to_toml();
        assert!(!text.contains("phones") && !text.contains("logs"), "{text}");
        assert!(text.contains("[advanced]\nkeep_alive = 30\n"), "{text}");
    }

    #[test]
    fn unknown_settings_are_named() {
        let wrong = values(&[
            ("advanced.keep_alives", json!(1)),
            ("phones.lan", json!({ "tcp": "" })),
            ("", json!(null)),
        ]);
        let mistakes = OperatorSettings::default().change(&wrong).unwrap_err();
        let keys: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.key().unwrap())
            .collect();
        assert_eq!(keys, ["", "advanced.keep_alives", "phones.lan"]);
        let told = mistakes[1].to_string();
        assert!(
            told.ends_with("did you mean advanced.keep_alive?"),
            "{told}"
        );
    }

    #[test]
    fn nothing_changes_before_a_prepared_change_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let mut settings = OperatorSettings::default();
        let set = values(&[("advanced.keep_alive", json!(30))]);
        settings.change(&set).unwrap();
        let key = "advanced.keep_alive";
        drop(prepare_change(data, &settings, vec![entry(0, key)]).unwrap());
        assert_eq!(fs::read_dir(data).unwrap().count(), 0);
        for key in [key, "logs.level"] {
            let prepared = prepare_change(data, &settings, vec![entry(0, key)]).unwrap();
            prepared.write().unwrap();
        }
        assert_eq!(OperatorSettings::read(data).unwrap().get(key), json!(30));
        assert_eq!(
            history(data).unwrap(),
            [entry(1, key), entry(2, "logs.level")]
        );
    }

    #[test]
    fn history_keeps_the_latest_entries_that_fit() {
        let lines = |count: usize| (0..count).map(|number| format!("{number:04}")).collect();
        assert_eq!(bounded(lines(3), 10), "0001\n0002\n");
        assert_eq!(bounded(lines(3), 100), "0000\n0001\n0002\n");
        let most = bounded(lines(MAX_ENTRIES + 5), 1 << 20);
        assert!(most.starts_with("0005\n") && most.lines().count() == MAX_ENTRIES);
    }
}
