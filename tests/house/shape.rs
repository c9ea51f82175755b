//! The shape of a source file: its length and its opening sentence.

use crate::source::{CRATES, File, Finding, check, files, production_lines};

const LONGEST: usize = 400;
const MOST_WORDS: usize = 25;
const LONGEST_TEST: usize = 60;

/// Files that are still too long.
const KNOWN_LONG: &[&str] = &[];
/// Tests of one long course, whose parts would say nothing alone.
const KNOWN_LONG_TESTS: &[&str] = &[
    "every_client_receives_every_event_of_every_phone",
    "line_session_does_not_reach_a_namesake",
];
/// Files that still open with no sentence or a long one.
const KNOWN_OPENINGS: &[&str] = &[];

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

#[test]
fn integration_tests_stay_below_60_lines() {
    let all = files(
        &["tests", "schema/tests", "actors/tests", "config/tests"],
        ".rs",
    );
    let findings: Vec<_> = all
        .iter()
        .flat_map(|file| long_tests(file, KNOWN_LONG_TESTS))
        .collect();
    check("test length", &findings, &[]);
}

/// Tests of more than [`LONGEST_TEST`] lines.
fn long_tests(file: &File, known: &[&str]) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let is_test = |line: &str| {
        matches!(
            line.trim(),
            "#[test]" | "#[tokio::test]" | "#[actix_rt::test]"
        )
    };
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_test(line)) {
        let indent = &line[..line.len() - line.trim_start().len()];
        let Some(first) = lines[at..].iter().position(|line| line.contains("fn ")) else {
            continue;
        };
        let end = format!("{indent}}}");
        let body = lines[at + first..]
            .iter()
            .take_while(|line| **line != end)
            .count()
            + 1;
        let name = lines[at + first]
            .split("fn ")
            .nth(1)
            .and_then(|rest| rest.split('(').next())
            .unwrap_or("");
        if body > LONGEST_TEST && !known.contains(&name) {
            let advice = format!(
                "{name} has {body} lines; share its set-up or split it (at most {LONGEST_TEST})"
            );
            found.push(Finding::new(file, at + first + 1, advice));
        }
    }
    found
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

#[test]
fn a_long_test_is_found_unless_it_is_known() {
    let lines = |count| "        step();\n".repeat(count);
    let text = format!(
        "mod tests {{\n    #[test]\n    fn long() {{\n{}    }}\n\n    #[test]\n    fn short() {{\n{}    }}\n}}\n",
        lines(59),
        lines(58)
    );
    let file = File::new("src/x.rs", &text);
    let found = long_tests(&file, &[]);
    assert_eq!(
        found.iter().map(|finding| finding.line).collect::<Vec<_>>(),
        [3]
    );
    assert_eq!(long_tests(&file, &["long"]), []);
}
