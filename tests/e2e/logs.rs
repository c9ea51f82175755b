//! The log by the API and `uacsta logs`: files, search, live, and nothing but log files.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::support::{
    PATIENCE,
    digest::Account,
    line::Line,
    process::{PASSWORDS, Serving, program, run},
};

const MAC: &str = "000413000001";

fn serving(settings: &str) -> Serving {
    Serving::start(
        tempfile::tempdir().unwrap(),
        &format!("{PASSWORDS}{settings}"),
    )
}

fn token(server: &Serving) -> String {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    token.trim().to_owned()
}

/// `GET` of a path below `/api/v1/logs`, with `Range`.
async fn get(server: &Serving, path: &str, range: &str) -> Response {
    let url = format!("http://{}/api/v1/logs{path}", server.web);
    let request = Client::new().get(url).bearer_auth(token(server));
    request.header("Range", range).send().await.unwrap()
}

/// The messages of the lines that are found.
async fn messages(server: &Serving, query: &str) -> Vec<String> {
    let answer = get(server, &format!("/lines?{query}"), "").await;
    let answer: Value = answer.json().await.unwrap();
    let lines = answer["items"].as_array().expect("lines").iter();
    lines
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect()
}

#[cfg(unix)]
#[tokio::test]
async fn lines_of_both_formats_are_searched_by_level_phone_and_text() {
    for format in ["text", "json"] {
        let server = serving("");
        server
            .reload(&format!("{PASSWORDS}[logs]\nformat = \"{format}\"\n"))
            .await;
        let phone = server.phone(MAC, "sip:1@pbx.example");
        phone.start().await;
        let mut other = Line::to(server.phones).await;
        other
            .log_on(&Account::new("000413000002", "wrong"))
            .await
            .expect(401);
        server.until_logged(0, "log-on refused").await;
        let own = format!("phone={MAC}&sort=at");
        let all = messages(&server, &own).await;
        assert_eq!(all[0], "phone registered", "{format}");
        let mut newest = messages(&server, &format!("phone={MAC}")).await;
        newest.reverse();
        assert_eq!(newest, all);
        assert_eq!(
            messages(&server, "level=warn&phone=000413000002").await,
            ["log-on refused"]
        );
        assert_eq!(
            messages(&server, "q=SERVER%20started").await,
            ["server started"]
        );
        assert!(
            messages(&server, "since=2999-01-01T00:00:00Z")
                .await
                .is_empty()
        );
        let found = get(&server, "/lines?q=server%20started&limit=1", "").await;
        let found: Value = found.json().await.unwrap();
        let line = &found["items"][0];
        assert_eq!(
            (&line["level"], &line["part"]),
            (&"info".into(), &"uacsta::server".into())
        );
        assert_eq!(line["fields"]["version"], env!("CARGO_PKG_VERSION"));
        for (wrong, named) in [
            ("sort=size", "?sort"),
            ("level=loud", "?level"),
            ("since=then", "?since"),
        ] {
            let answer = get(&server, &format!("/lines?{wrong}"), "").await;
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["violations"][0]["pointer"], named, "{answer}");
        }
    }
}

