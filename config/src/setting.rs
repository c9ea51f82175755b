//! A setting as an operator sees it: value, default, origin, range, description.

use std::{collections::BTreeMap, path::PathBuf, sync::LazyLock};

use config::ValueKind;
use serde_json::Value;

use crate::{
    catalogue::{Applies, Maximum, ROWS, Row, Unit, row},
    description::descriptions,
    environment::{json, list, typed},
    error::SettingsError,
    layer::Layer,
    origin::Source,
    settings::Settings,
    suggestion::{nearest, unknown},
    value::{ByteSize, parse_size},
};

/// A setting with its value in force. Secrets are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its full name (`advanced.sip_expires`).
    pub key: &'static str,
    /// The value in force; null for a secret.
    pub value: Value,
    /// Of a secret, whether it is set.
    pub is_set: Option<bool>,
    /// The value in `default.toml`; null for a secret.
    pub default: Value,
    /// The layer that set it.
    pub source: Source,
    /// The file with its line, or the environment variable, that set it.
    pub place: Option<String>,
    /// Whether the environment or `admin.toml` sets it, so that another value has no effect.
    pub locked: bool,
    /// The unit of a number.
    pub unit: Option<Unit>,
    /// The least value, written as the value is.
    pub minimum: Value,
    /// The largest value now, written as the value is.
    pub maximum: Value,
    /// The words that it, or each item of its list, may be; empty: not restricted.
    pub choices: &'static [&'static str],
    /// What it is for.
    pub description: String,
    /// When a change of it applies.
    pub applies: Applies,
}

impl Settings {
    /// Where a setting was set: a file with its line, or an environment variable; `None` for a default.
    pub fn place(&self, key: &str) -> Option<&str> {
        self.origins.0.get(key).map(|origin| origin.place.as_str())
    }

    /// The files that contain passwords of phones, clients or the administrator.
    pub fn files_with_secrets(&self) -> Vec<PathBuf> {
        let (phones, clients) = (&self.phones, &self.clients);
        let secrets = [
            ("phones.password", phones.password.is_empty()),
            ("clients.password", clients.password.is_empty()),
            ("web.password", self.web.password.is_empty()),
            ("clients.accounts", clients.accounts.is_empty()),
        ];
        let set = secrets.into_iter().filter(|(_, is_empty)| !is_empty);
        let origins = set.filter_map(|(key, _)| self.origins.0.get(key));
        let files = origins.filter(|origin| origin.source != Source::Environment);
        let files = files.map(|origin| {
            let place = origin.place.as_str();
            place.rsplit_once(", line ").map_or(place, |(file, _)| file)
        });
        files.map(PathBuf::from).collect()
    }

    /// All settings, in the order of `default.toml`.
    pub fn list(&self) -> Vec<Setting> {
        let values = Values::of(self);
        let (defaults, descriptions) = &*BUILTIN;
        let seen = |row: &'static Row| {
            let origin = self.origins.0.get(row.key);
            let (value, default) = (values.get(row.key), defaults.get(row.key));
            let bound = |number: u64| match row.unit {
                Some(Unit::Bytes) => ByteSize::new(number).to_string().into(),
                _ => number.into(),
            };
            let (minimum, maximum) = match row.range {
                Some(range) => (bound(range.minimum), bound(values.maximum(range.maximum))),
                None => (Value::Null, Value::Null),
            };
            Setting {
                key: row.key,
                is_set: row.is_secret.then(|| is_set(&value)),
                value: shown(row.key, value),
                default: shown(row.key, default),
                source: origin.map_or(Source::Default, |origin| origin.source),
                place: origin.map(|origin| origin.place.clone()),
                locked: origin.is_some_and(|origin| origin.locked),
                unit: row.unit,
                minimum,
                maximum,
                choices: row.choices,
                description: descriptions.get(row.key).cloned().unwrap_or_default(),
                applies: row.applies,
            }
        };
        ROWS.iter().map(seen).collect()
    }

    /// The keys of settings that differ in value, secrets too, and apply after a restart only.
    pub fn delayed<'s>(&'s self, former: &'s Self) -> impl Iterator<Item = &'static str> {
        let (values, others) = (Values::of(self), Values::of(former));
        let delayed = ROWS.iter().filter(|row| row.applies == Applies::NextStart);
        delayed
            .map(|row| row.key)
            .filter(move |key| values.get(key) != others.get(key))
    }
}

