//! Slow, silent and greedy programs at the API lock nobody out.

use std::{fs, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{PATIENCE, process::Serving};

/// How soon everybody else is answered.
const SOON: Duration = Duration::from_secs(5);

fn serving(places: usize) -> Serving {
    let settings = format!("[limits]\napi_connections = {places}\n");
    Serving::start(tempfile::tempdir().unwrap(), &settings)
}

/// The header field of the command line.
fn token(server: &Serving) -> String {
    let token = fs::read_to_string(server.data().join("cli.token")).unwrap();
    format!("Authorization: Bearer {}", token.trim())
}

/// The header field of a new session of `admin`.
async fn session(server: &Serving) -> String {
    let secrets = fs::read_to_string(server.data().join("secrets.toml")).unwrap();
    let secrets: toml::Table = secrets.parse().unwrap();
    let password = secrets["web"]["password"].as_str().unwrap();
    let body = format!(r#"{{"name":"admin","password":"{password}"}}"#);
    let mut stream = TcpStream::connect(server.web).await.unwrap();
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, cookie) = answer.split_once("set-cookie: ").expect(&answer);
    format!("Cookie: {}", cookie.split(';').next().unwrap())
}

/// Sends a request, and leaves its answer unread.
async fn begin(server: &Serving, who: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.web).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{who}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The beginning of the answer, as far as it comes in one piece.
async fn answer(stream: &mut TcpStream) -> String {
    let mut part = vec![0; 64 << 10];
    let read = timeout(SOON, stream.read(&mut part)).await;
    part.truncate(read.expect("an answer soon").unwrap());
    String::from_utf8(part).unwrap()
}

async fn asked(server: &Serving, who: &str, path: &str) -> String {
    answer(&mut begin(server, who, path).await).await
}

#[track_caller]
fn has(answer: &str, status: u16) {
    let expected = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&expected), "{answer}");
}

const STATUS: &str = "/api/v1/status";

#[tokio::test]
async fn slow_program_on_all_connections_locks_nobody_out() {
    const PLACES: usize = 8;
    let server = serving(PLACES);
    let token = token(&server);
    let mut held = Vec::new();
    for at in 0..PLACES {
        let mut stream = begin(&server, &token, STATUS).await;
        has(&answer(&mut stream).await, 200);
        // Some are silent from here on, some send half a head, some half a body.
        let half = [
            "",
            "GET /api/v1/status HTTP/1.1\r\n",
            &format!("POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n{token}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"),
        ][at % 3]
            .to_owned();
        stream.write_all(half.as_bytes()).await.unwrap();
        held.push(stream);
    }
    for path in ["/healthz", "/readyz"] {
        has(&asked(&server, "Accept: */*", path).await, 200);
    }
    for _ in 0..2 * PLACES {
        let mut stream = begin(&server, &token, STATUS).await;
        has(&answer(&mut stream).await, 200);
        held.push(stream);
    }
}

#[tokio::test]
async fn requests_under_way_are_limited_for_each_log_on_and_health_checks_are_answered_beside_them()
{
    const PLACES: usize = 4;
    // Each is answered after 6 seconds.
    const WAITS: &str = "/api/v1/events?topics=operations&wait=6&after=";
    let server = serving(PLACES);
    let (token, session) = (token(&server), session(&server).await);
    let page = asked(&server, &token, "/api/v1/events?topics=operations").await;
    let (_, next) = page.split_once("\"next\":\"").expect(&page);
    let waits = format!("{WAITS}{}", next.split('"').next().unwrap());
    let mut held = Vec::new();
    for who in [&token, &session] {
        for _ in 0..PLACES / 2 {
            held.push(begin(&server, who, &waits).await);
        }
        let refused = timeout(SOON, async {
            loop {
                // The others may not have arrived yet.
                let refused = asked(&server, who, STATUS).await;
                if !refused.starts_with("HTTP/1.1 200 ") {
                    return refused;
                }
            }
        });
        let refused = refused.await.expect("a refusal");
        match held.len() == PLACES {
            false => {
                has(&refused, 429);
                assert!(
                    refused.contains("half of limits.api_connections"),
                    "{refused}"
                );
            }
            true => {
                has(&refused, 503);
                assert!(refused.contains("(limits.api_connections)"), "{refused}");
            }
        }
        for path in ["/healthz", "/readyz"] {
            has(&asked(&server, "Accept: */*", path).await, 200);
        }
    }
    server
        .until_logged(0, "all connections of the API are in use")
        .await;
    let again = async {
        while !asked(&server, &token, STATUS)
            .await
            .starts_with("HTTP/1.1 200 ")
        {}
    };
    timeout(PATIENCE, again)
        .await
        .expect("places are free again");
}

#[tokio::test]
async fn streams_are_limited_for_each_log_on_and_take_no_place_of_requests() {
    const PLACES: usize = 4;
    const STREAMS: usize = 16;
    const FOLLOW: &str = "/api/v1/logs/lines?follow=true";
    let server = serving(PLACES);
    let (token, session) = (token(&server), session(&server).await);
    let mut held = Vec::new();
    for who in [&token, &session] {
        for _ in 0..STREAMS / 2 {
            let mut stream = begin(&server, who, FOLLOW).await;
            has(&answer(&mut stream).await, 200);
            held.push(stream);
        }
        let refused = asked(&server, who, FOLLOW).await;
        has(&refused, 429);
        has(&asked(&server, who, STATUS).await, 200);
    }
}
