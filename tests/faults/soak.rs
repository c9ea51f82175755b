//! Long runs after which memory and descriptors have not grown: calls and registrations, and what comes and goes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::{
    host::{descriptors, phone, start, status},
    support::{csta::Call, phone::Phone, process::Serving, sip::Message},
};

/// How many seconds it is watched; `UACSTA_SOAK=3600` watches it for an hour, with 2 000 phones, and judges growth by the day.
const SOAK: u64 = 10;
/// Events of a phone in the day that growth is judged by: one each second. Told without a pause, they make the day a shorter one.
const DAY: f64 = 86_400.0;
/// Events of a phone in a turn.
const EVENTS: usize = 2;
/// After so many turns a phone registers again, and the client refreshes its session: every 300 events.
const REFRESH: usize = 150;
/// So many phones report at a time.
const ABREAST: usize = 50;
/// What it may grow by in a day once it is warm, in kB.
const PER_DAY: f64 = 1024.0;
/// What it may grow by in a run, however short or long, in kB.
const AT_ALL: f64 = 2048.0;
/// How many parts the long run is divided into; what is not given back in a part is its lowest size.
const PARTS: usize = 10;
/// What a thousand log-ons or monitors that came and went may leave behind, in kB.
const PER_THOUSAND: f64 = 300.0;
/// The same for phones and lists, which are written to the disk: the storage's cache fills during a short run.
const PER_THOUSAND_STORED: f64 = 1000.0;

/// By how much a size grows in a unit, such as a day, and how far that may be wrong: a straight line through the parts'
/// lowest sizes (least squares, twice the standard error). `sizes` are in kB, each with the units that had passed.
fn growth(sizes: &[(f64, f64)]) -> (f64, f64) {
    let lowest: Vec<(f64, f64)> = sizes
        .chunks(sizes.len().div_ceil(PARTS))
        .filter_map(|part| {
            part.iter()
                .copied()
                .min_by(|one, two| one.1.total_cmp(&two.1))
        })
        .collect();
    let number = lowest.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| lowest.iter().map(of).sum::<f64>() / number;
    let (middle, size) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = lowest.iter().map(|(at, _)| (at - middle).powi(2)).sum();
    let slope = lowest
        .iter()
        .map(|(at, kb)| (at - middle) * (kb - size))
        .sum::<f64>()
        / spread;
    let off: f64 = lowest
        .iter()
        .map(|(at, kb)| (kb - size - slope * (at - middle)).powi(2))
        .sum();
    let error = (off / (number - 2.0) / spread).sqrt();
    (slope, 2.0 * error)
}

#[test]
fn growth_is_distinguished_from_noise() {
    let size = |kb: fn(f64) -> f64| {
        (0..100)
            .map(|at| (f64::from(at), kb(f64::from(at))))
            .collect::<Vec<_>>()
    };
    for (sizes, least, most) in [
        (size(|_| 9000.0), -0.1, 0.1),
        (size(|at| 9000.0 + at * 1000.0), 999.0, 1001.0),
        // What comes and goes is no growth.
        (size(|at| 9000.0 + 500.0 * (at % 7.0)), -0.1, 0.1),
    ] {
        let (slope, error) = growth(&sizes);
        assert!(
            (least..most).contains(&slope) && error < 1.0,
            "{slope} {error}"
        );
    }
}

/// How long to run, in seconds.
fn seconds() -> u64 {
    std::env::var("UACSTA_SOAK").map_or(SOAK, |number| number.parse().unwrap())
}

#[tokio::test]
async fn long_run_does_not_grow_memory_or_descriptors() {
    let seconds = seconds();
    let number = if seconds > 60 { 2_000 } else { 50 };
    // The rings of recorded messages are full before the run is warm.
    let ladder = ["env", "UACSTA__LIMITS__LADDER=1MiB"];
    let server = start(&[&ladder[..], &["prlimit", "--nofile=20000", "--"]].concat());
    let phones: Vec<Phone> = (0..number).map(|number| phone(&server, number)).collect();
    let mut session = server.client().await.open_server().await;
    for phone in &phones {
        phone.start().await;
        session.watch(phone.line()).await;
    }
    let report = async |phone: &Phone, turn: usize| {
        let call = Call::seen_by(phone.line(), &turn.to_string(), phone.line(), "102");
        for event in [call.originated(), call.cleared()] {
            phone.event(&event).await.expect(200);
        }
        if turn.is_multiple_of(REFRESH) {
            phone.register().await.expect(200);
        }
    };
    let mut turn = 0;
    let begun = Instant::now();
    let (warm, end) = (
        Duration::from_secs(seconds) / 3,
        Duration::from_secs(seconds),
    );
    let mut open = None;
    let mut sizes = Vec::new();
    while begun.elapsed() < end {
        for some in phones.chunks(ABREAST) {
            join_all(some.iter().map(|phone| report(phone, turn))).await;
        }
        for _ in 0..EVENTS * phones.len() {
            session.event().await;
        }
        if turn.is_multiple_of(REFRESH) {
            // RFC 4028, section 7: without it the session ends after half an hour.
            let refreshed = |update: Message| update.with("Supported", "timer");
            session.send(refreshed, "UPDATE").await.expect(200);
        }
        turn += 1;
        if begun.elapsed() > warm {
            open.get_or_insert_with(|| descriptors(&server));
            // Not what is mapped of the program's own file, which grows with what has been run of it once.
            let size = status(&server, "RssAnon") as f64;
            sizes.push(((EVENTS * turn) as f64 / DAY, size));
        }
    }
    let (first, last) = (sizes[0].1, sizes[sizes.len() - 1].1);
    let days = sizes[sizes.len() - 1].0;
    println!("{first} kB when warm, {last} kB after {days:.2} days' events of {number} phones");
    assert_eq!(open, Some(descriptors(&server)));
    assert!(last < first + AT_ALL, "{first} kB grew to {last} kB");
    if seconds > 60 {
        check_growth(&sizes);
    }
}

