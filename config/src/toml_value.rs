//! Values of TOML with their lines, and their types.

use config::{Map, Value, ValueKind};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::error::SettingsError;

pub(crate) fn line(name: &str, text: &str, at: usize) -> String {
    let before = text.as_bytes().iter().take(at);
    format!(
        "{name}, line {}",
        before.filter(|b| **b == b'\n').count() + 1
    )
}

pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn table(
    table: &DeTable<'_>,
    name: &str,
    text: &str,
) -> Result<Map<String, Value>, SettingsError> {
    table
        .iter()
        .map(|(key, item)| Ok((key.get_ref().to_string(), value(item, name, text)?)))
        .collect()
}

pub(crate) fn value(
    item: &Spanned<DeValue<'_>>,
    name: &str,
    text: &str,
) -> Result<Value, SettingsError> {
    let place = line(name, text, item.span().start);
    let kind = match item.get_ref() {
        DeValue::String(string) => ValueKind::String(string.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(ValueKind::I64)
            .map_err(|_| SettingsError::of_place(&place, "a number there is too large"))?,
        DeValue::Float(number) => ValueKind::String(number.as_str().to_owned()),
        DeValue::Boolean(boolean) => ValueKind::Boolean(*boolean),
        DeValue::Datetime(time) => ValueKind::String(time.to_string()),
        DeValue::Array(items) => ValueKind::Array(
            items
                .iter()
                .map(|item| value(item, name, text))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(items) => ValueKind::Table(table(items, name, text)?),
    };
    Ok(Value::new(Some(&place), kind))
}

/// What is wrong with a value of another type than the default's, if it has one. config-rs would convert it: 1 and "yes" into true.
pub(crate) fn mistyped(kind: &ValueKind, default: &ValueKind) -> Option<String> {
    let expected = expected_type(kind, default)?;
    // The value may be a password in the wrong place.
    Some(format!("is {}, but must be {expected}", type_of(kind)))
}

/// The type that a value should have; `None` if it has it.
fn expected_type(kind: &ValueKind, default: &ValueKind) -> Option<&'static str> {
    match (default, kind) {
        (ValueKind::Boolean(_), ValueKind::Boolean(_))
        | (ValueKind::I64(_), ValueKind::I64(_))
        | (ValueKind::Array(_), ValueKind::Array(_))
        | (ValueKind::String(_), ValueKind::String(_)) => None,
        // A size may be a number of bytes.
        (ValueKind::String(size), ValueKind::I64(_)) if size.ends_with("iB") => None,
        (ValueKind::Boolean(_), _) => Some("true or false"),
        (ValueKind::I64(_), _) => Some("an integer"),
        (ValueKind::Array(_), _) => Some("a list"),
        (ValueKind::String(_), _) => Some("a quoted string"),
        _ => None,
    }
}

fn type_of(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Boolean(_) => "a boolean",
        ValueKind::String(_) => "a string",
        ValueKind::Array(_) => "a list",
        ValueKind::Table(_) => "a table",
        _ => "a number",
    }
}
