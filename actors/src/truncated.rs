//! What a peer wrote, as far as it is worth repeating: a peer decides over neither the log's size nor that of an answer.

use std::fmt;

/// A text of a peer, displayed up to about 100 octets.
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

/// The same as a field of log lines, which is left out where there is no text.
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
