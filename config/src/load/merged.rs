//! The merged layers of the settings, parsed by serde, with the place of each value.

use config::{Config, ConfigError, Value, ValueKind};

use super::type_error::explain;
use crate::{error::SettingsError, layer::Layer, settings::Settings};

/// The merged layers; each value keeps its origin.
pub(super) struct Merged(Config);

impl Merged {
    pub(super) fn of(layers: impl IntoIterator<Item = Layer>) -> Result<Self, SettingsError> {
        let mut builder = Config::builder();
        for layer in layers {
            builder = builder.add_source(layer);
        }
        match builder.build() {
            Ok(config) => Ok(Self(config)),
            Err(error) => Err(SettingsError::of_place("the settings", error.to_string())),
        }
    }

    pub(super) fn settings(&self) -> Result<Settings, SettingsError> {
        let parsed: Result<Settings, ConfigError> = self.0.clone().try_deserialize();
        parsed.map_err(|error| {
            let (key, what) = explain(&error);
            self.with_place(SettingsError::of_key(key, what))
        })
    }

    pub(super) fn with_place(&self, error: SettingsError) -> SettingsError {
        match error.key().and_then(|key| self.origin(key)) {
            Some(place) => error.at(place),
            None => error,
        }
    }

    /// Whether the value of `key` is an empty text.
    pub(super) fn is_empty(&self, key: &str) -> bool {
        self.0.get_string(key).is_ok_and(|set| set.is_empty())
    }

    /// Where the value of `key`, or a value that contains it, was set.
    pub(super) fn origin(&self, key: &str) -> Option<String> {
        let mut value: &Value = &self.0.cache;
        let mut origin = None;
        for segment in key.split(['.', '[']) {
            let inner = match &value.kind {
                ValueKind::Table(table) => table.get(segment),
                ValueKind::Array(items) => segment
                    .trim_end_matches(']')
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get(index)),
                _ => None,
            };
            let Some(inner) = inner else { break };
            origin = inner.origin().or(origin);
            value = inner;
        }
        origin.map(str::to_owned)
    }
}
