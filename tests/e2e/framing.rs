//! SIP over streams as the server reads it (RFC 3261, sections 7, 8.2 and 18.3; RFC 5626, section 4.4.1).

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::support::{
    line::Line,
    server::Server,
    sip::{Frame, Message, unique},
};

fn request(method: &str) -> Message {
    Message::request(method, "sip:127.0.0.1")
        .with(
            "Via",
            format!("SIP/2.0/TCP 127.0.0.1:9;branch={}", unique("z9hG4bK")),
        )
        .with("Max-Forwards", 70)
        .with("From", "<sip:000413000001@127.0.0.1>;tag=a")
        .with("To", "<sip:000413000001@127.0.0.1>")
        .with("Call-ID", unique("c"))
        .with("CSeq", format!("1 {method}"))
}

/// What the server says to one request that stands alone on a connection.
async fn said(bytes: impl AsRef<[u8]>) -> Message {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    line.write(bytes).await;
    line.answer().await
}

#[tokio::test]
async fn double_crlf_ping_is_answered_with_crlf() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    line.write("\r\n\r\n").await;
    assert_eq!(line.frame().await, Some(Frame::KeepAlive));
    line.write(request("OPTIONS").bytes()).await;
    line.answer().await.expect(200);
}

#[tokio::test]
async fn request_may_arrive_byte_by_byte() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    for byte in request("OPTIONS").bytes() {
        line.write([byte]).await;
    }
    line.answer().await.expect(200);
}

#[tokio::test]
async fn requests_in_one_segment_are_answered_in_order() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    let requests: Vec<Message> = (0..20).map(|_| request("OPTIONS")).collect();
    line.write(
        requests
            .iter()
            .flat_map(Message::bytes)
            .collect::<Vec<u8>>(),
    )
    .await;
    for request in requests {
        assert_eq!(
            line.answer().await.expect(200).must("Call-ID"),
            request.must("Call-ID")
        );
    }
}

#[tokio::test]
async fn options_lists_supported_methods_and_types() {
    let answer = said(request("OPTIONS").bytes()).await.expect(200);
    for method in [
        "INVITE", "ACK", "BYE", "INFO", "UPDATE", "OPTIONS", "REGISTER",
    ] {
        assert!(
            answer
                .must("Allow")
                .split(',')
                .any(|one| one.trim() == method),
            "{method} is not in {}",
            answer.must("Allow")
        );
    }
    assert!(answer.must("Accept").contains("application/csta+xml"));
}

#[tokio::test]
async fn unsupported_method_gets_405_with_allow() {
    for method in ["PUBLISH", "REFER", "MESSAGE"] {
        said(request(method).bytes())
            .await
            .expect(405)
            .must("Allow");
    }
}

#[tokio::test]
async fn subscribe_gets_489() {
    said(
        request("SUBSCRIBE")
            .with("Event", "message-summary")
            .bytes(),
    )
    .await
    .expect(489);
}

#[tokio::test]
async fn unknown_method_gets_501() {
    said(request("BREW").bytes()).await.expect(501);
}

#[tokio::test]
async fn request_in_unknown_dialog_gets_481() {
    for method in ["INFO", "BYE", "UPDATE"] {
        let stray = request(method).set("To", "<sip:000413000001@127.0.0.1>;tag=unknown");
        said(stray.bytes()).await.expect(481);
    }
}

#[tokio::test]
async fn stray_ack_and_response_are_ignored() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    line.write(request("ACK").bytes()).await;
    line.write(request("INFO").answer(200, "OK").tagged("x").bytes())
        .await;
    let options = request("OPTIONS");
    line.write(options.bytes()).await;
    assert_eq!(line.answer().await.must("Call-ID"), options.must("Call-ID"));
}

#[tokio::test]
async fn compact_and_folded_headers_are_parsed() {
    let answer = said(
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\nv: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKfold\r\nFROM :\t<sip:a@127.0.0.1>\r\n ;tag=1\r\n\
         t:<sip:127.0.0.1>\r\ni: folded\r\ncseq:    7\r\n\tOPTIONS\r\nmax-forwards: 70\r\nX-Odd: \"a, b\" ;;=\r\nl: 0\r\n\r\n",
    )
    .await
    .expect(200);
    assert_eq!(answer.must("Call-ID"), "folded");
    assert_eq!(answer.cseq(), 7);
}

#[tokio::test]
async fn response_repeats_every_via_in_order() {
    let second = "SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKsecond";
    let answer = said(request("OPTIONS").with("Via", second).bytes())
        .await
        .expect(200);
    let vias = answer
        .all("Via")
        .flat_map(|line| line.split(", "))
        .collect::<Vec<_>>();
    assert_eq!(vias.len(), 2, "{vias:?}");
    assert_eq!(vias[1], second);
}

