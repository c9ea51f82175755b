//! Tests of reasons: their facts, and what goes on when the same happens again.

#![allow(clippy::unwrap_used)]

use std::net::IpAddr;

use super::*;

fn contact(fault: ContactFault, times: u32) -> Cause {
    Cause::Contact(Contact {
        fault,
        times,
        from: "10.0.0.7".parse().unwrap(),
    })
}

#[test]
fn codes_are_in_lower_camel_case() {
    let mut names = std::collections::HashSet::new();
    for (number, code) in Code::ALL.into_iter().enumerate() {
        let name = code.name();
        assert_eq!(code as usize, number, "{name}");
        assert!(names.insert(name), "{name} twice");
        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
        assert!(
            name.bytes().all(|byte| byte.is_ascii_alphabetic()),
            "{name}"
        );
    }
}

#[test]
fn facts_say_how_often_and_from_where() {
    for (cause, expected) in [
        (
            contact(ContactFault::WrongPassword, 1),
            "from: 10.0.0.7, times: 1",
        ),
        (
            contact(ContactFault::WrongPassword, 3),
            "from: 10.0.0.7, times: 3",
        ),
        (
            contact(ContactFault::WrongTransport { is_tls: true }, 2),
            "from: 10.0.0.7, times: 2, spoken: tls",
        ),
    ] {
        assert_eq!(cause.facts().to_string(), expected);
    }
}

#[test]
fn rejections_are_told_apart_by_whether_they_last() {
    let rejected = |code, is_lasting| Cause::Rejected {
        status: uacsta_schema::sip::Status::new(code).unwrap(),
        error: None,
        is_lasting,
    };
    for (code, is_lasting, expected) in [
        (488, true, Code::CstaRefused),
        (486, false, Code::NotReady),
        (401, false, Code::ServerNotTrusted),
        (407, false, Code::ServerNotTrusted),
    ] {
        assert_eq!(rejected(code, is_lasting).code(), expected, "{code}");
    }
    assert_eq!(
        rejected(488, true).facts().to_string(),
        "status: 488 Not Acceptable Here, error: none"
    );
}

#[test]
fn a_cause_that_goes_on_keeps_its_beginning_and_takes_the_new_facts() {
    let lost = |why: &str| Cause::ConnectionLost(why.into());
    let first = Reason::after(None, lost("a"), 10);
    let again = Reason::after(Some(first), lost("b"), 20);
    let expected = Reason {
        cause: lost("b"),
        since: Some(10),
    };
    assert_eq!(again, expected);
    let other = Reason::after(Some(again), Cause::LoggedOff, 30);
    assert_eq!(other.since, Some(30));
}

#[test]
fn only_contacts_that_fail_alike_are_counted_together() {
    let contact = |fault, from: &str| Contact::new(fault, from.parse::<IpAddr>().unwrap());
    let first = contact(ContactFault::WrongPassword, "10.0.0.7");
    let second = contact(ContactFault::WrongPassword, "10.0.0.8").after(Some(&first));
    assert_eq!(
        (second.times, second.from),
        (2, "10.0.0.8".parse().unwrap())
    );
    let other = contact(ContactFault::ClientsInterface, "10.0.0.8").after(Some(&second));
    assert_eq!(other.times, 1);
}
