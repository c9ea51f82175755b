//! Markdown: the width of prose, and the tests and files that documents mention.

use std::collections::BTreeSet;

use crate::source::{File, Finding, check, files};

/// The widest line of prose, in characters. Tables and blocks of code may be wider.
const WIDEST: usize = 100;
/// Documents whose prose is still wider.
const KNOWN_WIDE: &[&str] = &[];
/// Documents that still name what does not exist, and the style guide, whose examples are made up.
const KNOWN_DANGLING: &[&str] = &["docs/STYLE.md"];

#[test]
fn prose_in_documents_is_at_most_100_characters_wide() {
    let findings: Vec<_> = files(&[""], ".md").iter().flat_map(wide).collect();
    check("width of prose", &findings, KNOWN_WIDE);
}

#[test]
fn tests_and_files_that_documents_name_exist() {
    let sources = files(
        &[
            "schema", "actors", "config", "src", "tools", "tests", "benches",
        ],
        ".rs",
    );
    let tests = sources.iter().flat_map(test_names).collect();
    // A document may leave out the first folders of a path.
    let exists = |path: &str| {
        sources
            .iter()
            .any(|file| format!("/{}", file.path).ends_with(&format!("/{path}")))
    };
    let findings: Vec<_> = files(&[""], ".md")
        .iter()
        .flat_map(|file| dangling(file, &tests, &exists))
        .collect();
    check("names in documents", &findings, KNOWN_DANGLING);
}

fn wide(file: &File) -> Vec<Finding> {
    prose(&file.text)
        .filter(|(_, line)| !line.trim_start().starts_with('|') && line.chars().count() > WIDEST)
        .map(|(number, line)| {
            let advice = format!(
                "{} characters; break the line (at most {WIDEST})",
                line.chars().count()
            );
            Finding::new(file, number, advice)
        })
        .collect()
}

/// The lines outside of blocks of code, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        (!fence && !in_code && !line.starts_with("    ")).then_some((at + 1, line))
    })
}

/// What a document may call the tests of a file - the function alone, or with its modules - and the modules themselves.
fn test_names(file: &File) -> Vec<String> {
    let end = |c: char| !c.is_alphanumeric() && c != '_';
    let functions = file
        .text
        .split("fn ")
        .skip(1)
        .map(|rest| rest.split(end).next().unwrap_or(""));
    let path = file
        .path
        .trim_start_matches("tests/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod");
    let module = path.replace('/', "::");
    let names = functions.flat_map(|name| [name.to_owned(), format!("{module}::{name}")]);
    names.chain([module.clone()]).collect()
}

/// Tests and files that a document names between backticks and that do not exist.
fn dangling(file: &File, tests: &BTreeSet<String>, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, text) in prose(&file.text) {
        for name in text.split('`').skip(1).step_by(2) {
            if is_test_name(name) && !tests.contains(searched(name)) {
                let advice = format!("no test is called `{name}`; name the test as it is now");
                found.push(Finding::new(file, line, advice));
            }
            if is_path(name) && !exists(name.trim_start_matches("../")) {
                let advice = format!("no file `{name}`; name the file as it is now");
                found.push(Finding::new(file, line, advice));
            }
        }
    }
    found
}

/// With its modules where it lies in a target of ours; a unit test is named by the function.
fn searched(name: &str) -> &str {
    if name.starts_with("e2e::") || name.starts_with("faults::") {
        return name;
    }
    name.rsplit("::").next().unwrap_or(name)
}

/// A sentence in snake case, perhaps with the modules it lies in.
fn is_test_name(name: &str) -> bool {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':');
    let in_target = name.starts_with("e2e::") || name.starts_with("faults::");
    // A metric is called `uacsta_...`.
    plain
        && !name.ends_with(':')
        && (in_target || name.matches('_').count() >= 4)
        && !name.starts_with("uacsta_")
}

fn is_path(name: &str) -> bool {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    plain && name.contains('/') && !name.starts_with('/') && name.ends_with(".rs")
}

#[test]
fn wide_prose_is_found_outside_of_tables_and_code() {
    let long = "word ".repeat(30);
    let text = format!("{long}\n| {long} |\n```\n{long}\n```\n    {long}\nshort\n");
    let found = wide(&File::new("README.md", &text));
    assert_eq!(
        found.iter().map(|finding| finding.line).collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn tests_and_files_that_do_not_exist_are_found() {
    let source = File::new(
        "tests/e2e/x.rs",
        "    fn a_test_of_that_name_here() {\nfn other(",
    );
    let tests = test_names(&source).into_iter().collect();
    let exists = |path: &str| path == "support/sip.rs";
    let names = |text: &str| dangling(&File::new("tests/README.md", text), &tests, &exists).len();
    assert_eq!(
        names("`e2e::x::a_test_of_that_name_here`, `a_test_of_that_name_here`, `support/sip.rs`"),
        0
    );
    assert_eq!(names("`e2e::x::a_test_that_is_not_there`"), 1);
    assert_eq!(names("`e2e::elsewhere::a_test_of_that_name_here`"), 1);
    assert_eq!(names("`another_test_that_is_not_there`"), 1);
    assert_eq!(names("| x | `tests/support/gone.rs` |"), 1);
    assert_eq!(
        names("`uacsta_log_lines_lost_total` and `GET /api/x.rs`"),
        0
    );
}
