//! An operator's name of a phone: short, and without characters that change how a terminal or page shows it.

use uacsta_schema::is_control;

use super::Problem;
use crate::texts::Text;

const LONGEST: usize = 64;

/// Refuses a name that is empty, long or cannot be shown as it is.
pub(super) fn check(name: &str) -> Result<(), Problem> {
    let why = match () {
        () if name.trim().is_empty() => Text::new("display-name-empty"),
        () if name.chars().count() > LONGEST => Text::new("name-length"),
        () if name.contains(is_control) => Text::new("display-name-characters"),
        () => return Ok(()),
    };
    Err(Problem::member("displayName", why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_can_be_shown() {
        let longest = "\u{f6}".repeat(LONGEST);
        for name in [
            "Reception",
            "Empfang, J\u{f6}rg",
            "\u{5e9}\u{5dc}",
            &longest,
        ] {
            assert!(check(name).is_ok(), "{name:?}");
        }
        let too_long = "a".repeat(LONGEST + 1);
        for name in [
            "",
            " ",
            &too_long,
            "a\nb",
            "\u{1b}[2J",
            "\u{9b}",
            "\u{202e}gnp",
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
