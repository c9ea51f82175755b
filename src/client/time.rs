//! Times as people write them in commands and scripts.

use std::time::Duration;

/// Reads `500ms`, `1.5s`, `30s`, `5m` or `1h`.
///
/// # Errors
/// A sentence that says how it is written.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong(text)),
    };
    let number: f64 = digits.parse().map_err(|_| wrong(text))?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong(text))
}

fn wrong(text: &str) -> String {
    format!("{text:?} is not a time; write 500ms, 30s, 5m or 1h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        fn check(text: &str, milliseconds: Option<u64>) {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(duration(text).ok(), expected, "{text}");
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
