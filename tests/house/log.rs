//! Log lines: fields have known names, messages are fixed, and the reference has all of them.

use std::collections::BTreeSet;

use crate::source::{File, Finding, check, files, root};

/// The document with all messages at INFO, WARN and ERROR.
const REFERENCE: &str = "docs/reference/log.md";
/// Every field of a log line. A new name needs a row in the reference.
const FIELDS: &str = "address by call_id caller certificate changed changes client clients content_type copied cseq data days \
    descriptors destination direction edition enabled entries error event expires facts file folder former from interface is_new kept \
    lacks left_out length licence licensed_lines licensed_phones limit line lines listed listening maker maximum message method \
    monitor monitors name note notification outcome path peer phone phones pid place reason request response root seconds seconds_left service \
    sessions setting signal state status times to trace trusted undo until user user_agent users version wanted";

/// One call of a macro of `tracing`.
#[derive(Debug, PartialEq)]
struct Call {
    line: usize,
    level: &'static str,
    fields: Vec<String>,
    /// As in the source; an expression if it is no literal.
    message: String,
}

#[test]
fn fields_of_log_lines_have_known_names() {
    let known: BTreeSet<&str> = FIELDS.split_whitespace().collect();
    let mut findings = Vec::new();
    for file in sources() {
        for call in calls(&file.text) {
            let unknown = call
                .fields
                .iter()
                .filter(|name| !known.contains(name.as_str()));
            findings.extend(unknown.map(|name| {
                let advice =
                    format!("unknown field `{name}`: use a known one, or add it to FIELDS");
                Finding::new(&file, call.line, advice)
            }));
        }
    }
    check("fields of log lines", &findings, &[]);
}

#[test]
fn messages_of_log_lines_have_no_values() {
    let mut findings = Vec::new();
    for file in sources() {
        for call in calls(&file.text) {
            let is_fixed = !call.message.contains('=') && !has_value(&call.message);
            if !is_fixed && !call.message.ends_with(".text()") {
                let advice = "put values into fields, and no = into the message";
                findings.push(Finding::new(&file, call.line, advice));
            }
        }
    }
    check("messages of log lines", &findings, &[]);
}

#[test]
fn reference_has_all_messages_of_the_log() {
    let reference = std::fs::read_to_string(root().join(REFERENCE)).unwrap();
    let documented: BTreeSet<String> = rows(&reference).collect();
    let mut logged = BTreeSet::new();
    for file in sources() {
        let calls = calls(&file.text).into_iter();
        let calls = calls.filter(|call| ["info", "warn", "error"].contains(&call.level));
        let literal = calls.filter(|call| !call.message.ends_with(".text()"));
        logged.extend(literal.map(|call| written(&call.message)));
        logged.extend(texts(&file.text));
    }
    let missing: Vec<_> = logged.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&logged).collect();
    assert!(missing.is_empty(), "not in {REFERENCE}: {missing:#?}");
    assert!(
        stale.is_empty(),
        "in {REFERENCE}, but not logged: {stale:#?}"
    );
}

/// The files of the server's crates, without tests.
fn sources() -> Vec<File> {
    let mut all = files(&["schema/src", "actors/src", "config/src", "src"], ".rs");
    all.retain(|file| !file.is_test());
    for file in &mut all {
        if let Some(at) = file.text.find("#[cfg(test)]\nmod tests {") {
            file.text.truncate(at);
        }
    }
    all
}

/// A placeholder other than a constant.
fn has_value(message: &str) -> bool {
    let mut names = message.split('{').skip(1);
    names.any(|name| !name.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The message as the reference shows it: `…` for each constant, and no escapes.
fn written(message: &str) -> String {
    let mut parts = message.split('{');
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        text.push('…');
        text.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    text.replace("\\\"", "\"")
}

/// The messages of the first column of the reference's tables.
fn rows(reference: &str) -> impl Iterator<Item = String> {
    let rows = reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once("` |"))
        .map(|(message, _)| message.to_owned())
        .filter(|message| !message.ends_with('='))
}

/// The literals of functions `text`, from which some messages come.
fn texts(source: &str) -> Vec<String> {
    let Some((_, body)) = source.split_once("fn text(") else {
        return Vec::new();
    };
    let body = body.split("\n    }\n").next().unwrap_or("");
    let literals = body.split('"').skip(1).step_by(2);
    let messages = literals.filter(|text| text.len() > 2);
    messages.map(str::to_owned).collect()
}

fn calls(source: &str) -> Vec<Call> {
    let mut found = Vec::new();
    for level in ["info", "warn", "error", "debug", "trace"] {
        for (at, _) in source.match_indices(&format!("{level}!(")) {
            let start = at + level.len() + 2;
            let before = source[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let mut parts = arguments(&source[start..]);
            let literal = parts.iter().position(|part| part.starts_with('"'));
            let rest = literal.map_or_else(Vec::new, |at| parts.split_off(at));
            let message = match rest.as_slice() {
                [text] => text.trim_matches('"').to_owned(),
                // A message that is an expression.
                [.., expression] => expression.clone(),
                [] => String::new(),
            };
            parts.retain(|part| !part.starts_with("target:"));
            found.push(Call {
                line: source[..at].lines().count(),
                level,
                fields: parts.iter().map(|part| name(part)).collect(),
                message,
            });
        }
    }
    found
}

/// The arguments of a macro, whose text begins after its `(`.
fn arguments(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut depth, mut in_text, mut escaped) = (0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            ')' if depth == 0 => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(part.trim().to_owned());
                part.clear();
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part.trim().to_owned());
    parts.retain(|part| !part.is_empty());
    parts
}

/// `phone` of `phone = %self.phone`, of `%phone` and of `%self.phone`.
fn name(field: &str) -> String {
    let name = field.split('=').next().unwrap_or("").trim();
    let name = name.trim_start_matches(['%', '?']);
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

#[test]
fn fields_and_message_of_a_call_are_read() {
    let source =
        "\ntracing::warn!(%phone, who = a(1, \"x, y\"), self.line, \"phone \\\"a\\\" left\");";
    let [call] = calls(source).try_into().unwrap();
    assert_eq!((call.line, call.level), (2, "warn"));
    assert_eq!(call.fields, ["phone", "who", "line"]);
    assert_eq!(written(&call.message), "phone \"a\" left");
    let dynamic = calls("error!(target: X, a, \"{}\", it.text())");
    assert_eq!(
        (dynamic[0].fields.len(), &*dynamic[0].message),
        (1, "it.text()")
    );
    assert!(has_value("of {name}") && has_value("{}") && !has_value("{MOST} of"));
    assert_eq!(written("more than {MOST} octets"), "more than … octets");
    assert_eq!(
        texts("fn text(x) {\n  A => \"a b\",\n    }\n\"c\""),
        ["a b"]
    );
}
