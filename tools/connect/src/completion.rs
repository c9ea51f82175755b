//! What the running server knows, offered to a shell that completes a command line.

use std::{
    ffi::{OsStr, OsString},
    sync::mpsc,
    thread,
    time::Duration,
};

use clap::{Args as _, Command, FromArgMatches as _};
use clap_complete::CompletionCandidate;
use serde_json::Value;
use uacsta_schema::escape_controls;

use crate::ApiArgs;

/// How long a shell waits for the server.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The options that choose the server.
const OPTIONS: [&str; 4] = ["--data", "--server", "--token-file", "--ca"];

/// Phones: the MAC address, with colons once some are typed, or the extension. Bash takes a colon for the end of a word.
pub fn phones(begun: &OsStr) -> Vec<CompletionCandidate> {
    let has_colons = begun.to_string_lossy().contains(':');
    offer(begun, "/api/v1/phones", |phone| {
        let id = phone["id"].as_str()?;
        let lines = phone["lines"].as_array().into_iter().flatten();
        let about = [&phone["maker"], &phone["model"]].into_iter().chain(lines);
        let about: Vec<&str> = about.filter_map(Value::as_str).collect();
        let id = if has_colons {
            id.to_owned()
        } else {
            id.replace(':', "")
        };
        Some((id, about.join(" ")))
    })
}

/// Lines, by number.
pub fn lines(begun: &OsStr) -> Vec<CompletionCandidate> {
    offer(begun, "/api/v1/lines", named("number", "displayName"))
}

/// Connected clients, by id.
pub fn clients(begun: &OsStr) -> Vec<CompletionCandidate> {
    offer(begun, "/api/v1/clients", named("id", "user"))
}

/// The users of connected clients.
pub fn users(begun: &OsStr) -> Vec<CompletionCandidate> {
    offer(begun, "/api/v1/clients", named("user", "address"))
}

/// Named operators.
pub fn operators(begun: &OsStr) -> Vec<CompletionCandidate> {
    offer(begun, "/api/v1/operators", named("name", "rights"))
}

/// Sessions of operators, by id.
pub fn sessions(begun: &OsStr) -> Vec<CompletionCandidate> {
    offer(begun, "/api/v1/sessions", named("id", "operator"))
}

/// The files of the log.
pub fn log_files(begun: &OsStr) -> Vec<CompletionCandidate> {
    offer(begun, "/api/v1/logs", named("name", "lastAt"))
}

/// Words that begin so, each with its description.
pub fn matching(
    begun: &OsStr,
    words: impl IntoIterator<Item = (String, String)>,
) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let mut words: Vec<_> = words
        .into_iter()
        .filter(|(word, _)| word.starts_with(&*begun) && !word.contains(char::is_control))
        .collect();
    words.sort();
    words.dedup_by(|one, other| one.0 == other.0);
    let candidates = words.into_iter().map(|(word, about)| {
        let about = escape_controls(&about, &[]).into_owned();
        CompletionCandidate::new(word).help((!about.is_empty()).then(|| about.into()))
    });
    candidates.collect()
}

/// A member as the word, and one that describes it.
fn named(
    word: &'static str,
    about: &'static str,
) -> impl Fn(&Value) -> Option<(String, String)> + use<> {
    move |item| {
        let about = item[about].as_str().unwrap_or_default();
        Some((item[word].as_str()?.to_owned(), about.to_owned()))
    }
}

/// What a list of the API has; nothing if the server is away, slow or refuses.
fn offer(
    begun: &OsStr,
    path: &'static str,
    word: impl Fn(&Value) -> Option<(String, String)>,
) -> Vec<CompletionCandidate> {
    let (sender, answer) = mpsc::channel();
    // The thread ends with the program, which the shell waits for.
    thread::spawn(move || {
        let server = chosen(std::env::args_os());
        let list = server.and_then(|server| server.list(path).ok());
        sender.send(list)
    });
    let list = answer.recv_timeout(PATIENCE).ok().flatten();
    let items = list.as_ref().and_then(|list| list["items"].as_array());
    matching(begun, items.into_iter().flatten().filter_map(word))
}

/// The server of a command line that is not complete.
fn chosen(words: impl Iterator<Item = OsString>) -> Option<ApiArgs> {
    let command = ApiArgs::augment_args(Command::new("uacsta").no_binary_name(true));
    let options = command.try_get_matches_from(options(words)).ok()?;
    ApiArgs::from_arg_matches(&options).ok()
}

fn options(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    // Bash takes `=` for a word.
    let mut words = words.filter(|word| word != "=");
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if OPTIONS.contains(&&*text) {
            options.push(word);
            options.extend(words.next());
        } else if let Some((name, _)) = text.split_once('=')
            && OPTIONS.contains(&name)
        {
            options.push(word);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_server_are_found_in_an_unfinished_line() {
        for (line, expected) in [
            ("uacsta -- uacsta phones off", &[][..]),
            ("uacsta -- uacsta --data x phones off", &["--data", "x"]),
            ("uacsta phones --data=x --json", &["--data=x"]),
            (
                "uacsta phones --server = http://a --token-file t -",
                &["--server", "http://a", "--token-file", "t"],
            ),
        ] {
            let words = line.split(' ').map(OsString::from);
            assert_eq!(options(words), expected, "{line}");
        }
    }

    #[test]
    fn words_that_begin_so_are_offered_once() {
        let words = ["b", "ab", "a\nb", "ab", "a"].map(|word| (word.to_owned(), String::new()));
        let offered = matching(OsStr::new("a"), words);
        let offered = offered.iter().map(CompletionCandidate::get_value);
        assert_eq!(offered.collect::<Vec<_>>(), ["a", "ab"]);
    }
}
