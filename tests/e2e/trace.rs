//! The last messages of a phone or client by the API and `uacsta trace`: forms, rights, live, and until the server stops.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::time::timeout;
use uacsta_actors::ladder::Party;

use crate::support::{
    PATIENCE,
    digest::Account,
    fixture::{MAC, started},
    line::Line,
    process::{PASSWORDS, Serving, program, run},
    server::Server,
};

/// `GET` of a path below `/api/v1`, in this form.
async fn get(server: &Server, path: &str, accept: &str) -> Response {
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let url = format!("http://{}/api/v1{path}", server.addresses.web.unwrap());
    let request = Client::new().get(url).bearer_auth(token.trim());
    request.header("Accept", accept).send().await.unwrap()
}

fn trace(query: &str) -> String {
    format!("/phones/{MAC}/trace{query}")
}

/// A stream that is read line by line.
struct Stream {
    response: Response,
    rest: String,
}

impl Stream {
    /// Opens a stream of what follows, in this form.
    async fn open(server: &Server, accept: &str) -> Self {
        Self {
            response: get(server, &trace("?follow=true"), accept).await,
            rest: String::new(),
        }
    }

    /// The next line; None at the end.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some((line, rest)) = self.rest.split_once('\n') {
                let line = line.to_owned();
                self.rest = rest.to_owned();
                return Some(line);
            }
            let part = timeout(PATIENCE, self.response.chunk());
            let part = part.await.expect("a part in time").ok().flatten()?;
            self.rest.push_str(std::str::from_utf8(&part).unwrap());
        }
    }

    /// Waits for a line that fulfils a condition.
    async fn until(&mut self, is_awaited: impl Fn(&str) -> bool) {
        while !is_awaited(&self.line().await.expect("the stream goes on")) {}
    }
}

