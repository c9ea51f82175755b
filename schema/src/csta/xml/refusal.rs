//! Converts errors of the XML reader to [`ReadError`].

use quick_xml::{
    Error,
    errors::{IllFormedError, SyntaxError},
    events::attributes::AttrError,
};

use crate::csta::error::ReadError;

/// The error for XML that is not well-formed at the byte `offset`.
pub(super) fn wrong(offset: usize, what: &'static str) -> ReadError {
    ReadError::NotXml { offset, what }
}

/// Converts an error of the reader at `offset`.
pub(super) fn refused(error: &Error, offset: usize) -> ReadError {
    let what = match error {
        Error::Syntax(SyntaxError::UnclosedDoctype)
        | Error::IllFormed(IllFormedError::MissingDoctypeName) => return ReadError::Forbidden,
        Error::Syntax(error) => match error {
            SyntaxError::InvalidBangMarkup => "unsupported markup declaration",
            SyntaxError::UnclosedComment => "a comment is not closed",
            SyntaxError::UnclosedCData => "a CDATA section is not closed",
            SyntaxError::UnclosedSingleQuotedAttributeValue
            | SyntaxError::UnclosedDoubleQuotedAttributeValue => "an attribute value is not closed",
            SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl => {
                "a processing instruction is not closed"
            }
            _ => "a tag is not closed",
        },
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "an end tag without its start tag",
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => {
            "an end tag does not match its start tag"
        }
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "`--` in a comment",
        Error::IllFormed(IllFormedError::UnclosedReference) => "`&` without a predefined reference",
        _ => "markup not allowed in XML",
    };
    wrong(offset, what)
}

/// Converts an error in an attribute; `name` is the offset of the tag's name.
pub(super) fn attribute_refused(error: &AttrError, name: usize) -> ReadError {
    let (offset, what) = match *error {
        AttrError::ExpectedEq(at) | AttrError::ExpectedValue(at) => {
            (at, "an attribute has no value")
        }
        AttrError::UnquotedValue(at) => (at, "an attribute value is not quoted"),
        AttrError::ExpectedQuote(at, _) => (at, "an attribute value is not closed"),
        AttrError::Duplicated(at, _) => (at, "an attribute is given twice"),
    };
    wrong(name + offset, what)
}
