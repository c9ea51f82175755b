//! Who changed something last, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The last change of something.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LastChange {
    /// The name of the log-on, as the audit log has it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl LastChange {
    /// A change that is made now.
    pub fn now(by: &str) -> Self {
        Self {
            by: by.to_owned(),
            at: Timestamp::now(),
        }
    }
}
