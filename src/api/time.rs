//! Times as the API writes them: RFC 3339, UTC, milliseconds.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A time.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub(super) struct Time(pub(super) Timestamp);

impl Time {
    /// A time since 1970-01-01T00:00:00Z.
    pub(super) fn from_epoch(since: Duration) -> Option<Self> {
        let micros = i64::try_from(since.as_micros()).ok()?;
        Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// A time in seconds since 1970-01-01T00:00:00Z.
    pub(super) fn from_seconds(seconds: u64) -> Option<Self> {
        let seconds = i64::try_from(seconds).ok()?;
        Timestamp::from_second(seconds).ok().map(Self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_of_a_second() {
        let written = Time::from_seconds(1_796_156_689).map(|time| serde_json::json!(time));
        assert_eq!(written, Some("2026-12-01T20:24:49.000Z".into()));
    }
}
