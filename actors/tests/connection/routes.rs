//! The Route of an INVITE, and strict routers on the way to a phone (RFC 3261, sections 12.1.2 and 12.2.1.1).

use actix_rt::System;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::codec::FramedRead;
use uacsta_actors::sip::session::{Body, Close, Invoke, SessionEvent, SessionEventKind};
use uacsta_schema::sip::{HeaderName, codec::Frame, message::SipMessage};

use super::{answer, codec, open_through};

const TARGET: &str = "sip:phone@127.0.0.1";
const STRICT: &str = "<sip:192.0.2.9:5060;transport=tcp>";
const LOOSE: &str = "<sip:192.0.2.8;lr>";

/// Opens a session with these Routes in the INVITE and this Record-Route in its 200, and checks Request-URI and Routes of the
/// INVITE, and those of the ACK, INFO and BYE.
#[track_caller]
fn check(path: &[&str], recorded: &[&str], invite: (&str, &[&str]), others: (&str, &[&str])) {
    System::new().block_on(async {
        let mut opening = open_through(usize::MAX, path);
        let (read, mut write) = tokio::io::split(opening.far);
        let mut frames = FramedRead::new(read, codec());
        for method in ["INVITE", "ACK", "INFO", "BYE"] {
            let frame = frames.next().await;
            let Some(Ok(Frame::Message(SipMessage::Request(request)))) = frame else {
                panic!("not a request: {frame:?}");
            };
            assert_eq!(request.method().as_str(), method);
            let (uri, routes) = if method == "INVITE" { invite } else { others };
            assert_eq!(request.uri(), uri, "{method}");
            let found: Vec<&str> = request.head().all(HeaderName::Route).collect();
            assert_eq!(found, routes, "{method}");
            let lines: String = recorded
                .iter()
                .map(|route| format!("Record-Route: {route}\r\n"))
                .collect();
            if method != "ACK" {
                let text = answer(&request, 200, &lines);
                write.write_all(text.as_bytes()).await.unwrap();
            }
            if method == "INVITE" {
                let SessionEvent { session, what, .. } = opening.events.recv().await.unwrap();
                assert!(matches!(what, SessionEventKind::Opened(_)));
                let content = Body::Whole(Bytes::from_static(b"<GetDoNotDisturb/>"));
                opening.connection.do_send(Invoke {
                    session,
                    ticket: 1,
                    content,
                });
                opening.connection.do_send(Close { session });
            }
        }
    });
}

#[test]
fn requests_go_through_the_routers_of_the_path_and_of_the_dialog() {
    let direct = (TARGET, &[][..]);
    let last = format!("<{TARGET}>");
    check(&[], &[], direct, direct);
    check(&[], &[LOOSE], direct, (TARGET, &[LOOSE]));
    let strict = "sip:192.0.2.9:5060;transport=tcp";
    check(&[], &[STRICT], direct, (strict, &[&last]));
    // The dialog's routes are the reverse of the response's.
    check(&[], &[LOOSE, STRICT], direct, (strict, &[LOOSE, &last]));
    check(&[], &[STRICT, LOOSE], direct, (TARGET, &[LOOSE, STRICT]));
    // A Path is that of the INVITE alone.
    check(&[LOOSE], &[], (TARGET, &[LOOSE]), direct);
    check(&[STRICT, LOOSE], &[], (strict, &[LOOSE, &last]), direct);
}
