//! One layer of settings, from a TOML file or the environment; each value knows its line or variable.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use config::{ConfigError, Map, Value, ValueKind};
use toml::de::DeTable;

use crate::{
    environment::setting,
    error::{SettingsError, remedy},
    origin::{Origin, Source},
    suggestion::{join, nearest, nearest_section, unknown},
    toml_value::{line, mistyped, one_line, table},
};

/// A set of values by section and key.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    values: Map<String, Value>,
    source: Source,
    /// Whether it overrides what operators set through the API.
    locked: bool,
}

impl Layer {
    /// The defaults, which define the known keys.
    pub(crate) fn defaults() -> Self {
        parse("default.toml", include_str!("../default.toml"))
            .map(|values| Self::of(values, Source::Default))
            .expect("default.toml is part of the program and tested")
    }

    fn of(values: Map<String, Value>, source: Source) -> Self {
        Self {
            values,
            source,
            locked: source == Source::Environment,
        }
    }

    /// The same, overriding what operators set through the API.
    pub(crate) fn locked(self) -> Self {
        Self {
            locked: true,
            ..self
        }
    }

    /// Reads a TOML file, as [`Self::text`].
    ///
    /// # Errors
    /// The file cannot be read, or is not TOML.
    pub(crate) fn file(
        path: &Path,
        source: Source,
        known: &Self,
        mistakes: &mut Vec<SettingsError>,
    ) -> Result<Self, SettingsError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            SettingsError::of_place(&name, format!("cannot be read: {error}{}", remedy(&error)))
        })?;
        Self::text(&name, &text, source, known, mistakes)
    }

    /// Reads the TOML of the file `name`. Leaves out keys that are not among those of `known`, or have values of another type, and
    /// adds them to `mistakes`.
    ///
    /// # Errors
    /// The text is not TOML.
    pub(crate) fn text(
        name: &str,
        text: &str,
        source: Source,
        known: &Self,
        mistakes: &mut Vec<SettingsError>,
    ) -> Result<Self, SettingsError> {
        let mut values = parse(name, text)?;
        known_only(&mut values, &known.values, "", &known.keys(), mistakes);
        Ok(Self::of(values, source))
    }

    /// Removes the value of `key`, or the list that contains it. Returns whether there was one.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let key = key.split('[').next().unwrap_or(key);
        let mut layer = &mut self.values;
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
        for (key, value) in Self::file(path, Source::Default, known, mistakes)?.keys() {
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
        Ok(Self::of(layer, Source::Default))
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
        Self::of(layer, Source::Environment)
    }

    /// The lists of all layers under `key` as one, each item once. A value that is no list is returned as it is.
    pub(crate) fn joined(layers: &[Self], key: &str) -> Self {
        let mut layer = Map::new();
        let mut items: Vec<Value> = Vec::new();
        for value in layers.iter().filter_map(|layer| layer.keys().remove(key)) {
            let ValueKind::Array(list) = value.kind else {
                put(&mut layer, key, value);
                return Self::of(layer, Source::Default);
            };
            let new = list.into_iter();
            items.extend(
                new.filter(|item| !items.iter().any(|known| known.kind == item.kind))
                    .collect::<Vec<_>>(),
            );
        }
        put(&mut layer, key, Value::new(None, items));
        Self::of(layer, Source::Default)
    }

    /// Every key of a value, by its full name.
    pub(crate) fn keys(&self) -> BTreeMap<String, Value> {
        let mut keys = BTreeMap::new();
        collect_keys(&self.values, "", &mut keys);
        keys
    }

    /// The origin of every value, by key.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (String, Origin)> {
        self.keys().into_iter().filter_map(|(key, value)| {
            let origin = Origin {
                source: self.source,
                place: value.origin()?.to_owned(),
                locked: self.locked,
            };
            Some((key, origin))
        })
    }
}

fn parse(name: &str, text: &str) -> Result<Map<String, Value>, SettingsError> {
    let document = DeTable::parse(text).map_err(|error| {
        let place = match error.span() {
            Some(span) => line(name, text, span.start),
            None => name.to_owned(),
        };
        SettingsError::of_place(place, format!("is not TOML: {}", one_line(error.message())))
    })?;
    table(document.get_ref(), name, text)
}

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

/// The settings that the first start generates.
const SECRETS: [&str; 3] = ["phones.password", "clients.password", "web.password"];

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

#[cfg(test)]
impl Layer {
    /// Its values as JSON, by key.
    pub(crate) fn json(&self) -> BTreeMap<String, serde_json::Value> {
        let keys = self.keys().into_iter();
        keys.map(|(key, value)| (key, crate::environment::json(&value.kind)))
            .collect()
    }
}
