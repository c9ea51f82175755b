//! The places of a document that a relay may change.

use super::{edition::Edition, xml::Span};

/// A place that may have to change, found when the document was read.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// What is replaced; empty where something is inserted.
    pub(super) span: Span,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The URI of a CSTA namespace declaration.
    Namespace(Option<Edition>),
    /// Where the root would declare the namespace that it lacks.
    Declaration,
    CrossRef(Option<Box<Wrapping>>),
    Device(Option<Box<Wrapping>>),
    /// To be cut for editions older than this.
    CutBelow(Edition),
    /// For editions older than this, another value.
    ValueBelow(Edition, &'static str),
    /// A start or end tag of `device` that this edition and younger ones have.
    DeviceTagFrom(Edition, Side),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Start,
    End,
}

/// Elements to put round an inserted text. Boxed, since most documents have the text already.
#[derive(Clone, Debug)]
pub(super) struct Wrapping {
    /// Local name of the outer element.
    pub(super) outer: Option<&'static str>,
    /// Local name of the inner, or the only, element.
    pub(super) inner: Option<&'static str>,
    /// The qualified name of an empty-element tag whose `/>` is replaced.
    pub(super) reopened: Option<Span>,
}

impl Wrapping {
    /// `None` when nothing goes round the text.
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
