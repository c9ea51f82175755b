//! Escapes the characters of a peer's text that a terminal obeys, or that reorder what a person reads.

use std::{borrow::Cow, fmt::Write};

/// The text with control characters (C0, DEL, C1), line and paragraph separators and bidirectional marks as `\u009b`,
/// except those in `kept`. In a JSON text, which has them in strings only, the result means the same.
#[must_use]
pub fn escape_controls<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let is_escaped = |c: char| is_control(c) && !kept.contains(&c);
    if !text.contains(is_escaped) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_escaped(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // Writing to a String cannot fail; all are in the first plane.
            c => drop(write!(escaped, "\\u{:04x}", u32::from(c))),
        }
    }
    escaped.into()
}

/// Whether a terminal obeys the character, or it reorders what a person reads.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidirectional_marks_are_escaped() {
        fn check(text: &str, kept: &[char], expected: &str) {
            assert_eq!(escape_controls(text, kept), expected, "{text:?}");
        }
        check(
            "J\u{f6}rg, \u{5e9}\u{5dc}",
            &[],
            "J\u{f6}rg, \u{5e9}\u{5dc}",
        );
        check("a\r\nb\tc", &[], "a\\r\\nb\\tc");
        check("a\n\u{1b}[2J", &['\n'], "a\n\\u001b[2J");
        check("\0\u{7f}\u{9b}2J", &[], "\\u0000\\u007f\\u009b2J");
        check(
            "\u{202e}gnp.\u{2066}\u{200f}\u{61c}",
            &[],
            "\\u202egnp.\\u2066\\u200f\\u061c",
        );
        check("a\u{2028}b", &[], "a\\u2028b");
    }
}
