//! Properties: an accepted CSTA document is well-formed, within limits, and round-trips, also as types (ECMA-323).

use bytes::Bytes;
use quick_xml::{Reader, events::Event};
use uacsta_schema::csta::{Dialect, Document, DocumentLimits, Edition, Message, write};

pub(crate) fn holds(body: &[u8]) {
    let document = match Document::read(Bytes::copy_from_slice(body)) {
        Ok(document) => document,
        Err(error) => return is_short(&error.to_string()),
    };
    // An octet of windows-1252 has up to three in UTF-8, such as the quotation marks; the declaration changes to UTF-8.
    assert!(document.raw().len() <= 3 * body.len() + "UTF-8".len());
    is_bounded(document.raw());
    let again = Document::read(document.raw().clone()).expect("an accepted document reads again");
    assert_eq!(again.raw(), document.raw());
    assert_eq!(found(&again), found(&document));
    match document.message() {
        Ok(message) => is_written(&message, document.dialect()),
        Err(error) => is_short(&error.to_string()),
    }
}

/// All results of the first pass.
fn found(document: &Document) -> String {
    let devices: Vec<_> = document.devices().collect();
    let (cross_ref, line) = (document.cross_ref(), document.private_line());
    let (kind, missing) = (document.kind(), document.missing());
    let progress = document.call_summary();
    format!(
        "{} {kind:?} {:?} {cross_ref:?} {:?} {devices:?} {line:?} {missing:?} {} {progress:?}",
        document.name(),
        document.dialect(),
        document.device(),
        document.is_for_connection(),
    )
}

/// The length of an error message is bounded, whatever the input.
fn is_short(problem: &str) {
    assert!(
        problem.len() <= 1024,
        "{} octets: {problem:.80}",
        problem.len()
    );
}

/// Checks the limits with `quick_xml` alone.
fn is_bounded(raw: &[u8]) {
    let limits = DocumentLimits::default();
    let mut reader = Reader::from_reader(raw);
    let (mut depth, mut buffer) = (0_usize, Vec::new());
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(Event::Start(tag)) => {
                depth += 1;
                assert!(depth <= limits.depth && tag.attributes().count() <= limits.attributes);
            }
            Ok(Event::Empty(tag)) => {
                assert!(depth < limits.depth && tag.attributes().count() <= limits.attributes);
            }
            Ok(Event::End(_)) => depth -= 1,
            Ok(Event::DocType(_)) => panic!("accepted a document type declaration"),
            Ok(_) => {}
            Err(error) => panic!("not well-formed: {error}"),
        }
        buffer.clear();
    }
    assert_eq!(depth, 0);
}

/// Writes in the sixth edition, which has every member, and in the sender's edition, which may lack some.
fn is_written(message: &Message, dialect: Dialect) {
    let newest = Dialect {
        edition: Edition::Ed6,
        ..dialect.clone()
    };
    let document = Document::read(write(message, &newest)).expect("a written document can be read");
    assert_eq!(document.message().as_ref(), Ok(message));
    assert_eq!(document.dialect(), newest);
    let document =
        Document::read(write(message, &dialect)).expect("a written document can be read");
    let own = document.message().expect("valid in every edition");
    assert_eq!(own.name(), message.name());
}
