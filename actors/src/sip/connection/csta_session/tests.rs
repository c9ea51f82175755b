//! What each event of a session leads to.

use std::sync::Arc;

use super::{
    super::{
        client_transactions::SessionPurpose,
        credentials::MOST_RETRIES,
        outcome::RequestOutcome,
        samples::{request, response},
    },
    *,
};
use crate::sip::{body::Body, session::Login};

const NOW: Duration = Duration::from_secs(1000);
const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\n";
const OURS: &str = "Contact: <sip:b@127.0.0.1>\r\nSession-Expires: 300;refresher=uac\r\n";
const MAKES_NO_DIALOG: u16 = 0;

/// A session whose INVITE was sent.
fn inviting(login: bool) -> CstaSession {
    CstaSession {
        dialog: Dialog::uac("1", "0-1", "<sip:a@a>", "<sip:b@a>", "sip:b@a", &[]),
        credentials: Credentials::new(login.then(|| {
            Arc::new(Login {
                user: "a".into(),
                password: "b".into(),
            })
        })),
        phase: Phase::Inviting,
        refresh: SessionRefresh::new(SessionRefresh::proposed(Duration::from_secs(300))),
        opened: true,
        edition: Edition::default(),
        updates: false,
        refreshing: false,
        answering: None,
        next: None,
    }
}

fn open() -> CstaSession {
    let mut session = inviting(true);
    let accepted = response(200, "INVITE", OURS);
    let purpose = SessionPurpose::Invite { retries: 0 };
    session.concluded(purpose, 1, RequestOutcome::Response(&accepted), NOW);
    session
}

/// A session that the peer opened, whose 2xx was sent.
fn accepted() -> CstaSession {
    let invite = request("INVITE", 1, "z9hG4bK1x", "");
    let timer = SessionRefresh::proposed(Duration::from_secs(300));
    let mut session = CstaSession::accepted(&invite, "0-1", timer).expect("a dialog");
    session.granted(timer, &Method::Invite, true, NOW);
    session
}

fn names(effects: &SessionEffects) -> Vec<&'static str> {
    let name = |effect: &SessionEffect| match effect {
        SessionEffect::Send(SessionRequest::Invite { .. }) => "INVITE",
        SessionEffect::Send(SessionRequest::Refresh(_)) => "refresh",
        SessionEffect::Send(SessionRequest::Invoke { .. }) => "INFO",
        SessionEffect::Send(SessionRequest::Notify(_)) => "event",
        SessionEffect::Send(SessionRequest::Bye) => "BYE",
        SessionEffect::Acknowledge { .. } => "ACK",
        SessionEffect::Tell(SessionEventKind::Opened(_)) => "opened",
        SessionEffect::Tell(SessionEventKind::Refused(RequestError::Rang)) => "rang",
        SessionEffect::Tell(SessionEventKind::Refused(_)) => "refused",
        SessionEffect::Tell(SessionEventKind::Response { answer: Ok(_), .. }) => "response",
        SessionEffect::Tell(SessionEventKind::Response { .. }) => "error",
        SessionEffect::Tell(SessionEventKind::Ended(_)) => "ended",
        SessionEffect::Tell(_) => "request",
        SessionEffect::AbandonRequests { tell: true } => "abandon",
        SessionEffect::AbandonRequests { tell: false } => "abandon silently",
        SessionEffect::WakeAt(_) => "wake",
        SessionEffect::LogNoDialog(_) | SessionEffect::LogEventRejected(_) => "log",
        SessionEffect::TerminateRequests => "487",
        SessionEffect::GiveUp => "cancel",
        SessionEffect::Remove => "remove",
    };
    effects.iter().map(name).collect()
}

