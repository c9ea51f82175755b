//! The last messages of phones and clients: whose they are, how long they are kept, what they hide, and that tshark reads them.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use tokio::time::timeout;
use uacsta::ladder::{diagram::Diagram, pcap::Capture};
use uacsta_actors::ladder::{Direction, Followed, Party, Path, RecordedMessage};
use uacsta_schema::sip::Transport;

use crate::support::{
    PATIENCE,
    csta::element,
    datagrams::Weather,
    digest::Account,
    fixture::{MAC, started},
    line::{Line, register},
    programs,
    server::{PHONES_PASSWORD, Server},
};

const SECOND: &str = "000413000002";

fn phone(mac: &str) -> Party {
    Party::Phone(mac.parse().unwrap())
}

async fn kept(server: &Server, party: &Party) -> Vec<RecordedMessage> {
    server.context.ladder.read(party).await
}

/// Each message in a few words, such as `> INFO MakeCall` or `< 200 OK`.
fn words(messages: &[RecordedMessage]) -> Vec<String> {
    let word = |message: &RecordedMessage| match message.direction {
        Direction::Received => format!("> {}", message.summary()),
        Direction::Sent => format!("< {}", message.summary()),
    };
    messages.iter().map(word).collect()
}

fn text(message: &RecordedMessage) -> String {
    String::from_utf8(message.masked()).unwrap()
}

#[tokio::test]
async fn messages_of_a_phone_are_kept_in_order_without_secrets() {
    let server = Server::start();
    let one = started(&server).await;
    let messages = kept(&server, &phone(MAC)).await;
    let words = words(&messages);
    let begin = [
        "> REGISTER",
        "< 401 Unauthorized",
        "> REGISTER",
        "< 200 OK",
        "< INVITE RequestSystemStatus",
    ];
    assert_eq!(words.get(..5).unwrap(), begin, "{words:#?}");
    let wire = one.wire().await;
    assert!(
        messages
            .iter()
            .all(|message| message.path.peer == wire.local)
    );
    assert!(
        messages
            .iter()
            .all(|message| message.path.local == wire.peer)
    );
    let proof = text(&messages[2]);
    let (_, response) = proof.split_once("response=\"").expect("a digest response");
    assert!(response.starts_with("********"), "{proof}");
    assert!(proof.contains("nonce=\"") && proof.contains(MAC), "{proof}");
}

#[tokio::test]
async fn ring_of_a_phone_survives_its_connections_and_ends_with_the_phone() {
    // Each connection is on another thread.
    let server = Server::with(|settings| settings.advanced.arbiters = 3);
    let one = started(&server).await;
    let before = kept(&server, &phone(MAC)).await;
    one.disconnect();
    one.gone().await;
    one.start().await;
    let after = kept(&server, &phone(MAC)).await;
    assert!(after.len() > before.len());
    let times = |messages: &[RecordedMessage]| -> Vec<_> {
        messages.iter().map(|message| message.at).collect()
    };
    assert_eq!(times(&after)[..before.len()], times(&before));
    assert_ne!(after.last().unwrap().path, before[0].path);

    one.unregister().await.expect(200);
    one.disconnect();
    let path = format!("/api/v1/phones/{MAC}");
    let remove = async { while server.http("DELETE", &path, "").await.0 >= 300 {} };
    timeout(PATIENCE, remove).await.expect("the phone is away");
    assert!(kept(&server, &phone(MAC)).await.is_empty());
}

#[tokio::test]
async fn messages_of_a_client_are_kept_under_its_user() {
    let server = Server::start();
    let one = started(&server).await;
    let session = server.client().await.open(one.line()).await;
    let device = element("device", one.line());
    session.done("GetDoNotDisturb", &device).await;
    session
        .refused("GetDoNotDisturb", &element("device", "sip:nobody@h"))
        .await;
    let words = words(&kept(&server, &Party::Client("ecsta".into())).await);
    let log_on = ["> INVITE", "< 401 Unauthorized", "> ACK", "> INVITE"];
    let begin: Vec<_> = words
        .iter()
        .take(4)
        .map(|word| word.split(" Req").next().unwrap())
        .collect();
    assert_eq!(begin, log_on, "{words:#?}");
    for expected in [
        "> INFO GetDoNotDisturb",
        "< 200 OK GetDoNotDisturbResponse",
        "< 200 OK CSTAErrorCode operation: invalidDeviceID (the device is not known)",
    ] {
        assert!(
            words.iter().any(|word| word == expected),
            "{expected}: {words:#?}"
        );
    }
}

