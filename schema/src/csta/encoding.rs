//! Decodes the bytes of a document into UTF-8 (XML 1.0, section 4.3.3): byte order mark, declared encoding, characters.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use memchr::{memchr, memmem};

use super::{
    error::{ReadError, quoted},
    xml::is_character,
};

/// The document in UTF-8, without byte order mark, leading blanks and trailing NUL bytes. Copies only to re-encode.
pub(super) fn to_utf8(raw: Bytes) -> Result<ByteString, ReadError> {
    if raw.starts_with(b"\xFE\xFF") || raw.starts_with(b"\xFF\xFE") {
        return Err(ReadError::Encoding("UTF-8: it is UTF-16".to_owned()));
    }
    let marked = if raw.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    // Some C programs pad documents with NUL bytes. The reader checks any other text after the root.
    let body = raw[marked..].trim_ascii_start();
    let padding = body.iter().rev().take_while(|byte| **byte == 0).count();
    let body = raw.slice_ref(&body[..body.len() - padding]);
    let utf8 = match declared(&body) {
        None => body,
        Some(declared) if declared.name.eq_ignore_ascii_case(b"utf-8") => body,
        Some(declared) => recoded(&body, &declared)?,
    };
    let text = ByteString::try_from(utf8).map_err(|_| ReadError::Encoding("UTF-8".to_owned()))?;
    check_characters(&text)?;
    Ok(text)
}

struct Declared<'a> {
    name: &'a [u8],
    start: usize,
}

fn declared(body: &[u8]) -> Option<Declared<'_>> {
    if !body.starts_with(b"<?xml") {
        return None;
    }
    let declaration = &body[..memchr(b'>', body)?];
    let key = memmem::find(declaration, b"encoding")?;
    let quote = key
        + declaration[key..]
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\''))?;
    let start = quote + 1;
    let length = declaration[start..]
        .iter()
        .position(|byte| *byte == declaration[quote])?;
    Some(Declared {
        name: &declaration[start..start + length],
        start,
    })
}

/// Converts a document to UTF-8 and updates the encoding in its XML declaration.
fn recoded(body: &[u8], declared: &Declared<'_>) -> Result<Bytes, ReadError> {
    let latin1 = [&b"iso-8859-1"[..], b"iso_8859-1", b"latin1"]
        .iter()
        .any(|name| declared.name.eq_ignore_ascii_case(name));
    // ASCII text is the same in every encoding that an ASCII declaration can name.
    if !latin1 && !body.is_ascii() {
        let name = quoted(&String::from_utf8_lossy(declared.name));
        return Err(ReadError::Encoding(format!(
            "UTF-8, and {name:?} is not read here"
        )));
    }
    let after = declared.start + declared.name.len();
    let recode = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>()
    };
    let text = [
        Cow::Owned(recode(&body[..declared.start])),
        Cow::Borrowed("UTF-8"),
        Cow::Owned(recode(&body[after..])),
    ];
    Ok(Bytes::from(text.concat()))
}

fn check_characters(text: &str) -> Result<(), ReadError> {
    // No branch per byte, so that the compiler vectorises the loop.
    let controls = text.bytes().fold(false, |found, byte| {
        found | (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'))
    });
    let may_be_wrong =
        controls || (!text.is_ascii() && memmem::find(text.as_bytes(), b"\xEF\xBF").is_some());
    if may_be_wrong
        && let Some((offset, _)) = text
            .char_indices()
            .find(|(_, character)| !is_character(*character))
    {
        return Err(ReadError::NotXml {
            offset,
            what: "character not allowed in XML",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(bytes: &'static [u8], expected: Option<&str>) {
        let read = to_utf8(Bytes::from_static(bytes));
        assert_eq!(
            read.ok().as_deref(),
            expected,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }

    #[test]
    fn documents_are_converted_to_utf8() {
        check(b"<a/>", Some("<a/>"));
        check(b"\xEF\xBB\xBF \r\n<a/>\r\n", Some("<a/>\r\n"));
        check(b"<a/>\n\0\0", Some("<a/>\n"));
        check(b"<a>\xC3\xA4</a>", Some("<a>\u{e4}</a>"));
        check(b"<a>\xE4</a>", None);
        check(
            b"<?xml version='1.0' encoding='utf-8'?><a/>",
            Some("<?xml version='1.0' encoding='utf-8'?><a/>"),
        );
        check(
            b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE4</a>",
            Some("<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\u{e4}</a>"),
        );
        check(
            b"<?xml version=\"1.0\" encoding=\"us-ascii\"?><a/>",
            Some("<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>"),
        );
        check(
            b"<?xml version=\"1.0\" encoding=\"KOI8-R\"?><a>\xE4</a>",
            None,
        );
        check(b"\xFF\xFE<\0a\0/\0>\0", None);
        check(b"<a>\x01</a>", None);
        check("<a>\u{FFFF}</a>".as_bytes(), None);
        check("<a>\u{FFFD}</a>".as_bytes(), Some("<a>\u{FFFD}</a>"));
        check(b"", Some(""));
    }
}
