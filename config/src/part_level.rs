//! The log level of one part of the program, such as `uacsta_actors::sip=debug`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::choice::Level;

/// A part of the program, as log lines name it, with the lowest severity that is logged of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartLevel {
    part: String,
    level: Level,
}

impl PartLevel {
    /// The part, with those within it.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// The lowest severity that is logged.
    pub fn level(&self) -> Level {
        self.level
    }
}

impl TryFrom<String> for PartLevel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = |part: &str| {
            part.starts_with("uacsta")
                && part.split("::").all(|name| {
                    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    !name.is_empty() && name.chars().all(letter)
                })
        };
        let read = || {
            let (part, level) = text.split_once('=')?;
            let level = Level::try_from(level.to_owned()).ok()?;
            let part = part.to_owned();
            fits(&part).then_some(Self { part, level })
        };
        read().ok_or_else(|| {
            format!(
                "is {text:?}, but must be a part of the program, as log lines name it, and its level, such as \"uacsta::sip=trace\" (levels: {})",
                Level::WORDS.join(", ")
            )
        })
    }
}

impl From<PartLevel> for String {
    fn from(level: PartLevel) -> Self {
        level.to_string()
    }
}

impl fmt::Display for PartLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.part, self.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_and_level_are_read_and_anything_else_is_explained() {
        for (text, read) in [
            ("uacsta_actors::sip=debug", Some("uacsta_actors::sip=debug")),
            ("uacsta=TRACE", Some("uacsta=trace")),
            ("uacsta::net::tls=off", None),
            ("uacsta_actors::sip", None),
            ("uacsta_actors::=debug", None),
            ("actix_http=trace", None),
            ("uacsta_actors::sip = debug", None),
            ("", None),
        ] {
            let level = PartLevel::try_from(text.to_owned());
            let shown = level.as_ref().map(ToString::to_string).ok();
            assert_eq!(shown.as_deref(), read, "{text}");
            if let Err(what) = level {
                assert!(
                    what.starts_with(&format!("is {text:?}, but must be ")),
                    "{what}"
                );
            }
        }
    }
}
