//! Properties: a relay changes only its own identifiers and members that the receiver's edition lacks (ECMA-323).

use bytes::{Bytes, BytesMut};
use quick_xml::{Reader, events::Event};
use uacsta_schema::csta::{Changes, Document, Edition};

const CROSS_REF: &str = "OUR-CROSS-REFERENCE";
const DEVICE: &str = "OUR-DEVICE";

pub(crate) fn holds(body: &[u8]) {
    let Ok(document) = Document::read(Bytes::copy_from_slice(body)) else {
        return;
    };
    for edition in Edition::ALL {
        let changes = |cross_ref, device| Changes {
            edition,
            cross_ref,
            device,
        };
        let named = changes(Some(CROSS_REF), Some(DEVICE));
        let relayed = relay(&document, &named);
        let raw = relayed.raw();
        assert_eq!(relay(&relayed, &named).raw(), raw, "a second relay");
        let other = relay(&document, &changes(Some("<&>"), Some("]]>\r'\"é")));
        assert_eq!(relay(&other, &named).raw(), raw, "the last relay counts");
        let plain = relay(&document, &edition.into());
        assert_eq!(relay(&plain, &named).raw(), raw, "the order does not count");
        carries_ours(&relayed);
        only_ours(plain.raw(), raw);
        if edition == Edition::Ed6 && lacks_nothing_of_the_sixth(&document) {
            assert_eq!(without_declarations(plain.raw()), document.raw()[..]);
        }
    }
}

/// Relays a document; checks that the result is readable, in the edition, and of the announced length.
fn relay(document: &Document, changes: &Changes<'_>) -> Document {
    let mut out = BytesMut::from("before");
    document.relay_into(changes, &mut out);
    let relayed = document.relayed(changes);
    assert_eq!(out.strip_prefix(b"before"), Some(relayed.as_ref()));
    assert_eq!(document.relayed_len(changes), relayed.len());
    let read = Document::read(relayed).expect("a relayed document can be read");
    assert_eq!(read.edition(), Some(changes.edition));
    assert_eq!(
        (read.name(), read.kind()),
        (document.name(), document.kind())
    );
    assert_eq!(read.private_line(), document.private_line());
    read
}

fn carries_ours(relayed: &Document) {
    if relayed.event().is_some() || relayed.cross_ref().is_some() {
        assert_eq!(relayed.cross_ref(), Some(CROSS_REF));
    }
    let mut devices = relayed.devices();
    assert!(devices.all(|device| device == DEVICE));
}

/// Without the declarations that a relay adds for prefixes that the sender did not declare.
fn without_declarations(raw: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(raw).into_owned();
    while let Some(at) = text.find("=\"urn:uacsta:undeclared:") {
        let begin = text[..at].rfind(" xmlns:").expect("a declaration");
        let value = at + 2;
        let end = value + text[value..].find('"').expect("a closed value") + 1;
        text.replace_range(begin..end, "");
    }
    text.into_bytes()
}

/// Whether no downgrade applies: a sixth-edition document other than DeflectCall, whose destination became a list.
fn lacks_nothing_of_the_sixth(document: &Document) -> bool {
    let text = String::from_utf8_lossy(document.raw());
    let (older, _) = Edition::ALL.split_at(Edition::ALL.len() - 1);
    let mixed = older
        .iter()
        .any(|edition| text.contains(edition.namespace()));
    document.edition() == Some(Edition::Ed6) && !mixed && document.name() != "DeflectCall"
}

/// Compares a document relayed with and without own identifiers, piece by piece. They differ only in the identifiers
/// and in inserted elements around them.
fn only_ours(plain: &[u8], relayed: &[u8]) {
    let (theirs, ours) = (pieces(plain), pieces(relayed));
    let mut theirs = theirs.iter().peekable();
    let mut ours = ours.iter().peekable();
    while let Some(piece) = ours.next() {
        if piece.is_identifier() {
            let mut depth = 0_usize;
            while let Some(replaced) = theirs.next_if(|piece| depth > 0 || !piece.is_end()) {
                depth = depth + usize::from(replaced.is_start()) - usize::from(replaced.is_end());
            }
        } else if theirs.next_if_eq(&piece).is_none() {
            assert!(piece.is_start(), "{piece:?} instead of {:?}", theirs.peek());
            let inner = usize::from(ours.next_if(|piece| piece.is_start()).is_some());
            assert!(ours.next().is_some_and(Piece::is_identifier));
            for _ in 0..=inner {
                assert!(ours.next().is_some_and(Piece::is_end));
            }
        }
    }
    assert_eq!(theirs.next(), None, "something was lost");
}

/// A piece of a document as read by `quick_xml` alone; an empty-element tag counts as two.
#[derive(Debug, PartialEq)]
enum Piece {
    Start(String),
    End(String),
    Other(String),
}

impl Piece {
    fn is_start(&self) -> bool {
        matches!(self, Self::Start(_))
    }

    fn is_end(&self) -> bool {
        matches!(self, Self::End(_))
    }

    fn is_identifier(&self) -> bool {
        matches!(self, Self::Other(text) if text == CROSS_REF || text == DEVICE)
    }
}

fn pieces(document: &[u8]) -> Vec<Piece> {
    let mut reader = Reader::from_reader(document);
    reader.config_mut().expand_empty_elements = true;
    let mut pieces = Vec::new();
    let mut buffer = Vec::new();
    loop {
        pieces.push(match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return pieces,
            Ok(Event::Start(tag)) => Piece::Start(tag.to_string()),
            Ok(Event::End(tag)) => Piece::End(tag.to_string()),
            Ok(Event::Text(text)) => Piece::Other(text.to_string()),
            Ok(other) => Piece::Other(format!("{other:?}")),
            Err(error) => panic!("not well-formed: {error}"),
        });
        buffer.clear();
    }
}
