//! The audit log of a running server: by `uacsta audit`, for reloads by signal, live, and on a full disk.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::symlink,
    process::Stdio,
};

use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    phone::Reaction,
    process::{PASSWORDS, Serving, program, run},
    server::{Server, http},
};

const PHONE: &str = r#"{"id": "00:04:13:00:00:01"}"#;

/// The entries that `uacsta audit` prints as JSON.
fn audit(server: &Serving, more: &[&str]) -> Vec<Value> {
    let data = server.data().to_str().unwrap();
    let printed = run(&[&["audit", "--json", "--data", data], more].concat());
    assert!(printed.status.success(), "{printed:?}");
    let mut list: Value = serde_json::from_slice(&printed.stdout).unwrap();
    list["items"].as_array_mut().map(std::mem::take).unwrap()
}

#[tokio::test]
async fn reload_by_signal_is_audited_with_the_settings_that_it_changed() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let changed = format!("{PASSWORDS}[advanced]\nkeep_alive = 77\n").replace("dial", "call");
    server.write_settings(&changed);
    server.send_signal("HUP");
    server.until_logged(0, "configuration reloaded").await;
    let waited = async {
        loop {
            let mut found = audit(&server, &["--who", "sighup"]);
            if let Some(entry) = found.pop() {
                return entry;
            }
        }
    };
    let entry = tokio::time::timeout(PATIENCE, waited).await.unwrap();
    assert_eq!(entry["operation"], "reloadSettings", "{entry}");
    let after = json!({ "advanced.keep_alive": 77, "clients.password": "***" });
    assert_eq!(entry["after"], after, "{entry}");
    assert_ne!(entry["before"]["advanced.keep_alive"], 77, "{entry}");
}

#[tokio::test]
async fn audit_command_lists_changes_and_follows_them() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let data = server.data().to_str().unwrap();
    let add = |phone: &str| {
        let added = run(&["phones", "add", phone, "--data", data]);
        assert!(added.status.success(), "{added:?}");
    };
    add("00:04:13:00:00:01");
    let mut follow = program();
    let follow = follow.args(["audit", "--follow", "--data", data]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let first = next();
    add("00:04:13:00:00:02");
    for (line, phone) in [(first, "000413000001"), (next(), "000413000002")] {
        let expected = format!("cli.token from 127.0.0.1  addPhone /api/v1/phones/{phone}");
        assert!(line.contains(&expected) && line.ends_with("done"), "{line}");
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
    assert_eq!(audit(&server, &["--since", "1h"]).len(), 2);
    assert!(audit(&server, &["--until", "2020-01-01"]).is_empty());
}

#[tokio::test]
async fn change_on_a_full_disk_is_made_and_audited_when_there_is_room() {
    let server = Server::start();
    let file = server.data().join("audit.jsonl");
    // What is written there finds no room (ENOSPC).
    symlink("/dev/full", &file).unwrap();
    let (status, body) = server.http("POST", "/api/v1/phones", PHONE).await;
    assert_eq!(status, 201, "{body}");
    let warned = async || {
        let status = server.get("/api/v1/status").await;
        status["warnings"]
            .to_string()
            .contains("audit log cannot be written")
    };
    let metric = async || {
        let web = server.addresses.web.unwrap();
        let (_, page) = http(web, "", "GET", "/metrics", "").await;
        page.contains("\nuacsta_audit_log_failed 1\n")
    };
    assert!(warned().await && metric().await);
    fs::remove_file(&file).unwrap();
    let recovered = async { while warned().await {} };
    tokio::time::timeout(PATIENCE, recovered).await.unwrap();
    assert!(!metric().await);
    let list = server.get("/api/v1/audit").await;
    assert_eq!(list["items"][0]["operation"], "addPhone", "{list}");
}

/// Only one of the values is a secret, and each operator sees as much as the rights allow.
#[tokio::test]
async fn audit_log_is_shown_to_administrators_alone_and_has_no_secret() {
    let server = Server::start();
    for rights in ["read", "operate"] {
        let new = json!({ "name": rights, "rights": rights, "password": "correct horse" });
        let added = server
            .http("POST", "/api/v1/operators", &new.to_string())
            .await;
        assert_eq!(added.0, 201, "{added:?}");
        let client = reqwest::Client::new();
        let url = format!("http://{}/api/v1", server.addresses.web.unwrap());
        let log_on = json!({ "name": rights, "password": "correct horse" });
        let session = client.post(format!("{url}/session")).json(&log_on);
        let session = session.send().await.unwrap();
        let cookie = session.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let asked = client.get(format!("{url}/audit")).header("Cookie", cookie);
        assert_eq!(asked.send().await.unwrap().status(), 403, "{rights}");
    }
    let list = server.get("/api/v1/audit").await;
    let refused = list["items"].as_array().unwrap().iter();
    let mut refused = refused.filter(|entry| entry["outcome"] == "refused");
    let one = refused.next().unwrap();
    assert_eq!(
        (&one["who"], &one["operation"]),
        (&json!("read"), &json!("listAudit")),
        "{list}"
    );
    assert!(!list.to_string().contains("correct horse"), "{list}");
}

#[tokio::test]
async fn control_of_a_line_by_an_operator_is_audited_with_its_result_and_a_masked_number() {
    let server = Server::start();
    let phone = server.phone("000413000001");
    phone.start().await;
    phone.in_session().await;
    let line = "sip:0001@pbx.example";
    let request = format!(
        "<MakeCall xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><callingDevice>{line}</callingDevice>\
         <calledDirectoryNumber>+4930123456</calledDirectoryNumber></MakeCall>"
    );
    let body = json!({ "request": request }).to_string();
    for (scripted, result) in [(false, "done"), (true, "refused")] {
        if scripted {
            phone.once("MakeCall", Reaction::Status(500, &[]));
        }
        let path = "/api/v1/phones/000413000001/csta";
        let (status, answer) = server.http("POST", path, &body).await;
        assert_eq!(status, 200, "{answer}");
        let list = server.get("/api/v1/audit?operation=sendCsta").await;
        let expected = json!({
            "service": "MakeCall", "line": line, "number": "+4930123***", "result": result,
        });
        let entry = &list["items"][0];
        assert_eq!(entry["after"], expected, "{entry}");
        assert_eq!(entry["who"], "cli.token", "{entry}");
        assert!(!list.to_string().contains("123456"), "{list}");
    }
}
