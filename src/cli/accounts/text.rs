//! Accounts as tables and lines of text.

use std::fmt::Write as _;

use serde_json::Value;
use uacsta_schema::escape_controls;

use crate::cli::{table::columns, time::local_time};

/// How many lines of a right the table names.
const NAMED: usize = 4;

/// The list of accounts, a line each.
pub(super) fn table(list: &Value) -> String {
    let mut rows = vec![["USER", "KEPT IN", "RIGHTS", "NUMBERS"].map(str::to_owned)];
    let items = list["items"].as_array().into_iter().flatten();
    rows.extend(items.map(|one| {
        let rights: Vec<String> = rights(one, NAMED).collect();
        let kept_in = match one["source"].as_str() {
            Some("operator") => "data folder",
            other => other.unwrap_or_default(),
        };
        [
            text(&one["user"]),
            kept_in.to_owned(),
            match rights.is_empty() {
                true => "none".to_owned(),
                false => rights.join("; "),
            },
            texts(&one["numbers"]).join(","),
        ]
    }));
    columns(&rows)
}

/// An account, a line for each member and right.
pub(super) fn details(account: &Value) -> String {
    let mut page = String::new();
    let mut line = |title: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{title:8}  {value}");
    };
    line("user", &text(&account["user"]));
    line("id", &text(&account["id"]));
    match account["createdAt"].as_str() {
        Some(at) => line("created", &local_time(at)),
        None => line("kept in", "settings, where it is changed"),
    }
    for right in rights(account, usize::MAX) {
        line("right", &right);
    }
    if rights(account, 1).next().is_none() {
        line("right", "none");
    }
    for number in texts(&account["numbers"]) {
        line("number", &number);
    }
    page
}

/// The rights of an account in words, with the names of at most so many lines each.
fn rights(account: &Value, most: usize) -> impl Iterator<Item = String> {
    let rights = account["rights"].as_array().into_iter().flatten();
    rights.map(move |right| {
        let lines = texts(&right["lines"]);
        let more = match lines.len().saturating_sub(most) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<_> = lines.into_iter().take(most).collect();
        let lines = match &*named.join(",") {
            "*" => "all lines".to_owned(),
            named => format!("{named}{more}"),
        };
        format!("{} {lines}", text(&right["level"]))
    })
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

fn text(value: &Value) -> String {
    escape_controls(value.as_str().unwrap_or_default(), &[]).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accounts_are_listed_and_shown_with_their_rights() {
        let mut crm = json!({
            "id": "5f0e6b1c9a42", "user": "crm", "source": "operator", "locked": false,
            "rights": [{ "level": "watch", "lines": ["*"] }, { "level": "control", "lines": ["1", "2", "3", "4", "5", "6"] }],
            "numbers": ["+4930123"], "createdAt": "2026-12-02T08:00:00.000Z",
        });
        let board = json!({ "id": "board", "user": "board\n", "source": "settings", "rights": [], "numbers": [], "createdAt": null });
        assert_eq!(
            table(&json!({ "items": [board, crm] })),
            "\
USER     KEPT IN      RIGHTS                                       NUMBERS
board\\n  settings     none
crm      data folder  watch all lines; control 1,2,3,4 and 2 more  +4930123
"
        );
        let created = local_time("2026-12-02T08:00:00.000Z");
        let expected = format!(
            "\
user      crm
id        5f0e6b1c9a42
created   {created}
right     watch all lines
right     control 1,2,3,4,5,6
number    +4930123
"
        );
        assert_eq!(details(&crm), expected);
        crm["rights"] = json!([]);
        assert!(details(&crm).contains("\nright     none\n"));
        assert!(details(&board).contains("kept in   settings, where"));
    }
}
