//! Faults of clients: resources are released, each request gets one answer, other clients are unaffected.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::{
    PATIENCE,
    credentials::Credentials,
    csta::{Call, Document, element},
    cti_client::Session,
    digest::Account,
    fixture::{LINE, MAC, started},
    phone::Reaction,
    server::Server,
    wire::final_of,
};

fn call() -> Call {
    Call::seen_by(LINE, "-7", LINE, "sip:102@pbx.example")
}

/// Waits until as many lines are watched.
async fn until_watched(server: &Server, lines: usize) {
    let wait = async { while server.list().await["monitoredLines"] != lines {} };
    let in_time = tokio::time::timeout(PATIENCE, wait).await;
    assert!(in_time.is_ok(), "{}", server.list().await["monitoredLines"]);
}

fn object(line: &str) -> String {
    format!(
        "<monitorObject>{}</monitorObject>",
        element("deviceObject", line)
    )
}

/// B1: what a client held goes with its connection; the phone is told to stop where nobody else watches, and only there.
#[tokio::test]
async fn vanished_client_releases_only_its_own_resources() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.identities = vec![LINE.to_owned(), "sip:202@pbx.example".to_owned()];
    });
    phone.start().await;
    let vanishing = server.client().await;
    let mut both = vanishing.open_server().await;
    let mut staying = server.client().await.open(LINE).await;
    for line in &phone.setup().identities {
        both.watch(line).await;
    }
    let reference = staying.watch(LINE).await;
    until_watched(&server, 2).await;
    vanishing.wire.reset();
    let stop = phone.until_received("MonitorStop", 1).await.document();
    let stopped = stop.text("monitorCrossRefID").to_owned();
    until_watched(&server, 1).await;
    phone.event(&call().originated()).await.expect(200);
    let event = staying.expect("OriginatedEvent").await;
    assert_eq!(event.text("monitorCrossRefID"), reference);
    let left = phone.until("monitors", |state| Some(state.monitors.clone()));
    let left = left.await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].1, LINE);
    assert_ne!(left[0].0, stopped);
    assert_eq!(phone.count("MonitorStop"), 1);
}

/// B3: a hundred clients come and go in all ways there are; the phone is asked to start and to stop by turns, and in the
/// end nothing is left.
#[tokio::test]
async fn crashing_clients_leave_all_counters_at_zero() {
    const ROUNDS: usize = 4;
    let server = Server::start();
    let phone = started(&server).await;
    for round in 0..ROUNDS {
        let coming = (0..100).map(|number| {
            let server = &server;
            async move {
                let client = server.client().await;
                let mut session = client.open(LINE).await;
                let reference = match (number + round) % 5 {
                    // Gone before the answer.
                    0 => {
                        drop(session.begin("MonitorStart", &object(LINE)));
                        client.wire.reset();
                        return;
                    }
                    1 => session.monitor(LINE).await,
                    _ => session.watch(LINE).await,
                };
                match (number + round) % 5 {
                    1 | 2 => client.wire.reset(),
                    3 => session.bye().await,
                    _ => session.unwatch(&reference).await,
                }
            }
        });
        join_all(coming).await;
        until_watched(&server, 0).await;
        phone
            .until("no monitor", |state| {
                state.monitors.is_empty().then_some(())
            })
            .await;
    }
    let asked = phone.until("requests", |state| {
        let asked = state.received.iter().map(|r| r.service.clone());
        Some(
            asked
                .filter(|service| service.starts_with("Monitor"))
                .collect::<Vec<_>>(),
        )
    });
    let asked = asked.await;
    assert!(asked.len() >= 2 * ROUNDS, "{asked:?}");
    for pair in asked.chunks(2) {
        assert_eq!(pair, ["MonitorStart", "MonitorStop"], "{asked:?}");
    }
    assert_eq!(server.list().await["connectedPhones"], 1);
}

/// B5: nothing reaches a phone that an operator took out of operation.
#[tokio::test]
async fn disabled_phone_receives_no_requests() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    server.switch("00:04:13:00:00:01", false).await;
    phone.until_received("BYE", 1).await;
    let before = phone.until("requests", |state| Some(state.received.len()));
    let before = before.await;
    let device = element("device", LINE);
    let calling = element("callingDevice", LINE) + &element("calledDirectoryNumber", "102");
    for (service, inner) in [
        ("MakeCall", &calling),
        ("GetDoNotDisturb", &device),
        ("GetForwarding", &device),
    ] {
        let refused = session.refused(service, inner).await;
        let expected = ("systemResourceAvailibility", "deviceOutOfService");
        assert_eq!((refused.0.as_str(), refused.1.as_str()), expected);
    }
    session.monitor(LINE).await;
    session.expect("OutOfServiceEvent").await;
    let after = phone.until("requests", |state| Some(state.received.len()));
    assert_eq!(after.await, before);
    server.switch("00:04:13:00:00:01", true).await;
    session.expect("BackInServiceEvent").await;
}

