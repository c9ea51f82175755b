//! Reads the files that the guards check, and reports what a guard found.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The source folders of all crates.
pub(crate) const CRATES: [&str; 7] = [
    "schema/src",
    "actors/src",
    "config/src",
    "src",
    "tools/connect/src",
    "tools/simulator/src",
    "tools/console/src",
];

/// A text file of the repository; `path` is relative to its root.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Holds tests and nothing else.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

/// One broken rule: where, and what to do about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) advice: String,
}

impl Finding {
    pub(crate) fn new(file: &File, line: usize, advice: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line,
            advice: advice.into(),
        }
    }
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folders` whose name ends with `extension`, in order of their paths.
pub(crate) fn files(folders: &[&str], extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), extension, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no {extension} file below {folders:?}");
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, extension, found);
            }
        } else if name.ends_with(extension) {
            let relative = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            found.push(File {
                path: relative,
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

/// The code of a file without its inline test modules, as (line number, line).
pub(crate) fn production_lines(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let opens_tests = line == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'));
        if opens_tests {
            // rustfmt puts the brace that closes the module alone at the start of a line.
            for (_, line) in lines.by_ref() {
                if line == "}" {
                    break;
                }
            }
        } else {
            kept.push((number + 1, line));
        }
    }
    kept
}

/// Fails with every finding in a file that is not among `known`; with `CI` set also for a known file without findings.
pub(crate) fn check(rule: &str, findings: &[Finding], known: &[&str]) {
    let new: Vec<_> = findings
        .iter()
        .filter(|finding| !known.contains(&finding.path.as_str()))
        .map(|finding| format!("{}:{}: {}", finding.path, finding.line, finding.advice))
        .collect();
    let stale = stale(findings, known);
    let strict = std::env::var_os("CI").is_some();
    assert!(
        !strict || stale.is_empty(),
        "{rule}: remove from the known exceptions: {stale:?}"
    );
    assert!(new.is_empty(), "{rule}:\n  {}", new.join("\n  "));
}

/// Known exceptions without a finding.
fn stale<'a>(findings: &[Finding], known: &[&'a str]) -> Vec<&'a str> {
    let is_found = |path: &str| findings.iter().any(|finding| finding.path == path);
    known
        .iter()
        .copied()
        .filter(|path| !is_found(path))
        .collect()
}

#[test]
fn a_known_exception_without_a_finding_is_stale() {
    let findings = [Finding::new(
        &File::new("src/known.rs", ""),
        3,
        "shorten it",
    )];
    assert_eq!(
        stale(&findings, &["src/known.rs", "src/mended.rs"]),
        ["src/mended.rs"]
    );
}

#[test]
fn inline_test_modules_are_left_out_and_line_numbers_stay() {
    let text =
        "one\n#[cfg(test)]\nmod tests {\n    fn x() {\n    }\n}\nseven\n#[cfg(test)]\nmod tests;";
    assert_eq!(
        production_lines(text),
        [
            (1, "one"),
            (7, "seven"),
            (8, "#[cfg(test)]"),
            (9, "mod tests;")
        ]
    );
}

#[test]
fn a_file_of_tests_is_recognised_by_its_path() {
    assert!(File::new("src/store/tests.rs", "").is_test());
    assert!(File::new("schema/src/csta/document/tests/telling.rs", "").is_test());
    assert!(!File::new("src/store/mod.rs", "").is_test());
}

#[test]
#[should_panic(expected = "src/new.rs:3: shorten it")]
fn a_finding_outside_the_known_exceptions_fails() {
    let finding = |path| Finding::new(&File::new(path, ""), 3, "shorten it");
    check(
        "length",
        &[finding("src/known.rs"), finding("src/new.rs")],
        &["src/known.rs"],
    );
}
