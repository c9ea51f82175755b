//! The edits that a relay may apply to a document.

use super::{edition::Edition, xml::Span};

/// A possible edit, recorded when the document was read.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// The replaced range; empty for an insertion.
    pub(super) span: Span,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The URI of a CSTA namespace declaration.
    Namespace(Option<Edition>),
    /// The position for the namespace declaration that the root lacks.
    Declaration,
    /// The position for the declaration of this prefix, which the document uses undeclared.
    Prefix(Span),
    /// An attribute to remove for every receiver.
    Cut,
    CrossRef(Option<Box<Wrapping>>),
    Device(Option<Box<Wrapping>>),
    /// An element to remove for editions older than this.
    CutBelow(Edition),
    /// The replacement value for editions older than this.
    ValueBelow(Edition, &'static str),
    /// A start or end tag of `device`, present in this and later editions.
    DeviceTagFrom(Edition, Side),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Start,
    End,
}

/// Elements to insert around an inserted text. Boxed, since most documents contain the text already.
#[derive(Clone, Debug)]
pub(super) struct Wrapping {
    /// The local name of the outer element.
    pub(super) outer: Option<&'static str>,
    /// The local name of the inner, or only, element.
    pub(super) inner: Option<&'static str>,
    /// The qualified name of an empty-element tag, whose `/>` the edit replaces.
    pub(super) reopened: Option<Span>,
}

impl Wrapping {
    /// `None` if no element goes around the text.
    pub(super) fn of(
        outer: Option<&'static str>,
        inner: Option<&'static str>,
        reopened: Option<Span>,
    ) -> Option<Box<Self>> {
        let wrapping = Self {
            outer,
            inner,
            reopened,
        };
        let wraps = outer.is_some() || inner.is_some() || reopened.is_some();
        wraps.then(|| Box::new(wrapping))
    }
}
