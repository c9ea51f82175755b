//! Requests to reload the settings or to change some of them, and why one is rejected.

use std::fmt;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::oneshot;
use uacsta_config::SettingsError;

use crate::data_dir::{DataDirError, LastChange, Values};

/// A request to reload the settings, with its response channel.
#[derive(Debug)]
pub struct ReloadRequest {
    /// What to do beside reading files and environment.
    pub reload: Reload,
    answer: oneshot::Sender<ReloadOutcome>,
}

/// The undo of a change, if it was one that can be undone; or why nothing changed.
pub type ReloadOutcome = Result<Option<Undo>, ReloadError>;

/// What a reload is for.
#[derive(Clone, Debug)]
pub enum Reload {
    /// Files and environment may have changed.
    Files {
        /// Who asks for it.
        by: String,
    },
    /// The same, as part of a change that is logged by itself.
    Part {
        /// Who asks for it.
        by: String,
    },
    /// An operator changes settings.
    Change(SettingsChange),
}

/// A change of settings by an operator.
#[derive(Clone, Debug)]
pub struct SettingsChange {
    /// Who asks for it.
    pub by: String,
    /// What is to change.
    pub wanted: Wanted,
}

/// What an operator wants.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Values by key; null returns to the value of the other layers.
    Values {
        /// The values.
        values: Values,
        /// The version of the settings that the operator saw; `None`: any.
        version: Option<u64>,
    },
    /// The state before the change with this ID.
    Undo(String),
}

/// What undoes a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// Identifies the change.
    pub id: String,
    /// Until when it is possible.
    pub until: Timestamp,
}

/// Why the settings stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum ReloadError {
    /// Settings, or files that they name, are invalid.
    Invalid(Vec<Mistake>),
    /// The settings have changed since the operator read them.
    Changed,
    /// The change cannot be undone any more.
    NoUndo,
    /// A disk or the system does not do its part.
    Unavailable(String),
}

/// An invalid setting, displayed with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// The setting, where one is known.
    pub key: Option<String>,
    /// A file with its line, or an environment variable.
    pub place: Option<String>,
    /// One sentence.
    pub text: String,
}

impl Reload {
    /// One that a signal asks for.
    pub fn by_signal() -> Self {
        Self::Files {
            by: "SIGHUP".to_owned(),
        }
    }

    /// Who asks for it, as the audit log has it.
    pub fn by(&self) -> &str {
        match self {
            Self::Files { by } | Self::Part { by } => by,
            Self::Change(change) => &change.by,
        }
    }
}

/// The last change of the settings since the server's start.
#[derive(Debug, Default)]
pub struct LastSettingsChange(ArcSwapOption<(u64, LastChange)>);

impl LastSettingsChange {
    /// Somebody makes the settings those of this version.
    pub fn note(&self, version: u64, by: &str) {
        self.0.store(Some((version, LastChange::now(by)).into()));
    }

    /// Who made the settings those of this version; `None` if that was a start.
    pub fn to(&self, version: u64) -> Option<LastChange> {
        let last = self.0.load();
        let last = last.as_ref().filter(|last| last.0 == version)?;
        Some(last.1.clone())
    }
}

impl ReloadRequest {
    /// A request, and the channel of its outcome.
    pub fn new(reload: Reload) -> (Self, oneshot::Receiver<ReloadOutcome>) {
        let (answer, outcome) = oneshot::channel();
        (Self { reload, answer }, outcome)
    }

    /// Sends the outcome.
    pub fn answer(self, outcome: ReloadOutcome) {
        // The requester may have disconnected.
        let _ = self.answer.send(outcome);
    }
}

impl ReloadError {
    /// One invalid setting.
    pub fn of_key(key: &str, text: String) -> Self {
        Self::Invalid(vec![Mistake {
            key: Some(key.to_owned()),
            place: None,
            text,
        }])
    }

    /// The same without the places of `changed` keys, which are in the operator's request.
    #[must_use]
    pub fn unplaced(mut self, changed: &Values) -> Self {
        if let Self::Invalid(mistakes) = &mut self {
            for mistake in mistakes {
                let key = mistake.key.as_deref().and_then(|key| key.split('[').next());
                mistake.place = mistake
                    .place
                    .take_if(|_| !key.is_some_and(|key| changed.contains_key(key)));
            }
        }
        self
    }
}

impl From<SettingsError> for Mistake {
    fn from(error: SettingsError) -> Self {
        Self {
            key: error.key().map(str::to_owned),
            place: error.place().map(str::to_owned),
            text: error.unplaced().to_string(),
        }
    }
}

impl From<SettingsError> for ReloadError {
    fn from(error: SettingsError) -> Self {
        Self::Invalid(error.mistakes().map(Mistake::from).collect())
    }
}

impl From<DataDirError> for ReloadError {
    fn from(error: DataDirError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// One sentence, with the number of mistakes if there are several.
impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(mistakes) => {
                if let Some(first) = mistakes.first() {
                    first.fmt(f)?;
                }
                match mistakes.len() {
                    0 | 1 => Ok(()),
                    count => write!(f, " (the first of {count} mistakes)"),
                }
            }
            Self::Changed => f.write_str("the settings have changed meanwhile; read them again"),
            Self::NoUndo => f.write_str(
                "no such change can be undone: that is possible once, within a minute, and until one of its settings changes again",
            ),
            Self::Unavailable(what) => f.write_str(what),
        }
    }
}
