//! The second pass: reads the CSTA elements of a document into a tree, the source of typed members.
//!
//! The tree omits elements of foreign namespaces with their content, so that a vendor's `<v:monitorType>` is never
//! mistaken for CSTA's. The order of members does not matter; members without a type are ignored.

use std::borrow::Cow;

use super::{
    error::{ReadError, quoted},
    limits::DocumentLimits,
    writer::Writer,
    xml::{Scanner, Tag, Token, unescaped},
};

/// A type that is the content of an element.
pub(super) trait Member: Sized {
    /// Reads the content of `element`.
    fn read(element: &Element<'_>) -> Result<Self, ReadError>;

    /// Writes the element `name`; writes nothing if the value means that the member is absent.
    fn write(&self, out: &mut Writer<'_>, name: &str);

    /// The value of an absent member; `None` if the member is mandatory.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether the value is written as an empty element, which equals absence in an optional member.
    fn says_nothing(&self) -> bool {
        false
    }
}

/// An element with its CSTA child elements.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub(super) name: &'a str,
    text: Cow<'a, str>,
    children: Vec<Self>,
}

impl<'a> Element<'a> {
    /// The root element of `document`, which the first pass has validated.
    pub(super) fn parse(document: &'a str) -> Result<Self, ReadError> {
        let mut scanner = Scanner::new(document, DocumentLimits::NONE);
        while let Some(token) = scanner.next()? {
            if let Token::Open(tag) = token {
                return Self::parse_from(&mut scanner, &tag);
            }
        }
        Err(ReadError::NotXml {
            offset: 0,
            what: "no root element",
        })
    }

    /// The element that `tag` has just opened. The depth limit of the first pass bounds the recursion.
    fn parse_from(scanner: &mut Scanner<'a>, tag: &Tag) -> Result<Self, ReadError> {
        let mut element = Self {
            name: scanner.text(tag.local),
            text: Cow::Borrowed(""),
            children: Vec::new(),
        };
        if tag.empty {
            return Ok(element);
        }
        while let Some(token) = scanner.next()? {
            match token {
                Token::Open(inner) => {
                    let child = Self::parse_from(scanner, &inner)?;
                    if inner.space.is_csta() {
                        element.children.push(child);
                    }
                }
                Token::Close(_) => break,
                Token::Text(span) => element.append(unescaped(scanner.text(span))),
                Token::Verbatim(span) => element.append(scanner.text(span).into()),
            }
        }
        Ok(element)
    }

    fn append(&mut self, text: Cow<'a, str>) {
        if self.text.is_empty() {
            self.text = text;
        } else {
            self.text.to_mut().push_str(&text);
        }
    }

    /// The character data without surrounding blanks.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Whether the element contains neither text nor CSTA elements.
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty() && self.text().is_empty()
    }

    /// Reads the member `name`.
    pub(super) fn member<T: Member>(&self, name: &'static str) -> Result<T, ReadError> {
        match self.child(name) {
            Some(child) => T::read(child),
            None => T::absent().ok_or_else(|| self.lacks(name)),
        }
    }

    pub(super) fn lacks(&self, member: &'static str) -> ReadError {
        ReadError::Missing {
            element: self.name.to_owned(),
            member,
        }
    }

    /// The error for content that the type does not allow; quotes the content.
    pub(super) fn malformed(&self, expected: &str) -> ReadError {
        let found = quoted(self.text());
        ReadError::Malformed {
            element: self.name.to_owned(),
            what: format!("{found:?} is not {expected}"),
        }
    }
}
