//! Keys and values of settings, offered to a shell that completes a command line.

use std::ffi::{OsStr, OsString};

use ::uacsta_config::{Setting, Settings};
use clap_complete::CompletionCandidate;
use uacsta_connect::completion::matching;

/// The keys.
pub(super) fn keys(begun: &OsStr) -> Vec<CompletionCandidate> {
    let all = Settings::builtin().list().into_iter();
    matching(begun, all.map(|one| (one.key.to_owned(), one.description)))
}

/// The values of the key before, where they are words.
pub(super) fn values(begun: &OsStr) -> Vec<CompletionCandidate> {
    let words = words_of(std::env::args_os(), &Settings::builtin().list());
    let words = words.iter().map(|word| ((*word).to_owned(), String::new()));
    matching(begun, words)
}

fn words_of(words: impl Iterator<Item = OsString>, all: &[Setting]) -> &'static [&'static str] {
    let mut words = words.skip_while(|word| word != "set").skip(1);
    let setting = words.find_map(|word| all.iter().find(|one| word == one.key));
    match setting {
        Some(setting) if setting.default.is_boolean() => &["true", "false"],
        Some(setting) => setting.choices,
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_setting_before() {
        let all = Settings::builtin().list();
        for (line, expected) in [
            ("settings set logs.format", &["text", "json"][..]),
            (
                "settings set --json advanced.auto_activate",
                &["true", "false"],
            ),
            ("settings set logs.keep", &[]),
            ("settings get logs.format", &[]),
        ] {
            let words = line.split(' ').map(OsString::from);
            assert_eq!(words_of(words, &all), expected, "{line}");
        }
        assert_eq!(keys(OsStr::new("logs.lev")).len(), 2);
    }
}
