//! Why a phone or line cannot be controlled, as all answers say it.

use serde::Serialize;
use utoipa::ToSchema;

use super::Time;

/// Why something does not work, and what to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Reason {
    /// The cause, as docs/reference/reasons.md lists them.
    #[schema(value_type = String)]
    code: &'static str,
    /// The facts in a sentence.
    detail: String,
    /// What to do.
    #[schema(value_type = String)]
    remedy: &'static str,
    /// Since when; null if it is older than this run of the server.
    since: Option<Time>,
}

impl From<uacsta_actors::reason::Reason> for Reason {
    fn from(reason: uacsta_actors::reason::Reason) -> Self {
        Self {
            code: reason.cause.code().name(),
            detail: reason.cause.detail(),
            remedy: reason.cause.remedy(),
            since: reason.since.and_then(Time::from_seconds),
        }
    }
}