/// B7: the phone goes while it has one request and another waits: each gets one answer, an error, and neither is sent again.
#[tokio::test]
async fn each_request_gets_one_answer_when_the_phone_disconnects() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("GetDoNotDisturb", Reaction::Silence);
    let mut answers: Vec<_> = (0..3)
        .map(|_| session.begin("GetDoNotDisturb", &element("device", LINE)))
        .collect();
    phone.until_received("GetDoNotDisturb", 1).await;
    phone.reboot();
    for answer in &mut answers {
        let answer = final_of(answer).await.unwrap().expect(200);
        let error = Document::read(&answer.body);
        assert_eq!(
            error.text("systemResourceAvailibility"),
            "deviceOutOfService",
            "{}",
            error.raw
        );
    }
    phone.start().await;
    session
        .done("GetForwarding", &element("device", LINE))
        .await;
    assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()));
    assert_eq!(phone.count("GetDoNotDisturb"), 1);
}

/// B8: the client goes while the phone is at its request: the phone's answer is nobody's, and its place is free again.
#[tokio::test]
async fn answer_for_a_departed_client_is_discarded() {
    let server = Server::with(|settings| settings.limits.pending_requests_per_phone = 1);
    let phone = started(&server).await;
    for nth in 1..=10 {
        let client = server.client().await;
        let session = client.open(LINE).await;
        let late = Reaction::Late(Duration::from_millis(50));
        phone.once("GetDoNotDisturb", late);
        let inner = element("device", LINE);
        let asked = session.begin("GetDoNotDisturb", &inner);
        phone.until_received("GetDoNotDisturb", nth).await;
        client.wire.reset();
        drop(asked);
    }
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    for _ in 0..3 {
        session
            .done("GetForwarding", &element("device", LINE))
            .await;
    }
    assert!(session.quiet());
    assert_eq!(phone.count("GetDoNotDisturb"), 10);
}

/// B9: a client is its connection, whoever logged on there: the same user on another one is another client. Each hears
/// an event once, and what the first one held goes with its connection, not with the log-on of the second.
#[tokio::test]
async fn connections_of_one_user_are_separate_clients() {
    let server = Server::start();
    let phone = started(&server).await;
    let old = server.client().await;
    old.register().await.expect(200);
    let mut former = old.open(LINE).await;
    let reference = former.watch(LINE).await;
    let new = server.client().await;
    new.register().await.expect(200);
    let mut session = new.open(LINE).await;
    assert_ne!(session.watch(LINE).await, reference);
    phone.event(&call().originated()).await.expect(200);
    for session in [&mut former, &mut session] {
        session.expect("OriginatedEvent").await;
    }
    old.wire.reset();
    phone.event(&call().established()).await.expect(200);
    phone.event(&call().cleared()).await.expect(200);
    session.expect("EstablishedEvent").await;
    session.expect("ConnectionClearedEvent").await;
    assert!(session.quiet());
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (1, 0)
    );
    session.bye().await;
    phone.until_received("MonitorStop", 1).await;
}

/// B10: BYE, MonitorStop and MonitorStart so close upon each other that they cross: no monitor stays on the phone.
#[tokio::test]
async fn monitor_of_an_ended_session_is_stopped_once_started() {
    let server = Server::start();
    let phone = started(&server).await;
    for nth in 1..=5 {
        phone.once("MonitorStart", Reaction::Late(Duration::from_millis(100)));
        let session = server.client().await.open(LINE).await;
        let asked = session.begin("MonitorStart", &object(LINE));
        phone.until_received("MonitorStart", nth).await;
        session.bye().await;
        drop(asked);
        phone.until_received("MonitorStop", nth).await;
        phone
            .until("no monitor", |state| {
                state.monitors.is_empty().then_some(())
            })
            .await;
        until_watched(&server, 0).await;
    }
}

/// B6: the client that is dropped since it does not read is named in the log, and the request of another goes on.
#[tokio::test]
async fn slow_client_is_disconnected_and_logged() {
    use super::phones::{logged, phone_of, serving};
    let server = serving("[limits]\nclient_queue = \"64KiB\"\n");
    let phone = phone_of(&server, MAC, |_| {});
    phone.start().await;
    let slow = server.client().await;
    let mut session = slow.open(LINE).await;
    session.watch(LINE).await;
    slow.wire.listen(false);
    let private = format!(
        "<extensions><privateData><private>{}</private></privateData></extensions></OriginatedEvent><!--deviation-->",
        "x".repeat(40_000)
    );
    let large = call().originated().replace("</OriginatedEvent>", &private);
    let storm = async {
        loop {
            phone.burst(&vec![large.clone(); 10]).await;
        }
    };
    let port = format!(":{}", slow.wire.local.port());
    let words = ["WARN", "client_queue", &port];
    tokio::select! {
        () = storm => {}
        () = logged(&server, &words) => {}
    }
    let other = server.client().await.open(LINE).await;
    other.done("GetForwarding", &element("device", LINE)).await;
}

