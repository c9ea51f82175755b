//! A few seconds of random faults, and tests of the ledger that would detect losses.

use std::time::Duration;

use crate::chaos::{
    Plan,
    dice::Dice,
    ledger::{
        Heard::{self, BackIn, Event, OutOf},
        Told, judge,
    },
    run,
};

#[tokio::test]
async fn nothing_is_lost_under_random_faults() {
    let report = run(Plan {
        duration: Duration::from_secs(8),
        phones: 30,
        clients: 4,
        seed: 2026,
    })
    .await;
    println!("{report}");
    assert!(report.faults.is_empty(), "{report}");
}

#[test]
fn seed_reproduces_its_faults() {
    let first = |seed| Dice::new(seed).malformed();
    assert_eq!(first(7), first(7));
    assert_ne!(first(7), first(8));
}

/// The phone told event n at 10 n, in the dialogs given; the client heard this at 5, 15, 25 and so on from `begin`.
#[track_caller]
fn judged(dialogs: &[usize], begin: u64, heard: &[Heard], stood: bool, wrong: Option<&str>) {
    let milliseconds = |number: usize| Duration::from_millis(number as u64);
    let told: Vec<Told> = dialogs
        .iter()
        .enumerate()
        .map(|(number, dialog)| Told {
            dialog: *dialog,
            sent: milliseconds(10 * number),
            acknowledged: Some(milliseconds(10 * number + 1)),
        })
        .collect();
    let heard: Vec<_> = (begin..)
        .map(|place| Duration::from_millis(10 * place + 5))
        .zip(heard.iter().copied())
        .collect();
    let verdict = judge(&told, &heard, stood);
    match (&verdict, wrong) {
        (Ok(()), None) => {}
        (Err(fault), Some(part)) if fault.contains(part) => {}
        _ => panic!("{heard:?}: {verdict:?} instead of {wrong:?}"),
    }
}

/// The dialogs of the events, the begin, what the client heard, whether its monitor ran in the end, and the loss.
type Case = (
    &'static [usize],
    u64,
    &'static [Heard],
    bool,
    Option<&'static str>,
);

#[rustfmt::skip]
const CASES: [Case; 16] = [
    (&[1, 1, 1], 0, &[BackIn, Event(1), Event(2)], true, None),
    (&[1, 1, 1], 0, &[BackIn, Event(1)], true, Some("2 is lost")),
    (&[1, 1, 1], 0, &[BackIn, Event(2)], true, Some("1 is lost")),
    (&[1, 1, 1], 0, &[BackIn, Event(1)], false, None),
    (&[1, 1, 1], 0, &[BackIn, Event(0), Event(2)], false, Some("follows")),
    (&[1, 1, 1], 0, &[BackIn, Event(2), Event(1)], true, Some("comes after")),
    (&[1, 1, 1], 0, &[BackIn, Event(1), Event(1)], true, Some("comes after")),
    (&[1, 1], 0, &[Event(0), BackIn, Event(1)], true, Some("before BackIn")),
    (&[1, 1], 0, &[BackIn, BackIn, Event(1)], true, Some("twice in")),
    (&[1], 0, &[BackIn, OutOf, OutOf], false, Some("twice out")),
    (&[1], 0, &[BackIn, OutOf], true, Some("at the end")),
    (&[1, 1, 1, 1], 0, &[BackIn, Event(1), OutOf], false, Some("2 is lost")),
    (&[1, 1, 1], 0, &[BackIn, Event(1), Event(2), OutOf], false, None),
    (&[1, 1, 2, 2], 0, &[OutOf, BackIn, Event(2), Event(3)], true, None),
    (&[1, 1, 2, 2], 1, &[OutOf, BackIn, Event(3)], true, Some("was due")),
    (&[1, 1, 2, 2], 0, &[BackIn, Event(1), OutOf, BackIn, Event(2), Event(3)], false, None),
];

#[test]
fn ledger_detects_losses() {
    for (dialogs, begin, heard, stood, wrong) in CASES {
        judged(dialogs, begin, heard, stood, wrong);
    }
}
