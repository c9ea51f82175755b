//! Connections of phones that break, hang, move or cross.

use std::time::{Duration, Instant};

use super::{LISTED, MAC, call, hears, logged, phone_of, serving, until_status, watched};
use crate::support::{
    PATIENCE,
    csta::element,
    digest::Account,
    line::{Line, challenge, register},
    phone::{Phone, Reaction},
    server::{PHONES_PASSWORD, Server},
    sip::unique,
    wire::final_of,
};

/// Waits until a phone's connection has ended.
async fn cut_off(phone: &Phone) {
    phone
        .until("the end of its connection", |state| {
            (!state.connected).then_some(())
        })
        .await;
}

/// A1: a phone that reboots amid a call gets all of its session again, on its new connection and at once; the call that did
/// not survive is cleared, and each client hears of everything once, under the cross reference that it has.
#[tokio::test]
async fn reboot_during_a_call_restores_the_phone_and_is_reported_once() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    let mut second = server.client().await.open(phone.line()).await;
    let other = second.watch(phone.line()).await;
    let mut watchers = [(&mut session, &reference), (&mut second, &other)];
    phone.event(&call(&phone).originated()).await.expect(200);
    for (session, reference) in &mut watchers {
        hears(session, reference, &["OriginatedEvent"]).await;
    }
    let former = phone.wire().await.local;
    phone.reboot();
    phone.register().await.expect(200);
    let begun = Instant::now();
    phone.until_received("INVITE", 2).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_ne!(phone.wire().await.local, former);
    phone.in_session().await;
    phone.monitored().await;
    phone.until_received("SnapshotDevice", 1).await;
    for (session, reference) in &mut watchers {
        let all = [
            "OutOfServiceEvent",
            "BackInServiceEvent",
            "ConnectionClearedEvent",
        ];
        hears(session, reference, &all).await;
    }
    phone.event(&call(&phone).originated()).await.expect(200);
    for (session, reference) in &mut watchers {
        hears(session, reference, &["OriginatedEvent"]).await;
    }
    for (service, times) in [
        ("INVITE", 2),
        ("SystemRegister", 2),
        ("GetSwitchingFunctionDevices", 2),
        ("MonitorStart", 2),
        ("MonitorStop", 0),
        ("BYE", 0),
    ] {
        assert_eq!(phone.count(service), times, "{service}");
    }
}

/// A2: what is sent to a phone without power is read by nobody, and its socket stands.
#[tokio::test]
async fn phone_returning_after_power_loss_is_served_only_there() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.wire().await.listen(false);
    let before = phone.until("requests", |state| Some(state.received.len()));
    let before = before.await;
    let again = server.phone(MAC);
    again.start().await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    session.make_call(again.line(), "102").await;
    again.event(&call(&again).originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    // What the dead socket was sent meanwhile comes to light when it is read: the end of the session, and of the connection.
    phone.wire().await.listen(true);
    cut_off(&phone).await;
    let methods = phone.until("requests", |state| {
        let sent = state.received[before..].iter();
        Some(
            sent.map(|r| r.message.method().to_owned())
                .collect::<Vec<_>>(),
        )
    });
    assert_eq!(methods.await, ["BYE"]);
    assert_eq!(again.count("MonitorStart"), 1);
}