#[test]
fn the_response_to_an_invite_opens_the_session_or_removes_it() {
    let long = format!("Record-Route: <sip:{}>\r\n", "y".repeat(5000));
    for (login, retries, status, lines, expected) in [
        (false, 0, 200, OURS, &["ACK", "wake", "opened"][..]),
        (false, 0, 200, "", &["ACK", "opened"]),
        (
            false,
            0,
            200,
            &long,
            &["log", "ACK", "BYE", "refused", "remove"],
        ),
        (false, 0, 486, "", &["refused", "remove"]),
        (false, 0, 401, CHALLENGE, &["refused", "remove"]),
        (true, 0, 401, CHALLENGE, &["INVITE"]),
        (true, 1, 401, CHALLENGE, &["INVITE"]),
        (true, MOST_RETRIES, 401, CHALLENGE, &["refused", "remove"]),
        (true, 0, 401, "", &["refused", "remove"]),
        (false, 0, 422, "Min-SE: 600\r\n", &["INVITE"]),
        (false, 0, 422, "", &["INVITE"]),
        (false, MOST_RETRIES, 422, "", &["refused", "remove"]),
        (false, 0, MAKES_NO_DIALOG, "", &["refused", "remove"]),
    ] {
        let mut session = inviting(login);
        let answer;
        let outcome = if status == MAKES_NO_DIALOG {
            RequestOutcome::TimedOut
        } else {
            answer = response(status, "INVITE", lines);
            RequestOutcome::Response(&answer)
        };
        let effects = session.concluded(SessionPurpose::Invite { retries }, 1, outcome, NOW);
        assert_eq!(names(&effects), expected, "{status} {lines:.40} {retries}");
    }
}

#[test]
fn an_invite_that_was_given_up_opens_no_session_whatever_its_response() {
    type Why = fn(&mut CstaSession);
    let closed: Why = |session| drop(session.close());
    let rang: Why = |session| session.cancelled(true);
    let silent: Why = |session| session.cancelled(false);
    for (why, status, lines, expected) in [
        (closed, 200, OURS, &["ACK", "BYE", "remove"][..]),
        (closed, 486, "", &["remove"]),
        (closed, 401, CHALLENGE, &["remove"]),
        (closed, 422, "Min-SE: 600\r\n", &["remove"]),
        (closed, MAKES_NO_DIALOG, "", &["remove"]),
        (rang, 487, "", &["rang", "remove"]),
        (rang, 401, CHALLENGE, &["rang", "remove"]),
        (rang, 200, OURS, &["ACK", "BYE", "rang", "remove"]),
        (rang, MAKES_NO_DIALOG, "", &["rang", "remove"]),
        (silent, 487, "", &["refused", "remove"]),
    ] {
        let mut session = inviting(true);
        why(&mut session);
        let answer;
        let outcome = if status == MAKES_NO_DIALOG {
            RequestOutcome::TimedOut
        } else {
            answer = response(status, "INVITE", lines);
            RequestOutcome::Response(&answer)
        };
        let effects = session.concluded(SessionPurpose::Invite { retries: 0 }, 1, outcome, NOW);
        assert_eq!(names(&effects), expected, "{status}");
    }
    for (why, end, expected) in [
        (rang, SessionEnd::ConnectionLost, Some(RequestError::Rang)),
        (
            silent,
            SessionEnd::ConnectionLost,
            Some(RequestError::TimedOut),
        ),
        (closed, SessionEnd::ConnectionLost, None),
        (
            |_: &mut CstaSession| (),
            SessionEnd::ConnectionLost,
            Some(RequestError::ConnectionLost),
        ),
        (|_| (), SessionEnd::Bye, Some(RequestError::Ended)),
    ] {
        let mut session = inviting(true);
        why(&mut session);
        let told = session
            .end(end)
            .into_iter()
            .find_map(|effect| match effect {
                SessionEffect::Tell(SessionEventKind::Refused(why)) => Some(why),
                _ => None,
            });
        assert_eq!(told, expected, "{end:?}");
    }
    assert_eq!(names(&inviting(true).close()), ["cancel"]);
    let ended = ["487", "BYE", "abandon silently", "remove"];
    assert_eq!(names(&open().close()), ended);
}

