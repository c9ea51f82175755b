//! What the API answers to `POST /api/v1/phones/{phone}/csta`: one service tried at one phone.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Result of sending one service request to a phone.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ProbeResult {
    /// Root element of the request (ECMA-323).
    pub service: String,
    /// Whether the phone supports the service according to its profile; services that the profile does not list are assumed.
    pub expected: bool,
    /// The profile's entry: the first firmware, `yes` or `no`.
    pub listed: Option<String>,
    /// Whether the server emulates the service by others.
    pub emulated: bool,
    /// What the phone did.
    pub outcome: ProbeOutcome,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// The phone's document.
    pub document: Option<String>,
}

/// What a phone did with a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeOutcome {
    /// The phone carried out the request.
    Done,
    /// The phone rejected the request because it lacks the service.
    Lacking,
    /// The phone rejected the request for another reason, so it knows the service.
    Refused,
    /// The response was invalid.
    Useless,
    /// No response in time, or the phone disconnected.
    Silent,
    /// The request was not sent: the phone is away, disabled or busy.
    NotAsked,
}

impl fmt::Display for ProbeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Lacking => "lacking",
            Self::Refused => "refused",
            Self::Useless => "useless",
            Self::Silent => "silent",
            Self::NotAsked => "notAsked",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_displayed_as_the_api_writes_it() {
        use ProbeOutcome::*;
        for outcome in [Done, Lacking, Refused, Useless, Silent, NotAsked] {
            let written = serde_json::to_value(outcome).unwrap_or_default();
            assert_eq!(written, outcome.to_string());
        }
    }
}
