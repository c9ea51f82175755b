//! Times as people write and read them on the command line.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

/// Parses a time, or how long ago it was: `2026-12-02T10:00:00Z`, `2026-12-02 10:00` or `2026-12-02` in local time, `30m`, `2h`, `7d`.
pub(super) fn parse_since(text: &str) -> Result<Timestamp, String> {
    if let Some(ago) = ago(text) {
        let ago = SignedDuration::try_from(ago).map_err(|error| error.to_string())?;
        return Timestamp::now()
            .checked_sub(ago)
            .map_err(|error| error.to_string());
    }
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let local = text.parse::<DateTime>().ok();
    let time = local.and_then(|time| TimeZone::system().to_timestamp(time).ok());
    time.ok_or_else(|| {
        "not a time; write 2026-12-02T10:00:00Z, \"2026-12-02 10:00\" in local time, or 30m, 24h, 7d for so long ago"
            .to_owned()
    })
}

/// Shows a time of the API in the local time zone; nothing if it is none.
pub(super) fn local_time(time: &str) -> String {
    let time: Option<Timestamp> = time.parse().ok();
    time.map_or_else(String::new, |time| {
        let here = time.to_zoned(TimeZone::system());
        here.strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

fn ago(text: &str) -> Option<Duration> {
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
        assert!(parse_since("2026-12-02").is_ok());
        for wrong in ["", "yesterday", "-1h", "10", "2026-13-01"] {
            assert!(parse_since(wrong).is_err(), "{wrong}");
        }
    }
}
