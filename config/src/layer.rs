//! One layer of settings, from a TOML file or the environment; each value knows its line or variable.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

use config::{ConfigError, Map, Source, Value, ValueKind};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    error::SettingsError,
    suggestion::{join, nearest, nearest_section, unknown},
};

/// A set of values by section and key.
#[derive(Clone, Debug)]
pub(crate) struct Layer(Map<String, Value>);

impl Layer {
    /// The defaults, which define the known keys.
    pub(crate) fn defaults() -> Self {
        Self::parse("default.toml", include_str!("../default.toml"))
            .expect("default.toml is part of the program and tested")
    }

    /// Reads a TOML file. Leaves out keys that are not among those of `known`, or have values of another type, and adds them to
    /// `mistakes`.
    ///
    /// # Errors
    /// The file cannot be read, or is not TOML.
    pub(crate) fn file(
        path: &Path,
        known: &Self,
        mistakes: &mut Vec<SettingsError>,
    ) -> Result<Self, SettingsError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| SettingsError::of_place(&name, format!("cannot be read: {error}")))?;
        let mut layer = Self::parse(&name, &text)?;
        known_only(&mut layer.0, &known.0, "", &known.keys(), mistakes);
        Ok(layer)
    }

    /// Removes the value of `key`, or the list that contains it. Returns whether there was one.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let key = key.split('[').next().unwrap_or(key);
        let mut layer = &mut self.0;
        let mut segments = key.split('.').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                return layer.remove(segment).is_some();
            }
            match layer.get_mut(segment).map(|value| &mut value.kind) {
                Some(ValueKind::Table(table)) => layer = table,
                _ => return false,
            }
        }
        false
    }

    /// Reads the generated passwords, except those whose keys are `given` in other layers.
    pub(crate) fn secrets(
        path: &Path,
        known: &Self,
        given: impl Fn(&str) -> bool,
        mistakes: &mut Vec<SettingsError>,
    ) -> Result<Self, SettingsError> {
        let mut layer = Map::new();
        for (key, value) in Self::file(path, known, mistakes)?.keys() {
            let place = value.origin().unwrap_or_default().to_owned();
            if !SECRETS.contains(&key.as_str()) {
                let what = format!(
                    "does not belong in this file, which has only {}",
                    SECRETS.join(", ")
                );
                mistakes.push(SettingsError::of_key(key, what).at(place));
            } else if !given(&key) {
                put(&mut layer, &key, value);
            }
        }
        Ok(Self(layer))
    }

    /// Reads the variables `UACSTA__SECTION__KEY` of an environment. Leaves out those that are no settings, and adds them to
    /// `mistakes`.
    pub(crate) fn environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        known: &Self,
        mistakes: &mut Vec<SettingsError>,
    ) -> Self {
        let keys = known.keys();
        let mut layer = Map::new();
        for (name, text) in variables {
            match setting(&name, &text, &keys) {
                Ok(Some((key, value))) => put(&mut layer, &key, value),
                Ok(None) => {}
                Err(error) => mistakes.push(error),
            }
        }
        Self(layer)
    }

    /// The lists of all layers under `key` as one, each item once. A value that is no list is returned as it is.
    pub(crate) fn joined(layers: &[Self], key: &str) -> Self {
        let mut layer = Map::new();
        let mut items: Vec<Value> = Vec::new();
        for value in layers.iter().filter_map(|layer| layer.keys().remove(key)) {
            let ValueKind::Array(list) = value.kind else {
                put(&mut layer, key, value);
                return Self(layer);
            };
            let new = list.into_iter();
            items.extend(
                new.filter(|item| !items.iter().any(|known| known.kind == item.kind))
                    .collect::<Vec<_>>(),
            );
        }
        put(&mut layer, key, Value::new(None, items));
        Self(layer)
    }

    fn parse(name: &str, text: &str) -> Result<Self, SettingsError> {
        let document = DeTable::parse(text).map_err(|error| {
            let place = match error.span() {
                Some(span) => line(name, text, span.start),
                None => name.to_owned(),
            };
            SettingsError::of_place(place, format!("is not TOML: {}", one_line(error.message())))
        })?;
        table(document.get_ref(), name, text).map(Self)
    }

    /// Every key of a value, by its full name.
    pub(crate) fn keys(&self) -> BTreeMap<String, Value> {
        let mut keys = BTreeMap::new();
        collect_keys(&self.0, "", &mut keys);
        keys
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

const PREFIX: &str = "UACSTA__";
/// Variables of commands that resemble settings.
const OF_COMMANDS: [&str; 2] = ["UACSTA_PHONES_PASSWORD", "UACSTA_CLIENTS_PASSWORD"];
/// The settings that the first start generates.
const SECRETS: [&str; 3] = ["phones.password", "clients.password", "web.password"];

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// The setting that a variable sets, with its value; `None` if the variable is for something else.
fn setting(
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

pub(crate) fn line(name: &str, text: &str, at: usize) -> String {
    let before = text.as_bytes().iter().take(at);
    format!(
        "{name}, line {}",
        before.filter(|b| **b == b'\n').count() + 1
    )
}

pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn table(table: &DeTable<'_>, name: &str, text: &str) -> Result<Map<String, Value>, SettingsError> {
    table
        .iter()
        .map(|(key, item)| Ok((key.get_ref().to_string(), value(item, name, text)?)))
        .collect()
}

fn value(item: &Spanned<DeValue<'_>>, name: &str, text: &str) -> Result<Value, SettingsError> {
    let place = line(name, text, item.span().start);
    let kind = match item.get_ref() {
        DeValue::String(string) => ValueKind::String(string.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(ValueKind::I64)
            .map_err(|_| SettingsError::of_place(&place, "a number there is too large"))?,
        DeValue::Float(number) => ValueKind::String(number.as_str().to_owned()),
        DeValue::Boolean(boolean) => ValueKind::Boolean(*boolean),
        DeValue::Datetime(time) => ValueKind::String(time.to_string()),
        DeValue::Array(items) => ValueKind::Array(
            items
                .iter()
                .map(|item| value(item, name, text))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(items) => ValueKind::Table(table(items, name, text)?),
    };
    Ok(Value::new(Some(&place), kind))
}

/// A list in a variable: a TOML array, or words separated by commas.
fn list(text: &str, place: &str) -> Result<Value, SettingsError> {
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

fn put(layer: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            layer.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let empty = || Value::new(None, ValueKind::Table(Map::new()));
            let section = layer.entry(section.to_owned()).or_insert_with(empty);
            if let ValueKind::Table(section) = &mut section.kind {
                put(section, rest, value);
            }
        }
    }
}

fn collect_keys(layer: &Map<String, Value>, section: &str, keys: &mut BTreeMap<String, Value>) {
    for (key, value) in layer {
        let key = join(section, key);
        match &value.kind {
            ValueKind::Table(table) => collect_keys(table, &key, keys),
            _ => {
                keys.insert(key, value.clone());
            }
        }
    }
}

/// Removes values whose keys are not among those of `known`, or that have another type, and adds them to `mistakes`.
fn known_only(
    layer: &mut Map<String, Value>,
    known: &Map<String, Value>,
    section: &str,
    keys: &BTreeMap<String, Value>,
    mistakes: &mut Vec<SettingsError>,
) {
    layer.retain(|key, value| {
        let name = join(section, key);
        let default = known.get(key);
        if let (ValueKind::Table(table), Some(ValueKind::Table(known))) =
            (&mut value.kind, default.map(|default| &default.kind))
        {
            known_only(table, known, &name, keys, mistakes);
            return true;
        }
        let checked = match (default, &value.kind) {
            (None, kind) => {
                let near = match kind {
                    ValueKind::Table(_) => nearest_section(&name, known, section),
                    _ => None,
                };
                Err(unknown(near.or_else(|| nearest(&name, keys))))
            }
            (Some(default), kind) => match (kind, &default.kind) {
                (_, ValueKind::Table(_)) => {
                    Err(format!("is a section: write its keys under [{name}]"))
                }
                (ValueKind::Table(_), _) => Err("is a value, not a section".to_owned()),
                _ => mistyped(kind, &default.kind).map_or(Ok(()), Err),
            },
        };
        let place = value.origin().unwrap_or_default();
        let mistake = checked.map_err(|what| SettingsError::of_key(name, what).at(place));
        mistake.map_err(|mistake| mistakes.push(mistake)).is_ok()
    });
}

/// A variable's text in the type of the default, where it can be read so.
fn typed(text: &str, default: &ValueKind) -> ValueKind {
    let read = match default {
        ValueKind::Boolean(_) => text.parse().ok().map(ValueKind::Boolean),
        ValueKind::I64(_) => text.parse().ok().map(ValueKind::I64),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

/// What is wrong with a value of another type than the default's, if it has one. config-rs would convert it: 1 and "yes" into true.
fn mistyped(kind: &ValueKind, default: &ValueKind) -> Option<String> {
    let expected = expected_type(kind, default)?;
    // The value may be a password in the wrong place.
    Some(format!("is {}, but must be {expected}", type_of(kind)))
}

/// The type that a value should have; `None` if it has it.
fn expected_type(kind: &ValueKind, default: &ValueKind) -> Option<&'static str> {
    match (default, kind) {
        (ValueKind::Boolean(_), ValueKind::Boolean(_))
        | (ValueKind::I64(_), ValueKind::I64(_))
        | (ValueKind::Array(_), ValueKind::Array(_))
        | (ValueKind::String(_), ValueKind::String(_)) => None,
        // A size may be a number of bytes.
        (ValueKind::String(size), ValueKind::I64(_)) if size.ends_with("iB") => None,
        (ValueKind::Boolean(_), _) => Some("true or false"),
        (ValueKind::I64(_), _) => Some("an integer"),
        (ValueKind::Array(_), _) => Some("a list"),
        (ValueKind::String(_), _) => Some("a quoted string"),
        _ => None,
    }
}

fn type_of(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Boolean(_) => "a boolean",
        ValueKind::String(_) => "a string",
        ValueKind::Array(_) => "a list",
        ValueKind::Table(_) => "a table",
        _ => "a number",
    }
}
