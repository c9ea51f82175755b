//! The texts for people: each language has all keys, with the same variables, and each key is used.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{File, files, production_lines};

/// Keys that the program composes begin or end so; tests of theirs go over all of them.
fn is_composed(key: &str) -> bool {
    let begins = ["reason-", "remedy-"]
        .iter()
        .any(|start| key.starts_with(start));
    begins
        || ["-title", "-description"]
            .iter()
            .any(|end| key.ends_with(end))
}

/// The texts of a file: each key with its variables.
fn texts(file: &File) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let mut key = None;
    for line in file.text.lines() {
        let is_first = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-');
        if let Some((name, _)) = line.split_once('=').filter(|_| is_first) {
            key = Some(name.trim().to_owned());
        }
        let Some(key) = key.clone().filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let variables = line.split('$').skip(1).map(|rest| {
            let is_of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
            rest.chars().take_while(is_of_name).collect()
        });
        found.entry(key).or_default().extend(variables);
    }
    found
}

/// The keys that other texts of a file contain: `{ key }`.
fn referred(file: &File) -> Vec<String> {
    let parts = file.text.split('{').skip(1);
    let names = parts
        .filter_map(|part| part.split('}').next())
        .map(str::trim);
    let is_key = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains(char::is_whitespace)
    };
    names.filter(is_key).map(str::to_owned).collect()
}

/// The keys that Rust code and templates name: the literals in calls of `language.text`, `language.text_with` and `Text::new`,
/// and in those of a page's frame.
fn named(file: &File) -> Vec<String> {
    let code: String = production_lines(&file.text)
        .into_iter()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(_, line)| [line, "\n"])
        .collect();
    let calls = [
        "language.text(",
        "language.text_with(",
        "Text::new(",
        "frame.t(",
        "frame.count(",
        "frame.of(",
        "self.t(",
    ];
    let rests = calls.iter().flat_map(|call| code.split(call).skip(1));
    rests
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn languages_have_the_same_texts_with_the_same_variables() {
    let english = files(&["src/texts/en"], ".ftl");
    let german = files(&["src/texts/de"], ".ftl");
    assert_eq!(english.len(), german.len(), "a language lacks a file");
    for (english, german) in english.iter().zip(&german) {
        let name = |file: &File| file.path.rsplit('/').next().map(str::to_owned);
        assert_eq!(name(english), name(german));
        let (one, other) = (texts(english), texts(german));
        let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
        for key in keys {
            let (one, other) = (one.get(key), other.get(key));
            assert_eq!(one, other, "{key}: {} and {}", english.path, german.path);
        }
    }
}

#[test]
fn every_text_is_used_and_every_used_text_is_there() {
    let english = files(&["src/texts/en"], ".ftl");
    let texts: BTreeSet<String> = english
        .iter()
        .flat_map(|file| texts(file).into_keys())
        .collect();
    let mut used: BTreeSet<String> = english.iter().flat_map(referred).collect();
    let mut code = files(&["src"], ".rs");
    code.retain(|file| !file.is_test());
    for file in &code {
        let words = file.text.split('"').skip(1).step_by(2);
        // Some are chosen by a `match`, or stand in a table.
        let in_pages = words.filter(|_| file.path.starts_with("src/pages/"));
        used.extend(in_pages.map(str::to_owned));
    }
    let templates = files(&["src/pages/templates"], ".html");
    for file in code.iter().chain(&templates) {
        for key in named(file) {
            assert!(
                texts.contains(&key),
                "{}: no text has the key {key}",
                file.path
            );
            used.insert(key);
        }
    }
    let unused: Vec<_> = texts
        .difference(&used)
        .filter(|key| !is_composed(key))
        .collect();
    assert!(unused.is_empty(), "texts that nothing uses: {unused:?}");
}

#[test]
fn texts_and_calls_are_read_as_they_are_written() {
    let file = File::new(
        "a.ftl",
        "# of $all\na-key = x { $one }\n    { $two ->\n       *[other] y\n    }\n\nb = z { a-key }\n",
    );
    let found = texts(&file);
    let variables = |key: &str| found[key].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(variables("a-key"), ["one", "two"]);
    assert_eq!(variables("b"), [""; 0]);
    assert_eq!(referred(&file), ["a-key"]);
    let code = "// Text::new(\"no\")\nlet a = Text::new(\n    \"one\",\n);\nlanguage.text_with(\"two\", &[]);\n";
    assert_eq!(named(&File::new("a.rs", code)), ["two", "one"]);
}
