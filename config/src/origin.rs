//! Where each setting in force comes from: a default, a file, the environment or an operator.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A layer of settings.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `default.toml`, or a generated password.
    Default,
    /// A configuration file.
    File,
    /// An environment variable.
    Environment,
    /// An operator, through the API.
    Operator,
}

/// The origin of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: Source,
    /// A file with its line, or an environment variable.
    pub(crate) place: String,
    /// Whether it overrides what an operator sets.
    pub(crate) locked: bool,
}

/// The origins of settings that are no defaults, by key. Two settings that differ by origin are equal.
#[derive(Clone, Default)]
pub(crate) struct Origins(pub(crate) Arc<BTreeMap<String, Origin>>);

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
