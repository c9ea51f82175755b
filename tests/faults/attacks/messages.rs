//! Messages with wrong lengths, without an end, or mutated at random.

use std::time::Duration;

use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use super::{bystander, is_served, metric};
use crate::support::{
    PATIENCE,
    fixture::MAC,
    line::{Line, register, request},
    server::Server,
    sip::Frame,
};

fn lines(number: usize, line: &str) -> String {
    line.repeat(number)
}

/// Messages that cannot be framed, with the status that they get; `None`: the connection may end without a response
/// (RFC 3261, sections 18.3, 20.14, 21.4.11 and 21.5.7).
fn unframable() -> Vec<(&'static str, String, Option<u16>)> {
    let whole = String::from_utf8(request("OPTIONS", MAC).bytes()).unwrap();
    let length =
        |value: &str| whole.replace("Content-Length: 0", &format!("Content-Length: {value}"));
    let with = |more: &str| whole.replace("Max-Forwards: 70", more);
    vec![
        ("a negative length", length("-1"), Some(400)),
        ("a length with a sign", length("+0"), Some(400)),
        ("a length of words", length("ten"), Some(400)),
        ("a length in hexadecimal digits", length("0x10"), Some(400)),
        ("two lengths", length("0\r\nl: 5"), Some(400)),
        ("a list of lengths", length("0, 0"), Some(400)),
        ("more than the limit", length("262145"), Some(413)),
        (
            "more than 64 bits hold",
            length("18446744073709551616"),
            Some(413),
        ),
        ("many digits", length(&"9".repeat(10_000)), Some(413)),
        (
            "257 header fields",
            with(&lines(257, "X: y\r\n")),
            Some(513),
        ),
        (
            "an endless flood of header fields",
            format!("{}{}", &whole[..40], lines(100_000, "X: y\r\n")),
            None,
        ),
        (
            "a line of 17 kB",
            with(&format!("X: {}", "y".repeat(17 << 10))),
            Some(513),
        ),
        (
            "an endless line",
            format!("OPTIONS sip:{}", "x".repeat(1 << 20)),
            None,
        ),
        (
            "an endless folded line",
            format!(
                "OPTIONS sip:a SIP/2.0\r\nX: y\r\n{}",
                lines(100_000, " y\r\n")
            ),
            None,
        ),
        (
            "header fields of 65 kB",
            with(&lines(250, &format!("X: {}\r\n", "y".repeat(300)))),
            Some(513),
        ),
    ]
}

#[tokio::test]
async fn unframable_messages_are_refused_before_buffering() {
    let server = Server::start();
    let phone = bystander(&server).await;
    for (what, octets, status) in unframable() {
        let stream = TcpStream::connect(server.addresses.phones_tcp.unwrap())
            .await
            .unwrap();
        let mut line = Line::over(stream);
        // The server may end the connection before all is sent.
        let _ = line.stream().write_all(octets.as_bytes()).await;
        let mut answered = None;
        while let Some(Frame::Message(answer)) = line.frame().await {
            answered = answered.or_else(|| Some(answer.status()));
        }
        if status.is_some() {
            assert_eq!(answered, status, "{what}");
        } else {
            assert!(answered.is_none_or(|answered| answered >= 400), "{what}");
        }
    }
    is_served(&server, &phone).await;
    for (name, times) in [
        ("uacsta_framing_errors_total", 6),
        (
            "uacsta_messages_refused_total{limit=\"limits.message_body\"}",
            3,
        ),
        (
            "uacsta_messages_refused_total{limit=\"limits.message_headers\"}",
            2,
        ),
        (
            "uacsta_messages_refused_total{limit=\"limits.message_line\"}",
            2,
        ),
        (
            "uacsta_messages_refused_total{limit=\"limits.message_head\"}",
            2,
        ),
    ] {
        assert_eq!(metric(&server, name).await, times, "{name}");
    }
    assert_eq!(metric(&server, "uacsta_panics_total").await, 0);
}

/// Numbers that are the same in each run (Vigna's splitmix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// A message with one to eight changes: octets exchanged, left out, doubled, put elsewhere.
fn mutated(octets: &[u8], seed: u64) -> Vec<u8> {
    let mut dice = Seeded(seed);
    let mut octets = octets.to_vec();
    for _ in 0..=dice.below(8) {
        if octets.is_empty() {
            break;
        }
        let at = dice.below(octets.len());
        match dice.below(6) {
            0 => octets[at] = u8::try_from(dice.below(256)).unwrap_or_default(),
            1 => octets[at] = b"\r\n:;,<>\"\\% \0"[dice.below(12)],
            2 => octets.truncate(at),
            3 => drop(octets.remove(at)),
            4 => {
                let end = (at + dice.below(60)).min(octets.len());
                let piece = octets[at..end].to_vec();
                let to = dice.below(octets.len());
                octets.splice(to..to, piece);
            }
            _ => {
                let end = (at + dice.below(30)).min(octets.len());
                octets.drain(at..end);
            }
        }
    }
    octets
}

#[tokio::test]
async fn three_thousand_mutated_messages_do_no_harm() {
    let server = Server::with(|settings| {
        settings.limits.message_time = Duration::from_millis(500);
    });
    let phone = bystander(&server).await;
    let clients = server.addresses.clients_tcp.unwrap();
    let phones = server.addresses.phones_tcp.unwrap();
    let csta = "<?xml version=\"1.0\"?><MonitorStart xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><monitorObject><deviceObject>101</deviceObject></monitorObject></MonitorStart>";
    let proof = "Digest username=\"000413000001\", realm=\"uacsta\", nonce=\"00\", uri=\"sip:127.0.0.1\", response=\"00\", qop=auth, nc=00000001, cnonce=\"a\", algorithm=SHA-256";
    let sources = [
        register(MAC).with("Authorization", proof).bytes(),
        request("INVITE", MAC).csta(csta).bytes(),
        request("OPTIONS", MAC)
            .with("Session-Expires", "1800;refresher=uac")
            .with("Accept", "application/csta+xml, */*;q=0.1")
            .bytes(),
        request("INFO", MAC)
            .set("To", "<sip:a@b>;tag=1")
            .csta(csta)
            .bytes(),
        request("OPTIONS", MAC)
            .answer(200, "OK")
            .tagged("x")
            .bytes(),
    ];
    for round in 0..30 {
        let attacks = (0..100).map(|number| {
            let seed = round * 100 + number;
            let octets = mutated(&sources[number as usize % sources.len()], seed);
            async move {
                let address = if seed % 2 == 0 { phones } else { clients };
                let mut stream = TcpStream::connect(address).await.unwrap();
                let _ = stream.write_all(&octets).await;
                let _ = stream.shutdown().await;
                let mut answer = Vec::new();
                let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
                let ended = timeout(PATIENCE, read).await;
                assert!(ended.is_ok(), "seed {seed} is served without end");
            }
        });
        futures_util::future::join_all(attacks).await;
        if round % 10 == 0 {
            phone.register().await.expect(200);
        }
    }
    assert_eq!(metric(&server, "uacsta_panics_total").await, 0);
    assert!(metric(&server, "uacsta_messages_malformed_total").await > 100);
    is_served(&server, &phone).await;
}
