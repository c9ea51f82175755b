//! Tests of the calls of a line.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use uacsta_schema::csta::ConnectionId;

use super::{super::call::PARTIES, *};

pub(crate) const LINE: &str = "sip:101@pbx.example";

pub(crate) fn line() -> DeviceId {
    DeviceId::from(LINE)
}

/// `Established 7 102 connected` is an EstablishedEvent of call 7's connection at 102, with the line's state.
pub(crate) fn event(words: &str) -> Document {
    let mut words = words.split(' ');
    let [name, call, device, local] = [(); 4].map(|()| words.next().unwrap_or("-"));
    let connection = match name {
        "Delivered" | "Diverted" => "connection",
        "ConnectionCleared" => "droppedConnection",
        "CallCleared" => "clearedCall",
        "ServiceInitiated" => "initiatedConnection",
        other => {
            return named(
                other,
                &format!("{}Connection", other.to_lowercase()),
                call,
                device,
                local,
            );
        }
    };
    named(name, connection, call, device, local)
}

fn named(name: &str, connection: &str, call: &str, device: &str, local: &str) -> Document {
    let some = |name: &str, text: &str| match text {
        "-" => String::new(),
        text => format!("<{name}>{text}</{name}>"),
    };
    read(&format!(
        "<{name}Event><{connection}>{}{}</{connection}>\
         <callingDevice><deviceIdentifier>101</deviceIdentifier></callingDevice>\
         <calledDevice><deviceIdentifier>102</deviceIdentifier></calledDevice>{}</{name}Event>",
        some("callID", call),
        some("deviceID", device),
        some("localConnectionInfo", local)
    ))
}

fn read(text: &str) -> Document {
    Document::read(Bytes::from(text.to_owned())).unwrap()
}

pub(crate) fn after(events: &[&str]) -> Calls {
    let mut calls = Calls::default();
    for words in events {
        calls.observe(&line(), &event(words));
    }
    calls
}

/// Each call as `id:own state/other party=its state`.
pub(crate) fn told(calls: &Calls) -> String {
    let call = |call: &Call| {
        let parties: String = call
            .parties
            .iter()
            .map(|party| format!("/{}={}", party.device, party.state.element()))
            .collect();
        format!("{}:{}{parties}", call.id, call.state.element())
    };
    calls.calls.iter().map(call).collect::<Vec<_>>().join(" ")
}

#[test]
fn events_move_the_connections_of_a_call() {
    #[track_caller]
    fn check(events: &[&str], expected: &str) {
        assert_eq!(told(&after(events)), expected, "{events:?}");
    }
    // ECMA-269, connection state model: each event names the state that its connection is in from now on.
    check(&["ServiceInitiated 7 101 initiated"], "7:initiated");
    check(&["ServiceInitiated 7 101"], "7:initiated");
    check(&["Originated 7 101"], "7:connected");
    check(&["Offered 7 101 alerting"], "7:alerting");
    check(&["Delivered 7 sip:101@pbx.example:5060"], "7:alerting");
    check(&["Queued 7 101"], "7:queued");
    check(&["Failed 7 101"], "7:fail");
    let ringback = ["Originated 7 101", "Delivered 7 102 connected"];
    check(&ringback, "7:connected/102=alerting");
    check(
        &[ringback[0], ringback[1], "Established 7 102 connected"],
        "7:connected/102=connected",
    );
    check(
        &["Originated 7 101", "Failed 7 102 fail"],
        "7:fail/102=fail",
    );
    check(&["Established 7 101", "Held 7 101 hold"], "7:hold");
    check(&["Held 7 101", "Retrieved 7 101"], "7:connected");
    check(
        &["Established 7 101", "Held 7 102 connected"],
        "7:connected/102=hold",
    );
    check(&["Held 7 101", "Originated 8 101"], "7:hold 8:connected");
    check(&["Established 7 - connected"], "7:connected");
    check(&["Established - 101 connected"], "");
}

#[test]
fn a_call_ends_with_the_connection_of_the_line() {
    #[track_caller]
    fn check(last: &str, expected: &str) {
        let events = ["Originated 7 101", "Delivered 7 102 connected", last];
        assert_eq!(told(&after(&events)), expected, "{last}");
    }
    check("ConnectionCleared 7 101 null", "");
    check("ConnectionCleared 7 101", "");
    check("ConnectionCleared 7 102 null", "");
    check("ConnectionCleared 7 102 fail", "7:fail");
    check("ConnectionCleared 7 102", "7:connected");
    check("ConnectionCleared 8 101 null", "7:connected/102=alerting");
    check("Diverted 7 101 null", "");
    check("Diverted 7 102 connected", "7:connected");
    check("CallCleared 7", "");
}

