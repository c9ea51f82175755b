//! Clients that start and stop monitors while the phone is busy: each monitored line ends up with one monitor (ECMA-269, section 15).

use std::time::{Duration, Instant};

use crate::support::{
    csta::{Call, element},
    cti_client::Session,
    fixture::{LINE, MAC, started},
    phone::{Phone, Reaction, State},
    server::Server,
};

/// How long the phone is at it.
const WHILE: Duration = Duration::from_millis(1500);

/// Waits until the phone has as many monitors, and no request of the server's waits for it; each but those was stopped.
async fn until_left(phone: &Phone, session: &Session, monitors: usize) {
    for _ in 0..3 {
        session
            .done("GetDoNotDisturb", &element("device", LINE))
            .await;
    }
    phone
        .until("as many monitors as are watched", |state| {
            (state.monitors.len() == monitors).then_some(())
        })
        .await;
    assert_eq!(
        phone.count("MonitorStart"),
        phone.count("MonitorStop") + monitors
    );
}

/// B3, B10: start, stop, start and so on, in one session and in two, while the phone is at the first MonitorStart.
#[tokio::test]
async fn phone_has_one_monitor_however_often_clients_start_and_stop() {
    let server = Server::start();
    let phone = started(&server).await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    for stays in [true, false, true] {
        let before = phone.count("MonitorStart");
        phone.once("MonitorStart", Reaction::Late(WHILE));
        let mut reference = session.monitor(LINE).await;
        phone.until_received("MonitorStart", before + 1).await;
        for _ in 0..3 {
            session.unwatch(&reference).await;
            reference = session.monitor(LINE).await;
        }
        if !stays {
            session.unwatch(&reference).await;
            until_left(&phone, &session, 0).await;
            continue;
        }
        let back = session.expect("BackInServiceEvent").await;
        assert_eq!(back.text("monitorCrossRefID"), reference);
        until_left(&phone, &session, 1).await;
        let call = Call::seen_by(LINE, "-12", LINE, "sip:102@pbx.example");
        phone.event(&call.originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
        phone.event(&call.cleared()).await.expect(200);
        session.expect("ConnectionClearedEvent").await;
        session.unwatch(&reference).await;
        until_left(&phone, &session, 0).await;
    }
    // The first goes with its connection as the second comes.
    for _ in 0..2 {
        let before = phone.count("MonitorStart");
        phone.once("MonitorStart", Reaction::Late(WHILE));
        let first = server.client().await;
        first.open(LINE).await.monitor(LINE).await;
        phone.until_received("MonitorStart", before + 1).await;
        first.wire.reset();
        let reference = session.watch(LINE).await;
        until_left(&phone, &session, 1).await;
        session.unwatch(&reference).await;
        until_left(&phone, &session, 0).await;
    }
    let asked = phone.until("requests", |state| {
        let asked = state.received.iter().map(|r| r.service.clone());
        let asked = asked.filter(|service| service.starts_with("Monitor"));
        Some(asked.collect::<Vec<_>>())
    });
    for pair in asked.await.chunks(2) {
        assert_eq!(pair, ["MonitorStart", "MonitorStop"]);
    }
}

/// B10: what the phone refuses to one is no refusal of the one that came after; it is asked anew for who comes then.
#[tokio::test]
async fn refusal_of_a_pending_monitor_reaches_current_clients() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.identities = vec!["sip:0009@pbx.example".to_owned()];
    });
    phone.start().await;
    let mut session = server.client().await.open_server().await;
    let line = phone.line();
    let refusal = phone.document(
        "CSTAErrorCode",
        &element("operation", "serviceNotSupported"),
    );
    // It is at something else, so that MonitorStart waits.
    phone.once("GetForwarding", Reaction::Late(WHILE));
    phone.once("MonitorStart", Reaction::Document(refusal));
    let mut asked = session.begin("GetForwarding", &element("device", line));
    phone.until_received("GetForwarding", 1).await;
    let first = session.monitor(line).await;
    session.unwatch(&first).await;
    let second = session.monitor(line).await;
    let stop = session.expect("MonitorStop").await;
    assert_eq!(stop.text("monitorCrossRefID"), second);
    crate::support::wire::final_of(&mut asked)
        .await
        .unwrap()
        .expect(200);
    let third = session.watch(line).await;
    assert_eq!(phone.count("MonitorStart"), 2);
    session.unwatch(&third).await;
    phone.until_received("MonitorStop", 1).await;
}

