//! Tests of the write path.

#![allow(clippy::unwrap_used)]

use super::*;

const NOW: Duration = Duration::ZERO;

fn phone(number: u8) -> PhoneId {
    format!("0004130000{number:02x}").parse().unwrap()
}

fn entry(number: u8, enabled: bool) -> ListedPhone {
    ListedPhone::new(phone(number), enabled)
}

fn empty() -> Persistence<&'static str> {
    Persistence::new(false)
}

/// An operator's switch.
fn switch(enabled: bool) -> ListChange {
    let change = EntryChange {
        enabled: Some(enabled),
        ..EntryChange::default()
    };
    ListChange::Change(change, 7)
}

/// An operator's name of a phone; empty for none.
fn named(name: &str) -> ListChange {
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    let change = EntryChange {
        display_name: Some(name),
        ..EntryChange::default()
    };
    ListChange::Change(change, 7)
}

/// The content of the next write for the first phone, which is enabled in memory: `on`, `off` and its name, `removed` or nothing.
#[track_caller]
fn writes(persistence: &mut Persistence<&'static str>) -> String {
    let one = entry(1, true);
    let save = persistence
        .begin(NOW, |id| (id == phone(1)).then_some(&one))
        .unwrap();
    match (&*save.listed, &*save.forgotten) {
        ([one], []) => {
            let switch = if one.enabled { "on" } else { "off" };
            let name = one.display_name.iter();
            let name: String = name.map(|name| format!(" {name}")).collect();
            format!("{switch}{name}")
        }
        ([], [_]) => "removed".to_owned(),
        ([], []) => "nothing".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_write_has_all_changes_of_an_entry() {
    use ListChange::{Entry, Remove};
    let (on, off) = (|| switch(true), || switch(false));
    for (changes, expected) in [
        (vec![Entry], "on"),
        (vec![off()], "off"),
        // Other changes of the phone keep the new value.
        (vec![off(), Entry], "off"),
        (vec![Entry, off()], "off"),
        (vec![off(), named("Reception"), Entry], "off Reception"),
        (vec![named("Reception"), Entry], "on Reception"),
        // Of two contradictory changes the later one counts.
        (vec![off(), on()], "on"),
        (vec![on(), off(), Entry], "off"),
        (vec![named("Hall"), named("Reception")], "on Reception"),
        (vec![named("Hall"), named("")], "on"),
        (vec![Remove], "removed"),
        (vec![Entry, Remove, Entry], "removed"),
        (vec![off(), Remove], "removed"),
    ] {
        let mut persistence = empty();
        for change in &changes {
            persistence.push(phone(1), change.clone(), "");
        }
        assert_eq!(writes(&mut persistence), expected, "{changes:?}");
    }
    let mut persistence = empty();
    persistence.push(phone(2), Entry, "a phone that is gone");
    assert_eq!(writes(&mut persistence), "nothing");
    assert_eq!(persistence.end(true).len(), 1);
}

#[test]
fn what_comes_while_the_disk_is_busy_waits_for_the_next_write() {
    let mut persistence = empty();
    assert!(persistence.begin(NOW, |_| None).is_none());
    persistence.push(phone(1), ListChange::Entry, "first");
    assert_eq!(writes(&mut persistence), "on");
    persistence.push(phone(1), switch(false), "second");
    assert!(persistence.begin(NOW, |_| None).is_none());
    let written = persistence.end(true);
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].waiter, "first");
    assert_eq!(writes(&mut persistence), "off");
    assert_eq!(persistence.end(true)[0].waiter, "second");
}

#[test]
fn who_joins_shares_the_fate_of_the_entry() {
    let waits = |waiter: &&str| !waiter.is_empty();
    let mut persistence = empty();
    persistence.push(phone(1), ListChange::Entry, "");
    assert_eq!(persistence.join(phone(1), "alone", waits), Err("alone"));
    persistence.push(phone(1), ListChange::Entry, "first");
    persistence.begin(NOW, |_| None).unwrap();
    assert_eq!(persistence.join(phone(2), "other", waits), Err("other"));
    assert_eq!(persistence.join(phone(1), "second", waits), Ok(()));
    let written = persistence.end(false);
    let waiters: Vec<&str> = written.iter().map(|write| write.waiter).collect();
    assert_eq!(waiters, ["", "first", "second"]);
    assert_eq!(persistence.join(phone(1), "late", waits), Err("late"));
}

#[test]
fn what_the_disk_refused_stays_unsaved_until_it_is_written() {
    let mut persistence = empty();
    persistence.push(phone(1), ListChange::Entry, "");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.push(phone(1), ListChange::Entry, "");
    persistence.end(true);
    assert!(persistence.unsaved().contains(&phone(1)), "changed since");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.end(false);
    assert!(persistence.has_failed());
    assert!(persistence.unsaved().contains(&phone(1)));
    persistence.push(phone(1), ListChange::Entry, "");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.end(true);
    assert!(persistence.unsaved().is_empty() && !persistence.has_failed());
    // A switch that was refused is not done, so nothing lacks on disk.
    persistence.push(phone(1), switch(false), "");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.end(false);
    assert!(persistence.unsaved().is_empty());
}

#[test]
fn a_change_is_withdrawn_before_the_disk_is_asked() {
    let removal = |change: &ListChange| *change == ListChange::Remove;
    let mut persistence = empty();
    persistence.push(phone(1), ListChange::Remove, "operator");
    persistence.push(phone(1), ListChange::Entry, "phone");
    assert!(persistence.withdraw(phone(2), |_| true).is_empty());
    assert_eq!(persistence.withdraw(phone(1), removal), ["operator"]);
    assert_eq!(writes(&mut persistence), "on");
    assert!(persistence.withdraw(phone(1), |_| true).is_empty());
    persistence.push(phone(1), ListChange::Entry, "later");
    assert_eq!(persistence.withdraw(phone(1), |_| true), ["later"]);
}

