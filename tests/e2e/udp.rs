//! Phones over UDP: retransmission, duplicates, and statelessness towards strangers (RFC 3261, sections 17 and 18; RFC 3581).

use std::{
    net::SocketAddr,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::{net::UdpSocket, time::timeout};

use crate::{
    registrar::listed_once,
    support::{
        PATIENCE,
        csta::{Call, element},
        datagrams::Weather,
        phone::Phone,
        server::Server,
        sip::{self, Frame, Message, unique},
    },
};

const MAC: &str = "0c383e000001";

/// A server with the UDP interface.
pub(super) fn serving() -> Server {
    serving_with(|_| {})
}

fn serving_with(change: impl FnOnce(&mut uacsta_config::Settings)) -> Server {
    Server::with(|settings| {
        settings.phones.udp = uacsta_config::Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
        change(settings);
    })
}

fn phone_in(weather: Weather, server: &Server) -> Phone {
    let address = server.addresses.phones_udp.unwrap();
    server.phone_as(MAC, |setup| {
        setup.server = address;
        setup.udp = Some(weather);
        setup.user_agent = "Fanvil X4 2.3.0".to_owned();
    })
}

/// A whole small life: log-on, session, list, a request, a monitor, an event, the end.
async fn lives(weather: Weather) {
    let server = serving();
    let phone = phone_in(weather, &server);
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.done("GetDoNotDisturb", "").await;
    session.watch(phone.line()).await;
    let call = Call::seen_by(phone.line(), "-12", phone.line(), "sip:300@pbx.example");
    for event in [call.initiated(), call.originated(), call.delivered()] {
        phone.event(&event).await.expect(200);
    }
    for event in ["ServiceInitiatedEvent", "OriginatedEvent", "DeliveredEvent"] {
        session.expect(event).await;
    }
    assert!(session.quiet());
    phone
        .until("the ACK", |state| state.confirmed.then_some(()))
        .await;
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("GetDoNotDisturb")),
        (1, 1)
    );
    assert_eq!(
        phone.until("a dialog", |state| Some(state.dialogs)).await,
        1
    );
    phone.unregister().await.expect(200);
    listed_once(&server, "0c:38:3e:00:00:01", |phone| {
        phone["state"] == "away"
    })
    .await;
}

#[tokio::test]
async fn phone_on_udp_is_served_as_on_tcp() {
    lives(Weather::Fair).await;
}

#[tokio::test]
async fn lost_datagrams_are_retransmitted() {
    lives(Weather::LosesFirst).await;
}

#[tokio::test]
async fn duplicate_datagrams_count_once() {
    lives(Weather::Doubles).await;
}

#[tokio::test]
async fn response_200_to_invite_is_retransmitted_until_ack() {
    // RFC 3261, section 13.3.1.4.
    let server = serving();
    let phone = phone_in(Weather::Fair, &server);
    phone.start().await;
    let invite = phone
        .in_dialog("INVITE")
        .await
        .with("Supported", "timer")
        .with("Session-Expires", "300;refresher=uac");
    let wire = phone.wire().await;
    let begun = Instant::now();
    wire.transact(&invite).await.unwrap().expect(200);
    let repeated = || wire.repeated.load(Ordering::Relaxed);
    while repeated() < 2 {
        assert!(begun.elapsed() < PATIENCE, "the 200 is not repeated");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(1400),
        "T1, then 2*T1"
    );
    let mut ack = phone.in_dialog("ACK").await;
    ack = ack.set("CSeq", format!("{} ACK", invite.cseq()));
    wire.send(&ack);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(repeated(), 2, "the ACK has ended it");
}

#[tokio::test]
async fn request_too_large_for_udp_is_refused() {
    let server = serving();
    let phone = phone_in(Weather::Fair, &server);
    phone.start().await;
    let session = server.client().await.open(phone.line()).await;
    let inner = element("callingDevice", phone.line())
        + &element(
            "calledDirectoryNumber",
            &format!("sip:{}@pbx.example", "7".repeat(1300)),
        );
    assert_eq!(
        session.refused("MakeCall", &inner).await,
        (
            "systemResourceAvailibility".to_owned(),
            "resourceLimitExceeded".to_owned()
        )
    );
    assert_eq!(phone.count("MakeCall"), 0);
    session.done("GetDoNotDisturb", "").await;
}

#[tokio::test]
async fn unknown_udp_peer_is_answered_statelessly() {
    // With one connection allowed, whatever strangers cost would show.
    let server = serving_with(|settings| {
        settings.limits.connections = 1;
        settings.limits.connections_per_address = 1;
    });
    for _ in 0..50 {
        let stranger = Peer::new(&server).await;
        let challenge = stranger
            .ask(&stranger.request("REGISTER"))
            .await
            .expect(401);
        assert_eq!(challenge.all("WWW-Authenticate").count(), 2);
    }
    let stranger = Peer::new(&server).await;
    for (method, status) in [
        ("OPTIONS", 200),
        ("SUBSCRIBE", 489),
        ("NOTIFY", 489),
        ("PUBLISH", 405),
        ("MESSAGE", 405),
        ("REFER", 405),
        ("BREW", 501),
        ("INFO", 481),
        ("BYE", 481),
        ("CANCEL", 481),
        ("INVITE", 403),
    ] {
        let answer = stranger.ask(&stranger.request(method)).await.expect(status);
        if [405, 489, 501].contains(&status) {
            answer.must("Allow");
        }
    }
    let stray = stranger
        .request("INFO")
        .set("To", "<sip:a@127.0.0.1>;tag=unknown");
    stranger.ask(&stray).await.expect(481);
    let twice = stranger.request("OPTIONS");
    let (first, again) = (stranger.ask(&twice).await, stranger.ask(&twice).await);
    assert_eq!(
        first, again,
        "the same answer with the same tag (RFC 3261, section 8.2.7)"
    );
    let phone = phone_in(Weather::Fair, &server);
    phone.start().await;
}

