//! How a connection refreshes and ends its sessions (RFC 4028; RFC 3261, section 12.2.1.2), with a paused clock.

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
use uacsta_schema::sip::{Method, Request, codec::Frame, message::SipMessage};

use super::{Opening, answer, codec, open};

/// How long each session is observed.
const HOUR: Duration = Duration::from_secs(3600);

/// How the peer responds to a request in the session.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// 200 with this Session-Expires.
    Grants(&'static str),
    /// A rejection with one further line.
    Rejects(u16, &'static str),
    Silence,
}

use Answer::{Grants, Rejects, Silence};

/// The requests that the peer received and when, and why the session ended.
type Received = (Vec<(Duration, String)>, Option<SessionEnd>);

/// Opens a session of 300 s with a 200 of these header fields, sends a CSTA request in it if `asks`, and answers each request
/// in it by the next of `answers`, of which the last is repeated.
fn run(opening: &str, asks: bool, mut answers: &[Answer]) -> Received {
    System::new().block_on(async {
        tokio::time::pause();
        let started = Instant::now();
        let Opening {
            connection,
            owner: _owner,
            mut events,
            far,
            ..
        } = open(usize::MAX);
        let (read, mut write) = tokio::io::split(far);
        let mut frames = FramedRead::new(read, codec());
        let (mut seen, mut ended, mut open) = (Vec::new(), None, false);
        loop {
            tokio::select! {
                frame = frames.next() => {
                    let Some(Ok(Frame::Message(SipMessage::Request(request)))) = frame else {
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
                    seen.push((started.elapsed(), request.method().as_str().to_owned()));
                    if let Some(answer) = answer {
                        write.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
                event = events.recv() => match event.expect("the owner is alive") {
                    SessionEvent { session, what: SessionEventKind::Opened(_), .. } if asks => {
                        let content = Body::Whole(Bytes::from_static(b"<GetDoNotDisturb/>"));
                        connection.do_send(Invoke { session, ticket: 1, content });
                    }
                    SessionEvent { what: SessionEventKind::Ended(why), .. } => {
                        assert_eq!(ended.replace(why), None, "a session ends once");
                    }
                    _ => {}
                },
                () = sleep_until(started + HOUR) => return (seen, ended),
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
        Rejects(status, line) => Some(answer(request, status, line)),
        Silence => None,
    }
}

/// Checks the first requests after the INVITE and its ACK, by whole seconds, and the end.
#[track_caller]
fn check(opening: &str, answers: &[Answer], expected: &[(u64, &str)], end: Option<SessionEnd>) {
    let (seen, ended) = run(opening, false, answers);
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
fn rfc_4028_the_refresher_refreshes_at_half_the_interval() {
    let same = [Grants("300;refresher=uac")];
    check(OURS, &same, &[(150, "UPDATE"), (300, "UPDATE")], None);
    let invite = [(150, "INVITE"), (150, "ACK"), (300, "INVITE")];
    check(BY_INVITE, &same, &invite, None);
    // The response may change the interval (RFC 4028, section 7.2).
    let shorter = [Grants("100;refresher=uac")];
    check(OURS, &shorter, &[(150, "UPDATE"), (200, "UPDATE")], None);
    check(NO_TIMER, &same, &[], None);
}

#[test]
fn rfc_4028_10_a_session_without_a_refresh_gets_a_bye_in_time() {
    let expired = Some(SessionEnd::Expired);
    // min(32 s, interval / 3) before its end.
    check(THEIRS, &[Silence], &[(268, "BYE")], expired);
    check(SHORT, &[Silence], &[(60, "BYE")], expired);
    let refused = [(150, "UPDATE"), (268, "BYE")];
    check(OURS, &[Rejects(500, "")], &refused, expired);
    // The request times out sooner, after 64*T1.
    let silent = [(150, "UPDATE"), (182, "BYE")];
    check(OURS, &[Silence], &silent, Some(SessionEnd::Silent));
    let timed_out = [(150, "UPDATE"), (150, "BYE")];
    check(
        OURS,
        &[Rejects(408, "")],
        &timed_out,
        Some(SessionEnd::Silent),
    );
    // A peer that does not know the session gets no BYE.
    let unknown = Some(SessionEnd::Unknown);
    check(OURS, &[Rejects(481, "")], &[(150, "UPDATE")], unknown);
}

#[test]
fn rfc_4028_7_4_a_refresh_is_sent_again_with_the_min_se_of_a_422() {
    let longer = [Rejects(422, "Min-SE: 600\r\n"), Grants("600;refresher=uac")];
    let again = [(150, "UPDATE"), (150, "UPDATE"), (450, "UPDATE")];
    check(OURS, &longer, &again, None);
    // It is sent three times again at most, and then the session ends in time.
    let (seen, ended) = run(OURS, false, &[Rejects(422, "Min-SE: 600\r\n")]);
    let updates = seen.iter().filter(|(_, method)| method == "UPDATE");
    assert_eq!((updates.count(), ended), (4, Some(SessionEnd::Expired)));
    assert_eq!(seen.last().unwrap().0.as_secs(), 268);
}

#[test]
fn an_update_that_is_refused_is_followed_by_invite() {
    let invites = [
        (150, "UPDATE"),
        (150, "INVITE"),
        (150, "ACK"),
        (300, "INVITE"),
        (300, "ACK"),
    ];
    for status in [501, 405] {
        let refuses = [Rejects(status, ""), Grants("300;refresher=uac")];
        check(OURS, &refuses, &invites, None);
    }
}

#[test]
fn rfc_3261_14_2_a_refresh_that_overlaps_another_is_sent_again_after_the_retry_after() {
    let busy = [
        Rejects(500, "Retry-After: 7\r\n"),
        Grants("300;refresher=uac"),
    ];
    let again = [(150, "UPDATE"), (157, "UPDATE"), (307, "UPDATE")];
    check(OURS, &busy, &again, None);
}

#[test]
fn rfc_3261_14_1_a_crossed_refresh_is_sent_three_times_again() {
    let (seen, ended) = run(OURS, false, &[Rejects(491, "")]);
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
fn rfc_3261_12_2_1_2_an_unanswered_info_ends_the_session_after_64_t1() {
    let (seen, ended) = run(NO_TIMER, true, &[Silence]);
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
