//! A pull scanner over one XML document (W3C XML 1.0, Namespaces in XML 1.0) that yields places instead of copies.
//!
//! It exists beside the XML crates because a relay needs the byte range of everything it may change,
//! wants one pass without allocation, and must refuse what they pass over: a second root, a bad name,
//! an undefined entity, any document type declaration.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3, memmem};
use smallvec::SmallVec;

use super::edition::Edition;
use super::error::ReadError;

/// Deepest nesting of elements that is read.
pub const MAX_DEPTH: usize = 64;
/// Most attributes, namespace declarations included, that one element may have.
pub const MAX_ATTRIBUTES: usize = 32;

/// Namespace of the Microsoft client's private elements, of which `line` names the line of a session.
const RCC_NAMESPACE: &str = "http://schemas.microsoft.com/Lcs/2005/04/RCCExtension";

/// A byte range of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// The range `start..end`; the scanner is only ever given documents of less than 4 GiB.
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The empty range at `at`.
    pub(super) fn at(at: u32) -> Self {
        Self { start: at, end: at }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Whose element it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// In no namespace.
    None,
    Csta(Edition),
    Rcc,
    Foreign,
}

impl Space {
    /// Whether an element of this namespace is read as CSTA. One without a namespace is, since some peers qualify the root only.
    pub(super) fn is_csta(self) -> bool {
        matches!(self, Self::None | Self::Csta(_))
    }

    fn of(uri: &str) -> Self {
        match Edition::from_namespace(uri) {
            Some(edition) => Self::Csta(edition),
            None if uri.is_empty() => Self::None,
            None if uri == RCC_NAMESPACE => Self::Rcc,
            None => Self::Foreign,
        }
    }
}

/// What stands at a place of the document. Comments and processing instructions are passed over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    Open(Tag),
    /// An end tag.
    Close(Span),
    /// Character data with its references.
    Text(Span),
    /// What a CDATA section holds.
    Verbatim(Span),
}

/// A start tag or an empty-element tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub(super) span: Span,
    /// The qualified name.
    pub(super) name: Span,
    /// The name without its prefix.
    pub(super) local: Span,
    pub(super) space: Space,
    pub(super) empty: bool,
}

/// An attribute of the tag that was opened last: its name and its value without the quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: Span,
    pub(super) value: Span,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    depth: usize,
    prefix: Span,
    space: Space,
}