#[tokio::test]
async fn trace_of_a_phone_has_the_form_that_is_accepted() {
    let server = Server::start();
    let _one = started(&server).await;
    for accept in ["application/json", "*/*"] {
        let answer = get(&server, &trace(""), accept).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        let first = &answer["items"][0];
        assert_eq!(
            (&first["method"], &first["direction"]),
            (&"REGISTER".into(), &"received".into())
        );
        assert_eq!(answer["items"][1]["status"], 401);
        assert_eq!(answer["total"], answer["items"].as_array().unwrap().len());
        let invite = &answer["items"][4];
        assert_eq!(
            (&invite["method"], &invite["csta"]),
            (&"INVITE".into(), &"RequestSystemStatus".into())
        );
        assert!(
            invite["text"]
                .as_str()
                .unwrap()
                .contains("<RequestSystemStatus")
        );
    }
    let diagram = get(&server, &trace(""), "text/plain")
        .await
        .text()
        .await
        .unwrap();
    assert!(diagram.contains(" |-- REGISTER -"), "{diagram}");
    let capture = get(&server, &trace(""), "application/vnd.tcpdump.pcap").await;
    let capture = capture.bytes().await.unwrap();
    assert_eq!(capture[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let other = get(&server, &trace(""), "image/png").await;
    assert_eq!(other.status(), 406);
    let wrong = get(&server, &trace("?follow=maybe"), "*/*").await;
    assert_eq!(wrong.status(), 422);
}

#[tokio::test]
async fn trace_shows_phones_that_cannot_log_on_and_no_others() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    line.log_on(&Account::new(MAC, "wrong")).await.expect(401);
    let answer: Value = get(&server, &trace(""), "*/*").await.json().await.unwrap();
    let statuses = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["status"].clone());
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [Value::Null, 401.into(), Value::Null, 401.into()]
    );
    for unknown in [
        "/phones/000413ffffff/trace",
        "/phones/two%20words/trace",
        "/clients/nobody/trace",
    ] {
        assert_eq!(
            get(&server, unknown, "*/*").await.status(),
            404,
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn trace_of_a_client_is_found_by_its_user() {
    let server = Server::start();
    let one = started(&server).await;
    let session = server.client().await.open(one.line()).await;
    session.done("GetDoNotDisturb", "").await;
    let answer = get(&server, "/clients/ecsta/trace", "text/plain").await;
    let diagram = answer.text().await.unwrap();
    assert!(diagram.contains("client ecsta 127.0.0.1:"), "{diagram}");
    assert!(diagram.contains("-- INFO GetDoNotDisturb -"), "{diagram}");
}

#[tokio::test]
async fn followed_trace_goes_on_with_each_message() {
    let server = Server::start();
    let one = started(&server).await;
    let mut json = Stream::open(&server, "application/json").await;
    let mut diagram = Stream::open(&server, "text/plain").await;
    let content_type = json.response.headers()["Content-Type"].clone();
    assert_eq!(content_type, "application/jsonl");
    let refresh = |line: &str| {
        let message: Value = serde_json::from_str(line).unwrap();
        message["cseq"] == "3 REGISTER" && message["method"] == "REGISTER"
    };
    let expected = "-- REGISTER -";
    for _ in 0..2 {
        diagram.until(|line| line.contains(expected)).await;
    }
    one.register().await.expect(200);
    json.until(refresh).await;
    diagram.until(|line| line.contains(expected)).await;
    // Another connection is followed, too.
    one.disconnect();
    one.gone().await;
    one.start().await;
    let address = one.wire().await.local.to_string();
    json.until(|line| line.contains(&address)).await;
}

#[tokio::test]
async fn number_of_followed_traces_is_limited() {
    let server = Server::start();
    let _one = started(&server).await;
    let party = Party::Phone(MAC.parse().unwrap());
    let mut followed = Vec::new();
    for _ in 0..64 {
        followed.push(server.context.ladder.follow(&party).await.1);
    }
    let refused = get(&server, &trace("?follow=true"), "*/*").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(get(&server, &trace(""), "*/*").await.status(), 200);
    followed.pop();
    let followed = get(&server, &trace("?follow=true"), "*/*").await;
    assert_eq!(followed.status(), 200);
}

#[tokio::test]
async fn followed_trace_ends_with_the_server() {
    let server = Server::start();
    let _one = started(&server).await;
    let mut followed = Stream::open(&server, "text/plain").await;
    followed.line().await.expect("the first line");
    let begun = Instant::now();
    tokio::task::spawn_blocking(move || drop(server))
        .await
        .unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    while followed.line().await.is_some() {}
}

#[tokio::test]
async fn command_prints_a_diagram_and_json_and_writes_a_capture() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let one = server.phone(MAC, "sip:0001@pbx.example");
    one.start().await;
    let data = server.data().to_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phone.pcap");
    let command = |more: &[&str]| {
        let output = run(&[&["trace", "--data", &data], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            said,
        )
    };
    let (code, diagram, said) = command(&[MAC]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        diagram.contains("phone 00:04:13:00:00:01 127.0.0.1:"),
        "{diagram}"
    );
    let (_, json, _) = command(&[MAC, "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["items"][0]["method"], "REGISTER");
    let path = file.to_str().unwrap();
    assert_eq!(command(&[MAC, "--pcap", path]).0, Some(0));
    assert_eq!(std::fs::read(&file).unwrap()[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    std::fs::remove_file(&file).unwrap();
    let (code, _, said) = command(&["000413ffffff", "--pcap", path]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no phone 00:04:13:ff:ff:ff"), "{said}");
    assert!(!file.exists());
    let (code, _, said) = command(&["--client", "nobody"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("no messages of a client nobody"), "{said}");
}

#[tokio::test]
async fn followed_command_prints_messages_as_they_come() {
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let one = server.phone(MAC, "sip:0001@pbx.example");
    let mut command = program()
        .args(["trace", MAC, "--follow", "--data"])
        .arg(server.data())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(command.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    assert!(
        first.contains("no messages of phone 00:04:13:00:00:01 are kept"),
        "{first}"
    );
    one.start().await;
    let printed = tokio::task::spawn_blocking(move || {
        let mut lines = output.lines().map(Result::unwrap);
        lines.find(|line| line.contains("|-- REGISTER -"))
    });
    let printed = timeout(PATIENCE, printed).await.expect("it is printed");
    assert!(printed.unwrap().is_some());
    command.kill().unwrap();
    command.wait().unwrap();
}