#[test]
fn rfc_3261_14_2_overlapping_refreshes_are_rejected() {
    let csta = "Content-Type: application/csta+xml\r\nContent-Length: 4\r\n\r\n<a/>";
    let status = |session: &mut CstaSession, method: &str, cseq| match session.received(&request(
        method,
        cseq,
        "z9hG4bK2x",
        csta,
    )) {
        PeerRequest::Answered(response) => {
            assert_eq!(
                response.lines.contains("Retry-After: "),
                response.status == Status::SERVER_INTERNAL_ERROR
            );
            response.status.code()
        }
        _ => 0,
    };
    for method in ["INVITE", "UPDATE"] {
        // One of ours is under way.
        let mut session = accepted();
        session.refreshing = true;
        assert_eq!(status(&mut session, method, 2), 491, "{method}");
        let answer = response(200, "UPDATE", OURS);
        let outcome = RequestOutcome::Response(&answer);
        session.concluded(
            SessionPurpose::Refresh { by_invite: false },
            2,
            outcome,
            NOW,
        );
        // The peer's last one has no response yet.
        assert_eq!(status(&mut session, "INVITE", 3), 0, "{method}");
        assert_eq!(status(&mut session, method, 4), 500, "{method}");
        session.answered(&request("INVITE", 4, "z9hG4bK2x", ""));
        assert_eq!(status(&mut session, method, 5), 500, "{method}");
        session.acknowledged(NOW);
        assert_eq!(names(&session.due(NOW)), ["wake"], "ours waits");
        session.answered(&request("INVITE", 3, "z9hG4bK2x", ""));
        assert_ne!(status(&mut session, method, 6), 500, "{method}");
    }
}

#[test]
fn a_peer_that_refuses_the_update_of_its_allow_is_refreshed_by_invite() {
    for (status, expected) in [
        (501, &["refresh"][..]),
        (405, &["refresh"]),
        (500, &["wake"]),
    ] {
        let mut session = open();
        session.updates = true;
        let update = SessionRequest::Refresh(session.refresh.timer().expect("a timer"));
        assert_eq!(session.method(&update), Method::Update);
        let refused = response(status, "UPDATE", "");
        let outcome = RequestOutcome::Response(&refused);
        let purpose = SessionPurpose::Refresh { by_invite: false };
        let effects = session.concluded(purpose, 2, outcome, NOW);
        assert_eq!(names(&effects), expected, "{status}");
        assert_eq!(session.updates, status == 500, "{status}");
        // A refused re-INVITE is not repeated.
        let purpose = SessionPurpose::Refresh { by_invite: true };
        let effects = session.concluded(purpose, 3, outcome, NOW);
        assert_eq!(names(&effects), ["wake"], "{status}");
    }
}

#[test]
fn a_client_that_answers_no_info_keeps_its_session() {
    for purpose in [
        SessionPurpose::Notify,
        SessionPurpose::Invoke {
            ticket: 1,
            content: None,
            retries: 0,
        },
    ] {
        let is_event = matches!(purpose, SessionPurpose::Notify);
        let effects = accepted().concluded(purpose, 2, RequestOutcome::TimedOut, NOW);
        let expected: &[&str] = if is_event { &[] } else { &["error"] };
        assert_eq!(names(&effects), expected);
    }
    let timed_out = response(408, "INFO", "");
    let outcome = RequestOutcome::Response(&timed_out);
    let effects = accepted().concluded(SessionPurpose::Notify, 2, outcome, NOW);
    assert_eq!(
        names(&effects),
        ["487", "BYE", "abandon", "ended", "remove"]
    );
}