#[test]
fn calls_are_joined() {
    #[track_caller]
    fn check(name: &str, list: &str, local: &str, expected: &str) {
        let mut calls = after(&[
            "Held 7 101 hold",
            "Established 8 103 connected",
            "Originated 9 101",
        ]);
        let item = |device: &str| {
            format!(
                "<connectionListItem><newConnection><callID>20</callID><deviceID>{device}</deviceID></newConnection></connectionListItem>"
            )
        };
        let (party, lists) = match name {
            "Transfered" => (
                "transferringDevice",
                ["transferredToDevice", "transferredConnections"],
            ),
            _ => (
                "conferencingDevice",
                ["addedParty", "conferenceConnections"],
            ),
        };
        calls.observe(&line(), &read(&format!(
            "<{name}Event><monitorCrossRefID>1</monitorCrossRefID><primaryOldCall><callID>7</callID></primaryOldCall>\
             <secondaryOldCall><callID>8</callID></secondaryOldCall><{party}><notKnown/></{party}><{to}><notKnown/></{to}>\
             <{list_name}>{items}</{list_name}>{local}<cause>transfer</cause></{name}Event>",
            to = lists[0],
            list_name = lists[1],
            items = list.split(' ').map(item).collect::<String>(),
        )));
        assert_eq!(told(&calls), expected, "{name} {local}");
    }
    let info = |state: &str| format!("<localConnectionInfo>{state}</localConnectionInfo>");
    check("Transfered", "102 103", &info("null"), "9:connected");
    check("Transfered", "102 103", "", "9:connected");
    check(
        "Transfered",
        "101 103",
        &info("connected"),
        "20:connected/103=connected 9:connected",
    );
    check(
        "Conferenced",
        "101 102 103",
        "",
        "20:connected/102=connected/103=connected 9:connected",
    );
    check(
        "Conferenced",
        "101 102 103",
        &info("hold"),
        "20:hold/102=connected/103=connected 9:connected",
    );
}

#[test]
fn snapshots_tell_what_events_have_told() {
    let calls = after(&["Originated 7 101", "Delivered 7 102 connected"]);
    let Snapshot::Data(device) = calls.snapshot(&line()).data else {
        panic!("it is here");
    };
    assert_eq!(
        device,
        [DeviceCall {
            connection: Some(ConnectionId::new("7", "101")),
            endpoint_device: Some(DeviceId::from("102").into()),
            local_call_state: Some(CallState::Compound(vec![
                LocalConnectionState::CONNECTED,
                LocalConnectionState::ALERTING
            ])),
        }]
    );
    let call = calls.find("7").unwrap().snapshot(&line());
    let Snapshot::Data(parties) = call.data else {
        panic!("it is here");
    };
    assert_eq!(parties.len(), 2);
    assert_eq!(
        parties[1].call_identifier,
        Some(ConnectionId::new("7", "102"))
    );
    assert_eq!(call.calling_device, Some(DeviceId::from("101").into()));
    assert!(calls.find("8").is_none());
}

#[test]
fn the_model_is_bounded() {
    let mut calls = Calls::default();
    for number in 0..100 {
        calls.observe(
            &line(),
            &event(&format!("Established 7 2{number} connected")),
        );
    }
    assert_eq!(calls.find("7").unwrap().parties.len(), PARTIES);
    for number in 100..200 {
        calls.observe(&line(), &event(&format!("Originated {number} 101")));
    }
    assert_eq!(calls.calls.len(), MOST);
}

#[test]
fn states_are_read_without_regard_to_case() {
    let mut calls = after(&["Established 7 101 Connected", "Held 7 101 HOLD"]);
    assert_eq!(told(&calls), "7:hold");
    calls.observe(&line(), &event("ConnectionCleared 7 102 Null"));
    assert_eq!(told(&calls), "");
}

#[test]
fn names_that_are_too_long_are_not_kept() {
    #[track_caller]
    fn check(before: &[&str], words: &str, is_tracked: bool, expected: &str) {
        let long = "x".repeat(LONGEST + 1);
        let mut calls = after(before);
        let seen = event(&words.replace("LONG", &long));
        assert_eq!(calls.observe(&line(), &seen), is_tracked, "{words}");
        assert_eq!(told(&calls), expected, "{words}");
    }
    check(&[], "Established LONG 101 connected", false, "");
    check(&[], "Established 7 LONG connected", false, "7:connected");
    check(&[], "Established 7 101 LONG", true, "7:connected");
    let before = &["Established 7 101 connected"];
    check(before, "Held LONG 101 hold", false, "7:connected");
    check(
        before,
        "ConnectionCleared LONG 101 null",
        false,
        "7:connected",
    );
    let longest = "y".repeat(LONGEST);
    let calls = after(&[&format!("Established {longest} 101 connected")]);
    assert_eq!(told(&calls), format!("{longest}:connected"));
}
