//! Strangers at the HTTP server, which `/healthz`, `/readyz` and `/metrics` have it answer.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connections::most_resident;
use crate::support::process::Serving;
use crate::support::server::http;

/// What many do not read is no more together than a few answers of each, and their places are free again.
#[tokio::test]
async fn strangers_at_the_api_that_never_read_fill_no_memory_and_keep_no_place() {
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
