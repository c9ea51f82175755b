//! Tests of the reconciliation with SnapshotDevice.

#![allow(clippy::unwrap_used)]

use uacsta_schema::csta::{ConnectionId, LocalConnectionState, ServiceCrossRefId};

use super::{
    super::calls::tests::{LINE, after, event, line, told},
    *,
};

/// A snapshot with these calls, each with the state of the line's connection.
fn snapshot(calls: &[(&str, LocalConnectionState)]) -> Snapshot<DeviceCall> {
    let listed = calls.iter().map(|(id, state)| DeviceCall {
        connection: Some(ConnectionId::new(*id, LINE)),
        local_call_state: Some(CallState::Compound(vec![state.clone()])),
        ..DeviceCall::default()
    });
    Snapshot::Data(listed.collect())
}

/// The calls that a snapshot of these identifiers, asked for at `asked`, shows to be over.
fn over(calls: &mut Calls, ids: &[&str], asked: Mark) -> Vec<String> {
    let listed: Vec<_> = ids
        .iter()
        .map(|id| (*id, LocalConnectionState::CONNECTED))
        .collect();
    let reconciled = calls.reconcile(&line(), &snapshot(&listed), asked);
    let cleared = reconciled.over.into_iter().map(|event| match event {
        Event::ConnectionClearedEvent(event) => event.dropped_connection.call_id.unwrap(),
        other => panic!("{other:?}"),
    });
    cleared.map(|id| id.as_str().to_owned()).collect()
}

#[test]
fn a_call_that_is_not_listed_after_a_gap_is_over_once() {
    let mut calls = after(&[
        "Established 7 101 connected",
        "Held 8 101 hold",
        "Delivered 9 102 connected",
    ]);
    calls.monitor_lost();
    let asked = calls.mark();
    assert_eq!(over(&mut calls, &["8"], asked), ["7", "9"]);
    assert_eq!(told(&calls), "8:hold");
    assert!(over(&mut calls, &["8"], asked).is_empty());
}

#[test]
fn without_a_gap_a_call_is_over_when_two_snapshots_in_a_row_lack_it() {
    let mut calls = after(&["Established 7 101 connected", "Held 8 101 hold"]);
    let again = |calls: &mut Calls, listed: &[&str]| {
        let asked = calls.mark();
        over(calls, listed, asked)
    };
    assert!(again(&mut calls, &["8"]).is_empty(), "its event may come");
    assert!(again(&mut calls, &["7"]).is_empty(), "7 is listed again");
    assert!(again(&mut calls, &["7", "8"]).is_empty());
    assert!(again(&mut calls, &["8"]).is_empty());
    calls.observe(&line(), &event("Held 7 101 hold"));
    assert!(again(&mut calls, &["8"]).is_empty(), "an event came");
    assert_eq!(again(&mut calls, &["8"]), ["7"]);
    assert_eq!(told(&calls), "8:hold");
}

#[test]
fn the_end_is_told_as_the_line_s_connection() {
    let mut calls = after(&["Established 7 101 connected"]);
    calls.monitor_lost();
    let asked = calls.mark();
    let over = calls.reconcile(&line(), &snapshot(&[]), asked).over;
    let [Event::ConnectionClearedEvent(over)] = &over[..] else {
        panic!("{over:?}");
    };
    assert_eq!(over.dropped_connection, ConnectionId::new("7", "101"));
    assert_eq!(
        over.tail.local_connection_info,
        Some(LocalConnectionState::NULL)
    );
}

#[test]
fn an_event_after_the_request_wins_over_the_snapshot() {
    #[track_caller]
    fn check(later: &str, expected: &str) {
        let mut calls = after(&["Established 7 101 connected", "Established 7 103 connected"]);
        calls.monitor_lost();
        let asked = calls.mark();
        calls.observe(&line(), &event(later));
        over(&mut calls, &[], asked);
        assert_eq!(told(&calls), expected, "{later}");
    }
    check("Held 7 101 hold", "7:hold/103=connected");
    check("ConnectionCleared 7 103 connected", "7:connected");
    check("Originated 9 101", "9:connected");
}

