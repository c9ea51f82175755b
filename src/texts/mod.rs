//! Texts for people, in each language that the server speaks: Fluent files, embedded in the program.

mod accepted;
mod bundle;
mod reasons;
mod text;
mod warnings;

pub use text::{Text, Value};
pub use warnings::licence_warning;

/// A language of the texts.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Language {
    /// English: where nothing else is asked for.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag (RFC 5646).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The text of a key of the files.
    pub fn text(self, key: &str) -> String {
        self.text_with(key, &[])
    }

    /// The text of a key, with the values of its variables.
    pub fn text_with(self, key: &str, values: &[(&str, Value)]) -> String {
        bundle::of(self).written(self, key, values)
    }
}
