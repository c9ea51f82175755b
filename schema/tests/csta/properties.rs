//! Properties: a relay applies the requested changes and nothing else; written documents round-trip.

use bytes::Bytes;
use proptest::prelude::*;
use quick_xml::events::Event as XmlEvent;
use uacsta_schema::csta::*;

/// Text with markup characters, blanks and non-Latin scripts.
fn text() -> impl Strategy<Value = String> {
    "[a-z0-9:;@.&<>'\"\\] é漢😀-]{1,16}".prop_filter("blanks around it are not kept", |text| {
        text.trim() == text && !text.is_empty()
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn edition() -> impl Strategy<Value = Edition> {
    prop::sample::select(Edition::ALL.to_vec())
}

/// An event with a vendor's element, built from the variable parts.
fn event(edition: Edition, prefix: &str, cross_ref: &str, vendor: &str) -> String {
    let (open, xmlns) = if prefix.is_empty() {
        (String::new(), "xmlns".to_owned())
    } else {
        (format!("{prefix}:"), format!("xmlns:{prefix}"))
    };
    format!(
        "<?xml version='1.0'?>\n<{open}HeldEvent {xmlns} = '{namespace}' xmlns:v=\"urn:v\">\r\n <!-- {prefix} -->\
         <{open}monitorCrossRefID>{cross_ref}</{open}monitorCrossRefID >\
         <v:monitorCrossRefID a='&lt;'>{vendor}</v:monitorCrossRefID><![CDATA[]]></{open}HeldEvent>",
        namespace = edition.namespace(),
    )
}

proptest! {
    #[test]
    fn relay_without_changes_returns_the_same_bytes(edition in edition(), prefix in "[a-z]{0,3}", id in text(), vendor in text()) {
        prop_assume!(prefix != "v" && !prefix.starts_with("xml"));
        let raw = Bytes::from(event(edition, &prefix, &escaped(&id), &escaped(&vendor)));
        let document = Document::read(raw.clone()).unwrap();
        prop_assert_eq!(document.cross_ref(), Some(id.as_str()));
        prop_assert_eq!(document.relayed(&edition.into()), raw);
    }

    #[test]
    fn relay_changes_only_own_identifiers(from in edition(), to in edition(), prefix in "[a-z]{0,3}", id in text(), own in text(), vendor in text()) {
        prop_assume!(prefix != "v" && !prefix.starts_with("xml"));
        let document = Document::read(event(from, &prefix, &escaped(&id), &escaped(&vendor)).into()).unwrap();
        let changes = Changes { edition: to, cross_ref: Some(&own), device: Some(&own) };
        let expected = event(to, &prefix, &escaped(&own), &escaped(&vendor));
        prop_assert_eq!(document.relayed_len(&changes), expected.len());
        prop_assert_eq!(document.relayed(&changes), Bytes::from(expected));
    }

    #[test]
    fn written_text_reads_back(edition in edition(), device in text(), call in text(), monitor in text(), cause in "[a-z]{1,8}") {
        let event = HeldEvent {
            held_connection: ConnectionId::new(call, device.clone()),
            holding_device: SubjectDevice::Device(device.into()),
            tail: CallEventTail {
                cause: EventCause::from(cause.as_str()),
                ..CallEventTail::default()
            },
        };
        let message = Message::from(Event::from(event).reported_by(monitor.into()));
        let document = Document::read(write(&message, &edition.into())).unwrap();
        prop_assert_eq!(document.message().unwrap(), message);
    }

    #[test]
    fn arbitrary_input_never_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24), cut in any::<prop::sample::Index>()) {
        let mut bytes = pieces.concat().into_bytes();
        bytes.truncate(cut.index(bytes.len() + 1));
        let Ok(document) = Document::read(bytes.into()) else { return Ok(()) };
        let changes = Changes { edition: Edition::Ed6, cross_ref: Some("1"), device: Some("2") };
        let relayed = Document::read(document.relayed(&changes));
        prop_assert!(relayed.is_ok(), "{:?} became {:?}", document.raw(), document.relayed(&changes));
        let _ = (document.cross_ref(), document.device(), document.private_line(), document.message());
        prop_assert!(is_xml(document.raw()), "{:?} is none to quick-xml", document.raw());
    }
}

const PIECES: &[&str] = &[
    "<MonitorStart>",
    "</MonitorStart>",
    "<MonitorStart",
    "<DeflectCall>",
    "</DeflectCall>",
    "<c:MakeCall xmlns:c='urn:c'>",
    " xmlns='http://www.ecma-international.org/standards/ecma-323/csta/ed3'>",
    "/>",
    ">",
    " a='1'",
    " b=\"&lt;\"",
    "<monitorObject>",
    "</monitorObject>",
    "<monitorObject/>",
    "<deviceObject>",
    "</deviceObject>",
    "<deviceObject />",
    "<callObject>",
    "</callObject>",
    "<callID>7</callID>",
    "<deviceID/>",
    "<newDestination>",
    "</newDestination>",
    "<device>8</device>",
    "<device/>",
    "<reason/>",
    "<callCharacteristics>",
    "</callCharacteristics>",
    "<encryptedCall/>",
    "text",
    "é",
    "&amp;",
    "&#65;",
    "&",
    "<!-- c -->",
    "<![CDATA[ <d> ]]>",
    "<?pi?>",
    "<?xml version='1.0'?>",
    "<!DOCTYPE a>",
    " ",
    "\n",
];

/// Whether `quick_xml` alone considers the text well-formed.
fn is_xml(raw: &[u8]) -> bool {
    let mut reader = quick_xml::Reader::from_reader(raw);
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(XmlEvent::Eof) => return true,
            Ok(XmlEvent::Start(tag) | XmlEvent::Empty(tag))
                if tag.attributes().any(|attribute| attribute.is_err()) =>
            {
                return false;
            }
            Ok(_) => buffer.clear(),
            Err(_) => return false,
        }
    }
}