#[tokio::test]
async fn transaction_memory_of_a_udp_phone_is_limited() {
    let server = serving();
    let phone = phone_in(Weather::Fair, &server);
    phone.start().await;
    let (peer, wire) = (Peer::new(&server).await, phone.wire().await);
    let mut statuses = Vec::new();
    while statuses.last() != Some(&503) && statuses.len() < 300 {
        let options = peer.request("OPTIONS").set("Via", wire.via());
        let answer = phone.transact(&options).await;
        if answer.status() == 503 {
            answer.must("Retry-After");
        }
        statuses.push(answer.status());
    }
    assert_eq!(statuses.pop(), Some(503));
    assert!(statuses.len() > 200 && statuses.iter().all(|status| *status == 200));
    // The server's own requests are no part of it.
    let session = server.client().await.open(phone.line()).await;
    session.done("GetDoNotDisturb", "").await;
}

#[tokio::test]
async fn phone_is_reached_at_its_new_udp_port() {
    let server = serving();
    let phone = phone_in(Weather::Fair, &server);
    phone.start().await;
    let former = phone.wire().await;
    let wire = phone.reconnect().await;
    assert_ne!(former.local, wire.local);
    phone.register().await.expect(200);
    phone
        .until("a session at the new port", |state| {
            (state.dialogs == 2 && state.listed).then_some(())
        })
        .await;
    let session = server.client().await.open(phone.line()).await;
    session.done("GetDoNotDisturb", "").await;
}

#[tokio::test]
async fn non_request_datagrams_get_no_response() {
    let server = serving();
    let stranger = Peer::new(&server).await;
    for datagram in [
        &b"\r\n\r\n"[..],
        b"",
        b"\0\0\0\0",
        b"\x16\x03\x01\x02\x00\x01",
        b"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h",
        &[0xff; 2000],
    ] {
        stranger.socket.send(datagram).await.unwrap();
    }
    stranger.send(&stranger.request("ACK")).await;
    let options = stranger.request("OPTIONS");
    stranger.send(&options.answer(200, "OK").tagged("x")).await;
    assert_eq!(
        stranger.ask(&options).await.must("Call-ID"),
        options.must("Call-ID")
    );
}

#[tokio::test]
async fn response_goes_to_the_source_with_received_and_rport() {
    // RFC 3261, section 18.2, RFC 3581, section 4.
    let server = serving();
    let (peer, other) = (Peer::new(&server).await, Peer::new(&server).await);
    let elsewhere = format!("SIP/2.0/UDP 192.0.2.7:{}", other.port());
    let with_rport = peer
        .request("OPTIONS")
        .set("Via", format!("{elsewhere};rport;branch=z9hG4bKa"));
    let answer = peer.ask(&with_rport).await.expect(200);
    let port = peer.port();
    assert_eq!(
        answer.must("Via"),
        format!("{elsewhere};rport={port};branch=z9hG4bKa;received=127.0.0.1")
    );
    let without = peer
        .request("OPTIONS")
        .set("Via", format!("{elsewhere};branch=z9hG4bKb"));
    peer.send(&without).await;
    let answer = other.answer().await.expect(200);
    assert_eq!(
        answer.must("Via"),
        format!("{elsewhere};branch=z9hG4bKb;received=127.0.0.1")
    );
}

#[tokio::test]
async fn datagram_needs_no_content_length() {
    // RFC 3261, section 18.3: the body ends with the datagram.
    let server = serving();
    let peer = Peer::new(&server).await;
    let text = peer.request("OPTIONS").text();
    let without = text.replace("Content-Length: 0\r\n", "");
    assert_ne!(text, without);
    peer.socket.send(without.as_bytes()).await.unwrap();
    peer.answer().await.expect(200);
}

/// A bare socket.
struct Peer {
    socket: UdpSocket,
}

impl Peer {
    async fn new(server: &Server) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket
            .connect(server.addresses.phones_udp.unwrap())
            .await
            .unwrap();
        Self { socket }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    fn request(&self, method: &str) -> Message {
        let branch = unique("z9hG4bK");
        Message::request(method, "sip:127.0.0.1")
            .with(
                "Via",
                format!("SIP/2.0/UDP 127.0.0.1:{};branch={branch}", self.port()),
            )
            .with("Max-Forwards", 70)
            .with("From", format!("<sip:{MAC}@127.0.0.1>;tag=a"))
            .with("To", format!("<sip:{MAC}@127.0.0.1>"))
            .with("Call-ID", unique("c"))
            .with("CSeq", format!("1 {method}"))
    }

    async fn send(&self, message: &Message) {
        self.socket.send(&message.bytes()).await.unwrap();
    }

    async fn ask(&self, request: &Message) -> Message {
        self.send(request).await;
        self.answer().await
    }

    async fn answer(&self) -> Message {
        let mut buffer = vec![0; 65536];
        let length = timeout(PATIENCE, self.socket.recv(&mut buffer))
            .await
            .expect("an answer in time")
            .unwrap();
        match sip::frame(&mut BytesMut::from(&buffer[..length])) {
            Ok(Some(Frame::Message(message))) => {
                assert_eq!(message.fault(), None);
                message
            }
            other => panic!("expected an answer, got {other:?}"),
        }
    }
}
