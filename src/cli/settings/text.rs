//! Settings and their changes as text for people.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use uacsta_schema::escape_controls;

use crate::cli::table::columns;

/// A line for each setting: key, value and what sets it.
pub(super) fn list(answer: &Value) -> String {
    let row = |one: &Value| {
        let source = word(&one["source"]);
        let locked = if one["locked"] == true {
            ", locked"
        } else {
            ""
        };
        [word(&one["key"]), value_of(one), source + locked]
    };
    let mut rows = vec![["KEY", "VALUE", "SET BY"].map(str::to_owned)];
    rows.extend(items(answer).iter().map(row));
    columns(&rows)
}

/// All that is known of a setting.
pub(super) fn setting(one: &Value) -> String {
    let mut rows = vec![
        ["value".to_owned(), value_of(one)],
        ["default".to_owned(), value(&one["default"])],
        ["set by".to_owned(), word(&one["source"])],
    ];
    if one["place"].is_string() {
        rows.push(["place".to_owned(), word(&one["place"])]);
    }
    if one["locked"] == true {
        let why = "the environment or admin.toml sets it; it cannot be set here";
        rows.push(["locked".to_owned(), why.to_owned()]);
    }
    let [least, most] = [&one["minimum"], &one["maximum"]].map(value);
    if !one["minimum"].is_null() {
        rows.push(["range".to_owned(), format!("{least} to {most}")]);
    }
    if one["unit"].is_string() {
        rows.push(["unit".to_owned(), word(&one["unit"])]);
    }
    let choices: Vec<String> = one["choices"]
        .as_array()
        .into_iter()
        .flatten()
        .map(word)
        .collect();
    if !choices.is_empty() {
        rows.push(["choices".to_owned(), choices.join(", ")]);
    }
    let applies = match one["applies"].as_str() {
        Some("nextConnection") => "with the next connection",
        Some("nextStart") => "after a restart",
        _ => "at once",
    };
    rows.push(["applies".to_owned(), applies.to_owned()]);
    format!(
        "{}\n{}{}\n",
        word(&one["key"]),
        columns(&rows),
        word(&one["description"])
    )
}

/// The settings that changed, and how to undo that.
pub(super) fn changed(answer: &Value) -> String {
    let mut text = String::new();
    for one in items(answer) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} is {} ({})",
            word(&one["key"]),
            value_of(one),
            word(&one["source"])
        );
        if one["applies"] == "nextStart" {
            text.push_str("it applies after a restart\n");
        }
    }
    if let Some(id) = answer["undo"]["id"].as_str() {
        let _ = writeln!(
            text,
            "to undo it within a minute: uacsta settings undo {id}"
        );
    }
    text
}

/// A line for each change of a setting.
pub(super) fn history(answer: &Value) -> String {
    let row = |one: &Value| {
        let time = one["at"]
            .as_str()
            .and_then(|at| at.parse::<Timestamp>().ok());
        let time = time.map(|time| time.to_zoned(TimeZone::system()));
        [
            time.map_or_else(String::new, |time| {
                time.strftime("%Y-%m-%d %H:%M:%S").to_string()
            }),
            word(&one["by"]),
            word(&one["key"]),
            value(&one["before"]),
            value(&one["after"]),
            word(&one["source"]),
            word(&one["change"]),
        ]
    };
    let titles = ["TIME", "BY", "KEY", "BEFORE", "AFTER", "SET BY", "CHANGE"];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(items(answer).iter().map(row));
    columns(&rows)
}

fn items(answer: &Value) -> &[Value] {
    answer["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The value of a setting; of a secret, whether it is set.
fn value_of(setting: &Value) -> String {
    match setting["isSet"].as_bool() {
        Some(true) => "(set)".to_owned(),
        Some(false) => "(not set)".to_owned(),
        None => value(&setting["value"]),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(secret)".to_owned(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(_) => word(value),
        value => escape_controls(&value.to_string(), &[]).into_owned(),
    }
}

fn word(value: &Value) -> String {
    escape_controls(value.as_str().unwrap_or_default(), &[]).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_shown_with_what_sets_them() {
        let timeout = json!({
            "key": "advanced.request_timeout", "value": 5, "isSet": null, "default": 8, "source": "environment",
            "place": "environment variable UACSTA__ADVANCED__REQUEST_TIMEOUT", "locked": true, "unit": "seconds",
            "minimum": 1, "maximum": 30, "choices": [], "description": "The time.", "applies": "atOnce",
        });
        let password = json!({
            "key": "web.password", "value": null, "isSet": true, "default": null, "source": "operator", "locked": false,
            "applies": "nextConnection",
        });
        let answer = json!({ "items": [timeout, password] });
        let expected = "\
KEY                       VALUE  SET BY
advanced.request_timeout  5      environment, locked
web.password              (set)  operator
";
        assert_eq!(list(&answer), expected);
        let expected = "\
advanced.request_timeout
value    5
default  8
set by   environment
place    environment variable UACSTA__ADVANCED__REQUEST_TIMEOUT
locked   the environment or admin.toml sets it; it cannot be set here
range    1 to 30
unit     seconds
applies  at once
The time.
";
        assert_eq!(setting(&timeout), expected);
    }

    #[test]
    fn change_is_shown_with_its_undo() {
        let arbiters = json!({ "key": "advanced.arbiters", "value": 2, "source": "operator", "applies": "nextStart" });
        let answer = json!({ "items": [arbiters], "undo": { "id": "1a" } });
        let expected = "advanced.arbiters is 2 (operator)\nit applies after a restart\n\
                        to undo it within a minute: uacsta settings undo 1a\n";
        assert_eq!(changed(&answer), expected);
    }
}
