//! What each response and timer leads to, and what remains of a request.

use super::{
    super::samples::{response_to, response_with_tag},
    *,
};
use crate::sip::transaction::{LIFE, T4};

const NOW: Duration = Duration::from_secs(100);
const SESSION: SessionId = SessionId { slot: 3, serial: 9 };

fn dialog() -> Dialog {
    Dialog::uac("1", "0-1", "<sip:a@a>", "<sip:b@a>", "sip:b@a", &[])
}

fn transactions(reliability: Reliability) -> ClientTransactions {
    ClientTransactions::new(reliability, 7, 2)
}

fn info(ticket: u64) -> Purpose {
    let purpose = SessionPurpose::Invoke {
        ticket,
        content: None,
        retries: 0,
    };
    Purpose::Session(SESSION, purpose)
}

/// The names of the effects; WakeAt is left out.
fn names(effects: &ClientEffects<'_>) -> Vec<&'static str> {
    let name = |effect: &ClientEffect<'_>| match effect {
        ClientEffect::Conclude { .. } => Some("conclude"),
        ClientEffect::AcknowledgeRejection { .. } => Some("ack"),
        ClientEffect::AcknowledgeAgain { .. } => Some("ack again"),
        ClientEffect::Decline(_) => Some("decline"),
        ClientEffect::Cancel { rang, .. } => Some(if *rang { "cancel, rang" } else { "cancel" }),
        ClientEffect::WakeAt(_) => None,
    };
    effects.iter().filter_map(name).collect()
}

#[test]
fn each_final_response_concludes_its_request_and_leaves_no_transaction() {
    use Reliability::{Reliable as Tcp, Unreliable as Udp};
    for (reliability, method, status, first, copy, lingers) in [
        (Tcp, "INFO", 200, &["conclude"][..], &[][..], None),
        (Tcp, "INFO", 486, &["conclude"], &[], None),
        (Udp, "INFO", 200, &["conclude"], &[], Some(T4)),
        (Udp, "INFO", 486, &["conclude"], &[], Some(T4)),
        (
            Tcp,
            "INVITE",
            200,
            &["conclude"],
            &["ack again"],
            Some(LIFE),
        ),
        (
            Udp,
            "INVITE",
            200,
            &["conclude"],
            &["ack again"],
            Some(LIFE),
        ),
        (Tcp, "INVITE", 486, &["ack", "conclude"], &[], None),
        (Udp, "INVITE", 486, &["ack", "conclude"], &[], Some(LIFE)),
        (Udp, "INVITE", 180, &[], &[], Some(LIFE)),
    ] {
        let case = format!("{reliability:?} {method} {status}");
        let mut all = transactions(reliability);
        let method_sent = if method == "INVITE" {
            Method::Invite
        } else {
            Method::Info
        };
        let (branch, due) = all.start(&method_sent, info(1), NOW);
        assert!(due.is_some(), "{case}");
        let response = response_to(branch, status, method);
        let effects = all.on_response(&response, NOW, |_| ()).expect("matches");
        assert_eq!(names(&effects), first, "{case}");
        let effects = all.on_response(&response, NOW, |_| ());
        assert_eq!(effects.is_some(), lingers.is_some(), "{case}");
        assert_eq!(
            effects.map_or(vec![], |effects| names(&effects)),
            copy,
            "{case}"
        );
        if let (Some(lingers), false) = (lingers, status == 180) {
            assert_eq!(
                all.due(NOW + lingers - Duration::from_millis(1)),
                [],
                "{case}"
            );
            for (id, timer) in all.due(NOW + lingers) {
                let effects = all.on_timer(id, timer, NOW + lingers, |_| ());
                assert_eq!(names(&effects), [""; 0], "{case}");
            }
            assert!(all.table.is_empty(), "{case}");
        }
    }
}

#[test]
fn a_request_without_a_response_times_out() {
    for reliability in [Reliability::Reliable, Reliability::Unreliable] {
        let mut all = transactions(reliability);
        all.start(&Method::Info, info(1), NOW);
        let mut seen = Vec::new();
        for (id, timer) in all.due(NOW + LIFE) {
            seen.extend(all.on_timer(id, timer, NOW + LIFE, |_| ()));
        }
        let timed_out = seen.iter().any(|effect| {
            matches!(
                effect,
                ClientEffect::Conclude {
                    outcome: RequestOutcome::TimedOut,
                    ..
                }
            )
        });
        assert!(timed_out && all.table.is_empty(), "{reliability:?}");
    }
}

#[test]
fn a_branch_names_its_transaction_alone() {
    let mut all = transactions(Reliability::Reliable);
    let (branch, _) = all.start(&Method::Info, info(1), NOW);
    assert_eq!(Branch::parse(&branch.to_string()), Some(branch));
    let foreign = Branch {
        random: 8,
        ..branch
    };
    let response = response_to(foreign, 200, "INFO");
    assert!(all.on_response(&response, NOW, |_| ()).is_none());
    for branch in ["", "z9hG4bK", "z9hG4bK0-1", "z9hG4bK0-1-x", "0-1-7"] {
        assert_eq!(Branch::parse(branch), None, "{branch}");
    }
}

