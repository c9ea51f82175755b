//! A panic in one actor: what it held goes on with another in its place, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use uacsta_actors::clock::Clock;

use crate::support::csta::{Call, element};
use crate::support::cti_client::Session;
use crate::support::phone::Phone;
use crate::support::server::Server;
use crate::support::wire::final_of;

/// A clock that panics, once, under the actor that looks at it.
#[derive(Debug)]
struct Trap {
    begun: Instant,
    /// How many may still read the time; below 0 all may.
    left: AtomicI64,
    /// Whether the next who asks for the date fails.
    date: AtomicBool,
}

impl Trap {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            left: AtomicI64::new(-1),
            date: AtomicBool::new(false),
        })
    }

    fn spring_at(&self, reading: i64) {
        self.left.store(reading, Ordering::SeqCst);
    }

    /// Whether somebody failed since it was set; it does not spring any more.
    fn has_sprung(&self) -> bool {
        self.left.swap(-1, Ordering::SeqCst) < 1
    }
}

impl Clock for Trap {
    fn now(&self) -> Duration {
        if self.left.load(Ordering::SeqCst) > 0 && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            panic!("the clock fails on purpose");
        }
        self.begun.elapsed()
    }

    fn wall(&self) -> u64 {
        if self.date.swap(false, Ordering::SeqCst) {
            panic!("the date fails on purpose");
        }
        1_800_000_000
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
async fn a_registrar_that_fails_is_replaced_by_one_that_knows_all_it_knew() {
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
            server.listed("00:04:13:c1:90:01").await["status"],
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
    assert_eq!(server.list().await["phones"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn whoever_fails_at_a_client_s_request_nobody_else_notices() {
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
