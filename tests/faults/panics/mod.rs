//! A panic in one actor: its replacement takes over the state, and other peers are unaffected.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use uacsta_actors::clock::Clock;

use crate::support::{
    PATIENCE,
    csta::{Call, element},
    cti_client::Session,
    phone::{Phone, Reaction},
    server::Server,
    wire::final_of,
};

mod tripwire;

use tripwire::Tripwire;

/// A clock that panics, once, under the actor that looks at it.
#[derive(Debug)]
pub(super) struct Trap {
    begun: Instant,
    /// How many may still read the time; below 0 all may.
    left: AtomicI64,
    /// Whether the next who asks for the date fails.
    date: AtomicBool,
    /// How long before its making it began to run.
    ran: Duration,
}

impl Trap {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            left: AtomicI64::new(-1),
            date: AtomicBool::new(false),
            ran: Duration::ZERO,
        })
    }

    /// One that has run for so long.
    fn that_ran(ran: Duration) -> Arc<Self> {
        let new = Arc::into_inner(Self::new()).expect("nobody else has it");
        Arc::new(Self { ran, ..new })
    }

    pub(super) fn spring_at(&self, reading: i64) {
        self.left.store(reading, Ordering::SeqCst);
    }

    /// Whether somebody failed since it was set; it does not spring any more.
    pub(super) fn has_sprung(&self) -> bool {
        self.left.swap(-1, Ordering::SeqCst) < 1
    }
}

/// In seconds since 1970.
const DATE: u64 = 1_800_000_000;

impl Clock for Trap {
    fn now(&self) -> Duration {
        if self.left.load(Ordering::SeqCst) > 0 && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            panic!("the clock fails on purpose");
        }
        self.ran + self.begun.elapsed()
    }

    fn wall(&self) -> u64 {
        if self.date.swap(false, Ordering::SeqCst) {
            panic!("the date fails on purpose");
        }
        DATE
    }

    /// The date of recorded messages, which does not fail.
    fn since_epoch(&self) -> Duration {
        Duration::from_secs(DATE)
    }
}

/// An event of the phone reaches the client, and nothing comes before it.
async fn is_told(phone: &Phone, session: &mut Session, call: &str) {
    let line = phone.line();
    let event = Call::seen_by(line, call, line, "102").originated();
    phone.event(&event).await.expect(200);
    session.expect("OriginatedEvent").await;
}

