//! Connections that stall, arrive in storms, or are never read.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{bystander, is_served, metric, until_metric};
#[cfg(target_os = "linux")]
use crate::support::process::Serving;
use crate::support::{
    PATIENCE,
    digest::Account,
    line::{Line, request},
    server::{PHONES_PASSWORD, Server, http},
};

const SECOND: Duration = Duration::from_secs(1);
const OPEN: &str = "uacsta_connections";

/// The beginning of a TLS handshake: a record that announces more than comes (RFC 8446, section 5.1).
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
async fn half_messages_and_half_handshakes_time_out() {
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
async fn unauthenticated_connections_are_limited_and_closed() {
    let server = Server::with(|settings| {
        settings.limits.unauthenticated_time = 2 * SECOND;
        // Two thirds of them are one address's at the most.
        settings.limits.unauthenticated_connections = 75;
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

/// An address takes no place that others need, however many connections it opens; RFC 4291, section 2.5.4 for IPv6 is shown in
/// `src/net/open.rs`.
#[tokio::test]
async fn full_share_of_one_address_does_not_block_another() {
    let server = Server::with(|settings| {
        settings.limits.unauthenticated_connections = 30;
        settings.limits.unauthenticated_time = 300 * SECOND;
    });
    let address = server.addresses.phones_tcp.unwrap();
    let strangers = opened(address, 60, b"").await;
    let refused = "uacsta_connections_refused_total{limit=\"limits.unauthenticated_connections\"}";
    until_metric(&server, refused, |refused| refused == 40).await;
    for (last, mac) in [(2, "000413000002"), (3, "000413000003")] {
        let mut other = Line::from(Ipv4Addr::new(127, 0, 0, last), address).await;
        let account = Account::new(mac, PHONES_PASSWORD);
        other.log_on(&account).await.expect(200);
    }
    drop(strangers);
}

/// Where several threads carry connections, the first request is looked at before it is read: its time begins with the
/// connection all the same.
#[tokio::test]
async fn half_messages_time_out_with_several_threads() {
    let server = Server::with(|settings| {
        settings.advanced.arbiters = 2;
        settings.limits.message_time = 6 * SECOND;
        settings.limits.unauthenticated_time = 300 * SECOND;
    });
    let begun = Instant::now();
    let half = b"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP";
    for stream in &mut opened(server.addresses.phones_tcp.unwrap(), 20, half).await {
        assert!(is_ended(stream).await, "a half one stays");
    }
    assert!(begun.elapsed() < 11 * SECOND, "{:?}", begun.elapsed());
    let phone = bystander(&server).await;
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn five_thousand_connects_leave_no_socket() {
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

/// Sends requests without an end, until that fails.
async fn flood(stream: &mut TcpStream) {
    let many: Vec<u8> = (0..100)
        .flat_map(|_| request("OPTIONS", "000413000001").bytes())
        .collect();
    while stream.write_all(&many).await.is_ok() {}
}

/// What a stranger does not read it is not sent, nor is more of it taken; with the time to log on it is gone.
#[tokio::test]
async fn stranger_that_never_reads_is_throttled_then_disconnected() {
    let server = Server::with(|settings| {
        settings.limits.unauthenticated_time = 3 * SECOND;
        settings.limits.message_time = SECOND;
    });
    let phone = bystander(&server).await;
    for address in [server.addresses.phones_tcp, server.addresses.clients_tcp] {
        let mut stream = TcpStream::connect(address.unwrap()).await.unwrap();
        assert!(
            timeout(4 * PATIENCE, flood(&mut stream)).await.is_ok(),
            "the server takes requests without end whose answers nobody reads"
        );
    }
    let ended = "uacsta_connections_ended_total{limit=\"limits.unauthenticated_time\"}";
    until_metric(&server, ended, |ended| ended == 2).await;
    until_metric(&server, OPEN, |open| open == 1).await;
    is_served(&server, &phone).await;
}

/// What many strangers do not read is no more together than what the first messages of as many take.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn strangers_that_never_read_use_bounded_memory() {
    const STRANGERS: usize = 10;
    // What an answer repeats makes it long (RFC 3261, section 8.2.6.2).
    let long = format!(
        "SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{}",
        "a".repeat(8_000)
    );
    let one = request("OPTIONS", "000413000001").set("Via", long).bytes();
    let settings = "[phones]\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let before = most_resident(server.id());
    let flooding: Vec<_> = (0..STRANGERS)
        .map(|number| {
            let address = [server.phones, server.clients][number % 2];
            let one = one.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                // The server takes no more when a second passes, or has ended the connection.
                while let Ok(Ok(())) = timeout(SECOND, stream.write_all(&one)).await {}
                stream
            })
        })
        .collect();
    let mut held = Vec::new();
    for flooding in flooding {
        held.push(flooding.await.unwrap());
    }
    let mut line = Line::to(server.phones).await;
    line.ask(&request("OPTIONS", "000413000001"))
        .await
        .expect(200);
    let grown = most_resident(server.id()).saturating_sub(before);
    assert!(grown < 8 << 10, "{STRANGERS} strangers take {grown} kB");
    drop(held);
}

/// Long messages that are never whole take no more together than they may, and who is known is served.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_half_long_messages_use_bounded_memory() {
    const STRANGERS: usize = 200;
    let settings =
        "[phones]\npassword = \"let me ring\"\n[limits]\nunauthenticated_memory = \"4MiB\"\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let mut known = Line::to(server.phones).await;
    let account = Account::new("000413000001", "let me ring");
    known.log_on(&account).await.expect(200);
    let before = most_resident(server.id());
    let head = request("OPTIONS", "000413000002").with("Content-Length", 200_000);
    let half = [head.bytes(), vec![b'a'; 199_000]].concat();
    let held = join_all((0..STRANGERS).map(|number| {
        let address = [server.phones, server.clients][number % 2];
        let half = &half;
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The server may end the connection meanwhile.
            let _ = stream.write_all(half).await;
            stream
        }
    }))
    .await;
    let ended = "uacsta_connections_ended_total{limit=\"limits.unauthenticated_memory\"} ";
    let counted = async {
        loop {
            let (_, page) = http(server.web, "", "GET", "/metrics", "").await;
            let ended = page.lines().find_map(|line| line.strip_prefix(ended));
            // All but those of 4 MiB, which are 21 of 195 kB.
            if ended.unwrap().parse::<usize>().unwrap() >= STRANGERS - 21 {
                return;
            }
            tokio::time::sleep(SECOND / 50).await;
        }
    };
    timeout(2 * PATIENCE, counted)
        .await
        .expect("an end of most");
    let long = request("OPTIONS", "000413000001").with("X", "x".repeat(10_000));
    known.ask(&long).await.expect(200);
    let grown = most_resident(server.id()).saturating_sub(before);
    assert!(grown < 16 << 10, "{STRANGERS} strangers take {grown} kB");
    drop(held);
}

/// The most that a process has had in memory, in kB (proc_pid_status: VmHWM).
#[cfg(target_os = "linux")]
pub fn most_resident(process: u32) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_answered_in_order() {
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
