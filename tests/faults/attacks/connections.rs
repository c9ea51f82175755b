//! Connections that begin and do not go on, come in storms, or are left unread.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use settings::ByteSize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{bystander, is_served, metric, until_metric};
use crate::support::PATIENCE;
use crate::support::line::{Line, request};
use crate::support::server::Server;

const SECOND: Duration = Duration::from_secs(1);
const OPEN: &str = "uacsta_connections";

/// The beginning of a TLS handshake: a record that announces more than comes (RFC 8446 5.1).
const HALF_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// Opens so many connections, sends that on each, and returns those on which the server is to act first.
async fn opened(address: std::net::SocketAddr, number: usize, octets: &[u8]) -> Vec<TcpStream> {
    join_all((0..number).map(|_| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(octets).await.unwrap();
        stream
    }))
    .await
}

/// Whether the server ends a connection, in good order or by RST.
async fn is_ended(stream: &mut TcpStream) -> bool {
    let mut octets = [0; 4096];
    let ended = async { while !matches!(stream.read(&mut octets).await, Ok(0) | Err(_)) {} };
    timeout(2 * PATIENCE, ended).await.is_ok()
}

#[tokio::test]
async fn four_hundred_half_messages_and_two_hundred_half_handshakes_are_gone_in_time() {
    let server = Server::with(|settings| {
        settings.limits.message_time = 2 * SECOND;
        settings.limits.tls_handshake = 2 * SECOND;
    });
    let phone = bystander(&server).await;
    let address = server.addresses.phones_tcp.unwrap();
    let whole = request("OPTIONS", "000413000001")
        .with("Content-Length", 10)
        .bytes();
    let begun = Instant::now();
    let mut streams = opened(address, 200, b"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP").await;
    streams.extend(opened(address, 200, &whole).await);
    streams.extend(opened(server.addresses.phones_tls.unwrap(), 200, HALF_HELLO).await);
    phone.register().await.expect(200);
    for stream in &mut streams {
        assert!(is_ended(stream).await, "a half one stays");
    }
    assert!(begun.elapsed() < 30 * SECOND, "{:?}", begun.elapsed());
    until_metric(&server, OPEN, |open| open == 1).await;
    let ended = "uacsta_connections_ended_total{limit=\"limits.message_time\"}";
    assert_eq!(metric(&server, ended).await, 400);
    let ended = "uacsta_connections_ended_total{limit=\"limits.tls_handshake\"}";
    assert_eq!(metric(&server, ended).await, 200);
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn connections_on_which_nobody_logs_on_are_ended_and_have_their_number() {
    let server = Server::with(|settings| {
        settings.limits.unauthenticated_time = 2 * SECOND;
        settings.limits.unauthenticated_connections = 50;
    });
    let phone = bystander(&server).await;
    let address = server.addresses.phones_tcp.unwrap();
    // Some are silent, some chat and never log on.
    let mut streams = opened(address, 25, b"").await;
    streams.extend(opened(address, 25, &request("OPTIONS", "000413000001").bytes()).await);
    until_metric(&server, "uacsta_connections_unauthenticated", |open| {
        open == 50
    })
    .await;
    let mut late = TcpStream::connect(address).await.unwrap();
    assert!(is_ended(&mut late).await, "the 51st is one too many");
    let refused = "uacsta_connections_refused_total{limit=\"limits.unauthenticated_connections\"}";
    assert_eq!(metric(&server, refused).await, 1);
    // Who has logged on is none of them.
    phone.register().await.expect(200);
    for stream in &mut streams {
        assert!(is_ended(stream).await, "a stranger stays");
    }
    let ended = "uacsta_connections_ended_total{limit=\"limits.unauthenticated_time\"}";
    until_metric(&server, ended, |ended| ended == 50).await;
    until_metric(&server, "uacsta_connections_unauthenticated", |open| {
        open == 0
    })
    .await;
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn five_thousand_connects_and_disconnects_leave_no_socket() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let addresses = [
        server.addresses.phones_tcp.unwrap(),
        server.addresses.phones_tls.unwrap(),
        server.addresses.clients_tcp.unwrap(),
    ];
    let options = request("OPTIONS", "000413000001").bytes();
    for round in 0..50 {
        let address = addresses[round % 3];
        join_all((0..100).map(|number| {
            let options = &options;
            async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                match number % 4 {
                    0 => {}
                    // Gone before the answer, by FIN and by RST.
                    1 => drop(stream.write_all(options).await),
                    2 => {
                        let _ = stream.write_all(options).await;
                        stream.set_zero_linger().unwrap();
                    }
                    _ => {
                        let _ = stream.write_all(&options[..20]).await;
                        let _ = stream.shutdown().await;
                    }
                }
            }
        }))
        .await;
    }
    until_metric(&server, "uacsta_connections_accepted_total", |accepted| {
        accepted >= 5001
    })
    .await;
    until_metric(&server, OPEN, |open| open == 1).await;
    assert_eq!(
        metric(&server, "uacsta_connections_unauthenticated").await,
        0
    );
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn a_peer_that_never_reads_is_dropped() {
    let server = Server::with(|settings| settings.limits.client_queue = ByteSize::new(64 << 10));
    let phone = bystander(&server).await;
    let address = server.addresses.phones_tcp.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let many: Vec<u8> = (0..100)
        .flat_map(|_| request("OPTIONS", "000413000001").bytes())
        .collect();
    let flood = async { while stream.write_all(&many).await.is_ok() {} };
    assert!(
        timeout(4 * PATIENCE, flood).await.is_ok(),
        "the server takes requests without end whose answers nobody reads"
    );
    let ended = "uacsta_connections_ended_total{limit=\"limits.client_queue\"}";
    until_metric(&server, ended, |ended| ended == 1).await;
    until_metric(&server, OPEN, |open| open == 1).await;
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_answered_in_order_while_others_are_served() {
    const NUMBER: usize = 10_000;
    let server = Server::start();
    let phone = bystander(&server).await;
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    let one = request("OPTIONS", "000413000001");
    let octets: Vec<u8> = (0..NUMBER)
        .flat_map(|number| one.clone().set("Call-ID", number).bytes())
        .collect();
    let (mut read, mut write) = line.stream().split();
    let reader = async {
        let (mut answers, mut buffer) = (0, bytes::BytesMut::new());
        while answers < NUMBER {
            assert_ne!(read.read_buf(&mut buffer).await.unwrap(), 0);
            while let Some(frame) = crate::support::sip::frame(&mut buffer).unwrap() {
                let crate::support::sip::Frame::Message(answer) = frame else {
                    continue;
                };
                assert_eq!(answer.must("Call-ID"), answers.to_string());
                answers += 1;
            }
        }
    };
    let writer = async {
        write.write_all(&octets).await.unwrap();
        phone.register().await.expect(200);
    };
    timeout(4 * PATIENCE, async { tokio::join!(reader, writer) })
        .await
        .expect("all are answered");
    is_served(&server, &phone).await;
}