/// The defaults and the descriptions.
static BUILTIN: LazyLock<(Values, BTreeMap<String, String>)> =
    LazyLock::new(|| (Values::of(&Settings::builtin()), descriptions()));

/// The value of a setting without its secrets.
pub fn shown(key: &str, mut value: Value) -> Value {
    if row(key).is_none_or(|row| row.is_secret) {
        return Value::Null;
    }
    // The accounts contain passwords.
    for item in value.as_array_mut().into_iter().flatten() {
        if let Some(password) = item.get_mut("password") {
            *password = Value::Null;
        }
    }
    value
}

/// Checks that there is a setting of this name.
///
/// # Errors
/// There is none; the error names the nearest.
pub fn known(key: &str) -> Result<(), SettingsError> {
    if row(key).is_some() {
        return Ok(());
    }
    let keys = Layer::defaults().keys();
    let is_within = |known: &String| {
        let rest = known.strip_prefix(key);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let why = match keys.keys().any(is_within) {
        true => format!("is a section; uacsta settings list {key} shows its settings"),
        false => unknown(nearest(key, &keys)),
    };
    Err(SettingsError::of_key(key, why))
}

/// The value of a setting from the text of a command line, in the form of a variable. Text that does not have the setting's type
/// stays text.
pub fn value_of_text(key: &str, text: &str) -> serde_json::Value {
    let keys = Layer::defaults().keys();
    let value = match keys.get(key).map(|default| &default.kind) {
        Some(ValueKind::Array(_)) => list(text, key).ok().map(|list| list.kind),
        Some(default) => Some(typed(text, default)),
        None => None,
    };
    value.map_or_else(|| text.into(), |kind| json(&kind))
}

/// The values of settings by key, as a file would have them, with `***` for passwords.
pub(crate) struct Values(Value);

impl Values {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self(
            serde_json::to_value(settings).expect("settings consist of strings, numbers and lists"),
        )
    }

    /// Null if there is no such setting.
    pub(crate) fn get(&self, key: &str) -> Value {
        let pointer = format!("/{}", key.replace('.', "/"));
        self.0.pointer(&pointer).cloned().unwrap_or_default()
    }

    /// The settings that are out of their range.
    pub(crate) fn out_of_range(&self) -> impl Iterator<Item = SettingsError> {
        ROWS.iter().filter_map(|row| {
            let range = row.range?;
            let (value, most) = (self.number(row.key), self.maximum(range.maximum));
            if (range.minimum..=most).contains(&value) || (range.or_zero && value == 0) {
                return None;
            }
            let [value, least, most] = [value, range.minimum, most].map(|number| match row.unit {
                Some(Unit::Bytes) => ByteSize::new(number).to_string(),
                _ => number.to_string(),
            });
            let of = match row.unit {
                Some(Unit::Bytes) => "a size",
                Some(Unit::Seconds) => "a number of seconds",
                None => "a number",
            };
            let other = match range.maximum {
                Maximum::Setting(key) => format!(" ({key})"),
                Maximum::Number(_) => String::new(),
            };
            let zero = if range.or_zero { ", or 0" } else { "" };
            let what = format!("is {value}, but must be {of} from {least} to {most}{other}{zero}");
            Some(SettingsError::of_key(row.key, what))
        })
    }

    fn number(&self, key: &str) -> u64 {
        let value = self.get(key);
        let size = || value.as_str().and_then(parse_size);
        value.as_u64().or_else(size).unwrap_or_default()
    }

    fn maximum(&self, maximum: Maximum) -> u64 {
        match maximum {
            Maximum::Number(number) => number,
            Maximum::Setting(key) => {
                // Another setting that is too small is a mistake of its own.
                let least = row(key).and_then(|row| row.range);
                self.number(key).max(least.map_or(0, |range| range.minimum))
            }
        }
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn keys_of(value: &Value, prefix: &str, keys: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    keys_of(value, &format!("{prefix}.{name}"), keys);
                }
            }
            _ => drop(keys.insert(prefix.trim_start_matches('.').to_owned())),
        }
    }

    #[test]
    fn settings_type_defaults_and_catalogue_have_the_same_keys() {
        let catalogue: BTreeSet<String> = ROWS.iter().map(|row| row.key.to_owned()).collect();
        assert_eq!(catalogue.len(), ROWS.len(), "a key is there twice");
        let defaults: BTreeSet<String> = Layer::defaults().keys().into_keys().collect();
        assert_eq!(catalogue, defaults);
        let mut of_type = BTreeSet::new();
        keys_of(&Values::of(&Settings::builtin()).0, "", &mut of_type);
        assert_eq!(catalogue, of_type);
    }

    #[test]
    fn values_are_written_as_in_the_file() {
        let values = Values::of(&Settings::builtin());
        for (key, value) in Layer::defaults().json() {
            assert_eq!(values.get(&key), value, "{key}");
        }
    }

    #[test]
    fn every_secret_of_the_settings_is_known() {
        let secrets = ROWS.iter().filter(|row| row.is_secret);
        let secrets: Vec<_> = secrets.map(|row| row.key).collect();
        let passwords = ["phones.password", "clients.password", "web.password"];
        assert!(passwords.iter().all(|key| secrets.contains(key)));
        let mut settings = Settings::builtin();
        settings.phones.password = "hidden".into();
        settings.licenses.codes = vec!["hidden".to_owned()];
        let account = json!({ "user": "anna", "password": "hidden" });
        settings.clients.accounts = vec![serde_json::from_value(account).unwrap()];
        let list = settings.list();
        assert!(!format!("{list:?}").contains("hidden"));
        let of = |key: &str| list.iter().find(|it| it.key == key).unwrap();
        assert_eq!(of("phones.password").is_set, Some(true));
        assert_eq!(of("web.password").is_set, Some(false));
        assert_eq!(of("licenses.codes").is_set, Some(true));
        assert_eq!(of("clients.user").is_set, None);
        let account = &of("clients.accounts").value[0];
        assert_eq!(
            (&account["user"], &account["password"]),
            (&json!("anna"), &json!(null))
        );
    }

    #[test]
    fn ranges_are_shown_as_values_are_written() {
        let mut settings = Settings::builtin();
        settings.advanced.sip_expires = std::time::Duration::from_secs(600);
        let list = settings.list();
        let of = |key: &str| {
            let one = list.iter().find(|it| it.key == key).unwrap();
            (one.unit, one.minimum.clone(), one.maximum.clone())
        };
        let seconds = Some(Unit::Seconds);
        assert_eq!(of("advanced.min_expires"), (seconds, json!(10), json!(600)));
        let bytes = (Some(Unit::Bytes), json!("64KiB"), json!("1TiB"));
        assert_eq!(of("logs.max_size"), bytes);
        assert_eq!(of("logs.keep"), (None, json!(1), json!(10_000)));
        assert_eq!(of("logs.level"), (None, json!(null), json!(null)));
    }

    #[test]
    fn text_of_a_command_line_becomes_a_value_of_the_settings_type() {
        for (key, text, value) in [
            ("advanced.keep_alive", "60", json!(60)),
            ("advanced.keep_alive", "often", json!("often")),
            ("phones.extensions", "true", json!(true)),
            ("clients.password", "007", json!("007")),
            ("limits.message_head", "64KiB", json!("64KiB")),
            (
                "web.names",
                "a.example, b.example",
                json!(["a.example", "b.example"]),
            ),
            ("web.names", "", json!([])),
            ("numbers.internal", "[3, 4]", json!([3, 4])),
            ("web.names", "[3, ", json!("[3, ")),
            ("no.setting", "1", json!("1")),
        ] {
            assert_eq!(value_of_text(key, text), value, "{key} {text}");
        }
    }
}
