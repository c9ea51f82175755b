//! Decodes the octets of a document into UTF-8: byte order mark, charset parameter, declared encoding, characters.

use std::{ops::Range, sync::LazyLock};

use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr, memmem};

use super::{error::ReadError, xml::is_character};

/// Decodes a document whose media type has the parameter `charset`, which precedes its XML declaration (RFC 7303,
/// section 3.2), and updates the declaration. Ignores an unknown charset.
#[must_use]
pub fn with_charset(raw: Bytes, charset: &str) -> Bytes {
    decode(raw, Encoding::for_label_no_replacement(charset.as_bytes())).into_bytes()
}

/// The document in UTF-8, without byte order mark, leading blanks and trailing NUL bytes. Copies only to re-encode.
pub(super) fn to_utf8(raw: Bytes) -> Result<ByteString, ReadError> {
    let text = decode(raw, None);
    check_characters(&text)?;
    Ok(text)
}

fn decode(raw: Bytes, charset: Option<&'static Encoding>) -> ByteString {
    let (marked, mark) = Encoding::for_bom(&raw).unzip();
    let raw = raw.slice(mark.unwrap_or(0)..);
    if let Some(wide) = marked.filter(|it| *it != UTF_8).or_else(|| unmarked(&raw)) {
        let (text, _) = wide.decode_without_bom_handling(&raw);
        return relabelled(text.trim_ascii_start().trim_end_matches('\0')).into();
    }
    // Some C programs pad documents with NUL bytes. The reader checks any other text after the root.
    let body = raw.trim_ascii_start();
    let padding = body.iter().rev().take_while(|byte| **byte == 0).count();
    let body = raw.slice_ref(&body[..body.len() - padding]);
    let declared = declared(&body).map(|range| &body[range]);
    let is_labelled = declared.is_none_or(|name| name.eq_ignore_ascii_case(b"utf-8"));
    let named = declared.filter(|_| !is_labelled);
    let named = named.and_then(Encoding::for_label_no_replacement);
    // Octets that are text in neither byte order of UTF-16 are not UTF-16, whatever the document declares.
    let narrow = |it: &&Encoding| ![UTF_16LE, UTF_16BE].contains(it);
    let encodings = [marked, charset.filter(narrow), named.filter(narrow)];
    let encoding = encodings.into_iter().flatten().next().unwrap_or(UTF_8);
    if encoding != UTF_8 {
        return relabelled(&encoding.decode_without_bom_handling(&body).0).into();
    }
    match ByteString::try_from(body.clone()) {
        Ok(text) if is_labelled => text,
        Ok(text) => relabelled(&text).into(),
        Err(_) => relabelled(&with_latin1(&body)).into(),
    }
}

/// UTF-16 without a byte order mark, recognised by the first `<` (XML 1.0, appendix F.1).
fn unmarked(raw: &[u8]) -> Option<&'static Encoding> {
    match raw {
        [b'<', 0, second, ..] if *second != 0 => Some(UTF_16LE),
        [0, b'<', 0, second, ..] if *second != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-8 in which octets that are none are read as windows-1252, a superset of ISO-8859-1: phones copy display names
/// from their exchange as they are.
fn with_latin1(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len() + body.len() / 8);
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    text
}

static ENCODING: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b"encoding"));

/// The place of the encoding's name in the XML declaration.
fn declared(body: &[u8]) -> Option<Range<usize>> {
    if !body.starts_with(b"<?xml") {
        return None;
    }
    let declaration = &body[..memchr(b'>', body)?];
    let key = ENCODING.find(declaration)?;
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    let quote = key + declaration[key..].iter().position(is_quote)?;
    let name = quote + 1;
    let length = memchr(declaration[quote], &declaration[name..])?;
    Some(name..name + length)
}