#[tokio::test]
async fn messages_of_a_front_end_are_those_of_its_users() {
    let server = Server::with(|settings| {
        let trusted = uacsta_config::Trusted::try_from("127.0.0.1".to_owned());
        settings.clients.trusted.push(trusted.unwrap());
    });
    let one = started(&server).await;
    let client = server.client().await;
    let open = async |user: &str| {
        let from = format!("<sip:{user}@example.com>;tag={user}");
        let opened = client.invite(one.line(), |invite| invite.set("From", &from));
        opened.await.expect("the front end is trusted")
    };
    let (alice, bob) = (open("alice").await, open("bob").await);
    alice.done("GetDoNotDisturb", "").await;
    bob.monitor(one.line()).await;
    let of = async |user: &str| {
        let user = format!("{user}@example.com");
        words(&kept(&server, &Party::Client(user.as_str().into())).await).join("\n")
    };
    let (alice, bob) = (of("alice").await, of("bob").await);
    assert!(
        alice.contains("> INFO GetDoNotDisturb\n< 200 OK GetDoNotDisturbResponse"),
        "{alice}"
    );
    assert!(
        bob.contains("> INFO MonitorStart\n< 200 OK MonitorStartResponse"),
        "{bob}"
    );
    assert!(
        !alice.contains("Monitor") && !bob.contains("DoNotDisturb"),
        "{alice}\n{bob}"
    );
}

#[tokio::test]
async fn messages_on_a_shared_connection_are_those_of_their_phones() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    for mac in [MAC, SECOND] {
        line.log_on(&Account::new(mac, PHONES_PASSWORD))
            .await
            .expect(200);
    }
    let invited = async {
        loop {
            let [one, two] = [
                kept(&server, &phone(MAC)).await,
                kept(&server, &phone(SECOND)).await,
            ];
            if [&one, &two].iter().all(|messages| messages.len() > 4) {
                return [one, two];
            }
        }
    };
    let rings = timeout(PATIENCE, invited).await.expect("both are invited");
    for (messages, [own, other]) in rings.iter().zip([[MAC, SECOND], [SECOND, MAC]]) {
        assert!(
            words(messages)[4].starts_with("< INVITE"),
            "{:#?}",
            words(messages)
        );
        for message in messages {
            let text = text(message);
            assert!(text.contains(own) && !text.contains(other), "{text}");
        }
    }
}

#[tokio::test]
async fn strangers_do_not_replace_the_messages_of_phones() {
    let server = Server::with(|settings| {
        settings.limits.ladder = uacsta_config::ByteSize::new(1 << 20);
        settings.limits.unknown_phones = 100;
    });
    let _one = started(&server).await;
    let before = kept(&server, &phone(MAC)).await.len();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    for number in 0..600 {
        let mac = format!("0004131{number:05}");
        let request = register(&mac).with("Subject", "x".repeat(4000));
        line.ask(&request).await.expect(401);
    }
    let first = kept(&server, &phone("000413100000")).await;
    assert!(first.is_empty(), "strangers replace each other");
    assert_eq!(words(&kept(&server, &phone("000413100599")).await).len(), 2);
    // The REGISTER without credentials was a stranger's.
    assert!(kept(&server, &phone(MAC)).await.len() + 3 >= before);
}