#[test]
fn the_end_of_a_session_returns_its_open_tickets() {
    let mut all = transactions(Reliability::Reliable);
    let other = SessionId { slot: 3, serial: 8 };
    all.start(&Method::Info, info(1), NOW);
    all.start(
        &Method::Info,
        Purpose::Session(SESSION, SessionPurpose::Notify),
        NOW,
    );
    all.start(&Method::Bye, Purpose::Bye, NOW);
    assert!(all.is_full());
    assert_eq!(all.abandon(other, &dialog()), [0; 0]);
    assert_eq!(all.abandon(SESSION, &dialog()), [1]);
    assert_eq!(all.table.len(), 1);
    all.abandon_events();
    assert!(all.table.is_empty() && !all.is_full());
}

/// An INVITE of the session that the peer answered with these statuses.
fn invited(reliability: Reliability, statuses: &[u16]) -> (ClientTransactions, Branch) {
    let mut all = transactions(reliability);
    let purpose = Purpose::Session(SESSION, SessionPurpose::Invite { retries: 0 });
    let (branch, _) = all.start(&Method::Invite, purpose, NOW);
    for status in statuses {
        let response = response_to(branch, *status, "INVITE");
        all.on_response(&response, NOW, |_| ()).expect("matches");
    }
    (all, branch)
}

/// The effects of the timers until then.
fn until(all: &mut ClientTransactions, end: Duration) -> Vec<&'static str> {
    let mut seen = Vec::new();
    while let Some(at) = all.next_due().filter(|at| *at <= end) {
        for (id, timer) in all.due(at) {
            let effects = all.on_timer(id, timer, at, |_| ());
            seen.extend(names(&effects));
        }
    }
    seen
}

#[test]
fn an_invite_that_only_rings_or_is_tried_leaves_nothing_behind() {
    use Reliability::{Reliable as Tcp, Unreliable as Udp};
    for (reliability, statuses, expected) in [
        (Tcp, &[180][..], &["cancel, rang", "conclude"][..]),
        (Tcp, &[100, 183], &["cancel, rang", "conclude"]),
        (Udp, &[180], &["cancel, rang", "conclude"]),
        (Tcp, &[100], &["cancel", "conclude"]),
        (Udp, &[199], &["cancel", "conclude"]),
        (Tcp, &[], &["conclude"]),
    ] {
        let (mut all, _) = invited(reliability, statuses);
        assert_eq!(until(&mut all, NOW + 3 * LIFE), expected, "{statuses:?}");
        assert!(all.table.is_empty(), "{statuses:?}");
    }
    let (mut all, _) = invited(Tcp, &[180]);
    assert_eq!(until(&mut all, NOW + Duration::from_millis(1999)), [""; 0]);
    assert_eq!(
        until(&mut all, NOW + Duration::from_secs(2)),
        ["cancel, rang"]
    );
}

#[test]
fn the_response_to_a_cancel_is_not_that_of_its_invite() {
    for (reliability, lingers) in [
        (Reliability::Reliable, false),
        (Reliability::Unreliable, true),
    ] {
        let (mut all, invite) = invited(reliability, &[180]);
        assert_eq!(names(&all.give_up(SESSION, NOW)), ["cancel"]);
        all.start_cancel(invite, NOW);
        let cancelled = response_to(invite, 200, "CANCEL");
        let effects = all.on_response(&cancelled, NOW, |_| ()).expect("matches");
        assert_eq!(names(&effects), ["conclude"]);
        assert_eq!(all.on_response(&cancelled, NOW, |_| ()).is_some(), lingers);
        let terminated = response_to(invite, 487, "INVITE");
        let effects = all.on_response(&terminated, NOW, |_| ()).expect("matches");
        assert_eq!(names(&effects), ["ack", "conclude"]);
        until(&mut all, NOW + LIFE);
        assert!(all.table.is_empty() && all.cancels.is_empty());
    }
}

#[test]
fn another_2xx_of_an_invite_is_declined() {
    let (mut all, branch) = invited(Reliability::Reliable, &[200]);
    let text = |tag: &str| response_with_tag(branch, tag);
    let (copy, other) = (text("2"), text("3"));
    let effects = all.on_response(&copy, NOW, |_| ()).expect("matches");
    assert_eq!(names(&effects), ["ack again"]);
    let effects = all.on_response(&other, NOW, |_| ()).expect("matches");
    assert_eq!(names(&effects), ["decline"]);
    let effects = all.on_response(&copy, NOW, |_| ()).expect("matches");
    assert_eq!(names(&effects), ["ack again"]);
}

#[test]
fn an_invite_is_acknowledged_after_its_session() {
    let (mut all, branch) = invited(Reliability::Unreliable, &[]);
    all.abandon(SESSION, &dialog());
    let rejected = response_to(branch, 487, "INVITE");
    let effects = all.on_response(&rejected, NOW, |_| ()).expect("matches");
    let is_told = |effect: &ClientEffect<'_>| {
        matches!(
            effect,
            ClientEffect::Conclude {
                purpose: Purpose::Orphaned(_),
                ..
            }
        )
    };
    assert!(effects.iter().any(is_told));
}
