//! Tests of the records.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;
use crate::{directory::Availability, phone::Status as PhoneStatus, phone_list::EntryChange};

fn phone(number: u8) -> PhoneId {
    format!("0004130000{number:02x}").parse().unwrap()
}

fn entry(number: u8, enabled: bool) -> ListedPhone {
    ListedPhone::new(phone(number), enabled)
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn phones_that_never_listed_a_line_are_limited() {
    let mut records = Records::default();
    for number in 1..=2 {
        assert!(records.has_room(phone(number), 2));
        records.add(entry(number, true), 0);
    }
    assert!(!records.has_room(phone(3), 2));
    assert!(records.may_log_limit());
    assert!(!records.has_room(phone(4), 2) && !records.may_log_limit());
    // A phone that is already listed is not new.
    assert!(records.has_room(phone(1), 2));
    // A phone that lists lines leaves the count, a phone that loses them joins it.
    assert_eq!(records.set_lines(phone(1), &lines(&["a"])), Some(vec![]));
    assert!(records.has_room(phone(3), 2));
    assert_eq!(records.set_lines(phone(1), &[]), Some(lines(&["a"])));
    assert!(!records.has_room(phone(3), 2) && records.may_log_limit());
    // A removed phone leaves the count once.
    assert!(records.remove(phone(2)) && !records.remove(phone(2)));
    assert!(records.has_room(phone(3), 2));
    assert_eq!(records.unknown, 1);
}

#[test]
fn the_first_line_becomes_the_identity_and_stays_it() {
    let mut records = Records::default();
    records.add(entry(1, true), 0);
    records.set_lines(phone(1), &lines(&["sip:215@h", "sip:216@h"]));
    assert_eq!(
        records.set_lines(phone(1), &lines(&["sip:215@h", "sip:216@h"])),
        None
    );
    records.set_lines(phone(1), &[]);
    let entry = records.get(phone(1)).unwrap().entry();
    assert_eq!(entry.last_identity.as_deref(), Some("sip:215@h"));
    assert_eq!(records.set_lines(phone(9), &lines(&["sip:215@h"])), None);
}

#[test]
fn phones_are_paged_in_order() {
    let mut records = Records::default();
    for number in [3, 1, 2] {
        records.add(entry(number, true), 0);
    }
    let after = |last| {
        records
            .after(last)
            .map(|(phone, _)| phone)
            .collect::<Vec<_>>()
    };
    assert_eq!(after(None), [1, 2, 3].map(phone));
    assert_eq!(after(Some(phone(1))), [2, 3].map(phone));
    assert_eq!(after(Some(phone(3))), []);
}

#[test]
fn the_successor_has_the_phones_that_are_on_disk() {
    let mut records = Records::default();
    records.add(entry(1, true), 0).set_on_disk(true);
    records.add(entry(2, true), 0);
    let records = records.hand_over();
    assert!(records.contains(phone(1)) && !records.contains(phone(2)));
    assert_eq!((records.len(), records.unknown), (1, 1));
}

#[test]
fn an_actor_that_panics_again_and_again_is_paused_for_longer_and_longer() {
    let mut records = Records::default();
    let record = records.add(entry(1, true), 0);
    let mut now = Duration::ZERO;
    let mut pause = |lives: u64| {
        now += Duration::from_secs(lives);
        let pause = record.actor_restarted(now);
        now += pause;
        assert!(record.is_paused());
        record.resume(now);
        assert!(!record.is_paused());
        pause.as_secs()
    };
    assert_eq!([0, 0, 0, 0].map(&mut pause), [0, 2, 4, 8]);
    assert_eq!([100, 1].map(&mut pause), [0, 2]);
}

#[test]
fn a_disabled_phone_is_not_available_whatever_its_status() {
    let mut records = Records::default();
    let record = records.add(entry(1, false), 0);
    assert!(record.set_status(PhoneStatus::Controlled, None, || 1));
    assert!(!record.set_status(PhoneStatus::Controlled, None, || 1));
    assert_eq!(record.availability(), Availability::Disabled);
    let enable = EntryChange {
        enabled: Some(true),
        ..EntryChange::default()
    };
    record.change(&enable, 1);
    assert_eq!(record.availability(), Availability::Controlled);
}