#[tokio::test]
async fn pages_of_lines_follow_each_other() {
    let server = serving("");
    server.phone(MAC, "sip:1@pbx.example").start().await;
    let all = messages(&server, "sort=at&limit=1000").await;
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(&server, &format!("/lines?sort=at&limit=2{after}"), "").await;
        let page: Value = page.json().await.unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2 && page["total"].is_null());
        found.extend(
            items
                .iter()
                .map(|line| line["message"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(found[..all.len()], all);
}

#[tokio::test]
async fn file_is_downloaded_whole_and_in_part() {
    let server = serving("");
    let file = server.data().join("logs/uacsta.log.1");
    fs::write(&file, "0123456789".repeat(20_000)).unwrap();
    let list: Value = get(&server, "", "").await.json().await.unwrap();
    assert_eq!(list["items"][0]["name"], "uacsta.log");
    assert_eq!(list["items"][1]["size"], 200_000);
    let whole = get(&server, "/uacsta.log.1", "").await;
    assert_eq!(
        (whole.status().as_u16(), whole.content_length()),
        (200, Some(200_000))
    );
    assert_eq!(
        whole.text().await.unwrap(),
        fs::read_to_string(&file).unwrap()
    );
    for (range, status, content, text) in [
        ("bytes=2-4", 206, "bytes 2-4/200000", "234"),
        ("bytes=-2", 206, "bytes 199998-199999/200000", "89"),
        ("bytes=199999-", 206, "bytes 199999-199999/200000", "9"),
        ("bytes=200000-", 416, "bytes */200000", ""),
    ] {
        let part = get(&server, "/uacsta.log.1", range).await;
        assert_eq!(part.status(), status, "{range}");
        assert_eq!(part.headers()["Content-Range"], content);
        let body = part.text().await.unwrap();
        assert!(body == text || status == 416, "{range}: {body}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_log_files_can_be_downloaded() {
    let server = serving("");
    let logs = server.data().join("logs");
    fs::write(logs.join("uacsta.log.old"), "SECRET").unwrap();
    std::os::unix::fs::symlink(&logs, logs.join("uacsta.log.7")).unwrap();
    for name in [
        "../cli.token",
        "..%2Fcli.token",
        "%2e%2e/cli.token",
        "%2e%2e%2fcli.token",
        "..%5Ccli.token",
        "uacsta.log%2F..%2F..%2Fcli.token",
        "uacsta.log%00",
        "uacsta.log.old",
        "uacsta.log.7",
        "%2Fetc%2Fpasswd",
        "/etc/passwd",
        ".",
    ] {
        // A URL library would shorten the path.
        let mut stream = tokio::net::TcpStream::connect(server.web).await.unwrap();
        let request = format!(
            "GET /api/v1/logs/{name} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            server.web,
            token(&server)
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{name}: {answer}");
        assert!(
            !answer.contains(&token(&server)) && !answer.contains("SECRET"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn followed_lines_go_on_after_a_rotation() {
    let server = serving("");
    let phone = server.phone(MAC, "sip:1@pbx.example");
    let mut stream = get(&server, &format!("/lines?follow=true&phone={MAC}"), "").await;
    assert_eq!(stream.headers()["Content-Type"], "application/jsonl");
    let mut read = String::new();
    let mut until = async |times: usize| {
        while read.matches("\"phone registered\"").count() < times {
            let part = timeout(PATIENCE, stream.chunk())
                .await
                .expect("a line in time");
            let part = part.unwrap().expect("the stream goes on");
            read.push_str(std::str::from_utf8(&part).unwrap());
        }
    };
    phone.start().await;
    until(1).await;
    let logs = server.data().join("logs");
    fs::rename(logs.join("uacsta.log"), logs.join("uacsta.log.1")).unwrap();
    phone.reboot();
    phone.start().await;
    until(2).await;
}

#[tokio::test]
async fn number_of_followed_logs_is_limited_for_a_log_on() {
    let server = serving("");
    let mut streams = Vec::new();
    // Half of all, so that others can follow as well.
    for _ in 0..8 {
        let stream = get(&server, "/lines?follow=true", "").await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    assert_eq!(get(&server, "/lines?follow=true", "").await.status(), 429);
    assert_eq!(get(&server, "/lines", "").await.status(), 200);
    streams.pop();
    // A stream whose reader is gone ends with the next lines.
    let phone = server.phone(MAC, "sip:1@pbx.example");
    let again = async {
        while get(&server, "/lines?follow=true", "").await.status() != 200 {
            phone.reboot();
            phone.start().await;
        }
    };
    timeout(PATIENCE, again).await.expect("room for another");
}

/// Every operator may read the log, whose lines at level trace have whole messages.
#[tokio::test]
async fn secrets_in_logged_messages_are_masked_as_in_a_trace() {
    let server = serving("[logs]\nlevels = [\"uacsta::sip=trace\"]\n");
    server.phone(MAC, "sip:1@pbx.example").start().await;
    let mut line = Line::to(server.phones).await;
    line.write(
        "OPTIONS sip:a:geheim@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: masked\r\nCSeq: 1 OPTIONS\r\n\
         Alert-Info: <http://a:geheim@h/>\r\nRefer-To: <sip:a@h?Authorization=geheim>\r\n\
         X-Authorization: Digest username=\"a\", response=\"geheim\"\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let log = server.until_logged(0, "Call-ID: masked").await;
    assert!(!log.contains("geheim"), "{log}");
    let answers: Vec<_> = log.match_indices(", response=\"").collect();
    assert!(answers.len() >= 2, "{log}");
    for (at, _) in answers {
        let value = &log[at + ", response=\"".len()..];
        assert!(value.starts_with("******"), "{}", &value[..80]);
    }
}

#[tokio::test]
async fn command_prints_lines_files_and_a_file() {
    let server = serving("");
    server.phone(MAC, "sip:1@pbx.example").start().await;
    let data = server.data().to_str().unwrap().to_owned();
    let command = |more: &[&str]| {
        let output = run(&[&["logs", "--data", &data], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{more:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(command(&["--since", "1h"]), server.log());
    let log = server.log();
    let last: Vec<_> = log.lines().rev().take(2).collect();
    assert_eq!(
        command(&["-n", "2"]).lines().rev().collect::<Vec<_>>(),
        last
    );
    let registered = command(&["--phone", MAC, "--level", "info", "--grep", "Registered"]);
    assert!(
        registered.contains("phone registered phone=00:04:13:00:00:01"),
        "{registered}"
    );
    let json: Value =
        serde_json::from_str(&command(&["--grep", "server started", "--json"])).unwrap();
    assert_eq!(json["items"][0]["message"], "server started");
    let files = command(&["files"]);
    assert!(
        files.lines().nth(1).unwrap().starts_with("uacsta.log "),
        "{files}"
    );
    assert_eq!(command(&["get", "uacsta.log"]), server.log());
}

#[tokio::test]
async fn followed_command_prints_lines_as_they_come() {
    let server = serving("");
    let mut command = program()
        .args(["logs", "--follow", "--phone", MAC, "--data"])
        .arg(server.data())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(command.stdout.take().unwrap());
    server.phone(MAC, "sip:1@pbx.example").start().await;
    let printed = tokio::task::spawn_blocking(move || output.lines().next());
    let printed = timeout(PATIENCE, printed).await.expect("it is printed");
    let line = printed.unwrap().expect("a line").unwrap();
    assert!(
        line.contains("phone registered phone=00:04:13:00:00:01"),
        "{line}"
    );
    command.kill().unwrap();
    command.wait().unwrap();
}
