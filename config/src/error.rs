//! The error of an invalid setting: one sentence with place, key and remedy.

use std::fmt;

/// An invalid setting; displayed as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    place: Option<String>,
    key: Option<String>,
    what: String,
}

impl SettingsError {
    /// The invalid key (`advanced.sip_expires`); `None` if a whole file is invalid.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Where it was set: a file, with its line where known, or an environment variable.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    pub(crate) fn of_key(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: None,
            key: Some(key.into()),
            what: what.into(),
        }
    }

    pub(crate) fn of_place(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: Some(place.into()),
            key: None,
            what: what.into(),
        }
    }

    pub(crate) fn at(self, place: impl Into<String>) -> Self {
        Self {
            place: Some(place.into()),
            ..self
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key} ")?;
        }
        f.write_str(&self.what)
    }
}
