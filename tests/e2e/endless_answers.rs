//! Answers that go on: they end with the right that they need, and HEAD of one is answered at once.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{
    fixture::{MAC, started},
    server::Server,
};

/// How soon an answer ends.
const SOON: Duration = Duration::from_secs(3);

/// An operator with a session.
struct Operator<'a> {
    server: &'a Server,
    name: &'static str,
    cookie: String,
}

impl<'a> Operator<'a> {
    async fn with(server: &'a Server, name: &'static str, rights: &str) -> Self {
        let password = "seven quiet lamps";
        let new = json!({ "name": name, "rights": rights, "password": password });
        let new = new.to_string();
        let (status, body) = server.http("POST", "/api/v1/operators", &new).await;
        assert_eq!(status, 201, "{body}");
        let url = format!("http://{}/api/v1/session", server.addresses.web.unwrap());
        let log_on = json!({ "name": name, "password": password });
        let session = Client::new().post(url).json(&log_on).send().await.unwrap();
        let cookie = session.headers()["set-cookie"].to_str().unwrap();
        Self {
            server,
            name,
            cookie: cookie.split(';').next().unwrap().to_owned(),
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Response {
        let address = self.server.addresses.web.unwrap();
        let url = format!("http://{address}/api/v1{path}");
        let request = Client::new().request(method, url);
        let request = request.header("Cookie", &self.cookie);
        // A page of this server.
        let request = request.header("Sec-Fetch-Site", "same-origin");
        request.send().await.unwrap()
    }

    /// Begins an answer, and reads its start.
    async fn follow(&self, path: &str) -> Response {
        let mut response = self.ask(Method::GET, path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.chunk().await.unwrap().expect("it goes on");
        response
    }

    async fn change_rights(&self, rights: &str) {
        let path = format!("/api/v1/operators/{}", self.name);
        let url = format!("http://{}{path}", self.server.addresses.web.unwrap());
        let token = std::fs::read_to_string(self.server.data().join("cli.token")).unwrap();
        let request = Client::new().patch(url).bearer_auth(token.trim());
        let request = request.header("If-Match", "*");
        let request = request.json(&json!({ "rights": rights }));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{rights}");
    }

    async fn remove(&self) {
        let path = format!("/api/v1/operators/{}", self.name);
        let (status, body) = self.server.http("DELETE", &path, "").await;
        assert_eq!(status, 204, "{body}");
    }
}

/// The answer is complete soon.
async fn ends(mut response: Response, what: &str) {
    let begun = Instant::now();
    let end = timeout(SOON, async {
        while response.chunk().await.unwrap().is_some() {}
    });
    assert!(
        end.await.is_ok(),
        "{what} goes on for {:?}",
        begun.elapsed()
    );
}

/// The answer does not end.
async fn goes_on(response: &mut Response) {
    let end = timeout(SOON, async {
        while response.chunk().await.unwrap().is_some() {}
    });
    assert!(end.await.is_err(), "it has ended");
}

fn trace() -> String {
    format!("/phones/{MAC}/trace?follow=true")
}

const LOG: &str = "/logs/lines?follow=true";

#[tokio::test]
async fn followed_trace_and_log_end_with_session_operator_and_right() {
    let server = Server::start();
    let _phone = started(&server).await;
    let anna = Operator::with(&server, "anna", "admin").await;
    let (messages, mut lines) = (anna.follow(&trace()).await, anna.follow(LOG).await);
    anna.change_rights("read").await;
    ends(messages, "trace without the right to administer").await;
    goes_on(&mut lines).await;
    assert_eq!(anna.ask(Method::DELETE, "/session").await.status(), 204);
    ends(lines, "log after the log-off").await;

    let bert = Operator::with(&server, "bert", "admin").await;
    let (messages, lines) = (bert.follow(&trace()).await, bert.follow(LOG).await);
    bert.remove().await;
    ends(messages, "trace of a removed operator").await;
    ends(lines, "log of a removed operator").await;
}

#[tokio::test]
async fn head_of_an_endless_answer_is_answered_at_once() {
    let server = Server::start();
    let _phone = started(&server).await;
    let anna = Operator::with(&server, "anna", "admin").await;
    for path in [&*trace(), LOG] {
        for _ in 0..2 {
            let address = server.addresses.web.unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!(
                "HEAD /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nConnection: close\r\n\r\n",
                anna.cookie
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let read = timeout(SOON, stream.read_to_string(&mut answer)).await;
            assert!(read.is_ok(), "{path}: the connection stays open: {answer}");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
            assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
        }
    }
}