#[test]
fn a_csta_request_gets_one_answer_and_ends_the_session_by_481_408_or_silence() {
    let over = ["error", "487", "BYE", "abandon", "ended", "remove"];
    let invoke = |content: bool, retries| SessionPurpose::Invoke {
        ticket: 1,
        content: content.then(|| Body::Whole(Bytes::from_static(b"<a/>"))),
        retries,
    };
    for (purpose, status, expected) in [
        (invoke(true, 0), 200, &["response"][..]),
        (invoke(true, 0), 486, &["error"]),
        (invoke(true, 0), 401, &["INFO"]),
        (invoke(true, MOST_RETRIES), 401, &["error"]),
        (invoke(false, 0), 401, &["error"]),
        (
            invoke(true, 0),
            481,
            &["error", "487", "abandon", "ended", "remove"],
        ),
        (invoke(true, 0), 408, &over),
        (SessionPurpose::Notify, 200, &[]),
        (SessionPurpose::Notify, 486, &["log"]),
        (
            SessionPurpose::Notify,
            481,
            &["487", "abandon", "ended", "remove"],
        ),
        (SessionPurpose::Refresh { by_invite: true }, 200, &["wake"]),
        (SessionPurpose::Refresh { by_invite: true }, 491, &["wake"]),
        (SessionPurpose::Refresh { by_invite: true }, 422, &["wake"]),
        (SessionPurpose::Refresh { by_invite: true }, 500, &["wake"]),
        (SessionPurpose::Refresh { by_invite: true }, 408, &over[1..]),
    ] {
        let case = format!("{purpose:?} {status}");
        let answer = response(status, "INFO", &format!("{OURS}{CHALLENGE}"));
        let outcome = RequestOutcome::Response(&answer);
        let effects = open().concluded(purpose, 2, outcome, NOW);
        assert_eq!(names(&effects), expected, "{case}");
    }
    let effects = open().concluded(invoke(true, 0), 2, RequestOutcome::TimedOut, NOW);
    assert_eq!(names(&effects), over);
    // A request that was not sent leaves the session as it was.
    let effects = open().concluded(invoke(true, 0), 2, RequestOutcome::TooLarge, NOW);
    assert_eq!(names(&effects), ["error"]);
}

#[test]
fn an_accepted_session_ends_unless_the_ack_arrives() {
    let mut session = accepted();
    assert_eq!(session.due_at(), Some(NOW + crate::sip::transaction::LIFE));
    assert_eq!(
        names(&session.due(NOW)),
        ["487", "BYE", "abandon", "ended", "remove"]
    );
    let mut session = accepted();
    assert_eq!(names(&session.acknowledged(NOW)), ["wake"]);
    assert_eq!(names(&session.acknowledged(NOW)), [""; 0]);
    assert_eq!(names(&session.due(NOW)), ["refresh"]);
}

#[test]
fn a_request_in_the_dialog_is_for_the_owner_once() {
    let csta = "Content-Type: application/csta+xml\r\nContent-Length: 4\r\n\r\n<a/>";
    let sdp = "Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n";
    let mut session = accepted();
    for (method, cseq, rest, expected) in [
        ("INFO", 2, csta, "for owner"),
        ("INFO", 2, csta, "repeated"),
        ("INFO", 2, "", "500"),
        ("UPDATE", 2, "", "500"),
        ("INFO", 1, csta, "500"),
        ("INFO", 4, "", "200"),
        ("INFO", 5, sdp, "415"),
        ("INVITE", 6, csta, "for owner"),
        ("UPDATE", 7, "", "500"),
        ("OPTIONS", 8, "", "200"),
        ("MESSAGE", 9, "", "405"),
        ("BYE", 10, "", "bye"),
    ] {
        let got = match session.received(&request(method, cseq, "z9hG4bK2x", rest)) {
            PeerRequest::Answered(response) => response.status.code().to_string(),
            PeerRequest::ForOwner(_) => "for owner".to_owned(),
            PeerRequest::Repeated(_) => "repeated".to_owned(),
            PeerRequest::Bye => "bye".to_owned(),
        };
        assert_eq!(got, expected, "{method} {cseq}");
    }
}