/// Walks through a document, checking as it goes.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: SmallVec<[Span; 16]>,
    bindings: SmallVec<[Binding; 4]>,
    attributes: SmallVec<[Attribute; 4]>,
    root_seen: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            open: SmallVec::new(),
            bindings: SmallVec::new(),
            attributes: SmallVec::new(),
            root_seen: false,
        }
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    /// The attributes of the tag that was opened last.
    pub(super) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The next token; `None` after the end of a complete document.
    pub(super) fn next(&mut self) -> Result<Option<Token>, ReadError> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at;
            let Some(first) = bytes.get(start) else {
                return match (self.root_seen, self.open.is_empty()) {
                    (false, _) => Err(self.wrong(start, "there is no element")),
                    (true, false) => Err(self.wrong(start, "an element is not closed")),
                    (true, true) => Ok(None),
                };
            };
            if *first != b'<' {
                let end = memchr(b'<', &bytes[start..]).map_or(bytes.len(), |found| start + found);
                self.at = end;
                if self.open.is_empty() {
                    if !is_blank(&bytes[start..end]) {
                        return Err(self.wrong(start, "text outside the root element"));
                    }
                    continue;
                }
                self.check_text(start, end)?;
                return Ok(Some(Token::Text(Span::new(start, end))));
            }
            match bytes.get(start + 1) {
                Some(b'/') => return self.close(start).map(Some),
                Some(b'?') => self.pass_instruction(start)?,
                Some(b'!') => {
                    if let Some(token) = self.bang(start)? {
                        return Ok(Some(token));
                    }
                }
                _ => return self.open(start).map(Some),
            }
        }
    }

    fn wrong(&self, offset: usize, what: &'static str) -> ReadError {
        ReadError::NotXml { offset, what }
    }

    fn open(&mut self, start: usize) -> Result<Token, ReadError> {
        if self.open.is_empty() && self.root_seen {
            return Err(self.wrong(start, "a second root element"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(ReadError::TooDeep);
        }
        self.root_seen = true;
        let bytes = self.text.as_bytes();
        let (name, prefix_end) = self.name(start + 1)?;
        let depth = self.open.len() + 1;
        self.attributes.clear();
        let mut at = name.end as usize;
        let empty = loop {
            let spaced = skip_blank(bytes, at);
            match bytes.get(spaced) {
                Some(b'>') => {
                    self.at = spaced + 1;
                    break false;
                }
                Some(b'/') if bytes.get(spaced + 1) == Some(&b'>') => {
                    self.at = spaced + 2;
                    break true;
                }
                Some(_) if spaced > at => at = self.attribute(spaced, depth)?,
                Some(_) => return Err(self.wrong(at, "a tag goes on in a way that it must not")),
                None => return Err(self.wrong(start, "a tag is not closed")),
            }
        };
        let tag = Tag {
            span: Span::new(start, self.at),
            name,
            local: Span {
                start: prefix_end.map_or(name.start, |end| end + 1),
                end: name.end,
            },
            space: self.space(prefix_end.map(|end| Span {
                start: name.start,
                end,
            })),
            empty,
        };
        if empty {
            self.leave(depth);
        } else {
            self.open.push(name);
        }
        Ok(Token::Open(tag))
    }

    fn close(&mut self, start: usize) -> Result<Token, ReadError> {
        let bytes = self.text.as_bytes();
        let Some(name) = self.open.pop() else {
            return Err(self.wrong(start, "an end tag without its start tag"));
        };
        let end = start + 2 + name.range().len();
        if bytes.get(start + 2..end) != Some(&bytes[name.range()]) {
            return Err(self.wrong(start, "an end tag does not match its start tag"));
        }
        let end = skip_blank(bytes, end);
        if bytes.get(end) != Some(&b'>') {
            return Err(self.wrong(start, "an end tag does not match its start tag"));
        }
        self.at = end + 1;
        self.leave(self.open.len() + 1);
        Ok(Token::Close(Span::new(start, self.at)))
    }

    /// Reads one attribute and returns where it ends.
    fn attribute(&mut self, start: usize, depth: usize) -> Result<usize, ReadError> {
        let bytes = self.text.as_bytes();
        let (name, prefix_end) = self.name(start)?;
        let equals = skip_blank(bytes, name.end as usize);
        if bytes.get(equals) != Some(&b'=') {
            return Err(self.wrong(equals, "an attribute has no value"));
        }
        let quote_at = skip_blank(bytes, equals + 1);
        let quote = match bytes.get(quote_at) {
            Some(quote @ (b'"' | b'\'')) => *quote,
            _ => return Err(self.wrong(quote_at, "an attribute value is not quoted")),
        };
        let begin = quote_at + 1;
        let Some(length) = memchr(quote, &bytes[begin..]) else {
            return Err(self.wrong(quote_at, "an attribute value is not closed"));
        };
        let value = Span::new(begin, begin + length);
        if let Some(found) = memchr(b'<', &bytes[value.range()]) {
            return Err(self.wrong(begin + found, "`<` in an attribute value"));
        }
        self.check_references(begin, begin + length)?;
        let named = self.text(name);
        if self
            .attributes
            .iter()
            .any(|other| self.text(other.name) == named)
        {
            return Err(self.wrong(start, "an attribute is given twice"));
        }
        if self.attributes.len() == MAX_ATTRIBUTES {
            return Err(ReadError::TooManyAttributes);
        }
        self.attributes.push(Attribute { name, value });
        if let Some(declared) = named.strip_prefix("xmlns") {
            let prefix = match prefix_end {
                Some(end) => Span {
                    start: end + 1,
                    end: name.end,
                },
                None if declared.is_empty() => Span::at(name.end),
                None => return Ok(begin + length + 1),
            };
            let space = Space::of(self.text(value));
            self.bindings.push(Binding {
                depth,
                prefix,
                space,
            });
        }
        Ok(begin + length + 1)
    }

    /// Reads a qualified name; with it comes where its prefix ends, if it has one.
    fn name(&self, start: usize) -> Result<(Span, Option<u32>), ReadError> {
        let bytes = self.text.as_bytes();
        let mut colon = None;
        let mut end = start;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {}
                b'0'..=b'9' | b'-' | b'.' if end > start && colon != Some(end - 1) => {}
                b':' if end > start && colon.is_none() => colon = Some(end),
                _ => break,
            }
            end += 1;
        }
        if end == start || colon == Some(end - 1) {
            return Err(self.wrong(start, "a name is missing or not one"));
        }
        Ok((Span::new(start, end), colon.map(|colon| colon as u32)))
    }

    /// The namespace of an element by its prefix. An undeclared prefix is nobody's.
    fn space(&self, prefix: Option<Span>) -> Space {
        let wanted = prefix.map_or("", |prefix| self.text(prefix));
        match self
            .bindings
            .iter()
            .rev()
            .find(|binding| self.text(binding.prefix) == wanted)
        {
            Some(binding) => binding.space,
            None if prefix.is_none() => Space::None,
            None => Space::Foreign,
        }
    }

    fn leave(&mut self, depth: usize) {
        while self
            .bindings
            .last()
            .is_some_and(|binding| binding.depth >= depth)
        {
            self.bindings.pop();
        }
    }

    fn pass_instruction(&mut self, start: usize) -> Result<(), ReadError> {
        let rest = &self.text[start + 2..];
        let Some(length) = memmem::find(rest.as_bytes(), b"?>") else {
            return Err(self.wrong(start, "a processing instruction is not closed"));
        };
        let (target, _) = self.name(start + 2)?;
        if start > 0 && self.text(target).eq_ignore_ascii_case("xml") {
            return Err(self.wrong(start, "an XML declaration that is not at the beginning"));
        }
        self.at = start + 2 + length + 2;
        Ok(())
    }

    fn bang(&mut self, start: usize) -> Result<Option<Token>, ReadError> {
        let rest = &self.text[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = memmem::find(comment.as_bytes(), b"--");
            let Some(end) = end.filter(|end| comment.as_bytes().get(end + 2) == Some(&b'>')) else {
                return Err(self.wrong(start, "a comment is not closed, or holds `--`"));
            };
            self.at = start + 4 + end + 3;
            return Ok(None);
        }
        if let Some(section) = rest.strip_prefix("<![CDATA[") {
            if self.open.is_empty() {
                return Err(self.wrong(start, "text outside the root element"));
            }
            let Some(length) = memmem::find(section.as_bytes(), b"]]>") else {
                return Err(self.wrong(start, "a CDATA section is not closed"));
            };
            let begin = start + 9;
            self.at = begin + length + 3;
            return Ok(Some(Token::Verbatim(Span::new(begin, begin + length))));
        }
        if rest.starts_with("<!DOCTYPE") || rest.starts_with("<!ENTITY") {
            return Err(ReadError::Forbidden);
        }
        Err(self.wrong(start, "a markup declaration that CSTA has no use for"))
    }

    fn check_text(&self, start: usize, end: usize) -> Result<(), ReadError> {
        let bytes = &self.text.as_bytes()[start..end];
        if memchr2(b'&', b'>', bytes).is_none() {
            return Ok(());
        }
        if let Some(found) = memmem::find(bytes, b"]]>") {
            return Err(self.wrong(start + found, "`]]>` in text"));
        }
        self.check_references(start, end)
    }

    fn check_references(&self, start: usize, end: usize) -> Result<(), ReadError> {
        let mut at = start;
        while let Some(found) = memchr(b'&', &self.text.as_bytes()[at..end]) {
            at += found;
            let Some((_, length)) = reference(&self.text[at..end]) else {
                return Err(self.wrong(at, "`&` begins no reference that XML predefines"));
            };
            at += length;
        }
        Ok(())
    }
}

/// The character data of an element's content, as [`Scanner`] has checked it; that of inner elements included.
pub(super) fn plain(content: &str) -> String {
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
pub(super) fn unescaped(checked: &str) -> std::borrow::Cow<'_, str> {
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
pub(super) fn escape(text: &str, mut piece: impl FnMut(&str)) {
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
pub(super) fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

pub(super) fn is_blank(bytes: &[u8]) -> bool {
    skip_blank(bytes, 0) == bytes.len()
}

fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The character that the reference at the start of `text` stands for, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
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
