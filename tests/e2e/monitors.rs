//! Monitors of a line: one on the phone for all clients (TR/87, section 7.3; ECMA-269, section 15).

use std::time::Duration;

use crate::support::{
    csta::element,
    fixture::{LINE, call, started},
    phone::{Phone, Reaction},
    server::Server,
};

#[tokio::test]
async fn line_of_an_absent_phone_opens_and_comes_into_service_with_it() {
    let server = Server::start();
    started(&server).await;
    let server = server.restart(|_| {});
    let mut session = server.client().await.open(LINE).await;
    assert_eq!(session.status(), "normal");
    let reference = session.monitor(LINE).await;
    assert_eq!(
        session
            .expect("OutOfServiceEvent")
            .await
            .text("monitorCrossRefID"),
        reference
    );
    let away = session
        .refused("GetDoNotDisturb", &element("device", LINE))
        .await;
    assert_eq!(
        away,
        (
            "systemResourceAvailibility".to_owned(),
            "deviceOutOfService".to_owned()
        )
    );
    let phone = started(&server).await;
    assert_eq!(
        session
            .expect("BackInServiceEvent")
            .await
            .text("monitorCrossRefID"),
        reference
    );
    phone.event(&call(LINE).originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
}

#[tokio::test]
async fn monitor_start_is_answered_at_once_and_back_in_service_follows() {
    let server = Server::start();
    let phone = started(&server).await;
    let late = Duration::from_secs(3);
    phone.once("MonitorStart", Reaction::Late(late));
    let mut session = server.client().await.open(LINE).await;
    let begun = std::time::Instant::now();
    let reference = session.monitor(LINE).await;
    assert!(
        begun.elapsed() < late,
        "MonitorStartResponse does not wait for the phone"
    );
    let back = session.expect("BackInServiceEvent").await;
    assert!(begun.elapsed() >= late, "BackInService does");
    assert_eq!(
        (
            back.text("monitorCrossRefID"),
            back.text("device/deviceIdentifier")
        ),
        (reference.as_str(), LINE)
    );
}

#[tokio::test]
async fn one_phone_monitor_serves_all_clients_until_the_last_leaves() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut sessions = Vec::new();
    let mut references = Vec::new();
    for _ in 0..4 {
        let mut session = server.client().await.open(LINE).await;
        references.push(session.watch(LINE).await);
        sessions.push(session);
    }
    let unequal: std::collections::HashSet<&String> = references.iter().collect();
    assert_eq!(
        unequal.len(),
        4,
        "each client has its own cross reference: {references:?}"
    );
    let asked = phone.until_received("MonitorStart", 1).await.document();
    assert_eq!(asked.text("monitorObject/deviceObject"), LINE);
    phone.event(&call(LINE).originated()).await.expect(200);
    for (session, reference) in sessions.iter_mut().zip(&references) {
        assert_eq!(
            session
                .expect("OriginatedEvent")
                .await
                .text("monitorCrossRefID"),
            reference
        );
    }
    for (session, reference) in sessions.iter().zip(&references).take(3) {
        session.unwatch(reference).await;
    }
    phone.event(&call(LINE).cleared()).await.expect(200);
    sessions[3].expect("ConnectionClearedEvent").await;
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (1, 0)
    );
    let theirs = phone.monitored().await;
    sessions[3].unwatch(&references[3]).await;
    let stop = phone.until_received("MonitorStop", 1).await.document();
    assert_eq!(stop.text("monitorCrossRefID"), theirs);
}

#[tokio::test]
async fn end_of_session_or_connection_stops_its_monitors() {
    let server = Server::start();
    let phone = started(&server).await;
    for nth in 1..=3 {
        let client = server.client().await;
        let mut session = client.open(LINE).await;
        session.watch(LINE).await;
        match nth {
            1 => session.bye().await,
            2 => client.wire.close(),
            _ => client.wire.reset(),
        }
        phone.until_received("MonitorStop", nth).await;
    }
    assert_eq!(phone.count("MonitorStart"), 3);
    // The session was ended by the server as well: nothing of it is left in its count of lines.
    assert_eq!(server.list().await["monitoredLines"], 0);
}

#[tokio::test]
async fn cross_reference_of_another_client_is_refused() {
    let server = Server::start();
    started(&server).await;
    let mut mine = server.client().await.open(LINE).await;
    let reference = mine.watch(LINE).await;
    let other = server.client().await.open(LINE).await;
    for reference in [reference.as_str(), "nobody's"] {
        let refusal = other
            .refused("MonitorStop", &element("monitorCrossRefID", reference))
            .await;
        assert_eq!(
            refusal,
            (
                "operation".to_owned(),
                "invalidMonitorCrossRefID".to_owned()
            )
        );
    }
}

