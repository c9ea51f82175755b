#![allow(clippy::unwrap_used)]

use bytes::BytesMut;
use uacsta_config::Settings;
use uacsta_schema::sip::{
    codec::{Frame, MessageLimits},
    message::SipMessage,
};

use super::{super::bindings::tests::binding, *};

fn advanced() -> Advanced {
    let mut advanced = Settings::builtin().advanced;
    advanced.min_expires = 60 * SECOND;
    advanced.sip_expires = 300 * SECOND;
    advanced
}
const MAC: &str = "000413aabbcc";
const HERE: &str = "sip:a@192.0.2.1:5060";
const SECOND: Duration = Duration::from_secs(1);

fn request(more: &str) -> Request {
    let text = format!(
        "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:{MAC}@h>\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\n{more}\r\n"
    );
    match Frame::datagram(BytesMut::from(text.as_str()), &MessageLimits::default()) {
        Ok(Frame::Message(SipMessage::Request(request))) => request,
        other => panic!("{other:?}"),
    }
}

/// The REGISTER with these header fields, read.
#[track_caller]
fn asks(more: &str, expected: Result<ContactUpdate<'_>, Rejection>) {
    let request = request(more);
    let update = Update::read(&request, &advanced());
    if let Ok(update) = &update {
        assert_eq!((update.call_id, update.cseq), ("c", 2));
    }
    assert_eq!(update.map(|update| update.contact), expected, "{more}");
}

fn bind(contact: &str, expires: u32) -> ContactUpdate<'_> {
    ContactUpdate::Bind { contact, expires }
}

fn remove<'c>(contacts: &[&'c str]) -> ContactUpdate<'c> {
    ContactUpdate::Remove(contacts.to_vec())
}

#[test]
fn step_6_contacts_say_what_is_asked_for() {
    let brief = || Err(Rejection::IntervalTooBrief { min_expires: 60 });
    for (headers, expected) in [
        ("", Ok(ContactUpdate::Query)),
        ("Expires: 0\r\n", Ok(ContactUpdate::Query)),
        ("Contact: *\r\nExpires: 0\r\n", Ok(remove(&["*"]))),
        (
            "Contact: <sip:a@h>\r\nExpires: 0\r\n",
            Ok(remove(&["sip:a@h"])),
        ),
        (
            "Contact: <sip:a@h>;expires=0, <sip:b@h>;expires=0\r\n",
            Ok(remove(&["sip:a@h", "sip:b@h"])),
        ),
        // RegisterStep 7: the expiry is what was asked for, and at most what is configured.
        (
            "Contact: <sip:a@h>\r\nExpires: 120\r\n",
            Ok(bind("sip:a@h", 120)),
        ),
        (
            "Contact: <sip:a@h>\r\nExpires: 86400\r\n",
            Ok(bind("sip:a@h", 300)),
        ),
        ("Contact: <sip:a@h>\r\n", Ok(bind("sip:a@h", 300))),
        (
            "Contact: <sip:a@h>;expires=90\r\nExpires: 200\r\n",
            Ok(bind("sip:a@h", 90)),
        ),
        // Of several, the first that is to last counts.
        (
            "Contact: <sip:a@h>;expires=0, <sip:b@h>, <sip:c@h>\r\nExpires: 100\r\n",
            Ok(bind("sip:b@h", 100)),
        ),
        (
            "Contact: <sip:a@h>\r\nExpires: 60\r\n",
            Ok(bind("sip:a@h", 60)),
        ),
        ("Contact: <sip:a@h>\r\nExpires: 59\r\n", brief()),
        ("Contact: <sip:a@h>;expires=1\r\nExpires: 300\r\n", brief()),
    ] {
        asks(headers, expected);
    }
}

#[test]
fn step_6_a_contradiction_is_malformed() {
    for headers in [
        "Contact: *\r\n",
        "Contact: *\r\nExpires: 300\r\n",
        "Contact: *, <sip:a@h>\r\nExpires: 0\r\n",
    ] {
        let request = request(headers);
        let read = Update::read(&request, &advanced());
        assert!(matches!(read, Err(Rejection::Malformed(_))), "{headers}");
    }
}

