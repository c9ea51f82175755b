//! The facts of a cause: values for the texts of people, which have them by name, and for the log.

use std::fmt;

/// The facts of a cause, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Facts(pub(super) Vec<(&'static str, Fact)>);

/// A fact.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// A name, an address or a message; `none` where a cause may have it and has not.
    Word(String),
    /// How often something happened.
    Number(u32),
}

impl Facts {
    pub(super) fn with(mut self, name: &'static str, word: impl fmt::Display) -> Self {
        self.0.push((name, Fact::Word(word.to_string())));
        self
    }

    pub(super) fn with_number(mut self, name: &'static str, number: u32) -> Self {
        self.0.push((name, Fact::Number(number)));
        self
    }

    /// Each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Fact)> {
        self.0.iter().map(|(name, fact)| (*name, fact))
    }
}

/// For the log.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, fact)) in self.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {fact}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => number.fmt(f),
        }
    }
}