/// The text with UTF-8 as the encoding in its XML declaration.
fn relabelled(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(name) = declared(text.as_bytes()) {
        text.replace_range(name, "UTF-8");
    }
    text
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
        check(b"<a>\x01</a>", None);
        check("<a>\u{FFFF}</a>".as_bytes(), None);
        check("<a>\u{FFFD}</a>".as_bytes(), Some("<a>\u{FFFD}</a>"));
        check(b"", Some(""));
    }

    #[test]
    fn declared_encodings_are_converted() {
        fn declared(name: &str, text: &[u8], expected: &str) {
            let declaration = format!("<?xml version=\"1.0\" encoding=\"{name}\"?>");
            let bytes = [declaration.as_bytes(), text].concat();
            let read = to_utf8(bytes.into()).unwrap();
            let (declaration, text) = read.split_once("?>").unwrap();
            assert_eq!(text, expected, "{name}");
            assert!(declaration.ends_with("encoding=\"UTF-8\""), "{declaration}");
        }
        declared("UTF-8", b"<a>\xC3\xB6</a>", "<a>\u{f6}</a>");
        declared("utf8", b"<a>\xC3\xB6</a>", "<a>\u{f6}</a>");
        declared("ISO-8859-1", b"<a>\xF6</a>", "<a>\u{f6}</a>");
        declared("ISO-8859-15", b"<a>\xA4</a>", "<a>\u{20ac}</a>");
        declared("windows-1252", b"<a>\xF6\x80</a>", "<a>\u{f6}\u{20ac}</a>");
        declared("KOI8-R", b"<a>\xC1</a>", "<a>\u{430}</a>");
        declared("us-ascii", b"<a/>", "<a/>");
        declared("utf-16", b"<a>\xC3\xB6</a>", "<a>\u{f6}</a>");
        declared("x-unknown", b"<a>\xF6</a>", "<a>\u{f6}</a>");
        declared("\u{f6}", b"<a>\xF6</a>", "<a>\u{f6}</a>");
    }

    #[test]
    fn octets_outside_utf8_are_read_as_latin1() {
        check(b"<a>J\xF6rg</a>", Some("<a>J\u{f6}rg</a>"));
        check(b"<a>\xC3\xB6 \xF6</a>", Some("<a>\u{f6} \u{f6}</a>"));
        check(b"<a>\xC3</a>", Some("<a>\u{c3}</a>"));
    }

    #[test]
    fn utf16_is_read_in_both_byte_orders() {
        fn wide(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Bytes {
            text.encode_utf16()
                .flat_map(to_bytes)
                .collect::<Vec<u8>>()
                .into()
        }
        let sent = "<?xml version='1.0' encoding='UTF-16'?><a>\u{f6}\u{1F600}</a>";
        let expected = sent.replace("UTF-16", "UTF-8");
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["\u{FEFF}", ""] {
                let read = to_utf8(wide(&format!("{mark}{sent}\0"), to_bytes)).unwrap();
                assert_eq!(read, expected, "mark {mark:?}");
            }
        }
    }

    #[test]
    fn charset_precedes_the_declaration() {
        fn check(charset: &str, sent: &[u8], expected: &str) {
            let read = with_charset(Bytes::copy_from_slice(sent), charset);
            assert_eq!(read, expected, "{charset}");
        }
        let declared = "<?xml version='1.0' encoding='UTF-8'?><a>\u{f6}</a>";
        check("ISO-8859-1", b"<a>\xF6</a>", "<a>\u{f6}</a>");
        check(
            "utf-8",
            b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xC3\xB6</a>",
            declared,
        );
        check(
            "iso-8859-1",
            b"<?xml version='1.0' encoding='UTF-8'?><a>\xF6</a>",
            declared,
        );
        check("utf-8", b"\xFF\xFE<\0a\0/\0>\0", "<a/>");
        check("utf-16", b"<a/>", "<a/>");
        check("nonsense", b"<a>\xC3\xB6</a>", "<a>\u{f6}</a>");
    }
}
