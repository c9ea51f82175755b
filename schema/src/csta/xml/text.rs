//! Character data: references and sections resolved, markup characters escaped (XML 1.0, clauses 2.2, 2.4 and 4.6).

use std::borrow::Cow;

use memchr::{memchr, memchr3};

/// The character data of an element's content, as [`Scanner`](super::Scanner) has checked it; that of inner elements included.
pub(in crate::csta) fn plain(content: &str) -> String {
    let mut plain = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = memchr(b'<', rest.as_bytes()) {
        plain.push_str(&unescaped(&rest[..at]));
        let markup = &rest[at..];
        let (text, end) = if let Some(section) = markup.strip_prefix("<![CDATA[") {
            let length = section.find("]]>").unwrap_or(section.len());
            (&section[..length], "]]>")
        } else if markup.starts_with("<!--") {
            ("", "-->")
        } else if markup.starts_with("<?") {
            ("", "?>")
        } else {
            ("", ">")
        };
        plain.push_str(text);
        rest = markup
            .find(end)
            .map_or("", |found| &markup[found + end.len()..]);
    }
    plain.push_str(&unescaped(rest));
    plain
}

/// Resolves character data that the scanner has checked: references replaced, line ends as they are.
pub(in crate::csta) fn unescaped(checked: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', checked.as_bytes()) else {
        return checked.into();
    };
    let mut plain = String::with_capacity(checked.len());
    let mut rest = checked;
    let mut found = Some(first);
    while let Some(at) = found {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((character, length)) => {
                plain.push(character);
                rest = &rest[length..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
        found = memchr(b'&', rest.as_bytes());
    }
    plain.push_str(rest);
    plain.into()
}

/// What a markup character is written as in text; quotes too, so that the same serves attribute values.
pub(in crate::csta) fn escape(text: &str, mut piece: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(at) = memchr3(b'&', b'<', b'>', rest.as_bytes()) {
        piece(&rest[..at]);
        piece(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &rest[at + 1..];
    }
    piece(rest);
}

/// Whether XML 1.0 (clause 2.2) allows the character.
pub(in crate::csta) fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

pub(super) fn is_blank(bytes: &[u8]) -> bool {
    skip_blank(bytes, 0) == bytes.len()
}

pub(super) fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The character that the reference at the start of `text` stands for, and the reference's length.
pub(super) fn reference(text: &str) -> Option<(char, usize)> {
    let end = memchr(b';', text.as_bytes().get(..text.len().min(12))?)?;
    let character = match text.get(1..end)? {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        other => {
            let number = other.strip_prefix('#')?;
            let (digits, radix) = number
                .strip_prefix('x')
                .map_or((number, 10), |hexadecimal| (hexadecimal, 16));
            // `from_str_radix` would take a sign.
            if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            char::from_u32(u32::from_str_radix(digits, radix).ok()?)
                .filter(|character| is_character(*character))?
        }
    };
    Some((character, end + 1))
}
