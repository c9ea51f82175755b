//! Why a phone or line cannot be controlled, as all answers say it.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use uacsta_actors::reason::Code;
use utoipa::ToSchema;

use super::Time;
use crate::texts::Language;

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
    remedy: String,
    /// Since when, if that is known.
    since: Option<Time>,
}

impl Reason {
    /// A reason in this language.
    pub(super) fn new(reason: &uacsta_actors::reason::Reason, language: Language) -> Self {
        let code = reason.cause.code();
        Self {
            code: code.name(),
            detail: language.reason(&reason.cause),
            remedy: language.remedy(code),
            since: reason.since.and_then(Time::from_seconds),
        }
    }

    /// No licence is free for a line that clients monitor.
    pub(super) fn no_licence_for_line(language: Language) -> Self {
        Self {
            code: Code::NoLicence.name(),
            detail: language.text("line-unlicensed"),
            remedy: language.text("line-unlicensed-remedy"),
            since: None,
        }
    }

    /// The phone refused the monitor of a line.
    pub(super) fn monitor_refused(why: &str, language: Language) -> Self {
        Self {
            code: "monitorRefused",
            detail: language.text_with("monitor-refused", &[("why", why.into())]),
            remedy: language.text("monitor-refused-remedy"),
            since: None,
        }
    }
}

/// A code as a filter.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct ReasonCode(Code);

impl ReasonCode {
    pub(super) fn is_of(self, reason: Option<&Reason>) -> bool {
        reason.is_some_and(|reason| reason.code == self.0.name())
    }
}

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let mut codes = Code::ALL.into_iter();
        let code = codes.find(|code| code.name() == name);
        let unknown =
            || D::Error::custom("no reason has this code; docs/reference/reasons.md lists them");
        code.map(Self).ok_or_else(unknown)
    }
}
