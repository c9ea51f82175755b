//! Hostile peers of the HTTP API, which serves `/healthz`, `/readyz` and `/metrics` to anybody.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::connections::most_resident;
use crate::support::{process::Serving, server::http};

/// What many do not read is no more together than a few answers of each, and their places are free again.
#[tokio::test]
async fn api_peers_that_never_read_use_bounded_memory_and_slots() {
    const STRANGERS: usize = 32;
    let settings = format!("[limits]\napi_connections = {STRANGERS}\n");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let web: SocketAddr = server.web;
    let before = most_resident(server.id());
    let pages = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4_000);
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
    let pages = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50);
    stream.write_all(&pages).await.unwrap();
    let mut answers = Vec::new();
    // The peer may still send when the server closes, and then the end is a reset.
    let end = timeout(Duration::from_secs(5), stream.read_to_end(&mut answers)).await;
    assert!(end.is_ok(), "the connection stays open");
    let answers = String::from_utf8_lossy(&answers);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 16, "{answers}");
}