#[test]
fn a_successor_writes_what_was_on_its_way() {
    let mut persistence = empty();
    persistence.push(phone(1), switch(false), "");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.push(phone(2), ListChange::Remove, "");
    let (open, successor) = persistence.hand_over();
    let open: Vec<PhoneId> = open.iter().map(|write| write.phone).collect();
    assert_eq!(open, [phone(1), phone(2)]);
    assert_eq!(*successor.unsaved(), HashSet::from([phone(1), phone(2)]));
}

#[test]
fn refused_entries_are_written_again_and_any_entry_probes_the_disk() {
    let mut persistence = empty();
    assert!(!persistence.schedule_retry());
    persistence.push(phone(1), ListChange::Entry, "");
    persistence.push(phone(2), ListChange::Entry, "a new phone");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.end(false);
    assert!(persistence.schedule_retry() && !persistence.schedule_retry());
    let on_disk = |id| Some(id == phone(1));
    persistence.retry(on_disk, || Some(phone(3)));
    let queued = |persistence: &Persistence<&'static str>| {
        let queue = persistence.queue.iter();
        queue.map(|write| write.phone).collect::<Vec<_>>()
    };
    assert_eq!(queued(&persistence), [phone(1)]);
    persistence.begin(NOW, |_| None).unwrap();
    persistence.end(false);
    assert!(persistence.schedule_retry(), "the last retry is over");
    persistence.forget(phone(1));
    // No entry lacks on disk, but the last write failed.
    persistence.retry(on_disk, || Some(phone(3)));
    assert_eq!(queued(&persistence), [phone(3)]);
    persistence.begin(NOW, |_| None).unwrap();
    persistence.end(true);
    persistence.retry(on_disk, || Some(phone(3)));
    assert!(queued(&persistence).is_empty() && !persistence.schedule_retry());
}

#[test]
fn a_replaced_entry_leaves_the_disk_with_the_write_of_its_successor() {
    let one = entry(1, true);
    let known = |id| (id == phone(1)).then_some(&one);
    let mut persistence = empty();
    persistence.replace(phone(1), phone(2));
    persistence.push(phone(3), ListChange::Entry, "another");
    assert!(persistence.begin(NOW, known).unwrap().forgotten.is_empty());
    persistence.end(true);
    for (saved, forgotten) in [(false, vec![]), (true, vec![phone(2)])] {
        persistence.push(phone(1), ListChange::Entry, "");
        let save = persistence.begin(NOW, known).unwrap();
        assert_eq!((save.listed.len(), save.forgotten), (1, vec![phone(2)]));
        persistence.end(saved);
        assert_eq!(persistence.take_forgotten(), forgotten, "{saved}");
    }
    persistence.push(phone(1), ListChange::Entry, "");
    assert!(persistence.begin(NOW, known).unwrap().forgotten.is_empty());
    // A phone that logs on with the former name keeps its entry.
    persistence.end(true);
    persistence.replace(phone(1), phone(2));
    persistence.push(phone(1), ListChange::Entry, "");
    persistence.push(phone(2), ListChange::Entry, "");
    assert!(
        persistence
            .begin(NOW, |_| Some(&one))
            .unwrap()
            .forgotten
            .is_empty()
    );
}

#[test]
fn requesters_wait_30_s_for_a_disk_that_hangs() {
    let seconds = Duration::from_secs;
    let waiters = |writes: Vec<Write<&'static str>>| {
        let waiters = writes.into_iter().map(|write| write.waiter);
        waiters.collect::<Vec<_>>()
    };
    let mut persistence = empty();
    assert_eq!(persistence.schedule_check(NOW), None, "nothing is written");
    persistence.push(phone(1), switch(false), "first");
    persistence.begin(seconds(5), |_| None).unwrap();
    assert_eq!(persistence.schedule_check(seconds(6)), Some(seconds(29)));
    assert_eq!(
        persistence.schedule_check(seconds(6)),
        None,
        "it is scheduled"
    );
    persistence.push(phone(2), ListChange::Entry, "second");
    assert!(persistence.overdue(seconds(34)).is_empty());
    assert_eq!(persistence.schedule_check(seconds(34)), Some(seconds(1)));
    assert_eq!(
        waiters(persistence.overdue(seconds(35))),
        ["first", "second"]
    );
    assert!(persistence.has_failed());
    // Those who come later wait as long.
    persistence.push(phone(3), ListChange::Entry, "third");
    assert!(
        persistence.begin(seconds(36), |_| None).is_none(),
        "one at a time"
    );
    assert_eq!(persistence.schedule_check(seconds(36)), Some(PATIENCE));
    assert_eq!(waiters(persistence.overdue(seconds(66))), ["third"]);
    // The disk has what nobody was told of, so the memory is written again.
    assert!(persistence.end(true).is_empty());
    assert!(persistence.unsaved().contains(&phone(1)));
    assert!(persistence.schedule_retry());
    persistence.retry(|_| Some(true), || None);
    assert_eq!(writes(&mut persistence), "on");
    persistence.end(true);
    // A phone that was refused is not listed, but may be on disk.
    persistence.push(phone(1), ListChange::Entry, "new");
    persistence.begin(NOW, |_| None).unwrap();
    persistence.overdue(seconds(30));
    persistence.forget(phone(1));
    persistence.end(true);
    persistence.retry(|_| None, || None);
    assert_eq!(writes(&mut persistence), "removed");
}