/// What one REGISTER does to the binding `c`, CSeq 1, at `HERE`, or to none.
#[track_caller]
fn step(
    contact: ContactUpdate<'static>,
    call_id: &'static str,
    cseq: u32,
    bound: bool,
) -> Result<RegisterStep, Rejection> {
    let known = Known {
        contact: HERE,
        call_id: "c",
        cseq: 1,
        path: &[],
        at: 10 * SECOND,
    };
    let update = Update {
        contact,
        call_id,
        cseq,
        path: Vec::new(),
    };
    update.against(bound.then_some(known), 9 * SECOND)
}

#[test]
fn steps_6_and_7_compare_with_the_binding() {
    let late = |cseq| Err(Rejection::OutOfOrder { cseq, last: 1 });
    for (contact, call_id, cseq, with, without) in [
        (
            ContactUpdate::Query,
            "c",
            1,
            Ok(RegisterStep::List),
            RegisterStep::List,
        ),
        (
            bind(HERE, 300),
            "c",
            2,
            Ok(RegisterStep::Refresh),
            RegisterStep::Bind,
        ),
        (bind(HERE, 300), "c", 1, late(1), RegisterStep::Bind),
        (bind(HERE, 300), "c", 0, late(0), RegisterStep::Bind),
        // A phone that restarted has a new Call-ID, and counts anew.
        (
            bind(HERE, 300),
            "d",
            1,
            Ok(RegisterStep::Bind),
            RegisterStep::Bind,
        ),
        (
            bind("sip:a@192.0.2.2", 300),
            "c",
            2,
            Ok(RegisterStep::Bind),
            RegisterStep::Bind,
        ),
        (
            remove(&["*"]),
            "c",
            2,
            Ok(RegisterStep::Remove),
            RegisterStep::List,
        ),
        (remove(&["*"]), "c", 1, late(1), RegisterStep::List),
        (
            remove(&["*"]),
            "d",
            1,
            Ok(RegisterStep::Remove),
            RegisterStep::List,
        ),
        (
            remove(&[HERE]),
            "c",
            2,
            Ok(RegisterStep::Remove),
            RegisterStep::List,
        ),
        // A URI is compared by user, host and port (RFC 3261, section 19.1.4).
        (
            remove(&["sip:a@192.0.2.1:5060;transport=tcp"]),
            "c",
            2,
            Ok(RegisterStep::Remove),
            RegisterStep::List,
        ),
        (
            remove(&["sip:a@192.0.2.9:5060"]),
            "c",
            2,
            Ok(RegisterStep::List),
            RegisterStep::List,
        ),
        (
            remove(&["sip:a@192.0.2.9:5060"]),
            "c",
            1,
            late(1),
            RegisterStep::List,
        ),
        (
            remove(&["sip:a@192.0.2.9:5060", HERE]),
            "c",
            2,
            Ok(RegisterStep::Remove),
            RegisterStep::List,
        ),
    ] {
        let said = format!("{contact:?} {call_id} {cseq}");
        assert_eq!(step(contact.clone(), call_id, cseq, true), with, "{said}");
        assert_eq!(step(contact, call_id, cseq, false), Ok(without), "{said}");
    }
}

#[test]
fn step_7_a_lower_cseq_counts_if_the_sender_was_challenged_since() {
    let hop: Box<str> = "<sip:edge@h;lr>".into();
    let known = Known {
        contact: HERE,
        call_id: "c",
        cseq: 51,
        path: std::slice::from_ref(&hop),
        at: Duration::from_micros(10_000_700),
    };
    let update = |contact, cseq| Update {
        contact,
        call_id: "c",
        cseq,
        path: vec![&*hop],
    };
    let against = |contact, cseq, challenged_at| {
        update(contact, cseq).against(Some(known), Duration::from_millis(challenged_at))
    };
    let late = Err(Rejection::OutOfOrder { cseq: 1, last: 51 });
    // A challenge has whole milliseconds: in the same one the order is unknown.
    assert_eq!(against(bind(HERE, 300), 1, 10_000), late);
    assert_eq!(against(bind(HERE, 300), 1, 10_001), Ok(RegisterStep::Bind));
    assert_eq!(
        against(bind(HERE, 300), 52, 20_000),
        Ok(RegisterStep::Refresh)
    );
    assert_eq!(against(remove(&["*"]), 1, 10_000), late);
    assert_eq!(against(remove(&["*"]), 1, 10_001), Ok(RegisterStep::Remove));
    // Another way to the phone is another binding.
    let moved = Update {
        path: vec![],
        ..update(bind(HERE, 300), 52)
    };
    assert_eq!(moved.against(Some(known), SECOND), Ok(RegisterStep::Bind));
}

