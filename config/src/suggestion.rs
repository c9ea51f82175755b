//! Suggests the setting or section that an unknown one resembles.

use std::collections::BTreeMap;

use config::{Map, Value, ValueKind};

/// The section most similar to the unknown one, as its heading.
pub(crate) fn nearest_section(
    wrong: &str,
    known: &Map<String, Value>,
    within: &str,
) -> Option<String> {
    known
        .iter()
        .filter(|(_, value)| matches!(value.kind, ValueKind::Table(_)))
        .map(|(key, _)| join(within, key))
        .map(|name| (distance(&name, wrong), name))
        .min()
        .filter(|(distance, _)| *distance <= 1 + wrong.len() / 3)
        .map(|(_, name)| format!("[{name}]"))
}

pub(crate) fn unknown(near: Option<String>) -> String {
    match near {
        Some(near) => format!("is not a setting; did you mean {near}?"),
        None => "is not a setting; default.toml lists them all".to_owned(),
    }
}

/// The known key most similar to `wrong`, if one is similar.
pub(crate) fn nearest(wrong: &str, keys: &BTreeMap<String, Value>) -> Option<String> {
    let last = wrong.rsplit('.').next().unwrap_or(wrong);
    let rate = |key: &String| {
        let own = key.rsplit('.').next().unwrap_or(key);
        let whole = distance(key, wrong);
        // The right key in the wrong section counts as one wrong letter.
        (whole.min(distance(own, last) + 1), whole)
    };
    keys.keys()
        .map(|key| (rate(key), key))
        .min()
        .filter(|((distance, _), _)| *distance <= 1 + last.len() / 3)
        .map(|(_, key)| key.clone())
}

/// serde's message about an unknown key, with the nearest one that is known; other messages as they are.
pub fn with_suggestion(message: &str) -> String {
    let suggested = || {
        let (wrong, rest) = message.strip_prefix("unknown field `")?.split_once('`')?;
        let (_, known) = rest.split_once("expected ")?;
        let known = known.split('`').skip(1).step_by(2);
        let near = known
            .map(|known| (distance(known, wrong), known))
            .min()
            .filter(|(distance, _)| *distance <= 1 + wrong.len() / 3)?;
        Some(format!(
            "unknown field `{wrong}`; did you mean `{}`?",
            near.1
        ))
    };
    suggested().unwrap_or_else(|| message.to_owned())
}

pub(crate) fn join(section: &str, key: &str) -> String {
    match section {
        "" => key.to_owned(),
        _ => format!("{section}.{key}"),
    }
}

/// The Levenshtein distance of two words.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            let change = diagonal + usize::from(from != to);
            left = change.min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("sip_expires", "sip_expire", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn unknown_field_is_answered_with_the_nearest() {
        let known = "expected one of `user`, `password`, `lines`";
        for (message, expected) in [
            (
                format!("unknown field `line`, {known}"),
                "unknown field `line`; did you mean `lines`?",
            ),
            (
                "unknown field `users`, expected `user`".to_owned(),
                "unknown field `users`; did you mean `user`?",
            ),
            (
                "unknown field `colour`, expected `user`".to_owned(),
                "unknown field `colour`, expected `user`",
            ),
            ("missing field `user`".to_owned(), "missing field `user`"),
        ] {
            assert_eq!(with_suggestion(&message), expected);
        }
    }

    #[test]
    fn nearest_keys() {
        let keys = [
            "advanced.sip_expires",
            "advanced.keep_alive",
            "phones.password",
            "phones.lan.tcp",
            "clients.password",
        ];
        let keys = keys.map(|key| (key.to_owned(), Value::from("")));
        let keys = BTreeMap::from(keys);
        for (wrong, right) in [
            ("advanced.sip_expire", Some("advanced.sip_expires")),
            ("advanced.sipexpires", Some("advanced.sip_expires")),
            ("sip_expires", Some("advanced.sip_expires")),
            ("phone.password", Some("phones.password")),
            ("phones.lan.tpc", Some("phones.lan.tcp")),
            ("colour", None),
        ] {
            assert_eq!(nearest(wrong, &keys).as_deref(), right, "{wrong}");
        }
    }
}