/// A2, A24: several phones on one connection, as an edge proxy or a base station carries them: the one that comes back
/// elsewhere, or is not heard of any more, leaves; the connection goes with the last.
#[tokio::test]
async fn phone_leaving_a_shared_connection_keeps_the_others() {
    let server = Server::with(|settings| {
        settings.advanced.min_expires = Duration::from_secs(1);
    });
    let [second, third] = ["0004130000b2", "0004130000b3"];
    let account = |mac| Account::new(mac, PHONES_PASSWORD);
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    for mac in [MAC, second] {
        line.log_on(&account(mac)).await.expect(200);
    }
    let offer = challenge(&line.ask(&register(third)).await);
    let proof = offer.answer("REGISTER", "sip:127.0.0.1", &account(third), 1);
    let brief = register(third).set("Expires", 1);
    let brief = line.ask(&brief.with("Authorization", proof)).await;
    brief.expect(200);

    let first = server.phone(MAC);
    first.start().await;
    line.log_on(&account(second)).await.expect(200);
    let status = async |mac| server.listed(mac).await["state"].clone();
    let lapsed = async { while status("00:04:13:00:00:b3").await != "away" {} };
    let in_time = tokio::time::timeout(2 * PATIENCE, lapsed).await;
    assert!(in_time.is_ok(), "a registration of 1 s lasts");
    line.log_on(&account(second)).await.expect(200);
    assert_ne!(status("00:04:13:00:00:b2").await, "away");
    assert_eq!(server.list().await["connectedPhones"], 2);

    let last = server.phone(second);
    last.start().await;
    while line.frame().await.is_some() {}
}

