//! A pull scanner over one XML document (XML 1.0, Namespaces in XML 1.0) that yields spans instead of copies.
//!
//! [`quick_xml::Reader`] splits the document into events. The scanner adds the byte range of everything that a relay
//! may edit, CSTA namespaces and limits, and rejects the faults that the reader ignores: a second root, an invalid
//! name, an undefined entity, any document type declaration.

use memchr::{memchr, memmem};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use smallvec::SmallVec;

use super::{
    Space, Span,
    name::prefix_of,
    namespaces::Namespaces,
    refusal::{attribute_refused, refused, wrong},
    text::{are_references_defined, is_blank},
};
use crate::csta::{error::ReadError, limits::DocumentLimits};

/// The most undeclared prefixes of one document: each costs a declaration in what is relayed.
const MOST_UNDECLARED: usize = 8;

/// A token of the document. The scanner skips comments and processing instructions.
#[derive(Clone, Copy, Debug)]
pub(in crate::csta) enum Token {
    Open(Tag),
    /// An end tag.
    Close(Span),
    /// Character data, or one reference in it.
    Text(Span),
    /// The content of a CDATA section.
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

/// An attribute of the last opened tag: its name, and its value without quotes.
#[derive(Clone, Copy, Debug)]
pub(in crate::csta) struct Attribute {
    pub(in crate::csta) name: Span,
    pub(in crate::csta) value: Span,
}

impl Attribute {
    /// The attribute with the blank before it and its closing quote.
    pub(in crate::csta) fn whole(&self) -> Span {
        Span {
            start: self.name.start - 1,
            end: self.value.end + 1,
        }
    }
}

/// A validating pull scanner over one document.
#[derive(Debug)]
pub(in crate::csta) struct Scanner<'a> {
    text: &'a str,
    limits: DocumentLimits,
    reader: Reader<&'a [u8]>,
    depth: usize,
    root_seen: bool,
    namespaces: Namespaces<'a>,
    attributes: SmallVec<[Attribute; 4]>,
    undeclared: SmallVec<[Span; 1]>,
    repeated: SmallVec<[Attribute; 1]>,
}

