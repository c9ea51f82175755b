//! Parses a log line, in the text format or as JSON, into its time, level, part, message and fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uacsta_config::Level;

/// A log line. Of a line that is not one of ours only the text is known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entry {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Its severity.
    pub level: Option<Level>,
    /// The part of the program.
    pub part: Option<String>,
    /// What happened.
    pub message: Option<String>,
    /// The fields, as texts.
    pub fields: BTreeMap<String, String>,
    /// The whole line.
    pub text: String,
}

impl Entry {
    /// Parses a line.
    pub fn parse(text: &str) -> Self {
        let parsed = match text.starts_with('{') {
            true => of_json(text),
            false => of_text(text),
        };
        Self {
            text: text.to_owned(),
            ..parsed.unwrap_or_default()
        }
    }
}

/// The time of a line.
pub(super) fn time_of(line: &[u8]) -> Option<Timestamp> {
    let line = String::from_utf8_lossy(line);
    let json = line.strip_prefix("{\"timestamp\":\"");
    let text = json.unwrap_or(&line);
    text.split(['"', ' ']).next()?.parse().ok()
}

fn level_of(word: &str) -> Option<Level> {
    Level::try_from(word.to_owned()).ok()
}

fn of_json(line: &str) -> Option<Entry> {
    let mut members: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut text = |name: &str| match members.remove(name)? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    let at = text("timestamp")?.parse().ok()?;
    let level = level_of(&text("level")?)?;
    let [part, message] = ["target", "message"].map(text);
    let fields = members.into_iter().map(|(name, value)| match value {
        Value::String(text) => (name, text),
        other => (name, other.to_string()),
    });
    Some(Entry {
        at: Some(at),
        level: Some(level),
        part,
        message,
        fields: fields.collect(),
        text: String::new(),
    })
}

fn of_text(line: &str) -> Option<Entry> {
    let (time, rest) = line.split_once(' ')?;
    let (level, rest) = rest.trim_start().split_once(' ')?;
    let (part, rest) = rest.split_once(": ")?;
    let (message, fields) = split(rest);
    Some(Entry {
        at: Some(time.parse().ok()?),
        level: Some(level_of(level)?),
        part: Some(part.to_owned()),
        message: Some(message.to_owned()),
        fields,
        text: String::new(),
    })
}

/// Message and fields. A value that has spaces is quoted.
fn split(text: &str) -> (&str, BTreeMap<String, String>) {
    let mut fields = BTreeMap::new();
    let mut message = text.len();
    let (mut at, mut rest) = (0, text);
    while !rest.is_empty() {
        let length = word_length(rest);
        let word = &rest[..length];
        let field = word.split_once('=').filter(|(name, _)| is_name(name));
        match field {
            Some((name, value)) => {
                message = message.min(at);
                fields.insert(name.to_owned(), unquoted(value));
            }
            // What stands behind a field without being one belongs to the message of a library.
            None if fields.is_empty() => {}
            None => return (text, BTreeMap::new()),
        }
        at += length;
        rest = &text[at..];
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        at += spaces;
        rest = &text[at..];
    }
    (text[..message].trim_end(), fields)
}

/// The length of the first word. Spaces within quotes belong to it.
fn word_length(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            // Quotes begin a value.
            '"' => quoted = !quoted && text[..at].ends_with('='),
            ' ' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
}

/// A value without its quotes. The escapes of control characters stay.
fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            c => {
                if escaped && !"\"\\".contains(c) {
                    text.push('\\');
                }
                text.push(c);
                escaped = false;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Part, level, message and fields, as `name=value` a field.
    fn parsed(line: &str) -> String {
        let entry = Entry::parse(line);
        let fields = entry.fields.iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let level = entry.level.map_or("-", Level::as_str);
        let part = entry.part.unwrap_or_default();
        let message = entry.message.unwrap_or_default();
        format!("{level}|{part}|{message}|{}", fields.join("|"))
    }

    #[test]
    fn lines_of_both_formats_have_the_same_parts() {
        let time = "2026-12-02T10:45:22.002+01:00";
        for (text, json, expected) in [
            (
                "  INFO uacsta::a::b: client logged on client=ecsta trusted=false",
                r#""level":"INFO","message":"client logged on","client":"ecsta","trusted":false,"target":"uacsta::a::b""#,
                "info|uacsta::a::b|client logged on|client=ecsta|trusted=false",
            ),
            (
                r#" ERROR uacsta: failed: twice error="say \"yes\" \\ a=b\n" times=2"#,
                r#""level":"ERROR","message":"failed: twice","error":"say \"yes\" \\ a=b\\n","times":2,"target":"uacsta""#,
                r#"error|uacsta|failed: twice|error=say "yes" \ a=b\n|times=2"#,
            ),
            (
                "  WARN rustls: odd",
                r#""level":"WARN","message":"odd","target":"rustls""#,
                "warn|rustls|odd|",
            ),
        ] {
            assert_eq!(parsed(&format!("{time}{text}")), expected);
            let json = format!("{{\"timestamp\":\"{time}\",{json}}}");
            assert_eq!(parsed(&json), expected);
            assert_eq!(time_of(json.as_bytes()), Some(time.parse().unwrap()));
        }
    }

    #[test]
    fn line_that_cannot_be_parsed_is_kept_as_text() {
        for line in [
            "",
            "x",
            "{",
            "{}",
            "2026-12-02T10:45:22.002+01:00",
            "2026-12-02T10:45:22.002+01:00  LOUD a: b",
            "then  INFO a: b",
            "{\"timestamp\":\"then\",\"level\":\"INFO\"}",
        ] {
            assert_eq!(parsed(line), "-|||", "{line}");
            assert_eq!(Entry::parse(line).text, line);
        }
        let line = "2026-12-02T10:45:22.002Z DEBUG h: x a=1 is \"not=a b\" field";
        assert_eq!(parsed(line), "debug|h|x a=1 is \"not=a b\" field|");
    }
}
