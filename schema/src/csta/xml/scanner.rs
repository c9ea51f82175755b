//! A pull scanner over one XML document (W3C XML 1.0, Namespaces in XML 1.0) that yields places instead of copies.
//!
//! It exists beside the XML crates because a relay needs the byte range of everything it may change,
//! wants one pass without allocation, and must refuse what they pass over: a second root, a bad name,
//! an undefined entity, any document type declaration.

use memchr::{memchr, memchr2, memmem};
use smallvec::SmallVec;

use super::text::{is_blank, reference, skip_blank};
use super::{Space, Span};
use crate::csta::error::ReadError;

/// Deepest nesting of elements that is read.
pub const MAX_DEPTH: usize = 64;
/// Most attributes, namespace declarations included, that one element may have.
pub const MAX_ATTRIBUTES: usize = 32;

/// What stands at a place of the document. Comments and processing instructions are passed over.
#[derive(Clone, Copy, Debug)]
pub(in crate::csta) enum Token {
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
pub(in crate::csta) struct Tag {
    pub(in crate::csta) span: Span,
    /// The qualified name.
    pub(in crate::csta) name: Span,
    /// The name without its prefix.
    pub(in crate::csta) local: Span,
    pub(in crate::csta) space: Space,
    pub(in crate::csta) empty: bool,
}

/// An attribute of the tag that was opened last: its name and its value without the quotes.
#[derive(Clone, Copy, Debug)]
pub(in crate::csta) struct Attribute {
    pub(in crate::csta) name: Span,
    pub(in crate::csta) value: Span,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    depth: usize,
    prefix: Span,
    space: Space,
}

/// Walks through a document, checking as it goes.
#[derive(Debug)]
pub(in crate::csta) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: SmallVec<[Span; 16]>,
    bindings: SmallVec<[Binding; 4]>,
    attributes: SmallVec<[Attribute; 4]>,
    root_seen: bool,
}

impl<'a> Scanner<'a> {
    pub(in crate::csta) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            open: SmallVec::new(),
            bindings: SmallVec::new(),
            attributes: SmallVec::new(),
            root_seen: false,
        }
    }

    pub(in crate::csta) fn text(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    /// The attributes of the tag that was opened last.
    pub(in crate::csta) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The next token; `None` after the end of a complete document.
    pub(in crate::csta) fn next(&mut self) -> Result<Option<Token>, ReadError> {
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
        let same = |declared: Span| match prefix {
            None => declared.start == declared.end,
            Some(prefix) => self.text(declared) == self.text(prefix),
        };
        let binding = self
            .bindings
            .iter()
            .rev()
            .find(|binding| same(binding.prefix));
        match binding {
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
