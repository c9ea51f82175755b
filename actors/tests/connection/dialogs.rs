//! The memory that a dialog needs for the header fields of its peer is bounded (RFC 3261, section 12.1).

use actix_rt::System;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::codec::FramedRead;
use uacsta_actors::sip::session::{RequestError, SessionEvent, SessionEventKind};
use uacsta_schema::sip::{HeaderName, codec::Frame, message::SipMessage};

use super::{answer, codec, open};

/// Sends a 200 with these lines, and checks the requests until the session is open or rejected: their methods and how many Routes.
#[track_caller]
fn check(lines: &str, opens: bool, expected: &[(&str, usize)]) {
    System::new().block_on(async {
        let mut opening = open(usize::MAX);
        let (read, mut write) = tokio::io::split(opening.far);
        let mut frames = FramedRead::new(read, codec());
        for (number, (method, routes)) in expected.iter().enumerate() {
            let frame = frames.next().await;
            let Some(Ok(Frame::Message(SipMessage::Request(request)))) = frame else {
                panic!("not a request: {frame:?}");
            };
            let head = request.head();
            assert_eq!(request.method().as_str(), *method);
            assert_eq!(head.list(HeaderName::Route).count(), *routes, "{method}");
            if number == 0 {
                let answer = answer(&request, 200, lines);
                write.write_all(answer.as_bytes()).await.unwrap();
            } else {
                assert_eq!(head.to_tag(), Some("peer"), "{method}");
            }
        }
        let SessionEvent { what, .. } = opening.events.recv().await.unwrap();
        let is_open = matches!(what, SessionEventKind::Opened(_));
        assert_eq!(is_open, opens, "{what:?}");
        if !opens {
            assert!(matches!(
                what,
                SessionEventKind::Refused(RequestError::NoDialog)
            ));
        }
    });
}

#[test]
fn a_200_with_too_many_routes_is_acknowledged_and_its_session_ended() {
    let route = |octets: usize| {
        let address = format!("<sip:proxy.example;lr;x={}>", "y".repeat(octets - 26));
        format!("Record-Route: {address}\r\n")
    };
    check("", true, &[("INVITE", 0), ("ACK", 0)]);
    check(&route(500).repeat(7), true, &[("INVITE", 0), ("ACK", 7)]);
    let ended = [("INVITE", 0), ("ACK", 0), ("BYE", 0)];
    check(&route(500).repeat(9), false, &ended);
    check(&route(4096), false, &ended);
}
