//! Truncates a peer's text for log lines and responses, so that the peer does not determine their size.

use std::fmt;

/// Displays at most 100 octets of a text.
#[derive(Clone, Copy, Debug)]
pub struct Truncated<'t>(pub &'t str);

impl fmt::Display for Truncated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 100;
        let shown = &self.0[..self.0.floor_char_boundary(MOST)];
        f.write_str(shown)?;
        if shown.len() < self.0.len() {
            f.write_str("…")?;
        }
        Ok(())
    }
}

/// The truncated text as a field of a log line, which omits a missing text.
pub(crate) fn truncated(text: Option<&str>) -> Option<tracing::field::DisplayValue<Truncated<'_>>> {
    text.map(|text| tracing::field::display(Truncated(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let check = |text: &str, shown: &str| assert_eq!(Truncated(text).to_string(), shown);
        let hundred = "x".repeat(100);
        check("", "");
        check(&hundred, &hundred);
        check(&format!("{hundred}y"), &format!("{hundred}…"));
        check(&"ü".repeat(60), &format!("{}…", "ü".repeat(50)));
        let odd = format!("x{}", "ü".repeat(60));
        check(&odd, &format!("x{}…", "ü".repeat(49)));
    }
}
