//! What is wrong with a setting, in one sentence that names the place, the key and the way out.

use std::fmt;

/// A setting that cannot be used; its display is one sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    place: Option<String>,
    key: Option<String>,
    what: String,
}

impl SettingsError {
    /// The key that is wrong (`advanced.sip_expires`); `None` when a whole file is.
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
