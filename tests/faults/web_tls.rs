//! The HTTP server by TLS, and how the command line reaches it.

use std::{net::SocketAddr, path::Path, process::Output, sync::Arc, time::Duration};

use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    support::{
        PATIENCE,
        process::{PASSWORDS, Serving, run},
        server::http,
        web_socket::WebSocket,
    },
    tls::{Files, params},
};

const TLS: &str = "[web]\ntls = true\n";

fn said(output: &Output) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// `uacsta status` at a URL.
fn status_at(server: &Serving, url: &str, ca: Option<&Path>) -> Output {
    let token = server.data().join("cli.token");
    let mut line = vec!["status", "--server", url, "--token-file"];
    line.extend(token.to_str());
    if let Some(ca) = ca {
        line.extend(["--ca", ca.to_str().unwrap()]);
    }
    run(&line)
}

/// `uacsta status` with the data folder of the server.
fn status_of(server: &Serving) -> Output {
    run(&["status", "--data", server.data().to_str().unwrap()])
}

async fn connect(address: SocketAddr) -> TlsStream<TcpStream> {
    let io = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(uacsta_connect::trusting()));
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, io).await.unwrap()
}

/// The first octets of the answer to one more request on a connection.
async fn asks(stream: &mut TlsStream<TcpStream>) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = [0; 512];
    let read = timeout(PATIENCE, stream.read(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned()
}

fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    let chain = stream.get_ref().1.peer_certificates();
    chain.unwrap()[0].to_vec()
}

#[tokio::test]
async fn command_line_reaches_the_api_by_tls() {
    let server = Serving::start(tempfile::tempdir().unwrap(), TLS);
    let port = server.web.port();
    let local = status_of(&server);
    assert!(local.status.success(), "{}", said(&local));
    let ca = server.data().join("ca.pem");
    for host in ["127.0.0.1", "localhost", "LOCALHOST"] {
        let url = format!("https://{host}:{port}");
        let by_ca = status_at(&server, &url, Some(&ca));
        assert!(by_ca.status.success(), "{url}: {}", said(&by_ca));
    }
    let url = format!("https://127.0.0.1:{port}");
    let stranger = status_at(&server, &url, None);
    assert_eq!(stranger.status.code(), Some(1));
    let words = said(&stranger);
    assert!(
        words.contains("not signed by a trusted authority"),
        "{words}"
    );
    server.until_logged(0, "TLS handshake failed").await;
    let plain = status_at(&server, &format!("http://127.0.0.1:{port}"), None);
    assert_eq!(plain.status.code(), Some(1));
    assert!(said(&plain).contains("use https://"), "{}", said(&plain));
    server.until_logged(0, "the peer speaks plain HTTP").await;
    let unused = status_at(&server, &format!("http://127.0.0.1:{port}"), Some(&ca));
    assert_eq!(unused.status.code(), Some(2), "{}", said(&unused));
}

#[tokio::test]
async fn command_line_explains_a_wrong_host_and_a_server_without_tls() {
    let files = Files::new();
    let settings = files.settings() + TLS;
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let url = |host| format!("https://{host}:{}", server.web.port());
    let ca = files.certificate();
    let named = status_at(&server, &url("localhost"), Some(&ca));
    assert!(named.status.success(), "{}", said(&named));
    let other = status_at(&server, &url("127.0.0.1"), Some(&ca));
    assert_eq!(other.status.code(), Some(1));
    let words = said(&other);
    assert!(
        words.contains("not for this host name or address"),
        "{words}"
    );
    // The data folder names the certificate, so the host does not matter.
    let local = status_of(&server);
    assert!(local.status.success(), "{}", said(&local));

    // Switched off while it runs, on the same socket.
    server.reload(&files.settings()).await;
    let off = status_at(&server, &url("localhost"), Some(&ca));
    assert_eq!(off.status.code(), Some(1));
    assert!(said(&off).contains("does not speak TLS"), "{}", said(&off));
    let local = status_of(&server);
    assert!(local.status.success(), "{}", said(&local));
}

#[tokio::test]
async fn new_certificate_is_shown_while_connections_stay() {
    let files = Files::new();
    let settings = files.settings() + TLS;
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let mut before = connect(server.web).await;
    assert!(asks(&mut before).await.starts_with("HTTP/1.1 200"));
    files.replace(params(-1, 100));
    server.until_logged(0, "certificate reloaded").await;
    let mut after = connect(server.web).await;
    assert_ne!(shown(&before), shown(&after));
    for stream in [&mut before, &mut after] {
        assert!(asks(stream).await.starts_with("HTTP/1.1 200"));
    }
    let local = status_of(&server);
    assert!(local.status.success(), "{}", said(&local));
}

#[tokio::test]
async fn peers_that_never_finish_a_handshake_free_their_places() {
    const PLACES: usize = 8;
    let settings = format!("[limits]\napi_connections = {PLACES}\ntls_handshake = 1\n{TLS}");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let mut held = Vec::new();
    for at in 0..PLACES {
        let mut stream = TcpStream::connect(server.web).await.unwrap();
        // Some are silent, others begin a handshake.
        let begun = &[0x16, 3, 1, 2, 0][..if at % 2 == 0 { 0 } else { 5 }];
        stream.write_all(begun).await.unwrap();
        held.push(stream);
    }
    let mut stream = timeout(PATIENCE, connect(server.web)).await.unwrap();
    assert!(asks(&mut stream).await.starts_with("HTTP/1.1 200"));
    server
        .until_logged(0, "not complete within limits.tls_handshake")
        .await;
    for mut stream in held {
        let end = timeout(PATIENCE, stream.read(&mut [0; 64])).await;
        assert!(end.is_ok(), "a place is held");
    }
}

#[tokio::test]
async fn web_socket_lives_over_tls_until_the_server_stops() {
    let settings = format!("{PASSWORDS}{TLS}");
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let authorization = format!("Bearer {}", token.trim());
    let io = connect(server.web).await;
    let host = format!("localhost:{}", server.web.port());
    let socket = WebSocket::over(io, &host, &authorization, "topics=phones").await;
    let mut socket = socket.unwrap();
    socket.opening().await;
    let phone = server.phone("000413000001", "sip:1@pbx.example");
    phone.start().await;
    let is_there = |data: &Value| data["phone"]["state"] == "controlled";
    socket.until("phone.changed", is_there).await;
    let stopped = std::thread::spawn(move || server.stop());
    assert_eq!(socket.closed().await, 1001);
    assert_eq!(stopped.join().unwrap().0, Some(0));
}

#[tokio::test]
async fn plain_request_to_a_tls_port_gets_an_answer_that_says_so() {
    let server = Serving::start(tempfile::tempdir().unwrap(), TLS);
    let soon = Duration::from_secs(5);
    let answer = timeout(soon, http(server.web, "", "GET", "/healthz", "")).await;
    let (status, body) = answer.unwrap();
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("use https://"), "{body}");
}
