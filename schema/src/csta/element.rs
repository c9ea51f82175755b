//! Reads the CSTA elements of a document into a tree, the second pass, from which typed members are read.
//!
//! Elements of a foreign namespace are left out with all they hold, so that a vendor's `<v:monitorType>` is never
//! taken for CSTA's; the order of members and members without a type are of no account.

use std::borrow::Cow;

use super::{
    error::{ReadError, quoted},
    limits::DocumentLimits,
    writer::Writer,
    xml::{Scanner, Tag, Token, unescaped},
};

/// A type that stands in documents as the content of an element.
pub(super) trait Member: Sized {
    /// Reads the content of `element`.
    fn read(element: &Element<'_>) -> Result<Self, ReadError>;

    /// Writes the element `name`, or nothing where the value is the member's absence.
    fn write(&self, out: &mut Writer<'_>, name: &str);

    /// The value of a member that is not there; `None` when it must be.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether it is written as an empty element, which in an optional member says as much as none.
    fn says_nothing(&self) -> bool {
        false
    }
}

/// An element with the CSTA elements inside it.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub(super) name: &'a str,
    text: Cow<'a, str>,
    children: Vec<Self>,
}

impl<'a> Element<'a> {
    /// The root element of `document`, which was read within its bounds.
    pub(super) fn parse(document: &'a str) -> Result<Self, ReadError> {
        let mut scanner = Scanner::new(document, DocumentLimits::NONE);
        while let Some(token) = scanner.next()? {
            if let Token::Open(tag) = token {
                return Self::parse_from(&mut scanner, &tag);
            }
        }
        Err(ReadError::NotXml {
            offset: 0,
            what: "there is no element",
        })
    }

    /// The element that `tag` has just opened. Recursion is bounded by the depth within which the document was read.
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

    /// The character data without blanks around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Whether it holds neither text nor CSTA elements.
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty() && self.text().is_empty()
    }

    /// The member `name`, read as its type.
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

    /// That the content is not what its type allows, with the content quoted.
    pub(super) fn malformed(&self, expected: &str) -> ReadError {
        let found = quoted(self.text());
        ReadError::Malformed {
            element: self.name.to_owned(),
            what: format!("{found:?} is not {expected}"),
        }
    }
}
