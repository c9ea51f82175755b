//! How a link keeps a session alive and finds that it is over (RFC 4028; RFC 3261 12.2.1.2), in time that the test turns forward.

use std::time::Duration;

use actix_rt::System;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, sleep_until},
};
use tokio_util::codec::FramedRead;
use uacsta_actors::sip::session::{Body, Invoke, SessionEnd, SessionEvent, SessionEventKind};
use uacsta_schema::sip::{Method, Request, codec::Frame, message::Message};

use super::{Opening, answer, codec, open};

/// How long each session is looked at.
const HOUR: Duration = Duration::from_secs(3600);

/// What the peer does with a request in the session.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// 200 with this Session-Expires.
    Grants(&'static str),
    /// A refusal with a line of its own.
    Refuses(u16, &'static str),
    Silence,
}

use Answer::{Grants, Refuses, Silence};

/// What was seen: the peer's requests by the seconds at which they came, and why the session ended.
type Seen = (Vec<(Duration, String)>, Option<SessionEnd>);

/// Opens a session of 300 s whose 200 has these header fields, asks for something in it if `asks`, and answers what comes:
/// each request in it by one of `answers`, the last of which stays.
fn played(opening: &str, asks: bool, mut answers: &[Answer]) -> Seen {
    System::new().block_on(async {
        tokio::time::pause();
        let begun = Instant::now();
        let Opening {
            link,
            owner: _owner,
            mut told,
            far,
            ..
        } = open(usize::MAX);
        let (read, mut write) = tokio::io::split(far);
        let mut frames = FramedRead::new(read, codec());
        let (mut seen, mut ended, mut open) = (Vec::new(), None, false);
        loop {
            tokio::select! {
                frame = frames.next() => {
                    let Some(Ok(Frame::Message(Message::Request(request)))) = frame else {
                        panic!("not a request: {frame:?}");
                    };
                    let answer = match request.method() {
                        Method::Ack => None,
                        Method::Invite if !open => Some(answer(&request, 200, opening)),
                        Method::Bye => Some(answer(&request, 200, "")),
                        _ => {
                            let with = answers.first().copied().unwrap_or(Silence);
                            if answers.len() > 1 {
                                answers = &answers[1..];
                            }
                            respond(&request, with)
                        }
                    };
                    open = true;
                    seen.push((begun.elapsed(), request.method().as_str().to_owned()));
                    if let Some(answer) = answer {
                        write.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
                happened = told.recv() => match happened.expect("the owner lives as long as this") {
                    SessionEvent { session, what: SessionEventKind::Opened(_), .. } if asks => {
                        let content = Body::Whole(Bytes::from_static(b"<GetDoNotDisturb/>"));
                        link.do_send(Invoke { session, ticket: 1, content });
                    }
                    SessionEvent { what: SessionEventKind::Ended(why), .. } => {
                        assert_eq!(ended.replace(why), None, "it ends once");
                    }
                    _ => {}
                },
                () = sleep_until(begun + HOUR) => return (seen, ended),
            }
        }
    })
}

fn respond(request: &Request, with: Answer) -> Option<String> {
    match with {
        Grants(timer) => Some(answer(
            request,
            200,
            &format!("Require: timer\r\nSession-Expires: {timer}\r\n"),
        )),
        Refuses(status, line) => Some(answer(request, status, line)),
        Silence => None,
    }
}

/// Compares the first requests after the INVITE and its ACK, by whole seconds, and the end.
#[track_caller]
fn check(opening: &str, answers: &[Answer], expected: &[(u64, &str)], end: Option<SessionEnd>) {
    let (seen, ended) = played(opening, false, answers);
    let seen: Vec<(u64, &str)> = seen
        .iter()
        .skip(2)
        .map(|(at, method)| (at.as_secs(), method.as_str()))
        .take(expected.len() + usize::from(end.is_some()))
        .collect();
    assert_eq!((seen.as_slice(), ended), (expected, end), "{answers:?}");
}

const OURS: &str = "Allow: INVITE, INFO, UPDATE\r\nSession-Expires: 300;refresher=uac\r\n";
const BY_INVITE: &str = "Session-Expires: 300;refresher=uac\r\n";
const THEIRS: &str = "Allow: UPDATE\r\nSession-Expires: 300;refresher=uas\r\n";
const SHORT: &str = "Allow: UPDATE\r\nSession-Expires: 90;refresher=uas\r\n";
const NO_TIMER: &str = "Allow: UPDATE\r\n";

#[test]
fn rfc_4028_a_session_is_refreshed_at_half_its_interval() {
    let same = [Grants("300;refresher=uac")];
    check(OURS, &same, &[(150, "UPDATE"), (300, "UPDATE")], None);
    let invite = [(150, "INVITE"), (150, "ACK"), (300, "INVITE")];
    check(BY_INVITE, &same, &invite, None);
    // The answer may change the interval (RFC 4028 7.2).
    let shorter = [Grants("100;refresher=uac")];
    check(OURS, &shorter, &[(150, "UPDATE"), (200, "UPDATE")], None);
    check(NO_TIMER, &same, &[], None);
}

#[test]
fn rfc_4028_10_a_session_that_is_not_refreshed_gets_its_bye_in_time() {
    let expired = Some(SessionEnd::Expired);
    // min(32 s, interval / 3) before its end.
    check(THEIRS, &[Silence], &[(268, "BYE")], expired);
    check(SHORT, &[Silence], &[(60, "BYE")], expired);
    let refused = [(150, "UPDATE"), (268, "BYE")];
    check(OURS, &[Refuses(500, "")], &refused, expired);
    // The time-out of the request tells the same, sooner: 64*T1.
    let silent = [(150, "UPDATE"), (182, "BYE")];
    check(OURS, &[Silence], &silent, Some(SessionEnd::Silent));
    let timed_out = [(150, "UPDATE"), (150, "BYE")];
    check(
        OURS,
        &[Refuses(408, "")],
        &timed_out,
        Some(SessionEnd::Silent),
    );
    // Who does not know the session needs no BYE.
    let unknown = Some(SessionEnd::Unknown);
    check(OURS, &[Refuses(481, "")], &[(150, "UPDATE")], unknown);
}

#[test]
fn rfc_4028_7_4_a_422_to_a_refresh_is_honoured() {
    let longer = [Refuses(422, "Min-SE: 600\r\n"), Grants("600;refresher=uac")];
    let again = [(150, "UPDATE"), (150, "UPDATE"), (450, "UPDATE")];
    check(OURS, &longer, &again, None);
    // Not for ever: three tries more, and then the session ends in time.
    let (seen, ended) = played(OURS, false, &[Refuses(422, "Min-SE: 600\r\n")]);
    let updates = seen.iter().filter(|(_, method)| method == "UPDATE");
    assert_eq!((updates.count(), ended), (4, Some(SessionEnd::Expired)));
    assert_eq!(seen.last().unwrap().0.as_secs(), 268);
}

#[test]
fn rfc_3261_14_1_a_refresh_that_crosses_the_peer_s_is_sent_three_times_more() {
    let (seen, ended) = played(OURS, false, &[Refuses(491, "")]);
    let at: Vec<Duration> = seen
        .iter()
        .filter(|(_, method)| method == "UPDATE")
        .map(|(at, _)| *at)
        .collect();
    assert_eq!((at.len(), ended), (4, Some(SessionEnd::Expired)));
    for pair in at.windows(2) {
        let wait = pair[1] - pair[0];
        assert!(
            wait >= Duration::from_millis(2100) && wait <= Duration::from_millis(4010),
            "{wait:?}"
        );
    }
    assert_eq!(seen.last().unwrap().0.as_secs(), 268);
}

#[test]
fn rfc_3261_12_2_1_2_an_info_that_is_never_answered_ends_the_session_after_64_t1() {
    let (seen, ended) = played(NO_TIMER, true, &[Silence]);
    let methods: Vec<(u64, &str)> = seen
        .iter()
        .map(|(at, method)| (at.as_secs(), method.as_str()))
        .collect();
    let expected = [(0, "INVITE"), (0, "ACK"), (0, "INFO"), (32, "BYE")];
    assert_eq!(
        (methods.as_slice(), ended),
        (&expected[..], Some(SessionEnd::Silent))
    );
}