#[tokio::test]
async fn restarted_registrar_keeps_its_state() {
    let trap = Trap::new();
    let server = Server::by(trap.clone());
    let (first, second) = (server.phone("000413c19001"), server.phone("000413c19002"));
    first.start().await;
    let mut session = server.client().await.open_server().await;
    session.watch(first.line()).await;
    for _ in 0..3 {
        trap.date.store(true, Ordering::SeqCst);
        // Its binding is what the registrar fails at.
        second.register().await.expect(500);
        second.reboot();
        assert_eq!(
            server.listed("00:04:13:c1:90:01").await["state"],
            "controlled"
        );
        is_told(&first, &mut session, "a").await;
    }
    second.start().await;
    session.watch(second.line()).await;
    is_told(&first, &mut session, "b").await;
    // Who followed the registrar follows its successor.
    second.disconnect();
    session.expect("OutOfServiceEvent").await;
    second.start().await;
    session.expect("BackInServiceEvent").await;
    let server = server.restart(|_| {});
    assert_eq!(server.list().await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn panic_during_a_client_request_affects_no_other_client() {
    let trap = Trap::new();
    let server = Server::by(trap.clone());
    let (phone, witness) = (server.phone("000413c19003"), server.phone("000413c19004"));
    phone.start().await;
    witness.start().await;
    let mut watching = server.client().await.open_server().await;
    watching.watch(witness.line()).await;
    let mut places = 0;
    for reading in 1..100 {
        let client = server.client().await;
        let mut session = client.open_server().await;
        session.watch(phone.line()).await;
        trap.spring_at(reading);
        let mut answers = session.begin("GetDoNotDisturb", &element("device", phone.line()));
        // It is answered, or its connection ends.
        let answer = tokio::time::timeout(Duration::from_secs(12), final_of(&mut answers)).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer, failed at reading {reading}"));
        let sprung = trap.has_sprung();
        is_told(&witness, &mut watching, &format!("w{reading}")).await;
        if !sprung {
            assert_eq!(answer.unwrap().status(), 200);
            break;
        }
        places += 1;
        println!(
            "reading {reading}: {:?}",
            answer.map(|answer| answer.status())
        );
        // What failed was replaced, or its peer comes again.
        if phone
            .until("its state", |state| Some(!state.connected))
            .await
        {
            phone.start().await;
        }
        let again = server.client().await.open_server().await;
        again
            .done("GetDoNotDisturb", &element("device", phone.line()))
            .await;
        client.wire.close();
    }
    assert!((2..99).contains(&places), "{places} places failed");
    let counts = server.list().await;
    println!("{counts}");
}

#[tokio::test]
async fn restarted_monitor_point_keeps_its_clients() {
    let server = Server::start();
    let (phone, witness) = (server.phone("000413c19005"), server.phone("000413c19006"));
    phone.start().await;
    witness.start().await;
    let (one, other) = (server.client().await, server.client().await);
    let (mut one, mut other) = (one.open_server().await, other.open_server().await);
    for session in [&mut one, &mut other] {
        session.watch(phone.line()).await;
        session.watch(witness.line()).await;
    }
    // The phone ends the monitor by itself; when it runs again, who fans its events out fails.
    let wire = Tripwire::at("line is monitored", phone.line());
    phone.stop_monitor().await.expect(200);
    for session in [&mut one, &mut other] {
        session.expect("OutOfServiceEvent").await;
        session.expect("BackInServiceEvent").await;
    }
    assert!(wire.is_torn());
    server.until_failed(1).await;
    // The monitor whose answer nobody had heard is not left behind.
    phone.until_received("MonitorStop", 1).await;
    assert_eq!(phone.count("MonitorStart"), 3);
    for phone in [&phone, &witness] {
        let line = phone.line();
        let event = Call::seen_by(line, "m", line, "102").originated();
        phone.event(&event).await.expect(200);
        one.expect("OriginatedEvent").await;
        other.expect("OriginatedEvent").await;
    }
    let counts = server.list().await;
    assert_eq!(counts["monitoredLines"], 2, "{counts}");
}

#[tokio::test]
async fn panicked_client_actor_closes_only_its_connection() {
    let server = Server::start();
    let (phone, witness) = (server.phone("000413c19007"), server.phone("000413c19008"));
    phone.start().await;
    witness.start().await;
    let mut watching = server.client().await.open_server().await;
    watching.watch(witness.line()).await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    session.watch(phone.line()).await;

    let wire = Tripwire::at("line session opened", witness.line());
    let Err(refused) = client.invite(witness.line(), |request| request).await else {
        panic!("a session with nobody");
    };
    refused.expect(500);
    assert!(wire.is_torn());
    while session.incoming().await.is_some() {}
    server.until_failed(1).await;
    // What it held is released, what others hold is not.
    phone.until_received("MonitorStop", 1).await;
    is_told(&witness, &mut watching, "c").await;
    let mut again = server.client().await.open_server().await;
    again.watch(phone.line()).await;
    is_told(&phone, &mut again, "c").await;
}

#[tokio::test]
async fn panicked_connection_actor_closes_only_its_connection() {
    let server = Server::start();
    let (phone, witness) = (server.phone("000413c19009"), server.phone("000413c1900a"));
    phone.start().await;
    witness.start().await;
    let mut session = server.client().await.open_server().await;
    session.watch(phone.line()).await;
    session.watch(witness.line()).await;

    let wire = Tripwire::at("message refused", "00:04:13:c1:90:09");
    let wrong = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKl\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n\
                 Call-ID: l\r\nCSeq: many OPTIONS\r\nContent-Length: 0\r\n\r\n";
    phone.wire().await.send_bytes(wrong);
    phone.gone().await;
    assert!(wire.is_torn());
    server.until_failed(1).await;
    session.expect("OutOfServiceEvent").await;
    is_told(&witness, &mut session, "l").await;
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    is_told(&phone, &mut session, "l").await;
}

/// What a phone sends may make each actor fail as soon as it has begun: the next ones come less and less often, and the one
/// that does not fail has what the first one had.
#[tokio::test]
async fn repeatedly_panicking_phone_is_restarted_with_back_off() {
    let server = Server::start();
    let (phone, witness) = (server.phone("000413c1900b"), server.phone("000413c1900c"));
    phone.start().await;
    witness.start().await;
    let mut session = server.client().await.open_server().await;
    session.watch(phone.line()).await;
    session.watch(witness.line()).await;

    let failed = "no CSTA session with the phone";
    let wire = Tripwire::always(failed, "00:04:13:c1:90:0b");
    phone.always("INVITE", Reaction::Status(503, &[]));
    phone.bye().await.expect(200);
    session.expect("OutOfServiceEvent").await;
    phone.until_received("INVITE", 3).await;
    let begun = Instant::now();
    is_told(&witness, &mut session, "e").await;
    phone.until_received("INVITE", 4).await;
    assert!(begun.elapsed() > Duration::from_millis(1500));
    server.until_failed(3).await;
    drop(wire);
    phone.relent("INVITE");
    session.expect("BackInServiceEvent").await;
    is_told(&phone, &mut session, "e").await;
    is_told(&witness, &mut session, "f").await;
}

/// A9: however long a phone asks to be left alone, that is added to the time without an overflow, and is an hour at most.
#[tokio::test]
async fn largest_retry_after_causes_no_panic() {
    let server = Server::by(Trap::that_ran(Duration::from_secs(1_000_000)));
    let phone = server.phone("000413c1900d");
    phone.once(
        "INVITE",
        Reaction::Status(503, &[("Retry-After", "18446744073709551615")]),
    );
    phone.register().await.expect(200);
    let listed = || server.listed("00:04:13:c1:90:0d");
    let refused = async { while listed().await["reason"]["code"] != "notReady" {} };
    tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("the refusal is listed");
    server.until_failed(0).await;
    // It is not forgotten when it comes back.
    phone.reboot();
    phone.start().await;
    server.until_failed(0).await;
}
