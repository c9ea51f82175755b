//! Events by WebSocket: of the whole server, its log and the messages of a phone, and tickets.

use std::{io::Write as _, time::Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{
    fixture::{MAC, started},
    process::{PASSWORDS, Serving},
    server::Server,
    web_socket::WebSocket,
};

fn bearer(data: &std::path::Path) -> String {
    let token = std::fs::read_to_string(data.join("cli.token")).unwrap();
    format!("Bearer {}", token.trim())
}

async fn open(server: &Server, query: &str) -> WebSocket<TcpStream> {
    let web = server.addresses.web.unwrap();
    let socket = WebSocket::open(web, &bearer(server.data()), query).await;
    socket.unwrap()
}

#[tokio::test]
async fn messages_of_a_phone_are_told_live_beside_its_state() {
    let server = Server::start();
    let phone = started(&server).await;
    let trace = format!("trace:{MAC}");
    let mut socket = open(&server, &format!("topics=phones,{trace}")).await;
    let reset = socket.opening().await;
    assert_eq!(reset["reason"], "start");
    assert_eq!(reset["topics"], json!(["phones", trace]));
    let is_first = |data: &Value| data["message"]["method"] == "REGISTER";
    phone.register().await;
    let register = socket.until("trace.added", is_first).await;
    assert_eq!(register["subject"], format!("/api/v1/phones/{MAC}/trace"));
    let message = &register["data"]["message"];
    assert_eq!(message["direction"], "received", "{message}");
    let is_answer = |data: &Value| data["message"]["status"] == 200;
    let answer = socket.until("trace.added", is_answer).await;
    assert_ne!(answer["id"], register["id"]);
    server.switch(MAC, false).await;
    let is_off = |data: &Value| data["phone"]["inOperation"] == false;
    let changed = socket.until("phone.changed", is_off).await;

    // What was told live alone has no history.
    let after = changed["cursor"].as_str().unwrap();
    let mut again = open(&server, &format!("topics=phones,{trace}&after={after}")).await;
    let reset = again.opening().await;
    assert_eq!(reset["reason"], "notWatchedMeanwhile");
    assert_eq!(reset["topics"], json!([trace]));
}

#[tokio::test]
async fn live_topics_are_for_administrators_and_streams_alone() {
    let server = Server::start();
    for (who, rights) in [("anna", "operate"), ("boss", "admin")] {
        let new = json!({ "name": who, "rights": rights, "password": "correct horse" });
        let (status, body) = server
            .http("POST", "/api/v1/operators", &new.to_string())
            .await;
        assert_eq!(status, 201, "{body}");
    }
    let trace = format!("trace:{MAC}");
    for topics in ["logs", &*trace] {
        let path = format!("/api/v1/events?topics=phones,{topics}");
        let (status, body) = server.http("GET", &path, "").await;
        assert_eq!(status, 422, "{body}");
        assert!(body.contains("told live alone"), "{body}");
        for (who, expected) in [("anna", 403), ("boss", 200)] {
            let origin = format!("http://{}", server.addresses.web.unwrap());
            let log_on = json!({ "name": who, "password": "correct horse" });
            let session = Client::new().post(format!("{origin}/api/v1/session"));
            let session = session.json(&log_on).send().await.unwrap();
            let cookie = session.headers()["set-cookie"].to_str().unwrap();
            let asked = Client::new().get(format!("{origin}{path}"));
            let asked = asked.header("Cookie", cookie.split(';').next().unwrap());
            let asked = asked.header("Accept", "text/event-stream").send().await;
            assert_eq!(asked.unwrap().status(), expected, "{who}: {topics}");
        }
    }
}

#[tokio::test]
async fn lines_of_the_log_are_told_live_and_those_left_out_are_counted() {
    const LINES: u64 = 5_000;
    let server = Serving::start(tempfile::tempdir().unwrap(), PASSWORDS);
    let authorization = bearer(server.data());
    let socket = WebSocket::open(server.web, &authorization, "topics=logs,phones").await;
    let mut socket = socket.unwrap();
    assert_eq!(socket.opening().await["topics"], json!(["phones", "logs"]));
    let phone = server.phone(MAC, "sip:1@pbx.example");
    phone.start().await;
    let registered = |data: &Value| data["line"]["message"] == "phone registered";
    let line = socket.until("log.added", registered).await;
    assert_eq!(line["data"]["line"]["level"], "info", "{line}");
    assert_eq!(line["subject"], "/api/v1/logs/lines");

    let file = server.data().join("logs").join("uacsta.log");
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    let mark =
        |number: u64| format!("2026-12-03T12:00:00.000000Z  INFO uacsta: mark number={number}\n");
    let lines: String = (1..=LINES).map(mark).collect();
    file.write_all(lines.as_bytes()).unwrap();
    let (mut told, mut missed) = (0, 0);
    while told + missed < LINES {
        let event = socket.next().await.unwrap();
        let text = event["data"]["line"]["text"].as_str().unwrap_or_default();
        told += u64::from(text.contains("mark number="));
        if event["type"] == "log.missed" {
            missed += event["data"]["count"].as_u64().unwrap();
        }
    }
    assert!(missed > 0 && told >= 256, "{told} told, {missed} missed");
}

#[tokio::test]
async fn ticket_opens_one_stream_which_ends_with_its_log_on() {
    let server = Server::start();
    let web = server.addresses.web.unwrap();
    let new = json!({ "name": "anna", "rights": "read", "password": "correct horse" });
    let (status, body) = server
        .http("POST", "/api/v1/operators", &new.to_string())
        .await;
    assert_eq!(status, 201, "{body}");
    let origin = format!("http://{web}");
    let log_on = json!({ "name": "anna", "password": "correct horse" });
    let session = Client::new().post(format!("{origin}/api/v1/session"));
    let session = session.json(&log_on).send().await.unwrap();
    let cookie = session.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let make = async |origin: &str| {
        let made = Client::new().post(format!("http://{web}/api/v1/tickets"));
        let made = made.header("Cookie", cookie).header("Origin", origin);
        made.send().await.unwrap()
    };
    assert_eq!(make("http://evil.example").await.status(), 403);
    let mut tickets = Vec::new();
    for _ in 0..3 {
        let made = make(&origin).await;
        assert_eq!(made.status(), 201);
        let made: Value = made.json().await.unwrap();
        tickets.push(made["ticket"].as_str().unwrap().to_owned());
    }
    let query = |ticket: &str| format!("topics=phones&ticket={ticket}");
    let mut socket = WebSocket::open(web, "", &query(&tickets[0])).await.unwrap();
    socket.opening().await;
    let page = Client::new().get(format!("{origin}/api/v1/events?{}", query(&tickets[1])));
    assert_eq!(page.send().await.unwrap().status(), 200);
    for spent in [&tickets[0], &tickets[1], "wrong", ""] {
        let refused = WebSocket::open(web, "", &query(spent)).await;
        assert_eq!(refused.err(), Some(401), "{spent}");
    }
    for path in ["phones", "session"] {
        let other = format!("{origin}/api/v1/{path}?ticket={}", tickets[2]);
        let other = Client::new().get(other).send().await.unwrap();
        assert_eq!(other.status(), 401, "{path}");
    }
    let (status, body) = server.http("DELETE", "/api/v1/operators/anna", "").await;
    assert_eq!(status, 204, "{body}");
    let begun = Instant::now();
    assert_eq!(socket.closed().await, 4401);
    assert!(begun.elapsed().as_secs() < 2, "{begun:?}");
    let refused = WebSocket::open(web, "", &query(&tickets[2])).await;
    assert_eq!(refused.err(), Some(401), "the log-on has ended");
    let audit = server.get("/api/v1/audit?operation=followEvents").await;
    let refused = audit["items"][0].to_string();
    assert!(refused.contains("401"), "{audit}");
    assert!(tickets.iter().all(|ticket| !refused.contains(&**ticket)));
}