impl<'a> Scanner<'a> {
    pub(in crate::csta) fn new(text: &'a str, limits: DocumentLimits) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        Self {
            text,
            limits,
            reader,
            depth: 0,
            root_seen: false,
            namespaces: Namespaces::default(),
            attributes: SmallVec::new(),
            undeclared: SmallVec::new(),
            repeated: SmallVec::new(),
        }
    }

    pub(in crate::csta) fn text(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    /// The attributes of the last opened tag.
    pub(in crate::csta) fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The prefixes without a declaration, each once (Namespaces in XML 1.0, section 5).
    pub(in crate::csta) fn undeclared(&self) -> &[Span] {
        &self.undeclared
    }

    /// Attributes whose expanded name the same tag has before (Namespaces in XML 1.0, section 6.3).
    pub(in crate::csta) fn repeated(&self) -> &[Attribute] {
        &self.repeated
    }

    /// The next token; `None` at the end of a complete document.
    pub(in crate::csta) fn next(&mut self) -> Result<Option<Token>, ReadError> {
        loop {
            let start = self.position();
            // The reader would skip the mark without counting its bytes.
            if start == 0 && self.text.starts_with('\u{FEFF}') {
                return Err(wrong(0, "text outside the root element"));
            }
            let event = self.reader.read_event();
            let span = Span::new(start, self.position());
            let token = match &event {
                Ok(Event::Start(tag) | Event::Empty(tag)) => {
                    let empty = matches!(event, Ok(Event::Empty(_)));
                    return self.open(span, tag, empty).map(Some);
                }
                Ok(Event::End(_)) => {
                    self.namespaces.leave(self.depth);
                    self.depth -= 1;
                    Token::Close(span)
                }
                Ok(Event::Text(text)) if self.depth == 0 && is_blank(text) => continue,
                Ok(Event::Text(_) | Event::GeneralRef(_) | Event::CData(_)) if self.depth == 0 => {
                    return Err(wrong(start, "text outside the root element"));
                }
                Ok(Event::Text(text)) => {
                    check_text(text, start)?;
                    Token::Text(span)
                }
                Ok(Event::GeneralRef(_)) => {
                    check_references(self.text(span), start)?;
                    Token::Text(span)
                }
                Ok(Event::CData(section)) => {
                    let start = start + "<![CDATA[".len();
                    Token::Verbatim(Span::new(start, start + section.len()))
                }
                Ok(Event::Comment(_)) => continue,
                Ok(Event::Decl(_)) if start == 0 => continue,
                Ok(Event::Decl(_)) => return Err(misplaced_declaration(start)),
                Ok(Event::PI(instruction)) => {
                    prefix_of(instruction.target(), start + "<?".len())?;
                    if start > 0 && instruction.target().eq_ignore_ascii_case("xml") {
                        return Err(misplaced_declaration(start));
                    }
                    continue;
                }
                Err(error) => {
                    return Err(refused(error, self.reader.error_position() as usize));
                }
                Ok(Event::DocType(_)) => return Err(ReadError::Forbidden),
                Ok(Event::Eof) => {
                    return match (self.root_seen, self.depth) {
                        (false, _) => Err(wrong(start, "no root element")),
                        (true, 0) => Ok(None),
                        (true, _) => Err(wrong(start, "an element is not closed")),
                    };
                }
            };
            return Ok(Some(token));
        }
    }

    fn position(&self) -> usize {
        self.reader.buffer_position() as usize
    }

    fn open(&mut self, span: Span, tag: &BytesStart<'a>, empty: bool) -> Result<Token, ReadError> {
        let start = span.start as usize;
        if self.depth == 0 && self.root_seen {
            return Err(wrong(start, "a second root element"));
        }
        if self.depth == self.limits.depth {
            return Err(ReadError::TooDeep(self.depth));
        }
        self.root_seen = true;
        self.depth += 1;
        let name = Span::new(start + 1, start + 1 + tag.name().as_ref().len());
        let prefix = prefix_of(self.text(name), start + 1)?;
        self.attributes.clear();
        if !tag.attributes_raw().is_empty() {
            self.read_attributes(start, tag)?;
            self.check_prefixes()?;
        }
        let space = match self.namespaces.space(prefix) {
            Some(space) => space,
            None => {
                self.note_undeclared(prefix, name)?;
                Space::Foreign
            }
        };
        let local = prefix.map_or(0, |prefix| prefix.len() + 1);
        let tag = Tag {
            span,
            name,
            local: Span {
                start: name.start + local as u32,
                end: name.end,
            },
            space,
            empty,
        };
        if empty {
            self.namespaces.leave(self.depth);
            self.depth -= 1;
        }
        Ok(Token::Open(tag))
    }

    fn read_attributes(&mut self, start: usize, tag: &BytesStart<'a>) -> Result<(), ReadError> {
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| attribute_refused(&error, start + 1))?;
            let name = self.place(attribute.key.as_ref());
            let value = self.place(&attribute.value);
            let at = name.start as usize;
            if !is_blank(&self.text[..at][at - 1..]) {
                return Err(wrong(at, "unexpected character in a tag"));
            }
            let prefix = prefix_of(self.text(name), at)?;
            if let Some(found) = memchr(b'<', self.text(value).as_bytes()) {
                return Err(wrong(
                    value.range().start + found,
                    "`<` in an attribute value",
                ));
            }
            check_references(self.text(value), value.range().start)?;
            if self.attributes.len() == self.limits.attributes {
                return Err(ReadError::TooManyAttributes(self.limits.attributes));
            }
            self.attributes.push(Attribute { name, value });
            let declared = match (prefix, self.text(name)) {
                (None, "xmlns") => None,
                (Some("xmlns"), name) => Some(&name["xmlns:".len()..]),
                _ => continue,
            };
            self.namespaces
                .declare(self.depth, declared, self.text(value))
                .map_err(|what| wrong(at, what))?;
        }
        Ok(())
    }

    /// Checks the prefixes of the last opened tag's attributes, once all its declarations are known.
    fn check_prefixes(&mut self) -> Result<(), ReadError> {
        for at in 0..self.attributes.len() {
            let attribute = self.attributes[at];
            let Some((prefix, local)) = self.text(attribute.name).split_once(':') else {
                continue;
            };
            if prefix == "xmlns" {
                continue;
            }
            if self.namespaces.space(Some(prefix)).is_none() {
                self.note_undeclared(Some(prefix), attribute.name)?;
            }
            let is_repeated = self.attributes[..at].iter().any(|earlier| {
                self.text(earlier.name)
                    .split_once(':')
                    .is_some_and(|(other, name)| {
                        name == local && self.namespaces.are_equal(other, prefix)
                    })
            });
            if is_repeated {
                self.repeated.push(attribute);
            }
        }
        Ok(())
    }

    fn note_undeclared(&mut self, prefix: Option<&str>, name: Span) -> Result<(), ReadError> {
        let prefix = prefix.unwrap_or_default();
        let known = self
            .undeclared
            .iter()
            .any(|span| self.text(*span) == prefix);
        if known {
            return Ok(());
        }
        if prefix == "xmlns" || self.undeclared.len() == MOST_UNDECLARED {
            return Err(wrong(
                name.range().start,
                "a namespace prefix is not declared",
            ));
        }
        let start = name.range().start;
        self.undeclared.push(Span::new(start, start + prefix.len()));
        Ok(())
    }

    /// The span of `part`, a slice of the document.
    fn place(&self, part: &str) -> Span {
        let start = part.as_ptr().addr() - self.text.as_ptr().addr();
        Span::new(start, start + part.len())
    }
}

fn misplaced_declaration(offset: usize) -> ReadError {
    wrong(offset, "an XML declaration after the start of the document")
}

fn check_text(text: &str, offset: usize) -> Result<(), ReadError> {
    // XML 1.0, section 2.4: `]]>` must not appear in text.
    match memchr(b'>', text.as_bytes()).and_then(|_| memmem::find(text.as_bytes(), b"]]>")) {
        Some(found) => Err(wrong(offset + found, "`]]>` in text")),
        None => Ok(()),
    }
}

fn check_references(text: &str, offset: usize) -> Result<(), ReadError> {
    match memchr(b'&', text.as_bytes()) {
        Some(first) if !are_references_defined(text) => {
            Err(wrong(offset + first, "`&` without a predefined reference"))
        }
        _ => Ok(()),
    }
}
