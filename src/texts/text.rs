//! A text that is written later, when the reader's language is known.

use super::Language;

/// A text without its language.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text(Content);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Content {
    /// A key of the files, and the values of its variables.
    Keyed(&'static str, Vec<(&'static str, Value)>),
    Verbatim(String),
}

impl Text {
    /// The text of a key of the files.
    pub const fn new(key: &'static str) -> Self {
        Self(Content::Keyed(key, Vec::new()))
    }

    /// What has no key and is the same in all languages, such as the error of an operating system.
    pub fn verbatim(text: impl ToString) -> Self {
        Self(Content::Verbatim(text.to_string()))
    }

    /// Gives a variable its value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Content::Keyed(_, values) = &mut self.0 {
            values.push((name, value.into()));
        }
        self
    }

    /// It in a language.
    pub fn written(&self, language: Language) -> String {
        match &self.0 {
            Content::Keyed(key, values) => language.text_with(key, values),
            Content::Verbatim(text) => text.clone(),
        }
    }
}

/// The value of a variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// A name or another word, which files may also choose by.
    Word(String),
    /// A number, which files may choose a plural by.
    Number(u64),
    /// A text in the same language.
    Text(Text),
}

impl From<&str> for Value {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl From<String> for Value {
    fn from(word: String) -> Self {
        Self::Word(word)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}