#[tokio::test]
async fn counters_show_connections_and_monitors() {
    let server = Server::start();
    let phones = ["000413000001", "000413000002"].map(|mac| server.phone(mac));
    for phone in &phones {
        phone.start().await;
    }
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let mut session = server.client().await.open(LINE).await;
        session.watch(LINE).await;
        sessions.push(session);
    }
    let list = server.list().await;
    assert_eq!(
        (&list["connectedPhones"], &list["monitoredLines"]),
        (&2.into(), &1.into()),
        "a line watched by many counts once"
    );
    phones[1].disconnect();
    let wait = async { while server.list().await["connectedPhones"] != 1 {} };
    tokio::time::timeout(crate::support::PATIENCE, wait)
        .await
        .expect("the phone gives its seat back");
    for session in &sessions {
        session.bye().await;
    }
    let wait = async { while server.list().await["monitoredLines"] != 0 {} };
    tokio::time::timeout(crate::support::PATIENCE, wait)
        .await
        .expect("the line gives its seat back");
}

/// A filter names what its client is not told (ECMA-269); the phone's monitor reports everything, to all.
#[tokio::test]
async fn monitor_filters_are_independent_per_client() {
    let server = Server::start();
    let phone = started(&server).await;
    let (one, other) = (server.client().await, server.client().await);
    let (mut filtered, mut open) = (one.open(LINE).await, other.open(LINE).await);
    let filter = |member: &str| format!("<callcontrol><{member}>true</{member}></callcontrol>");
    let start = format!(
        "<monitorObject>{}</monitorObject><requestedMonitorFilter>{}</requestedMonitorFilter>",
        element("deviceObject", LINE),
        filter("originated")
    );
    let started = filtered.done("MonitorStart", &start).await;
    let reference = started.text("monitorCrossRefID").to_owned();
    assert!(
        started.raw.contains("<originated>true</originated>"),
        "{}",
        started.raw
    );
    filtered.expect("BackInServiceEvent").await;
    open.watch(LINE).await;
    assert_eq!(phone.count("MonitorStart"), 1);

    let events = async |phone: &Phone| {
        phone.event(&call(LINE).originated()).await.expect(200);
        phone.event(&call(LINE).delivered()).await.expect(200);
    };
    events(&phone).await;
    filtered.expect("DeliveredEvent").await;
    open.expect("OriginatedEvent").await;
    open.expect("DeliveredEvent").await;

    let change = element("monitorCrossRefID", &reference)
        + &format!(
            "<requestedFilterList>{}</requestedFilterList>",
            filter("delivered")
        );
    let changed = filtered.done("ChangeMonitorFilter", &change).await;
    assert!(
        changed.raw.contains("<delivered>true</delivered>"),
        "{}",
        changed.raw
    );
    events(&phone).await;
    filtered.expect("OriginatedEvent").await;
    assert!(filtered.quiet(), "DeliveredEvent is left out");
}

#[tokio::test]
async fn monitoring_a_single_call_is_refused() {
    let server = Server::start();
    started(&server).await;
    let session = server.client().await.open(LINE).await;
    let object = crate::support::csta::connection("callObject", "-12", LINE);
    let refused = session
        .refused(
            "MonitorStart",
            &format!("<monitorObject>{object}</monitorObject>"),
        )
        .await;
    assert_eq!(refused.1, "invalidMonitorObject");
}

/// A BYE that races a MonitorStart leaves no monitor behind on the phone.
#[tokio::test]
async fn client_that_leaves_at_once_leaves_no_monitor() {
    let server = Server::start();
    let phone = started(&server).await;
    let object = format!(
        "<monitorObject>{}</monitorObject>",
        element("deviceObject", LINE)
    );
    for _ in 0..5 {
        let session = server.client().await.open(LINE).await;
        let _answers = session.begin("MonitorStart", &object);
        session.bye().await;
        // What the phone was asked before this is done when this is.
        let mut other = server.client().await.open(LINE).await;
        let reference = other.watch(LINE).await;
        other.unwatch(&reference).await;
        phone
            .until("no monitor", |state| {
                state.monitors.is_empty().then_some(())
            })
            .await;
    }
}
