//! Resolves and escapes character data (XML 1.0, sections 2.2, 2.4 and 4.6).

use std::borrow::Cow;

use quick_xml::{
    Reader,
    escape::{partial_escape, unescape},
    events::Event,
};

/// The character data of an element's content, including inner elements. [`Scanner`](super::Scanner) has validated it.
pub(in crate::csta) fn plain(content: &str) -> String {
    let mut plain = String::with_capacity(content.len());
    let mut reader = Reader::from_str(content);
    loop {
        match reader.read_event() {
            Ok(Event::Text(text)) => plain.push_str(&text),
            Ok(Event::CData(section)) => plain.push_str(&section),
            Ok(Event::GeneralRef(name)) => plain.push_str(&unescaped(&format!("&{};", &*name))),
            Ok(Event::Eof) | Err(_) => return plain,
            Ok(_) => {}
        }
    }
}

/// Replaces the references in validated character data; keeps line ends.
pub(in crate::csta) fn unescaped(checked: &str) -> Cow<'_, str> {
    unescape(checked).unwrap_or(Cow::Borrowed(checked))
}

/// Replaces markup characters, and line ends that XML would normalise, by references (XML 1.0, section 2.11).
pub(in crate::csta) fn escaped(text: &str) -> Cow<'_, str> {
    partial_escape(text)
}

/// Whether XML allows the character (XML 1.0, section 2.2).
pub(in crate::csta) fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether each `&` in `text` starts a reference to an allowed character or to one of the five predefined entities.
pub(super) fn are_references_defined(text: &str) -> bool {
    unescape(text).is_ok_and(|plain| plain.chars().all(is_character))
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_resolved_to_character_data() {
        fn check(content: &str, expected: &str) {
            assert_eq!(plain(content), expected, "{content}");
        }
        check("a&amp;b &#x41;&#66;", "a&b AB");
        check("<![CDATA[<b>]]&amp;]]>c<!-- d --><?e f?>", "<b>]]&amp;c");
        check("<b at='1'>x</b>y<c/>", "xy");
        check("", "");
    }

    #[test]
    fn undefined_references_are_rejected() {
        fn check(text: &str, expected: bool) {
            assert_eq!(are_references_defined(text), expected, "{text}");
        }
        check("&lt;&gt;&amp;&quot;&apos;", true);
        check("&#9;&#x10FFFF;", true);
        check("&nbsp;", false);
        check("&LT;", false);
        check("&#0;", false);
        check("&#8;", false);
        check("&#xFFFF;", false);
        check("&#xD800;", false);
        check("&#x110000;", false);
        check("&#-1;", false);
        check("&#x+41;", false);
        check("&#;", false);
        check("&;", false);
        check("&", false);
        check("&a &amp;", false);
    }

    #[test]
    fn escaped_text_reads_back() {
        fn check(text: &str, expected: &str) {
            assert_eq!(escaped(text), expected, "{text}");
            assert_eq!(unescaped(expected), text, "{text}");
        }
        check("a<b>&'\"c", "a&lt;b&gt;&amp;'\"c");
        check("a\r\nb", "a&#13;\nb");
        check("plain", "plain");
    }
}
