//! The error of invalid settings: one sentence for each, with place, key and remedy.

use std::{fmt, io};

/// What to do about a file that cannot be read or written, to follow the error; empty where the error says enough.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; run the command as the user of the server (sudo -u USER uacsta ...)"
        }
        _ => "",
    }
}

/// An invalid setting; displayed as one sentence, with the number of mistakes if there are several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    place: Option<String>,
    key: Option<String>,
    what: String,
    /// The other mistakes that were found with this one.
    others: Vec<Self>,
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

    /// This mistake and the others that were found with it, in the order of their places.
    pub fn all(&self) -> impl Iterator<Item = String> {
        self.mistakes().map(|mistake| mistake.to_string())
    }

    /// As [`Self::all`], as one error each.
    pub fn mistakes(&self) -> impl Iterator<Item = Self> {
        let first = Self {
            others: Vec::new(),
            ..self.clone()
        };
        std::iter::once(first).chain(self.others.iter().cloned())
    }

    /// The same without its place.
    #[must_use]
    pub fn unplaced(self) -> Self {
        Self {
            place: None,
            ..self
        }
    }

    /// All mistakes as one error; none is no error.
    pub(crate) fn of_all(mut mistakes: Vec<Self>) -> Result<(), Self> {
        mistakes.sort_by_cached_key(|mistake| {
            let place = mistake.place().unwrap_or_default();
            let (file, line) = place.rsplit_once(", line ").unwrap_or((place, ""));
            (file.to_owned(), line.parse().unwrap_or(0_usize))
        });
        let mut mistakes = mistakes.into_iter();
        let Some(first) = mistakes.next() else {
            return Ok(());
        };
        Err(Self {
            others: mistakes.collect(),
            ..first
        })
    }

    /// The mistake of a key; `what` completes the sentence that begins with it.
    pub fn of_key(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: None,
            key: Some(key.into()),
            what: what.into(),
            others: Vec::new(),
        }
    }

    pub(crate) fn of_place(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: Some(place.into()),
            key: None,
            what: what.into(),
            others: Vec::new(),
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
        f.write_str(&self.what)?;
        if self.others.is_empty() {
            return Ok(());
        }
        write!(f, " (the first of {} mistakes)", self.others.len() + 1)
    }
}
