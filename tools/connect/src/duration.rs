//! Durations as people write them in commands and scripts.

use std::time::Duration;

/// Parses `500ms`, `1.5s`, `30s`, `5m` or `1h`.
///
/// # Errors
/// A sentence that shows the notation.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(invalid(text)),
    };
    let number: f64 = digits.parse().map_err(|_| invalid(text))?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| invalid(text))
}

fn invalid(text: &str) -> String {
    format!("{text:?} is not a duration; write 500ms, 30s, 5m or 1h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        fn check(text: &str, milliseconds: Option<u64>) {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        }
        check("500ms", Some(500));
        check("1.5s", Some(1500));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        for wrong in ["", "5", "s", "-1s", "1e999s", "1d", "NaNs", "ünf"] {
            check(wrong, None);
        }
    }
}
