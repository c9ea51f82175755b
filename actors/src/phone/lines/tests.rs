//! Tests of a phone's list of lines.

#![allow(clippy::unwrap_used)]

use uacsta_schema::csta::ListedDevice;

use super::*;

fn list(listed: bool, lines: &[&str]) -> LineList {
    let lines = lines.iter().map(|line| DeviceId::from(*line)).collect();
    LineList {
        is_listed: listed,
        ..LineList::new("000413000001".parse().unwrap(), lines)
    }
}

fn part(lines: &[&str], last_segment: bool) -> SwitchingFunctionDevices {
    let device = |line: &&str| ListedDevice {
        device_id: Some(DeviceId::from(*line)).filter(|line| !line.as_str().is_empty()),
        ..ListedDevice::default()
    };
    SwitchingFunctionDevices {
        device_list: lines.iter().map(device).collect(),
        last_segment,
        ..SwitchingFunctionDevices::default()
    }
}

#[test]
fn a_phone_has_the_lines_that_it_lists() {
    #[track_caller]
    fn check(is_listed: bool, lines: &[&str], line: &str, expected: bool) {
        let list = list(is_listed, lines);
        assert_eq!(list.has(&DeviceId::from(line)), expected, "{line} {list:?}");
    }
    check(true, &["sip:215@a"], "sip:215@a", true);
    check(true, &["sip:216@a"], "sip:215@a", false);
    check(true, &["sip:215@b"], "sip:215@a", false);
    check(true, &["sip:215@a"], "000413000001", false);
    check(true, &["sip:000413000001@a"], "000413000001", true);
    check(true, &[], "000413000001", true);
    check(true, &[], "sip:215@a", false);
    // The former lines, or those of a phone that cannot list lines.
    check(false, &[], "sip:215@a", true);
}

#[test]
fn parts_make_a_list() {
    #[track_caller]
    fn check(mut list: LineList, parts: &[&[&str]], lines: &[&str], flags: (bool, bool, usize)) {
        let mut known = None;
        for (at, lines) in parts.iter().enumerate() {
            assert_eq!(known, None);
            known = list.add(part(lines, at + 1 == parts.len()), Duration::ZERO);
        }
        let known = known.unwrap();
        let listed: Vec<&str> = known.lines.iter().map(DeviceId::as_str).collect();
        assert_eq!(listed, lines);
        assert_eq!(
            (known.is_new, known.is_news, known.left_out),
            flags,
            "{parts:?}"
        );
        assert!(list.is_listed);
    }
    check(
        list(false, &[]),
        &[&["1", "2"], &["3"]],
        &["1", "2", "3"],
        (true, true, 0),
    );
    check(list(true, &["1"]), &[&["1"]], &["1"], (false, false, 0));
    check(list(false, &["1"]), &[&["1"]], &["1"], (false, true, 0));
    check(list(true, &["1"]), &[&["2", ""]], &["2"], (true, true, 1));
    // The log has named the left-out lines before.
    check(list(true, &["1"]), &[&["1", ""]], &["1"], (false, false, 0));
}

#[test]
fn a_promised_list_is_due_until_it_comes() {
    let due = Duration::from_secs(10);
    let mut list = list(true, &[]);
    list.requested(Duration::ZERO);
    assert_eq!(list.next_due(), None);
    list.promised(due);
    assert_eq!(list.next_due(), Some(due));
    assert_eq!(list.due(due / 2), None);
    assert_eq!(list.due(due), Some(LinesDue::GiveUp));
    let known = list.give_up(Some("sip:215@a"));
    assert_eq!(known.lines, [DeviceId::from("sip:215@a")]);
    assert_eq!(list.next_due(), None);
    list.requested(due);
    list.add(part(&["1"], true), due);
    list.promised(due);
    assert_eq!(list.next_due(), None, "it came before the response");
    assert_eq!(list.give_up(Some("2")).lines, [DeviceId::from("1")]);
    list.requested(due);
    list.promised(due);
    list.session_lost();
    assert_eq!(list.next_due(), None);
}

#[test]
fn a_list_is_kept_within_its_limits() {
    #[track_caller]
    fn check(lines: &[String], kept: usize) {
        let mut list = list(false, &[]);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let known = list.add(part(&lines, true), Duration::ZERO).unwrap();
        assert_eq!(known.lines.len(), kept);
        assert_eq!(known.left_out, lines.len() - kept);
    }
    let named = |number: usize, length: usize| format!("sip:{number}@{}", "a".repeat(length));
    let lines: Vec<String> = (0..1100).map(|number| named(number, 20)).collect();
    check(&lines, MAX_LINES);
    let long: Vec<String> = (0..1100).map(|number| named(number, 500)).collect();
    check(&long, MAX_OCTETS / 508);
    check(&[named(1, 2), named(2, LONGEST)], 1);
    let namesakes: Vec<String> = (0..100).map(|host| named(1, 1 + host)).collect();
    check(&namesakes, MAX_NAMESAKES);
}

#[test]
fn reports_of_the_phones_own_accord_take_effect_once_a_second() {
    let at = Duration::from_millis;
    let mut list = list(true, &["1"]);
    assert!(list.changed(at(0)));
    list.requested(at(0));
    assert!(!list.changed(at(1)), "the request has no answer yet");
    list.promised(at(9000));
    assert!(list.add(part(&["2"], true), at(2)).is_some());
    assert!(!list.changed(at(3)), "too soon");
    assert_eq!(list.next_due(), Some(at(1000)));
    assert_eq!(list.due(at(999)), None);
    assert_eq!(list.due(at(1000)), Some(LinesDue::Request));
    list.requested(at(1000));
    assert!(list.add(part(&["2"], true), at(1001)).is_some());
    assert_eq!(list.next_due(), None);
    for early in ["3", "4"] {
        assert!(list.add(part(&[early], true), at(1500)).is_none());
    }
    let Some(LinesDue::Known(known)) = list.due(at(2000)) else {
        panic!("{list:?}");
    };
    assert_eq!(known.lines, [DeviceId::from("4")]);
    assert_eq!(list.due(at(9000)), None);
    assert!(list.add(part(&["5"], true), at(3000)).is_some());
}

#[test]
fn lines_may_differ_while_a_list_is_on_its_way() {
    let now = Duration::from_secs(9);
    let mut list = list(true, &["1"]);
    assert!(!list.may_differ());
    list.requested(now);
    assert!(list.may_differ());
    list.add(part(&["1"], true), now);
    assert!(!list.may_differ());
    list.add(part(&["2"], true), now);
    assert!(list.may_differ());
    assert!(list.due(now + EVERY).is_some() && !list.may_differ());
    assert!(!list.changed(now + EVERY) && list.may_differ());
}
