//! Tests of the head of a message.

#![allow(clippy::unwrap_used)]
use super::*;

fn head(lines: &str) -> Head {
    Head::parse(Bytes::from(format!(
        "INFO sip:h SIP/2.0\r\n{lines}\r\n\r\n"
    )))
    .0
}

#[test]
fn values_are_found_in_order() {
    let head = head(
        "Via: SIP/2.0/TCP a, SIP/2.0/TCP b\r\nv :SIP/2.0/TCP c\r\nX-Mac:\t0004 \r\nSubject:\r\nROUTE: <sip:r;lr>,<sip:s>",
    );
    assert_eq!(
        head.list(HeaderName::Via).collect::<Vec<_>>(),
        ["SIP/2.0/TCP a", "SIP/2.0/TCP b", "SIP/2.0/TCP c"]
    );
    assert_eq!(head.all(HeaderName::Via).count(), 2);
    assert_eq!(head.top_via().unwrap().host(), "a");
    assert_eq!(head.get(HeaderName::Subject), Some(""));
    assert_eq!(
        (head.other("x-mac"), head.other("Subject"), head.other("X")),
        (Some("0004"), Some(""), None)
    );
    let names = head.iter().map(|(name, _)| name);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["Via", "v", "X-Mac", "Subject", "ROUTE"]
    );
    let routes = head
        .addresses(HeaderName::Route)
        .map(|route| route.unwrap().uri().host());
    assert_eq!(routes.collect::<Vec<_>>(), ["r", "s"]);
}

#[test]
fn latin_1_is_decoded() {
    let (head, broken) = Head::parse(Bytes::from_static(
        b"INFO sip:h SIP/2.0\r\nFrom: \"M\xfcller\" <sip:m@h>\r\n\r\n",
    ));
    assert_eq!(head.from().unwrap().display(), "Müller");
    assert_eq!(broken, None);
}

#[test]
fn first_invalid_line_is_returned() {
    let check = |line: &str, expected: Option<&str>| {
        let (_, broken) = Head::parse(Bytes::from(format!(
            "INFO sip:h SIP/2.0\r\n{line}\r\nTo: <sip:h>\r\n\r\n"
        )));
        assert_eq!(broken.as_deref(), expected, "{line:?}");
    };
    check("Subject: x", None);
    check("no colon", Some("no colon"));
    check(": no name", Some(": no name"));
    check("odd name: x", None);
}

#[test]
fn contacts_are_a_list_or_a_star() {
    let check = |lines: &str, expected: Result<Option<usize>, &str>| {
        let head = head(lines);
        let contacts = head.contacts().map(|contacts| match contacts {
            Contacts::Star => None,
            Contacts::List(list) => Some(list.len()),
        });
        assert_eq!(
            contacts.map_err(|error| error.to_string()),
            expected.map_err(str::to_owned),
            "{lines:?}"
        );
    };
    // RFC 3261, section 10.2.
    check("Contact: *", Ok(None));
    check("m: <sip:a@h>", Ok(Some(1)));
    check(
        "Contact: \"a, b\" <sip:a@h>;q=0.1, sip:b@h\r\nm: <sip:c@[::1]:5060>",
        Ok(Some(3)),
    );
    check("Subject: x", Ok(Some(0)));
    check(
        "Contact: *, <sip:a@h>",
        Err("Contact has an address in addition to '*'"),
    );
    check(
        "Contact: <sip:a@h>, *",
        Err("Contact has a URI without a scheme"),
    );
    check("Contact: <sip:a@h", Err("Contact has no closing '>'"));
}

#[test]
fn typed_values_are_read() {
    let head = head(
        "Session-Expires: 1800;refresher=uas\r\nMin-SE: 90\r\nExpires: 3600\r\nMax-Forwards: 70\r\nc: Application/CSTA+xml; charset=utf-8\r\nk: timer, Path\r\nCSeq: 7 INFO",
    );
    assert_eq!(head.session_expires().unwrap().interval, 1800);
    assert_eq!(
        (
            head.min_se(),
            head.expires(),
            head.number(HeaderName::MaxForwards)
        ),
        (Some(90), Some(3600), Some(70))
    );
    assert!(head.content_type().unwrap().is("application/csta+xml"));
    assert!(
        head.lists(HeaderName::Supported, "path") && !head.lists(HeaderName::Supported, "gruu")
    );
    assert_eq!(head.cseq().unwrap().number, 7);
    assert_eq!(head.to().unwrap_err().to_string(), "To is missing");
}
