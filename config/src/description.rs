//! The descriptions of settings, which are the comments of `default.toml`.

use std::collections::BTreeMap;

use crate::{
    catalogue::{Maximum, Range, Row, Unit, row},
    value::ByteSize,
};

/// The description of each setting by its key: the comment above it and the one behind it, without the range.
pub(crate) fn descriptions() -> BTreeMap<String, String> {
    comments(include_str!("../default.toml"))
        .into_iter()
        .map(|(key, comment)| {
            let text = row(&key).map_or_else(|| comment.clone(), |row| plain(&comment, row));
            (key, sentence(&text))
        })
        .collect()
}

/// The comments that belong to each key.
fn comments(text: &str) -> BTreeMap<String, String> {
    let (mut section, mut above) = (String::new(), Vec::new());
    let mut comments = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            above.push(comment.trim());
            continue;
        }
        let (code, behind) = line.split_once(" # ").unwrap_or((line, ""));
        if let Some(name) = code.trim().strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, _)) = code.split_once(" = ") {
            let parts = above.iter().copied().chain([behind.trim()]);
            let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
            comments.insert(format!("{section}.{key}"), parts.join(" "));
        }
        above.clear();
    }
    comments
}

/// The comment without what the row says: the range, and the unit before a colon.
fn plain(comment: &str, row: &Row) -> String {
    let Some(range) = row.range else {
        return comment.to_owned();
    };
    let text = comment.replacen(&format!(" {}", range_text(range, row.unit)), "", 1);
    match text.strip_prefix("seconds: ") {
        Some(text) => text.to_owned(),
        None => text,
    }
}

/// The range as comments have it: `(60 to 86400)`, `(10 to sip_expires)`.
fn range_text(range: Range, unit: Option<Unit>) -> String {
    let number = |number: u64| match unit {
        Some(Unit::Bytes) => ByteSize::new(number).to_string(),
        _ => number.to_string(),
    };
    let most = match range.maximum {
        Maximum::Number(most) => number(most),
        Maximum::Setting(key) => key.rsplit('.').next().unwrap_or(key).to_owned(),
    };
    format!("({} to {most})", number(range.minimum))
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalogue::ROWS;

    #[test]
    fn comments_of_default_toml_have_the_ranges_of_the_catalogue() {
        let comments = comments(include_str!("../default.toml"));
        for row in ROWS {
            let comment = comments.get(row.key).map_or("", String::as_str);
            assert!(comment.len() > 10, "{}: no comment: {comment:?}", row.key);
            let said = comment
                .split('(')
                .skip(1)
                .filter_map(|part| part.split(')').next());
            let ranges: Vec<_> = said
                .filter(|part| {
                    part.contains(" to ") && part.starts_with(|c: char| c.is_ascii_digit())
                })
                .map(|part| format!("({part})"))
                .collect();
            let expected = row.range.map(|range| range_text(range, row.unit));
            assert_eq!(ranges, Vec::from_iter(expected), "{}: {comment}", row.key);
            let is_time = comment.starts_with("seconds ");
            assert_eq!(
                is_time,
                row.unit == Some(Unit::Seconds),
                "{}: {comment}",
                row.key
            );
            for word in row.choices {
                let words = ["advanced.digest"].contains(&row.key) || comment.contains(word);
                assert!(words, "{}: {word} is missing: {comment}", row.key);
            }
        }
        assert_eq!(comments.len(), ROWS.len());
    }

    #[test]
    fn descriptions_are_sentences_without_range() {
        let descriptions = descriptions();
        for (key, expected) in [
            (
                "advanced.sip_expires",
                "The longest registration, and session interval with phones.",
            ),
            (
                "advanced.arbiters",
                "Event loops; 0: the number that measured best.",
            ),
            (
                "limits.message_time",
                "Seconds from a message's first octet to its last.",
            ),
            ("tls.key", "PEM file of its private key."),
        ] {
            assert_eq!(descriptions.get(key).unwrap(), expected);
        }
        let trusted = descriptions.get("clients.trusted").unwrap();
        assert!(
            trusted.starts_with("Front ends that are not challenged"),
            "{trusted}"
        );
        assert!(trusted.ends_with("those of clients.user."), "{trusted}");
    }
}
