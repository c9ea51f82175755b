//! The shape of a source file: its length and its opening sentence.

use crate::source::{CRATES, File, Finding, check, files, production_lines};

const LONGEST: usize = 400;
const MOST_WORDS: usize = 25;

/// Files that are still too long.
const KNOWN_LONG: &[&str] = &["actors/src/client/actor.rs", "actors/src/phone/requests.rs"];
/// Files that still open with no sentence or a long one.
const KNOWN_OPENINGS: &[&str] = &[
    "actors/src/client/dial_via_office/mod.rs",
    "actors/src/phone/requests.rs",
    "actors/src/phone/retiring.rs",
    "actors/src/registrar/succession.rs",
    "src/logs/queue.rs",
    "src/net/misdirected.rs",
];

#[test]
fn source_files_stay_below_400_lines() {
    let findings: Vec<_> = files(&CRATES, ".rs").iter().filter_map(too_long).collect();
    check("file length", &findings, KNOWN_LONG);
}

#[test]
fn source_files_open_with_a_short_sentence() {
    let mut all = files(&CRATES, ".rs");
    all.extend(files(&["tests", "benches", "fuzz/fuzz_targets"], ".rs"));
    let findings: Vec<_> = all.iter().filter_map(bad_opening).collect();
    check("opening sentence", &findings, KNOWN_OPENINGS);
}

/// A file of more than [`LONGEST`] lines, tests not counted.
fn too_long(file: &File) -> Option<Finding> {
    if file.is_test() {
        return None;
    }
    let lines = production_lines(&file.text);
    let (number, _) = lines.get(LONGEST)?;
    let advice = format!(
        "{} lines; split the file, one idea each (at most {LONGEST})",
        lines.len()
    );
    Some(Finding::new(file, *number, advice))
}

/// Says what is wrong with the first sentence. `tests.rs` needs none: it is about the module that it lies in.
fn bad_opening(file: &File) -> Option<Finding> {
    if file.path.ends_with("/tests.rs") {
        return None;
    }
    let paragraph: Vec<_> = file
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .collect();
    let paragraph = paragraph.join(" ");
    let Some(sentence) = first_sentence(&paragraph) else {
        return Some(Finding::new(
            file,
            1,
            "open the file with `//!` and one plain sentence that ends with a full stop",
        ));
    };
    let words = sentence
        .split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
        .count();
    let advice = format!("{words} words in the opening sentence; say it in at most {MOST_WORDS}");
    (words > MOST_WORDS).then(|| Finding::new(file, 1, advice))
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(paragraph: &str) -> Option<&str> {
    if let Some(at) = paragraph.match_indices(". ").map(|(at, _)| at).find(|at| {
        let next = paragraph[at + 2..].chars().next();
        next.is_some_and(|next| next.is_uppercase() || next == '`' || next == '[')
    }) {
        return Some(&paragraph[..=at]);
    }
    paragraph.ends_with('.').then_some(paragraph)
}

#[test]
fn a_long_file_is_found_and_its_tests_are_not_counted() {
    let code = "fn x() {}\n".repeat(LONGEST);
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    // test\n".repeat(100)
    );
    assert_eq!(
        too_long(&File::new("src/x.rs", &format!("{code}{tests}"))),
        None
    );
    let finding = too_long(&File::new(
        "src/x.rs",
        &format!("{code}fn y() {{}}\n{tests}"),
    ))
    .unwrap();
    assert_eq!(finding.line, 401);
    assert!(
        finding.advice.starts_with("401 lines"),
        "{}",
        finding.advice
    );
    assert_eq!(
        too_long(&File::new("src/x/tests.rs", &code.repeat(2))),
        None
    );
}

#[test]
fn an_opening_sentence_is_demanded_and_its_words_are_counted() {
    let opening =
        |text: &str| bad_opening(&File::new("src/x.rs", text)).map(|finding| finding.advice);
    assert_eq!(opening("//! Reads RFC 3261, section 18.3.\nuse x;"), None);
    assert_eq!(
        opening("//! Short. And then\n//! whatever else is said."),
        None
    );
    assert!(opening("use x;").unwrap().starts_with("open the file"));
    assert!(
        opening("/// About a type.\nstruct X;")
            .unwrap()
            .starts_with("open the file")
    );
    assert!(
        opening("//! no full stop\n")
            .unwrap()
            .starts_with("open the file")
    );
    let long = format!("//! {}\n//! word.\n", "word ".repeat(MOST_WORDS));
    assert!(opening(&long).unwrap().starts_with("26 words"));
}
