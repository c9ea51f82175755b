//! Settings in environment variables, and values as text.

use std::{collections::BTreeMap, ffi::OsStr};

use config::{Value, ValueKind};
use toml::de::DeValue;

use crate::{
    error::SettingsError,
    suggestion::{distance, nearest, unknown},
    toml_value::{mistyped, one_line, value},
};

const PREFIX: &str = "UACSTA__";
/// Variables of commands that resemble settings.
const OF_COMMANDS: [&str; 2] = ["UACSTA_PHONES_PASSWORD", "UACSTA_CLIENTS_PASSWORD"];

/// A sentence about each variable `UACSTA_...` of the environment that nothing uses, with the one that was probably meant.
pub fn unused_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unused: Vec<String> = names.filter_map(|name| unused(&name)).collect();
    unused.sort();
    unused
}

/// The sentence about one variable; `None` if it is not ours, a setting, or used.
fn unused(name: &str) -> Option<String> {
    let is_ours = name.starts_with("UACSTA_") && !name.starts_with(PREFIX);
    if !is_ours || OF_COMMANDS.contains(&name) || name == OF_BUILD {
        return None;
    }
    let near = OF_COMMANDS
        .map(|known| (distance(known, name), known))
        .into_iter()
        .min()
        .filter(|(distance, _)| *distance <= MOST_WRONG);
    let hint = match near {
        Some((_, known)) => format!("did you mean {known}?"),
        None => "a setting's variable is UACSTA__SECTION__KEY".to_owned(),
    };
    Some(format!("environment variable {name} is not used; {hint}"))
}

/// The issuer of licences, for the compiler.
const OF_BUILD: &str = "UACSTA_ISSUER";
/// Wrong letters in a name that is still taken for another.
const MOST_WRONG: usize = 4;

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// The setting that a variable sets, with its value; `None` if the variable is for something else.
pub(crate) fn setting(
    name: &OsStr,
    text: &OsStr,
    keys: &BTreeMap<String, Value>,
) -> Result<Option<(String, Value)>, SettingsError> {
    let Some(name) = name.to_str() else {
        return Ok(None);
    };
    let place = format!("environment variable {name}");
    let Some(segments) = name.strip_prefix(PREFIX) else {
        return match meant_key(name, keys) {
            Some(key) => {
                let what = format!("is not a setting; did you mean {}?", variable(key));
                Err(SettingsError::of_place(place, what))
            }
            None => Ok(None),
        };
    };
    let key = segments.replace("__", ".").to_lowercase();
    let Some(default) = keys.get(&key) else {
        let near = nearest(&key, keys).map(|key| variable(&key));
        return Err(SettingsError::of_place(place, unknown(near)));
    };
    let text = text
        .to_str()
        .ok_or_else(|| SettingsError::of_place(&place, "is not valid UTF-8"))?;
    let value = match &default.kind {
        ValueKind::Array(_) => list(text, &place)?,
        default => Value::new(Some(&place), typed(text, default)),
    };
    match mistyped(&value.kind, &default.kind) {
        Some(what) => Err(SettingsError::of_key(key, what).at(place)),
        None => Ok(Some((key, value))),
    }
}

/// The setting that a variable means which has one underscore where two belong, or is not in capitals.
fn meant_key<'a>(name: &str, keys: &'a BTreeMap<String, Value>) -> Option<&'a str> {
    let squeezed = |text: &str| {
        let words = text.split(['_', '.']).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_").to_lowercase()
    };
    let name = match OF_COMMANDS.contains(&name) {
        true => return None,
        false => squeezed(name),
    };
    let meant = name.strip_prefix("uacsta_")?;
    let mut keys = keys.keys();
    keys.find(|key| squeezed(key) == meant).map(String::as_str)
}

pub(crate) fn json(kind: &ValueKind) -> serde_json::Value {
    match kind {
        ValueKind::Boolean(value) => (*value).into(),
        ValueKind::I64(number) => (*number).into(),
        ValueKind::Array(items) => items.iter().map(|item| json(&item.kind)).collect(),
        ValueKind::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), json(&value.kind)))
            .collect(),
        ValueKind::Nil => serde_json::Value::Null,
        other => other.to_string().into(),
    }
}

/// A list in a variable: a TOML array, or words separated by commas.
pub(crate) fn list(text: &str, place: &str) -> Result<Value, SettingsError> {
    if text.trim_start().starts_with('[') {
        let item = DeValue::parse(text).map_err(|error| {
            let what = format!("is not a TOML array: {}", one_line(error.message()));
            SettingsError::of_place(place, what)
        })?;
        let value = value(&item, place, text)?;
        return Ok(Value::new(Some(&place.to_owned()), value.kind));
    }
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let words: Vec<Value> = words.map(|word| Value::new(None, word)).collect();
    Ok(Value::new(Some(&place.to_owned()), words))
}

/// A variable's text in the type of the default, where it can be read so.
pub(crate) fn typed(text: &str, default: &ValueKind) -> ValueKind {
    let read = match default {
        ValueKind::Boolean(_) => text.parse().ok().map(ValueKind::Boolean),
        ValueKind::I64(_) => text.parse().ok().map(ValueKind::I64),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_variables_are_named_with_the_one_that_was_meant() {
        for (name, meant) in [
            (
                "UACSTA_CLIENT_PASSWORD",
                Some("did you mean UACSTA_CLIENTS_PASSWORD?"),
            ),
            (
                "UACSTA_PHONE_PASSWORD",
                Some("did you mean UACSTA_PHONES_PASSWORD?"),
            ),
            ("UACSTA_COLOUR", Some("UACSTA__SECTION__KEY")),
            ("UACSTA_CLIENTS_PASSWORD", None),
            ("UACSTA__PHONES__UDP", None),
            ("UACSTA_ISSUER", None),
            ("PATH", None),
        ] {
            let said = unused(name);
            assert_eq!(said.is_some(), meant.is_some(), "{name}: {said:?}");
            let said = said.unwrap_or_default();
            assert!(said.contains(meant.unwrap_or_default()), "{name}: {said}");
        }
    }
}