#[tokio::test]
async fn body_of_unknown_type_is_framed_by_content_length() {
    let server = Server::start();
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    line.write(
        request("OPTIONS")
            .carrying("text/plain", "OPTIONS sip:x SIP/2.0\r\n\r\n")
            .bytes(),
    )
    .await;
    let next = request("OPTIONS");
    line.write(next.bytes()).await;
    line.answer().await;
    assert_eq!(
        line.answer().await.expect(200).must("Call-ID"),
        next.must("Call-ID")
    );
}

#[tokio::test]
async fn other_sip_version_gets_505() {
    let text = request("OPTIONS")
        .text()
        .replacen("SIP/2.0\r\n", "SIP/3.0\r\n", 1);
    said(text).await.expect(505);
}

#[tokio::test]
async fn unknown_required_extension_gets_420() {
    let answer = said(request("REGISTER").with("Require", "levitation").bytes())
        .await
        .expect(420);
    assert_eq!(answer.must("Unsupported"), "levitation");
}

#[tokio::test]
async fn request_without_mandatory_headers_gets_400() {
    let server = Server::start();
    for name in ["Call-ID", "CSeq", "From", "To"] {
        let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
        line.write(request("OPTIONS").without(name).bytes()).await;
        match line.frame().await {
            Some(Frame::Message(answer)) => drop(answer.expect(400)),
            other => panic!("no 400 for a request without {name}, but {other:?}"),
        }
    }
}

#[tokio::test]
async fn non_sip_input_closes_only_its_connection() {
    let server =
        Server::with(|settings| settings.limits.message_head = uacsta_config::ByteSize::new(4096));
    let mut bystander = Line::to(server.addresses.phones_tcp.unwrap()).await;
    let endless = format!("OPTIONS sip:127.0.0.1 SIP/2.0\r\nX: {}", "x".repeat(20_000));
    let huge = request("OPTIONS")
        .with("Content-Length", 99_999_999)
        .bytes();
    let negative = request("OPTIONS").with("Content-Length", -1).bytes();
    let garbage = (0..200u8).cycle().take(9000).collect::<Vec<u8>>();
    let tls =
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not a handshake at all\r\n\r\n".to_vec();
    for bytes in [
        endless.into_bytes(),
        huge,
        negative,
        garbage,
        tls,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    ] {
        let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
        let shown = String::from_utf8_lossy(&bytes)
            .chars()
            .take(60)
            .collect::<String>();
        let _ = line.stream().write_all(&bytes).await;
        while let Some(frame) = line.frame().await {
            let Frame::Message(answer) = frame else {
                continue;
            };
            assert!(answer.status() >= 400, "{shown:?} got\n{}", answer.text());
        }
    }
    bystander.write(request("OPTIONS").bytes()).await;
    bystander.answer().await.expect(200);
}

#[tokio::test]
async fn incomplete_message_times_out_and_closes_the_connection() {
    let server = Server::with(|settings| settings.limits.message_time = Duration::from_millis(300));
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    line.write("OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP")
        .await;
    assert!(line.frame().await.is_none(), "the server ends it");
}

#[tokio::test]
async fn connection_without_log_on_is_closed() {
    let server = Server::with(|settings| {
        settings.limits.unauthenticated_time = Duration::from_millis(300);
    });
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    assert!(line.frame().await.is_none(), "the server ends it");
    assert_eq!(
        server.listed("00:04:13:00:00:01").await["state"],
        "controlled"
    );
}

#[tokio::test]
async fn connections_of_one_address_are_limited() {
    let server = Server::with(|settings| settings.limits.connections_per_address = 2);
    let (mut one, mut two) = (
        Line::to(server.addresses.phones_tcp.unwrap()).await,
        Line::to(server.addresses.phones_tcp.unwrap()).await,
    );
    for line in [&mut one, &mut two] {
        line.write(request("OPTIONS").bytes()).await;
        assert_eq!(line.answer().await.status(), 200);
    }
    let mut three = Line::to(server.addresses.phones_tcp.unwrap()).await;
    assert!(three.frame().await.is_none(), "the third is one too many");
    drop(one);
    // The place is free as soon as the server has seen the end of the first.
    let mut left = 50;
    loop {
        let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
        if line
            .stream()
            .write_all(&request("OPTIONS").bytes())
            .await
            .is_ok()
            && let Some(Frame::Message(answer)) = line.frame().await
        {
            assert_eq!(answer.status(), 200);
            break;
        }
        left -= 1;
        assert!(left > 0, "the place is never free");
    }
}