#[test]
fn rfc_3327_5_3_a_path_is_read() {
    let edges = "<sip:a@h;lr>, <sip:b@h;lr>";
    for (path, expected) in [
        ("", Some(0)),
        (edges, Some(2)),
        ("<sip:a", None),
        ("<http://a/>", None),
    ] {
        let header = match path {
            "" => String::new(),
            path => format!("Path: {path}\r\n"),
        };
        let request = request(&format!("Contact: <sip:a@h>\r\n{header}"));
        let read = Update::read(&request, &advanced());
        let hops = read.as_ref().ok().map(|update| update.path.len());
        assert_eq!(hops, expected, "{path}");
    }
    let long = format!("Path: <sip:{}@h>\r\n", "a".repeat(MAX_PATH));
    let read = request(&long);
    let read = Update::read(&read, &advanced());
    assert!(matches!(read, Err(Rejection::Malformed(_))), "{read:?}");
}

/// What a REGISTER for `HERE` does, with another Call-ID and CSeq 7.
fn registers(
    bindings: &Bindings<u32>,
    (flow, address): (u32, &str),
    has_room: bool,
    now: Duration,
    change: impl FnOnce(&mut RegisterRequest<'_, u32>),
) -> Result<RegisterOutcome<u32>, Rejection> {
    let request = request("");
    let mut request = RegisterRequest {
        phone: MAC.parse().unwrap(),
        request: &request,
        update: Update {
            contact: bind(HERE, 300),
            call_id: "d",
            cseq: 7,
            path: Vec::new(),
        },
        challenged_at: SECOND,
        address: format!("{address}:5060").parse().unwrap(),
        flow,
    };
    change(&mut request);
    register(bindings, request, has_room, now)
}

/// One binding, made at 10 s on flow 1 from 192.0.2.1.
fn bound(rapid_rebinds: u8) -> Bindings<u32> {
    let mut bindings = Bindings::default();
    bindings.insert(Arc::new(Binding {
        made_at: 10 * SECOND,
        rapid_rebinds,
        ..binding(MAC, 1)
    }));
    bindings
}

#[test]
fn a_first_binding_keeps_what_the_register_says() {
    let bindings = Bindings::default();
    let outcome = registers(&bindings, (1, "192.0.2.1"), true, SECOND, |_| {});
    let Ok(RegisterOutcome::Bound {
        binding,
        former: None,
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    let said = (&*binding.contact, &*binding.call_id, binding.cseq);
    assert_eq!(said, (HERE, "d", 7));
    let kept = (binding.expires, binding.flow, binding.made_at);
    assert_eq!(kept, (300, 1, SECOND));
}

#[test]
fn a_binding_keeps_no_long_text() {
    let long = "a".repeat(MAX_TEXT + 1);
    assert!(matches!(
        kept("Contact", &long),
        Err(Rejection::Malformed(_))
    ));
    assert_eq!(kept("Contact", &long[1..]).as_deref(), Ok(&long[1..]));
}

#[test]
fn step_5_an_unknown_phone_needs_room_only_to_be_bound() {
    let bindings = Bindings::default();
    let outcome = registers(&bindings, (1, "192.0.2.1"), false, SECOND, |_| {});
    assert!(matches!(outcome, Err(Rejection::TooManyUnknownPhones)));
    for contact in [ContactUpdate::Query, remove(&["*"])] {
        let outcome = registers(&bindings, (1, "192.0.2.1"), false, SECOND, |request| {
            request.update.contact = contact;
        });
        assert!(
            matches!(outcome, Ok(RegisterOutcome::Listed)),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_phone_moves_to_another_connection_unless_it_did_so_just_now() {
    // Flow, address, rapid rebinds so far, milliseconds after the last binding; how many are counted then.
    for (flow, address, rapid, after, expected) in [
        (1, "192.0.2.1", 0, 0, Some(0)),
        (1, "192.0.2.1", 3, 0, Some(3)),
        (1, "192.0.2.2", 0, 0, Some(0)),
        (2, "192.0.2.1", 0, 999, Some(1)),
        (2, "192.0.2.1", 1, 999, Some(2)),
        (2, "192.0.2.1", 2, 999, Some(3)),
        (2, "192.0.2.1", 3, 999, None),
        (2, "192.0.2.1", 3, 1000, Some(0)),
        (2, "192.0.2.2", 0, 999, None),
        (2, "192.0.2.2", 0, 1000, Some(0)),
    ] {
        let now = 10 * SECOND + Duration::from_millis(after);
        let outcome = registers(&bound(rapid), (flow, address), true, now, |_| {});
        let counted = match &outcome {
            Ok(RegisterOutcome::Bound { binding, former }) => {
                assert_eq!(former.as_ref().unwrap().flow, 1);
                Some(binding.rapid_rebinds)
            }
            Err(Rejection::RebindTooSoon) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(counted, expected, "{flow} {address} {rapid} {after}");
    }
}

/// Carries a REGISTER for `HERE`, or for its removal, out.
fn applied(
    bindings: &mut Bindings<u32>,
    from: (u32, &str),
    removed: bool,
    cseq: u32,
) -> Result<RegisterOutcome<u32>, Rejection> {
    let outcome = registers(bindings, from, true, 60 * SECOND, |request| {
        request.update.cseq = cseq;
        if removed {
            request.update.contact = remove(&["*"]);
        }
    })?;
    bindings.apply(&outcome);
    Ok(outcome)
}

#[test]
fn a_binding_is_replaced_and_ends() {
    let mut bindings = bound(0);
    applied(&mut bindings, (2, "192.0.2.2"), false, 7).unwrap();
    assert_eq!(bindings.get(MAC.parse().unwrap()).unwrap().flow, 2);
    let late = applied(&mut bindings, (3, "192.0.2.3"), true, 7).unwrap_err();
    assert_eq!(late, Rejection::OutOfOrder { cseq: 7, last: 7 });
    let outcome = applied(&mut bindings, (3, "192.0.2.3"), true, 8).unwrap();
    assert!(matches!(&outcome, RegisterOutcome::Removed(binding) if binding.flow == 2));
    assert_eq!(bindings.iter().count(), 0);
}

#[test]
fn what_nobody_was_told_is_taken_back_in_reverse() {
    let mut bindings = bound(0);
    let first = applied(&mut bindings, (2, "192.0.2.2"), false, 7).unwrap();
    let second = applied(&mut bindings, (2, "192.0.2.2"), true, 8).unwrap();
    assert_eq!(bindings.iter().count(), 0);
    bindings.revert(second);
    assert_eq!(bindings.get(MAC.parse().unwrap()).unwrap().flow, 2);
    bindings.revert(first);
    assert_eq!(bindings.get(MAC.parse().unwrap()).unwrap().flow, 1);
}

#[test]
fn another_name_with_the_same_hint_has_a_binding_of_its_own() {
    let mut bindings = bound(0);
    let outcome = registers(&bindings, (1, "192.0.2.1"), true, 60 * SECOND, |request| {
        request.phone = "215".parse().unwrap();
    });
    bindings.apply(&outcome.unwrap());
    assert_eq!(bindings.iter().count(), 2);
}

#[test]
fn step_8_lists_the_seconds_that_are_left() {
    for (until, now, expected) in [
        (300_000, 0, 300),
        (300_000, 1, 300),
        (300_000, 1000, 299),
        (300_000, 299_999, 1),
        (300_000, 300_000, 0),
        (300_000, 300_001, 0),
    ] {
        let [until, now] = [until, now].map(Duration::from_millis);
        assert_eq!(seconds_left(until, now), expected);
    }
}
