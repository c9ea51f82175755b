//! The embedded files of each language, parsed once.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use super::{Language, Value};

/// The files of a language.
macro_rules! files {
    ($language:literal) => {
        [
            include_str!(concat!($language, "/pages.ftl")),
            include_str!(concat!($language, "/problems.ftl")),
            include_str!(concat!($language, "/reasons.ftl")),
            include_str!(concat!($language, "/warnings.ftl")),
        ]
    };
}

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| Bundle::parse("en", &files!("en")).0);
static GERMAN: LazyLock<Bundle> = LazyLock::new(|| Bundle::parse("de", &files!("de")).0);

/// The texts of a language.
pub(super) fn of(language: Language) -> &'static Bundle {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
    }
}

/// The texts of one language.
pub(super) struct Bundle(FluentBundle<FluentResource>);

impl Bundle {
    /// Parses files. What is wrong in them is left out, and returned.
    fn parse(tag: &str, files: &[&str]) -> (Self, Vec<String>) {
        let language: LanguageIdentifier = tag.parse().unwrap_or_default();
        let mut texts = FluentBundle::new_concurrent(vec![language]);
        // The texts go to programs too, and both languages are written from left to right.
        texts.set_use_isolating(false);
        let mut mistakes = Vec::new();
        for file in files {
            let parsed = FluentResource::try_new((*file).to_owned());
            let resource = parsed.unwrap_or_else(|(rest, errors)| {
                mistakes.extend(errors.iter().map(ToString::to_string));
                rest
            });
            if let Err(errors) = texts.add_resource(resource) {
                mistakes.extend(errors.iter().map(ToString::to_string));
            }
        }
        (Self(texts), mistakes)
    }

    /// The text of a key in the bundle's language; the key itself if there is none.
    pub(super) fn written(
        &self,
        language: Language,
        key: &str,
        values: &[(&str, Value)],
    ) -> String {
        let message = self.0.get_message(key);
        let Some(pattern) = message.and_then(|message| message.value()) else {
            debug_assert!(false, "no text has the key {key}");
            return key.to_owned();
        };
        let values: FluentArgs<'_> = values
            .iter()
            .map(|(name, value)| (*name, fluent(value, language)))
            .collect();
        let mut errors = Vec::new();
        let text = self.0.format_pattern(pattern, Some(&values), &mut errors);
        debug_assert!(errors.is_empty(), "{key}: {errors:?}");
        text.into_owned()
    }
}

fn fluent(value: &Value, language: Language) -> FluentValue<'_> {
    match value {
        Value::Word(word) => word.into(),
        Value::Number(number) => number.into(),
        Value::Text(text) => text.written(language).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_no_mistakes() {
        for (tag, files) in [("en", files!("en")), ("de", files!("de"))] {
            assert_eq!(Bundle::parse(tag, &files).1, [""; 0], "{tag}");
        }
    }

    #[test]
    fn numbers_choose_plurals_and_nothing_stands_around_words() {
        let file =
            "tries = { $user }: { $times ->\n    [one] one try\n   *[other] { $times } tries\n}";
        let (bundle, _) = Bundle::parse("en", &[file]);
        for (times, expected) in [(1, "anna: one try"), (3000, "anna: 3000 tries")] {
            let values = [("user", "anna".into()), ("times", Value::Number(times))];
            assert_eq!(
                bundle.written(Language::English, "tries", &values),
                expected
            );
        }
    }

    #[test]
    fn mistakes_of_files_are_found() {
        for files in [&["a = { $b"][..], &["a = 1", "a = 2"]] {
            assert_ne!(Bundle::parse("en", files).1, [""; 0], "{files:?}");
        }
    }
}