/// A1, B10: the phone reboots while it is at it.
#[tokio::test]
async fn reboot_during_monitor_start_leaves_one_monitor() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open_server().await;
    phone.once("MonitorStart", Reaction::Late(WHILE));
    let first = session.monitor(LINE).await;
    phone.until_received("MonitorStart", 1).await;
    session.unwatch(&first).await;
    let reference = session.monitor(LINE).await;
    phone.reboot();
    session.expect("OutOfServiceEvent").await;
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    let left = phone.until("monitors", |state| Some(state.monitors.clone()));
    assert_eq!(left.await.len(), 1);
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (2, 0)
    );
    session.unwatch(&reference).await;
    phone.until_received("MonitorStop", 1).await;
    phone
        .until("no monitor", |state| {
            state.monitors.is_empty().then_some(())
        })
        .await;
}

/// A4: a MonitorStart that is answered too late has been done all the same.
#[tokio::test]
async fn monitor_confirmed_too_late_is_stopped() {
    let server = Server::with(|settings| settings.advanced.request_timeout = WHILE / 2);
    let phone = started(&server).await;
    let mut session = server.client().await.open_server().await;
    // The next is answered before this one, and after it.
    for late in [WHILE * 2, WHILE] {
        phone.once("MonitorStart", Reaction::Late(late));
        let before = phone.count("MonitorStop");
        let reference = session.monitor(LINE).await;
        session.expect("OutOfServiceEvent").await;
        session.expect("BackInServiceEvent").await;
        phone.until_received("MonitorStop", before + 1).await;
        until_left(&phone, &session, 1).await;
        session.unwatch(&reference).await;
        until_left(&phone, &session, 0).await;
    }
    // Nobody watches any more when the late answer comes.
    phone.once("MonitorStart", Reaction::Late(WHILE));
    let before = phone.count("MonitorStop");
    let reference = session.monitor(LINE).await;
    session.unwatch(&reference).await;
    phone.until_received("MonitorStop", before + 1).await;
    until_left(&phone, &session, 0).await;
}

/// A9, B10: a phone that wants its peace is told to stop a monitor when it has had it.
#[tokio::test]
async fn monitor_is_stopped_after_a_long_retry_after() {
    let server = Server::with(|settings| settings.advanced.request_timeout = WHILE / 3);
    let phone = started(&server).await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(LINE).await;
    phone.once(
        "GetDoNotDisturb",
        Reaction::Status(503, &[("Retry-After", "3")]),
    );
    session
        .refused("GetDoNotDisturb", &element("device", LINE))
        .await;
    session.unwatch(&reference).await;
    phone.until_received("MonitorStop", 1).await;
    until_left(&phone, &session, 0).await;
}

/// Monitors the line whose phone is being asked for a new session.
async fn watch_soon(session: &mut Session) -> String {
    let reference = session.monitor(LINE).await;
    while session.event().await.name() != "BackInServiceEvent" {}
    reference
}

/// A6, A9: a MonitorStop that crosses a request of the phone's is sent again, however short the time for requests is; a monitor
/// that the phone does not stop is used again, or ends with its session.
#[tokio::test]
async fn monitor_ends_however_the_phone_rejects_its_stop() {
    let server = Server::with(|settings| settings.advanced.request_timeout = WHILE);
    let phone = started(&server).await;
    let mut session = server.client().await.open_server().await;
    let reference = session.watch(LINE).await;
    phone.once("MonitorStop", Reaction::Status(491, &[]));
    session.unwatch(&reference).await;
    phone.until_received("MonitorStop", 2).await;
    let no_monitor = |state: &State| state.monitors.is_empty().then_some(());
    phone.until("no monitor", no_monitor).await;
    let (starts, invites) = (phone.count("MonitorStart"), phone.count("INVITE"));
    phone.always("MonitorStop", Reaction::Status(500, &[]));
    let reference = session.watch(LINE).await;
    session.unwatch(&reference).await;
    phone.until_received("INVITE", invites + 1).await;
    phone.until("no monitor", no_monitor).await;
    assert_eq!(phone.count("BYE"), 1);
    // 503 asks for quiet, also before the next INVITE.
    phone.always(
        "MonitorStop",
        Reaction::Status(503, &[("Retry-After", "2")]),
    );
    let reference = watch_soon(&mut session).await;
    let stopped = Instant::now();
    session.unwatch(&reference).await;
    phone.until_received("INVITE", invites + 2).await;
    assert!(stopped.elapsed() >= Duration::from_secs(4));
    watch_soon(&mut session).await;
    assert_eq!(phone.count("MonitorStart"), starts + 3);
}
