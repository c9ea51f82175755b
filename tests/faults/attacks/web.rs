//! Hostile peers of the HTTP API, which serves `/healthz`, `/readyz` and `/metrics` to anybody.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::connections::most_resident;
use crate::support::{
    process::{Serving, run},
    server::http,
};

/// What many do not read is no more together than a few answers of each, and their places are free again.
#[tokio::test]
async fn api_peers_that_never_read_use_bounded_memory_and_slots() {
    const STRANGERS: usize = 32;
    let settings = format!("[limits]\napi_connections = {STRANGERS}\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let web: SocketAddr = server.web;
    let before = most_resident(server.id());
    let pages = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(4_000);
    let held = join_all((0..STRANGERS).map(|_| async {
        let mut stream = TcpStream::connect(web).await.unwrap();
        // The server takes no more when half a second passes, or has ended the connection.
        let _ = timeout(Duration::from_millis(500), stream.write_all(&pages)).await;
        stream
    }))
    .await;
    let (status, answer) = http(web, "", "GET", "/healthz", "").await;
    assert_eq!(status, 200, "{answer}");
    let grown = most_resident(server.id()).saturating_sub(before);
    assert!(grown < 32 << 10, "{STRANGERS} strangers take {grown} kB");
    drop(held);
}

/// RFC 9112, section 9.6: requests after the one that closes the connection are not answered.
#[tokio::test]
async fn connection_without_log_on_carries_16_requests_and_is_closed() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let mut stream = TcpStream::connect(server.web).await.unwrap();
    let pages = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
    stream.write_all(&pages).await.unwrap();
    let mut answers = Vec::new();
    // The peer may still send when the server closes, and then the end is a reset.
    let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut answers)).await;
    assert!(end.is_ok(), "the connection stays open");
    let answers = String::from_utf8_lossy(&answers);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 16, "{answers}");
}

/// The answer to a request with these header fields.
async fn asked(server: &Serving, path: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(server.web).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// DNS rebinding: a page of another site that has its own name resolve to this server.
#[tokio::test]
async fn request_for_a_foreign_host_gets_421() {
    let settings = "[web]\nnames = [\"cti.example\"]\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let token = format!("Authorization: Bearer {}\r\n", token.trim());
    let own = server.web;
    for (fields, status) in [
        (format!("Host: {own}\r\n"), "200"),
        ("Host: localhost:8080\r\n".to_owned(), "200"),
        ("Host: CTI.example\r\n".to_owned(), "200"),
        ("Host: evil.example:8080\r\n".to_owned(), "421"),
        (format!("Host: {own}.evil.example\r\n"), "421"),
        (format!("Host: {own}\r\nHost: evil.example\r\n"), "400"),
        (String::new(), "400"),
    ] {
        for path in ["/api/v1/phones", "/metrics"] {
            let answer = asked(&server, path, &(fields.clone() + &token)).await;
            let expected = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&expected), "{path} {fields}: {answer}");
            assert_eq!(
                answer.contains("add the name to web.names"),
                status == "421"
            );
        }
    }
    let absolute = format!("http://evil.example{}", "/api/v1/phones");
    let answer = asked(&server, &absolute, &format!("Host: {own}\r\n{token}")).await;
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}

#[tokio::test]
async fn forwarded_address_is_logged_for_a_trusted_proxy_only() {
    let wrong =
        "Host: localhost\r\nAuthorization: Bearer wrong\r\nX-Forwarded-For: 203.0.113.7\r\n";
    for (proxies, peer) in [("\"127.0.0.1\"", "203.0.113.7"), ("", "127.0.0.1")] {
        let settings = format!("[web]\ntrusted_proxies = [{proxies}]\n");
        let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
        let answer = asked(&server, "/api/v1/phones", wrong).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let log = server.until_logged(0, "API log-on failed").await;
        assert!(log.contains(&format!("peer={peer}")), "{log}");
    }
}

#[test]
fn http_off_loopback_without_tls_or_proxy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("uacsta.toml");
    for (web, expected) in [
        ("listen = \"0.0.0.0:8080\"", Some(2)),
        ("listen = \"[::]:8080\"", Some(2)),
        ("listen = \"192.0.2.1:8080\"", Some(2)),
        ("listen = \"[::1]:8080\"", Some(0)),
        (
            "listen = \"0.0.0.0:8080\"\ntrusted_proxies = [\"10.0.0.1\"]",
            Some(0),
        ),
        ("listen = \"0.0.0.0:8080\"\ntls = true", Some(0)),
    ] {
        std::fs::write(&file, format!("[web]\n{web}\n")).unwrap();
        let checked = run(&["check-config", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(checked.status.code(), expected, "{web}: {said}");
        let is_explained = said.contains("uacsta.toml, line 2")
            && said.contains("web.tls")
            && said.contains("web.trusted_proxies");
        assert_eq!(is_explained, expected == Some(2), "{web}: {said}");
    }
}
