//! Errors of serde and config-rs as sentences that name the key and repeat no secret.

use config::ConfigError;

use crate::suggestion::with_suggestion;

/// The invalid key and the rest of the sentence that starts with it.
pub(super) fn explain(error: &ConfigError) -> (String, String) {
    match error {
        ConfigError::At { error, key, .. } => {
            let (inner, what) = explain(error);
            (key.as_deref().map_or(inner, dotted), what)
        }
        ConfigError::Type {
            unexpected,
            expected,
            key,
            ..
        } => {
            let found = match unexpected.to_string() {
                // A number is no secret.
                number if expected.contains("integer") && number.ends_with('`') => number,
                found => kind_of(&found),
            };
            let what = format!("is {found}, but must be {expected}");
            (key.as_deref().map(dotted).unwrap_or_default(), what)
        }
        ConfigError::NotFound(key) => (dotted(key), "is missing".to_owned()),
        ConfigError::Message(message) if message.starts_with("is ") => {
            (String::new(), message.clone())
        }
        other => {
            let message = other.to_string();
            let what = mistyped(&message)
                .unwrap_or_else(|| format!("cannot be used: {}", with_suggestion(&message)));
            (String::new(), what)
        }
    }
}

/// serde's message for a value of the wrong type, without the value: it may be a password in the wrong place.
fn mistyped(message: &str) -> Option<String> {
    let said = message.strip_prefix("invalid ")?;
    let (_, said) = said.split_once(": ")?;
    // The value may contain the words, the expected type does not.
    let (found, expected) = said.rsplit_once(", expected ")?;
    let expected = match expected.starts_with("struct ") {
        true => "a table",
        false => expected,
    };
    Some(format!("is {}, but must be {expected}", kind_of(found)))
}

/// The type of a value that follows in quotes.
fn kind_of(found: &str) -> String {
    let kind = found.split(['"', '`']).next().unwrap_or_default().trim();
    let article = match kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    };
    format!("{article} {kind}")
}

/// config-rs omits the dot in `accounts[0].password`.
fn dotted(key: &str) -> String {
    key.replace(']', "].")
        .replace("]..", "].")
        .replace("].[", "][")
        .trim_end_matches('.')
        .to_owned()
}
