//! Times as people write and read them on the command line.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

/// Parses a time, or how long ago it was: `2026-12-02T10:00:00Z`, `2026-12-02 10:00` or `2026-12-02` in local time, `30m`, `2h`, `7d`.
pub(super) fn parse_since(text: &str) -> Result<Timestamp, String> {
    time_or_length(text, -1, "30m, 24h, 7d for so long ago")
}

/// Parses a time, or in how long it comes: `90d`.
pub(super) fn parse_end(text: &str) -> Result<Timestamp, String> {
    time_or_length(text, 1, "24h, 90d for so long from now")
}

/// A time, or one that is so far from now: before it where `sign` is -1, else after it. `lengths` says how those are written.
fn time_or_length(text: &str, sign: i32, lengths: &str) -> Result<Timestamp, String> {
    let Some(length) = length(text) else {
        return time_of(text).ok_or_else(|| {
            format!("not a time; write 2026-12-02T10:00:00Z, \"2026-12-02 10:00\" in local time, or {lengths}")
        });
    };
    let distance = SignedDuration::try_from(length).map(|length| length * sign);
    distance
        .and_then(|distance| Timestamp::now().checked_add(distance))
        .map_err(|error| error.to_string())
}

/// A time, in the local time zone if it names none.
fn time_of(text: &str) -> Option<Timestamp> {
    let local = |time: DateTime| TimeZone::system().to_timestamp(time).ok();
    let time = text.parse().ok();
    time.or_else(|| text.parse().ok().and_then(local))
}

/// Shows a time of the API in the local time zone; nothing if it is none.
pub(super) fn local_time(time: &str) -> String {
    let time: Option<Timestamp> = time.parse().ok();
    time.map_or_else(String::new, |time| {
        let here = time.to_zoned(TimeZone::system());
        here.strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

fn length(text: &str) -> Option<Duration> {
    if let Some(days) = text.strip_suffix('d') {
        let days: u32 = days.parse().ok()?;
        return Some(Duration::from_secs(u64::from(days) * 86_400));
    }
    uacsta_connect::parse_duration(text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_and_durations_before_now_are_parsed() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800)] {
            let since = parse_since(text).unwrap();
            let ago = Timestamp::now().duration_since(since);
            assert!(
                (seconds..seconds + 60).contains(&ago.as_secs()),
                "{text}: {ago}"
            );
        }
        let time = parse_since("2026-12-02T10:00:00+01:00").unwrap();
        assert_eq!(time.to_string(), "2026-12-02T09:00:00Z");
        let local = parse_since("2026-12-02 10:00").unwrap();
        let local = local.to_zoned(TimeZone::system());
        assert_eq!(local.strftime("%F %T").to_string(), "2026-12-02 10:00:00");
        let shown = local_time(&time.to_string());
        assert_eq!(parse_since(&shown), Ok(time), "{shown}");
        assert_eq!(local_time("never"), "");
        let end = parse_end("90d").unwrap();
        let days = end.duration_since(Timestamp::now()).as_secs() / 86_400;
        assert!((89..=90).contains(&days), "{end}");
        assert_eq!(parse_end("2026-12-02T10:00:00+01:00"), Ok(time));
        assert!(parse_since("2026-12-02").is_ok());
        for wrong in ["", "yesterday", "-1h", "10", "2026-13-01"] {
            assert!(parse_since(wrong).is_err(), "{wrong}");
            assert!(parse_end(wrong).is_err(), "{wrong}");
        }
    }
}