/// Fails if the memory grows by more than [`PER_DAY`], beyond the error of the measurement.
fn check_growth(sizes: &[(f64, f64)]) {
    let (growth, error) = growth(sizes);
    println!("{growth:.0} kB a day, give or take {error:.0}");
    if error > PER_DAY {
        println!("too short a run to tell growth of {PER_DAY} kB a day from noise");
    }
    assert!(
        growth - error <= PER_DAY,
        "{growth:.0} kB a day, give or take {error:.0}"
    );
}

/// Does something `number` times, [`TURNS`] at a time, after half as many that warm up. Fails if a thousand of them leave
/// more than `most` kB, beyond the error of the measurement.
async fn check_leftovers(
    server: &Serving,
    (what, most): (&str, f64),
    number: usize,
    once: impl AsyncFn(usize),
) {
    let part = (number / PARTS / TURNS).max(1) * TURNS * seconds() as usize / SOAK as usize;
    let mut done = 0;
    let mut run = async |times: usize| {
        for first in (done..done + times).step_by(TURNS) {
            join_all((first..first + TURNS).map(|turn| once(turn))).await;
        }
        done += times;
    };
    run(part * PARTS / 2).await;
    let open = descriptors(server);
    let mut sizes = Vec::new();
    for passed in 1..=PARTS {
        run(part).await;
        sizes.push((
            (passed * part) as f64 / 1000.0,
            status(server, "RssAnon") as f64,
        ));
    }
    let (growth, error) = growth(&sizes);
    println!("a thousand {what} leave {growth:.0} kB, give or take {error:.0}");
    assert!(
        growth - error <= most,
        "a thousand {what} leave {growth:.0} kB, give or take {error:.0}: {sizes:?}"
    );
    assert!(
        descriptors(server) <= open + TURNS,
        "{what} leave descriptors"
    );
}

/// How many log-ons, phones and so on come and go at a time.
const TURNS: usize = 10;

#[tokio::test]
async fn log_ons_and_monitors_that_come_and_go_leave_no_memory() {
    let server = start(&["env"]);
    let phone = phone(&server, 0);
    phone.start().await;
    let log_on = async |_| {
        let client = server.client().await;
        client.register().await.expect(200);
        client.open_server().await.bye().await;
        client.wire.close();
    };
    check_leftovers(&server, ("log-ons", PER_THOUSAND), 1_000, log_on).await;
    let session = server.client().await.open_server().await;
    let monitor = async |_| {
        let reference = session.monitor(phone.line()).await;
        session.unwatch(&reference).await;
    };
    check_leftovers(&server, ("monitors", PER_THOUSAND), 2_000, monitor).await;
}

#[tokio::test]
async fn phones_and_lists_that_come_and_go_leave_no_memory() {
    let server = start(&["env"]);
    let most = if seconds() > SOAK {
        PER_THOUSAND
    } else {
        PER_THOUSAND_STORED
    };
    let come_and_go = async |turn: usize| {
        let phone = phone(&server, turn % (2 * TURNS));
        phone.start().await;
        phone.unregister().await.expect(200);
        phone.reboot();
    };
    check_leftovers(&server, ("phones", most), 500, come_and_go).await;
    // Each time a phone comes, it has another line.
    let list = async |turn: usize| {
        let mac = format!("000413c2{:04x}", turn % TURNS);
        let phone = server.phone(&mac, &format!("sip:{}@pbx.example", 20_000 + turn));
        phone.start().await;
        phone.reboot();
    };
    check_leftovers(&server, ("lists", most), 500, list).await;
}