/// B6: and one that leaves its events without answers, however few octets they are.
#[tokio::test]
async fn client_that_answers_no_events_is_disconnected_and_logged() {
    use super::phones::{logged, phone_of, serving};
    const ENDED: &str = "uacsta_connections_ended_total{limit=\"limits.client_unanswered\"}";
    let server = serving("[limits]\nclient_unanswered = 256\n");
    let phone = phone_of(&server, MAC, |_| {});
    phone.start().await;
    let mute = server.client().await;
    let mut session = mute.open(LINE).await;
    session.watch(LINE).await;
    let mut other = server.client().await.open(LINE).await;
    other.watch(LINE).await;
    mute.wire.listen(false);
    for _ in 0..30 {
        phone.burst(&vec![call().originated(); 10]).await;
        for _ in 0..10 {
            other.expect("OriginatedEvent").await;
        }
    }
    let port = format!(":{}", mute.wire.local.port());
    logged(&server, &["WARN", "client_unanswered", &port]).await;
    assert_eq!(server.metric(ENDED).await, 1);
    other.done("GetForwarding", &element("device", LINE)).await;
}

/// RFC 3261, sections 12.2.2 and 15: another user logs on on a client's connection. The sessions of the former one are ended, and what
/// was asked in them meanwhile is not done.
#[tokio::test]
async fn new_user_on_a_connection_ends_the_previous_users_sessions() {
    const PASSWORD: &str = "a password of its own";
    let server = Server::with(|settings| {
        settings.clients.accounts.push(uacsta_config::Account {
            user: "board".to_owned(),
            password: PASSWORD.into(),
            lines: Vec::new(),
            control: true,
            numbers: Vec::new(),
        });
    });
    let phone = started(&server).await;
    let client = server.client().await;
    let (wire, mut former) = (&client.wire, client.open(LINE).await);
    former.watch(LINE).await;
    let second = client.open_server().await;

    let uri = format!("sip:{}", wire.peer);
    let register = |cseq| {
        client
            .outside("REGISTER", &uri, "take-over", "t", cseq)
            .with("To", format!("<{uri}>"))
    };
    let mut board = Credentials::new(Account::new("board", PASSWORD), None);
    let challenge = wire.transact(&register(1)).await.unwrap().expect(401);
    assert!(board.learn(&challenge));
    let register = board.authorize(register(2));
    let ask = client.document("GetForwarding", &element("device", LINE));
    let (mut registered, mut asked) = (wire.expecting(&register), Vec::new());
    let mut octets = register.bytes().to_vec();
    for session in [&former, &second, &former] {
        let info = session.next("INFO").csta(ask.clone());
        asked.push(wire.expecting(&info));
        octets.extend_from_slice(&info.bytes());
    }
    wire.send_bytes(octets);
    final_of(&mut registered).await.unwrap().expect(200);
    for mut answer in asked {
        // Under way when its session ended, or after it.
        let status = final_of(&mut answer).await.unwrap().status();
        assert!([487, 481].contains(&status), "{status}");
    }
    let bye = former.incoming().await.unwrap();
    assert_eq!(bye.method(), "BYE", "{}", bye.text());
    phone.until_received("MonitorStop", 1).await;
    former.info(ask).await.expect(481);
    assert_eq!(phone.count("GetForwarding"), 0);

    let session = client.open(LINE).await;
    session
        .done("GetForwarding", &element("device", LINE))
        .await;
}

/// B11: a thousand clients return at once after the server's restart, before any phone does; all are served within 60 s.
#[tokio::test]
async fn a_thousand_clients_reconnect_after_a_restart() {
    const CLIENTS: usize = 1000;
    let server = Server::start();
    drop(started(&server).await);
    let server = server.restart(|_| {});
    let begun = std::time::Instant::now();
    let coming = (0..CLIENTS).map(|_| async {
        let mut session = server.client().await.open(LINE).await;
        let reference = session.monitor(LINE).await;
        let away = session.expect("OutOfServiceEvent").await;
        assert_eq!(away.text("monitorCrossRefID"), reference);
        session
    });
    let mut sessions: Vec<Session> = join_all(coming).await;
    let phone = started(&server).await;
    for session in &mut sessions {
        session.expect("BackInServiceEvent").await;
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(phone.count("MonitorStart"), 1);
    phone.event(&call().originated()).await.expect(200);
    for session in &mut sessions {
        session.expect("OriginatedEvent").await;
        assert!(session.quiet());
    }
}
