//! Runs every row in a tiny size and asserts that it works, without times.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::{
    drive::{Pace, Span, Tally},
    rows::{attacks, events, fanout, idle, memory, polled, register, relay, start, storm},
    server::{Kind, Setup},
};

/// Runs all rows with a handful of phones, against uacsta and the pipe, over TCP and in part over TLS.
///
/// # Errors
/// When anything does not work.
pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let secure = Setup {
        tls: true,
        ..setup.clone()
    };
    let (busy, steady) = (Pace::InFlight(4), Pace::PerSecond(200.0));
    let row = "register";
    let tally = register::run(Kind::Uacsta, setup, 10, busy, SPAN).await;
    check(row, tally)?;
    check(
        row,
        register::run(Kind::Uacsta, &secure, 5, steady, SPAN).await,
    )?;
    for kind in [Kind::Uacsta, Kind::Pipe] {
        check("relay", relay::run(kind, setup, 5, busy, SPAN).await)?;
        let three = Setup {
            clients: 3,
            ..setup.clone()
        };
        check("fanout", fanout::run(kind, &three, 2, busy, SPAN).await)?;
    }
    check(
        "relay",
        relay::run(Kind::Uacsta, &secure, 5, steady, SPAN).await,
    )?;
    let pollers = polled::Pollers {
        count: 3,
        pause: Duration::from_millis(20),
    };
    let polled = polled::run(setup, 5, pollers, busy, SPAN, 1).await;
    let polled = polled.context("polled")?;
    for tally in [polled.alone, polled.polled].concat() {
        check("polled", Ok(tally))?;
    }
    let held = memory::run(Kind::Uacsta, setup, 10, 1)
        .await
        .context("memory")?;
    ensure!(held.full > 0, "memory: nothing was measured");
    // At one refresh in 300 seconds and phone, a few phones have none in so short a time.
    idle::run(Kind::Uacsta, setup, 10, SPAN.time)
        .await
        .context("idle")?;
    let attacks = attacks::run(setup, 500).await.context("attacks")?;
    ensure!(
        attacks.asked.failed == 0,
        "attacks: {} requests to other phones failed",
        attacks.asked.failed
    );
    let failed = events::run(setup, 20).await.context("events")?.failed();
    ensure!(failed == 0, "events: {failed} went astray");
    start::run(setup, 100, 1).await.context("start")?;
    let storm = storm::run(Kind::Uacsta, setup, 20).await.context("storm")?;
    ensure!(
        storm.refused == 0,
        "storm: {} attempts were refused",
        storm.refused
    );
    ensure!(
        storm.asked.failed == 0,
        "storm: {} requests to other phones failed",
        storm.asked.failed
    );
    println!("every row works");
    Ok(())
}

const SPAN: Span = Span {
    warm_up: Duration::from_millis(50),
    time: Duration::from_millis(200),
};

fn check(row: &'static str, tally: anyhow::Result<Tally>) -> anyhow::Result<()> {
    let tally = tally.context(row)?;
    ensure!(tally.finished > 0, "{row}: nothing was done");
    ensure!(
        tally.failed == 0,
        "{row}: {} of {} failed",
        tally.failed,
        tally.finished + tally.failed
    );
    Ok(())
}
