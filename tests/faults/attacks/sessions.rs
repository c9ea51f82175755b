//! Attacks on the sessions of operators, and what a full disk or a restart does to them.

use std::fs;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::{
    storage::{SMALL_DISK, fill, may_mount, mounted_by},
    support::{line::Line, process::Serving},
};

const PASSWORD: &str = "seven quiet lamps";
const HOME: [u8; 4] = [127, 0, 0, 1];

/// Status, the rest of the head, and body of an answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// A request from an address of this machine, with these lines in its head.
async fn send(
    server: &Serving,
    source: [u8; 4],
    (method, path): (&str, &str),
    fields: &[&str],
    body: &str,
) -> Answer {
    let mut line = Line::from(source, server.web).await;
    let mut head = format!("{method} /api/v1{path} HTTP/1.1\r\nConnection: close\r\n");
    if !fields.iter().any(|field| field.starts_with("Host:")) {
        head += &format!("Host: {}\r\n", server.web);
    }
    for field in fields {
        head += &format!("{field}\r\n");
    }
    let length = body.len();
    let kind = "Content-Type: application/json";
    line.write(format!(
        "{head}{kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
    .await;
    let mut answer = String::new();
    line.stream().read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// What the command line may do.
async fn administer(server: &Serving, method: &str, path: &str, body: &str) -> Answer {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    send(server, HOME, (method, path), &[&token], body).await
}

async fn add_operator(server: &Serving, name: &str, rights: &str) -> Answer {
    let body = format!(r#"{{"name":"{name}","rights":"{rights}","password":"{PASSWORD}"}}"#);
    administer(server, "POST", "/operators", &body).await
}

async fn try_log_on(server: &Serving, source: [u8; 4], name: &str, password: &str) -> Answer {
    let body = format!(r#"{{"name":"{name}","password":"{password}"}}"#);
    send(server, source, ("POST", "/session"), &[], &body).await
}

/// The field with the cookie of a new session.
async fn log_on(server: &Serving, name: &str) -> String {
    let answer = try_log_on(server, HOME, name, PASSWORD).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let (_, cookie) = answer.head.split_once("set-cookie: ").unwrap();
    format!("Cookie: {}", cookie.split(';').next().unwrap())
}

async fn status_with(server: &Serving, cookie: &str) -> u16 {
    send(server, HOME, ("GET", "/session"), &[cookie], "")
        .await
        .status
}

#[tokio::test]
async fn page_of_another_site_cannot_use_a_cookie() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    assert_eq!(add_operator(&server, "Anna", "admin").await.status, 201);
    let cookie = log_on(&server, "Anna").await;
    let own = format!("Origin: http://{}", server.web);
    let (evil, site) = ("Origin: http://evil.example", "Sec-Fetch-Site: same-origin");
    for (fields, status) in [
        (vec![], 403),
        (vec![evil], 403),
        (vec!["Origin: null"], 403),
        (vec!["Sec-Fetch-Site: cross-site"], 403),
        (vec!["Sec-Fetch-Site: same-site"], 403),
        (vec!["Sec-Fetch-Site: none"], 403),
        (vec![site, evil], 403),
        // Rebinding: the browser takes the foreign name for the page's own.
        (vec![site, evil, "Host: evil.example"], 421),
        (vec!["Host: evil.example"], 421),
        (vec![&*own], 404),
        (vec![site], 404),
    ] {
        let fields: Vec<_> = fields.into_iter().chain([&*cookie]).collect();
        let remove = ("DELETE", "/operators/nobody");
        let answer = send(&server, HOME, remove, &fields, "").await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.body);
    }
    // No page of another site reads the answer to a GET.
    let asked = send(&server, HOME, ("GET", "/session"), &[&cookie, evil], "").await;
    assert!(!asked.head.contains("access-control"), "{}", asked.head);
}

#[tokio::test]
async fn cookie_is_of_no_use_once_its_session_has_ended() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    assert_eq!(add_operator(&server, "Anna", "read").await.status, 201);
    let (left, ended, lost) = (
        log_on(&server, "anna").await,
        log_on(&server, "anna").await,
        log_on(&server, "anna").await,
    );
    let site = "Sec-Fetch-Site: same-origin";
    let off = send(&server, HOME, ("DELETE", "/session"), &[&left, site], "").await;
    assert_eq!(off.status, 204, "{}", off.body);
    assert_eq!(status_with(&server, &left).await, 401);

    // Who reads sees no sessions, not even the own ones.
    let mine = send(&server, HOME, ("GET", "/sessions"), &[&ended], "").await;
    assert_eq!(mine.status, 403, "{}", mine.body);
    let list = administer(&server, "GET", "/sessions?sort=-since", "").await;
    let (_, value) = ended.split_once('=').unwrap();
    assert!(!list.body.contains(value), "{}", list.body);
    let list: Value = serde_json::from_str(&list.body).unwrap();
    assert_eq!(list["total"], 2, "{list}");
    assert_eq!(list["items"][0]["operator"], "Anna");
    assert_eq!(list["items"][0]["address"], "127.0.0.1");
    for (at, item) in list["items"].as_array().unwrap().iter().enumerate() {
        let path = format!("/sessions/{}", item["id"].as_str().unwrap());
        let end = administer(&server, "DELETE", &path, "").await;
        assert_eq!(end.status, 204, "{}", end.body);
        let lives = [
            status_with(&server, &ended).await,
            status_with(&server, &lost).await,
        ];
        let gone = lives.iter().filter(|status| **status == 401).count();
        assert_eq!(gone, at + 1, "{lives:?}");
    }

    let cookie = log_on(&server, "Anna").await;
    let server = server.restart("");
    assert_eq!(status_with(&server, &cookie).await, 401);
    let cookie = log_on(&server, "Anna").await;
    assert_eq!(status_with(&server, &cookie).await, 200);
}

#[tokio::test]
async fn operator_logs_on_while_others_guess() {
    let settings = "[limits]\nfailed_log_ons = 5\nlog_on_tries = 1\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    assert_eq!(add_operator(&server, "Anna", "read").await.status, 201);
    let guesser = [127, 0, 0, 2];
    let mut held_back = 0;
    for number in 0..20 {
        // Another spelling is the same operator.
        let name = if number % 2 == 0 { "anna" } else { "ANNA" };
        let answer = try_log_on(&server, guesser, name, "password number").await;
        match answer.status {
            429 => held_back += 1,
            401 => {}
            status => panic!("{status} {}", answer.body),
        }
    }
    assert!(held_back > 5, "{held_back}");
    let cookie = log_on(&server, "Anna").await;
    assert_eq!(status_with(&server, &cookie).await, 200);
}

#[tokio::test]
async fn full_disk_refuses_a_new_operator_and_lets_known_ones_log_on() {
    if !may_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().display().to_string();
    let wrapper = ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", &folder];
    let server = Serving::under(&wrapper, data, "");
    let disk = mounted_by(&server, &folder);
    let token = fs::read_to_string(disk.join("cli.token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    let add = async |name: &str| {
        let body = format!(r#"{{"name":"{name}","rights":"admin","password":"{PASSWORD}"}}"#);
        send(&server, HOME, ("POST", "/operators"), &[&token], &body).await
    };
    assert_eq!(add("Anna").await.status, 201);
    let filler = fill(&disk);
    let refused = add("Bert").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("No space left"), "{}", refused.body);
    server.until_logged(0, "cannot write the operators").await;
    assert_eq!(
        try_log_on(&server, HOME, "Bert", PASSWORD).await.status,
        401
    );
    let cookie = log_on(&server, "Anna").await;
    assert_eq!(status_with(&server, &cookie).await, 200);
    fs::remove_file(&filler).unwrap();
    assert_eq!(add("Bert").await.status, 201);
}