#[test]
fn a_snapshot_that_cannot_be_read_changes_nothing() {
    for unreadable in [
        Snapshot::Follows(ServiceCrossRefId::from("1")),
        Snapshot::Missing,
        Snapshot::Data(vec![DeviceCall::default()]),
        Snapshot::Data(vec![DeviceCall {
            connection: Some(ConnectionId {
                call_id: None,
                device_id: Some(line()),
            }),
            ..DeviceCall::default()
        }]),
    ] {
        let mut calls = after(&["Established 7 101 connected"]);
        calls.session_lost();
        let asked = calls.mark();
        let reconciled = calls.reconcile(&line(), &unreadable, asked);
        assert!(reconciled.over.is_empty() && !reconciled.unheard);
        assert_eq!(told(&calls), "7:connected");
        assert!(calls.needs_snapshot(), "it is asked for again");
    }
}

#[test]
fn a_snapshot_with_an_unnamed_call_ends_none_and_adds_the_others() {
    let mut calls = after(&["Established 7 101 connected"]);
    calls.session_lost();
    let asked = calls.mark();
    let Snapshot::Data(mut listed) = snapshot(&[("8", LocalConnectionState::HOLD)]) else {
        unreachable!()
    };
    listed.push(DeviceCall::default());
    let reconciled = calls.reconcile(&line(), &Snapshot::Data(listed), asked);
    assert!(reconciled.over.is_empty());
    assert_eq!(told(&calls), "7:connected 8:hold");
    assert!(calls.needs_snapshot(), "it is asked for again");
}

#[test]
fn calls_from_before_a_restart_end_without_a_snapshot() {
    let former = |calls: &mut Calls| calls.end_former(&line()).len();
    let mut calls = after(&["Established 7 101 connected", "Held 8 101 hold"]);
    calls.session_lost();
    assert_eq!(former(&mut calls), 0, "the phone may be the same");
    calls.phone_restarted();
    calls.observe(&line(), &event("Originated 9 101 connected"));
    assert_eq!(former(&mut calls), 2);
    assert_eq!(told(&calls), "9:connected");
    assert_eq!(former(&mut calls), 0);
    // A snapshot tells more than the restart.
    calls.phone_restarted();
    let asked = calls.mark();
    assert!(over(&mut calls, &["9"], asked).is_empty());
    assert_eq!(former(&mut calls), 0);
}

#[test]
fn a_snapshot_is_needed_after_a_gap_while_there_are_calls() {
    let mut calls = Calls::default();
    calls.session_lost();
    assert!(!calls.needs_snapshot());
    let mut calls = after(&["Established 7 101 connected"]);
    assert!(!calls.needs_snapshot());
    calls.monitor_lost();
    assert!(calls.needs_snapshot());
    let asked = calls.mark();
    over(&mut calls, &["7"], asked);
    assert!(!calls.needs_snapshot());
}

#[test]
fn a_call_that_is_listed_and_never_told_of_is_noticed_once_a_session() {
    let unheard = |calls: &mut Calls, id| {
        let asked = calls.mark();
        let listed = [(id, LocalConnectionState::ALERTING)];
        calls.reconcile(&line(), &snapshot(&listed), asked).unheard
    };
    let mut calls = Calls::default();
    assert!(!unheard(&mut calls, "7"), "it is older than the monitor");
    assert!(!unheard(&mut calls, "7"));
    assert!(!unheard(&mut calls, "8"), "its event may be on its way");
    calls.observe(&line(), &event("Established 8 101 connected"));
    assert!(!unheard(&mut calls, "8"), "and has come");
    assert!(!unheard(&mut calls, "9"));
    assert!(unheard(&mut calls, "9"), "it does not come");
    calls.monitor_lost();
    for _ in 0..3 {
        assert!(!unheard(&mut calls, "10"), "once is enough");
    }
    calls.session_lost();
    assert!(!unheard(&mut calls, "10"));
    assert!(!unheard(&mut calls, "11"));
    assert!(unheard(&mut calls, "11"));
}

#[test]
fn a_call_that_is_listed_as_over_or_too_long_is_not_added() {
    let mut calls = Calls::default();
    let long = "x".repeat(LONGEST + 1);
    let listed = snapshot(&[
        ("7", LocalConnectionState::HOLD),
        ("8", LocalConnectionState::NULL),
        (&long, LocalConnectionState::HOLD),
    ]);
    let asked = calls.mark();
    calls.reconcile(&line(), &listed, asked);
    assert_eq!(told(&calls), "7:hold");
}
