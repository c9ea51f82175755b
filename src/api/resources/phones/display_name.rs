//! An operator's name of a phone: short, and without characters that change how a terminal or page shows it.

use serde::Deserialize;
use uacsta_schema::is_control;

/// A name that a request gives a phone.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct DisplayName(String);

const LONGEST: usize = 64;

impl TryFrom<String> for DisplayName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match () {
            () if name.trim().is_empty() => Err("it is not empty; null removes the name"),
            () if name.chars().count() > LONGEST => Err("it has at most 64 characters"),
            () if name.contains(is_control) => {
                Err("it has no control characters and no marks of the writing direction")
            }
            () => Ok(Self(name)),
        }
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
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
            let read = DisplayName::try_from(name.to_owned());
            assert_eq!(read.map(String::from).as_deref(), Ok(name));
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
            assert!(DisplayName::try_from(name.to_owned()).is_err(), "{name:?}");
        }
    }
}