/// A3: half-open, as after a pulled cable: found by the keep-alive within `keep_alive` and `request_timeout` (at most
/// 30 s), which is sooner than the 32 s of a transaction, and never by the operating system.
#[tokio::test]
async fn keep_alive_detects_a_phone_that_stopped_reading() {
    let server = Server::with(|settings| {
        settings.advanced.keep_alive = Duration::from_millis(500);
        settings.advanced.request_timeout = Duration::from_millis(500);
    });
    let (phone, mut session, reference) = watched(&server).await;
    phone.wire().await.listen(false);
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    until_status(&server, "away").await;
    assert_eq!(server.list().await["connectedPhones"], 0);
    let refused = session
        .refused("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    assert_eq!(refused.1, "deviceOutOfService");
    phone.reboot();
    phone.start().await;
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
}

/// A22: the address translation in front of the phone gives it another port; the phone itself knows nothing of it, and
/// goes on with the Call-ID and CSeq of its registration.
#[tokio::test]
async fn phone_is_reached_at_its_new_port_after_nat_rebinding() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    let old = phone.wire().await;
    let new = phone.reconnect().await;
    assert_ne!(old.local, new.local);
    phone.register().await.expect(200);
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    session.make_call(phone.line(), "102").await;
    let asked = phone.until_received("MakeCall", 1).await.message;
    let port = format!(":{};", new.local.port());
    assert!(asked.uri().contains(&port), "{}", asked.uri());
    let ended = async {
        while !old.is_over() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    assert!(ended.is_ok(), "the old connection stands");
    assert_eq!(server.list().await["connectedPhones"], 1);
}

/// A23: the last one that proves to be the phone is the phone, and two that chase each other are held apart.
#[tokio::test]
async fn latest_registration_of_a_mac_wins() {
    let server = serving("");
    let at = |address: u8| {
        phone_of(&server, MAC, |setup| {
            setup.source = Some([127, 0, 0, address].into());
        })
    };
    let (first, second) = (at(1), at(2));
    first.start().await;
    let mut session = server.client().await.open(first.line()).await;
    let reference = session.watch(first.line()).await;
    let mut put_off = 0;
    for (now, before) in [(&second, &first), (&first, &second), (&second, &first)] {
        let dialogs = before.count("BYE");
        // Within a second of the last take-over there is none: the one that is bound goes on.
        loop {
            let answer = now.register().await;
            if answer.status() == 200 {
                break;
            }
            assert_eq!(answer.expect(503).must("Retry-After"), "1");
            put_off += 1;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        before.until_received("BYE", dialogs + 1).await;
        cut_off(before).await;
        hears(
            &mut session,
            &reference,
            &["OutOfServiceEvent", "BackInServiceEvent"],
        )
        .await;
    }
    assert!(put_off > 0, "nobody was put off");
    session.make_call(second.line(), "102").await;
    assert_eq!((first.count("MakeCall"), second.count("MakeCall")), (0, 1));
    let both = ["another address", LISTED, "127.0.0.1:", "127.0.0.2:"];
    logged(&server, &both).await;
}

/// A23: two phones with one MAC address behind one address, as a translation shows them: they do not chase each other faster
/// than a few times a second.
#[tokio::test]
async fn rapid_rebinding_of_a_mac_is_deferred() {
    let server = serving("");
    let (first, second) = (
        phone_of(&server, MAC, |_| {}),
        phone_of(&server, MAC, |_| {}),
    );
    first.start().await;
    let mut turns = [&second, &first].into_iter().cycle().take(60);
    let answer = loop {
        let phone = turns.next().expect("one of them is put off");
        // Its connection may end as it sends: it has been taken for the other one.
        let Ok(answer) = phone.try_register().await else {
            continue;
        };
        if answer.status() != 200 {
            break answer;
        }
    };
    assert_eq!(answer.expect(503).must("Retry-After"), "1");
    logged(&server, &["are there two with this name", LISTED]).await;
}

/// A24, A25: a registration that lapses or is withdrawn ends the session; the list keeps the phone and its last log-on.
#[tokio::test]
async fn unregistered_phone_stays_listed_with_its_last_log_on() {
    let server = Server::with(|settings| {
        settings.advanced.sip_expires = Duration::from_secs(1);
        settings.advanced.min_expires = Duration::from_secs(1);
    });
    let (phone, mut session, reference) = watched(&server).await;
    let before = server.listed(LISTED).await;
    assert!(before["lastLogOnAt"].is_string(), "{before}");
    // Expiry is 1 s; the server waits 5 s more for a refresh that is late, where 32 s are allowed.
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    until_status(&server, "away").await;
    let lapsed = server.listed(LISTED).await;
    for kept in ["lastLogOnAt", "inOperation", "lines", "id"] {
        assert_eq!(lapsed[kept], before[kept], "{kept}");
    }
    phone.register().await.expect(200);
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    phone.unregister().await.expect(200);
    phone.until_received("BYE", 1).await;
    hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
    until_status(&server, "away").await;
    assert_eq!(server.listed(LISTED).await["lines"], before["lines"]);
}

/// A13: the phone's INVITE crosses the server's: it gets 403, since phones are called here and do not call, and 491 would
/// have it try again; one dialog stays.
#[tokio::test]
async fn crossing_invites_open_a_single_dialog() {
    let server = Server::start();
    let phone = server.phone(MAC);
    let late = Reaction::Late(Duration::from_millis(300));
    phone.once("INVITE", late);
    phone.register().await.expect(200);
    phone.until_received("INVITE", 1).await;
    let wire = phone.wire().await;
    let mut invite = phone
        .registration(&wire)
        .without("Expires")
        .set("Call-ID", unique("glare"))
        .set("CSeq", "1 INVITE");
    invite.start = format!("INVITE sip:{} SIP/2.0", wire.peer);
    phone.transact(&invite).await.expect(403);
    phone.in_session().await;
    // A re-INVITE that comes while the phone has a request of the server's is taken, and the session goes on.
    phone.once(
        "GetDoNotDisturb",
        Reaction::Late(Duration::from_millis(300)),
    );
    let mut session = server.client().await.open(phone.line()).await;
    let mut asked = session.begin("GetDoNotDisturb", &element("device", phone.line()));
    phone.until_received("GetDoNotDisturb", 1).await;
    let again = phone.in_dialog("INVITE").await.with("Supported", "timer");
    phone.transact(&again).await.expect(200);
    let ack = phone.in_dialog("ACK").await;
    wire.send(&ack.set("CSeq", format!("{} ACK", again.cseq())));
    final_of(&mut asked).await.unwrap().expect(200);
    session.watch(phone.line()).await;
    let dialogs = phone.until("dialogs", |state| Some(state.dialogs)).await;
    assert_eq!((dialogs, phone.count("BYE")), (1, 0));
}
