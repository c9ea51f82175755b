//! `uacsta accounts` and `uacsta accounts tokens` against a running server.

use std::{
    fs::{self, File},
    process::Output,
};

use serde_json::{Value, json};

use crate::support::{
    process::{Serving, finish, program},
    server::http,
};

/// Runs `uacsta accounts` with a password on standard input.
fn accounts(server: &Serving, arguments: &[&str]) -> Output {
    let password = server.data().join("password.txt");
    fs::write(&password, "let the crm dial\n").unwrap();
    let mut command = program();
    command.arg("accounts").args(arguments).arg("--data");
    command.arg(server.data());
    finish(command.stdin(File::open(password).unwrap()))
}

/// What it prints when it succeeds.
#[track_caller]
fn said(server: &Serving, arguments: &[&str]) -> String {
    let output = accounts(server, arguments);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {wrong}");
    String::from_utf8(output.stdout).unwrap()
}

/// That it fails, with these words on standard error.
#[track_caller]
fn fails(server: &Serving, arguments: &[&str], code: i32, words: &[&str]) {
    let output = accounts(server, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

fn serving() -> Serving {
    Serving::start(tempfile::tempdir().unwrap(), "")
}

#[test]
fn accounts_are_added_listed_changed_and_removed() {
    let server = serving();
    let rights = ["--watch", "*", "--control", "215,216"];
    let add = [&["add", "crm", "--number", "+4930123"][..], &rights].concat();
    assert_eq!(said(&server, &add), "crm is added\n");
    let list = said(&server, &[]);
    let crm = list.lines().find(|line| line.starts_with("crm ")).unwrap();
    let columns: Vec<_> = crm
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    let expected = [
        "crm",
        "data folder",
        "watch all lines; control 215,216",
        "+4930123",
    ];
    assert_eq!(columns, expected, "{list}");
    assert!(list.contains("ecsta  settings"), "{list}");
    let shown = said(&server, &["show", "crm"]);
    assert!(shown.contains("right     control 215,216\n"), "{shown}");
    let set = said(&server, &["set", "crm", "--control", "*"]);
    assert!(
        set.contains("right     control all lines\nnumber    +4930123\n"),
        "{set}"
    );
    let set = said(
        &server,
        &["set", "crm", "--no-rights", "--no-numbers", "--json"],
    );
    let set: Value = serde_json::from_str(&set).unwrap();
    assert_eq!((&set["rights"], &set["numbers"]), (&json!([]), &json!([])));
    let kept = || fs::read_to_string(server.data().join("accounts.json")).unwrap();
    assert!(!kept().contains("let the crm dial"));
    assert_eq!(
        said(&server, &["password", "crm"]),
        "crm has a new password\n"
    );
    assert_eq!(said(&server, &["remove", "crm"]), "crm is removed\n");
    assert!(!kept().contains("crm"), "{}", kept());
}

#[test]
fn mistakes_are_named_with_what_to_do() {
    let server = serving();
    said(&server, &["add", "crm"]);
    fails(&server, &["add", "CRM"], 1, &["CRM"]);
    fails(&server, &["add", "x:y"], 2, &["user", "colon"]);
    fails(&server, &["set", "crm"], 2, &["--control", "--no-rights"]);
    fails(&server, &["show", "nobody"], 1, &["nobody"]);
    fails(&server, &["remove", "ecsta"], 1, &["clients.user"]);
    fails(
        &server,
        &["set", "crm", "--watch", "group:sales"],
        2,
        &["no groups"],
    );
    fails(&server, &["tokens", "nobody"], 1, &["nobody"]);
    fails(
        &server,
        &["tokens", "crm", "add", "x", "--ends", "soon"],
        2,
        &["90d"],
    );
    fails(
        &server,
        &["tokens", "crm", "remove", "x"],
        1,
        &["no token x", "uacsta accounts tokens"],
    );
}

#[tokio::test]
async fn token_is_printed_once_used_listed_and_removed() {
    let server = serving();
    said(&server, &["add", "crm", "--status", "*"]);
    let output = accounts(
        &server,
        &["tokens", "crm", "add", "wall display", "--ends", "90d"],
    );
    let token = String::from_utf8(output.stdout).unwrap();
    let token = token.strip_suffix('\n').unwrap();
    assert!(token.starts_with("uac_") && !token.contains(char::is_whitespace));
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(note.contains("not shown again"), "{note}");
    let lines = async || http(server.web, token, "GET", "/api/v1/lines", "").await.0;
    assert_eq!(lines().await, 200);
    let list = said(&server, &["tokens", "crm"]);
    let row = list.lines().nth(1).unwrap();
    assert!(
        row.contains("  wall display  ") && row.ends_with("  127.0.0.1"),
        "{list}"
    );
    let (start, secret) = token.split_at(token.len() - 43);
    assert!(start.contains(row.split(' ').next().unwrap()), "{list}");
    let json = said(&server, &["tokens", "crm", "--json"]);
    for text in [&list, &json] {
        assert!(!text.contains(secret), "{text}");
    }
    let removed = said(&server, &["tokens", "crm", "remove", "wall display"]);
    assert_eq!(removed, "token wall display is removed\n");
    assert_eq!(lines().await, 401);
    assert_eq!(
        said(&server, &["tokens", "crm"]),
        "the account has no tokens\n"
    );
}