#[tokio::test]
async fn unauthenticated_datagrams_are_kept_too() {
    let server = Server::with(|settings| {
        settings.phones.udp = uacsta_config::Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    let address = server.addresses.phones_udp.unwrap();
    let one = server.phone_as(MAC, |setup| {
        setup.server = address;
        setup.udp = Some(Weather::Fair);
    });
    one.start().await;
    let messages = kept(&server, &phone(MAC)).await;
    let begin = ["> REGISTER", "< 401 Unauthorized", "> REGISTER", "< 200 OK"];
    assert_eq!(words(&messages).get(..4).unwrap(), begin);
    assert!(messages.iter().all(|message| message.path.local == address));
}

#[tokio::test]
async fn followers_receive_messages_as_they_come() {
    let server = Server::start();
    let one = started(&server).await;
    let (before, mut followed) = server.context.ladder.follow(&phone(MAC)).await;
    assert!(!before.is_empty());
    one.register().await.expect(200);
    let register = async {
        loop {
            match followed.recv().await {
                Some(Followed::Message(message)) if message.summary().to_string() == "REGISTER" => {
                    return message;
                }
                Some(_) => {}
                None => panic!("the ladder ended"),
            }
        }
    };
    let message = timeout(PATIENCE, register)
        .await
        .expect("the REGISTER is followed");
    assert!(message.at >= before.last().unwrap().at);
}

#[tokio::test]
async fn ladder_of_size_zero_keeps_nothing() {
    let server = Server::with(|settings| {
        settings.limits.ladder = uacsta_config::ByteSize::new(0);
    });
    let _one = started(&server).await;
    assert!(kept(&server, &phone(MAC)).await.is_empty());
}

#[tokio::test]
async fn diagram_has_an_arrow_for_each_message() {
    let server = Server::start();
    let _one = started(&server).await;
    let messages = kept(&server, &phone(MAC)).await;
    let diagram = Diagram::of(&phone(MAC), &messages);
    let arrows: Vec<_> = diagram.lines().filter(|line| line.contains('|')).collect();
    assert_eq!(arrows.len(), messages.len(), "{diagram}");
    assert!(arrows[0].contains("|-- REGISTER ---"), "{diagram}");
    assert!(arrows[1].contains("--- 401 Unauthorized --|"), "{diagram}");
    assert!(
        diagram.contains("phone 00:04:13:00:00:01 127.0.0.1:"),
        "{diagram}"
    );
}

/// The same messages on other addresses.
fn moved(
    messages: &[RecordedMessage],
    [local, peer]: [&str; 2],
    transport: Transport,
) -> Vec<RecordedMessage> {
    let path = Arc::new(Path {
        local: local.parse().unwrap(),
        peer: peer.parse().unwrap(),
        transport,
    });
    let moved = |message: &RecordedMessage| {
        let octets = Bytes::from(message.masked());
        RecordedMessage::new(message.at, message.direction, Arc::clone(&path), octets)
    };
    messages.iter().map(moved).collect()
}

#[tokio::test]
async fn tshark_reads_the_capture_of_a_phone() {
    let Some(tshark) = programs::find("tshark", "tshark") else {
        return;
    };
    let server = Server::start();
    let one = started(&server).await;
    server.client().await.open(one.line()).await;
    let messages = kept(&server, &phone(MAC)).await;
    let v6 = ["[2001:db8::1]:5061", "[2001:db8::7]:40000"];
    let v4 = ["192.0.2.1:5060", "192.0.2.7:5060"];
    for messages in [
        moved(&messages, v6, Transport::TLS),
        moved(&messages, v4, Transport::UDP),
        messages,
    ] {
        check_capture(&tshark, &messages);
    }
}

/// tshark finds each message in its capture, and nothing wrong with any packet.
fn check_capture(tshark: &std::path::Path, messages: &[RecordedMessage]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), Capture::of(messages)).unwrap();
    let fields = [
        "sip.Method",
        "sip.Status-Code",
        "sip.Call-ID",
        "_ws.malformed",
        "tcp.analysis.flags",
    ];
    let checks = ["ip", "tcp", "udp"].map(|protocol| format!("{protocol}.check_checksum:TRUE"));
    let output = Command::new(tshark)
        .args(checks.iter().flat_map(|check| ["-o", check]))
        .args(["-T", "fields", "-r"])
        .arg(file.path())
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .args([
            "-e",
            "ip.checksum.status",
            "-e",
            "tcp.checksum.status",
            "-e",
            "udp.checksum.status",
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows.len(), messages.len(), "{text}");
    for (row, message) in rows.iter().zip(messages) {
        let summary = message.summary();
        let start = summary.to_string();
        let expected = start.split(' ').next().unwrap();
        assert!(row[0] == expected || row[1] == expected, "{start}: {row:?}");
        assert_eq!(row[2], summary.call_id);
        assert_eq!(row[3..5], ["", ""], "{row:?}");
        // 1: good.
        assert!(
            row[5..].iter().all(|status| ["", "1"].contains(status)),
            "{row:?}"
        );
        assert!(row[6..].contains(&"1"), "{row:?}");
    }
}
