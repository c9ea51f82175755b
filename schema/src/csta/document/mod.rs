//! A CSTA document as it arrived (ECMA-323), with the places that are ours to change.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use smallvec::SmallVec;

use super::{
    catalogue::{EventId, Kind, Place, ServiceId},
    device::DeviceId,
    edit::{Edit, What},
    edition::{Dialect, Edition},
    element::Element,
    encoding,
    error::ReadError,
    index::{self, DocumentIndex, SUMMARY_MEMBERS, SummaryMember},
    limits::DocumentLimits,
    types::CallId,
    xml::{self, Span},
};

/// The longest document that is read, in bytes. What carries documents has smaller bounds.
pub const MAX_LENGTH: usize = 32 << 20;

/// A document that has been checked once and is relayed without being parsed again.
///
/// It is well-formed, free of document type declarations, of bounded depth, and its root is in the namespace of
/// an edition of ECMA-323, or in none. Its members have not been looked at yet: [`message`](Self::message) does.
#[derive(Clone, Debug)]
pub struct Document {
    raw: ByteString,
    kind: Kind,
    root: Span,
    prefix: Option<Span>,
    edition: Option<Edition>,
    cross_ref: Option<Text>,
    device: Option<Text>,
    line: Option<Text>,
    summary: [Span; SUMMARY_MEMBERS],
    missing: Option<&'static str>,
    edits: SmallVec<[Edit; 4]>,
}

/// What a call control event says of a call, found when the document was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEventSummary<'a> {
    /// The call.
    pub call: Cow<'a, str>,
    /// The device of the connection that the event is about.
    pub device: Option<Cow<'a, str>>,
    /// The state of the call at the monitored device, if it is told.
    pub local: Option<Cow<'a, str>>,
    /// Who calls, if it is told.
    pub calling: Option<Cow<'a, str>>,
    /// Who is called, if it is told.
    pub called: Option<Cow<'a, str>>,
}

impl Document {
    /// Reads a document within the usual bounds, as [`read_within`](Self::read_within) does.
    ///
    /// # Errors
    /// As there.
    pub fn read(raw: Bytes) -> Result<Self, ReadError> {
        Self::read_within(raw, DocumentLimits::default())
    }

    /// Reads a document in one pass.
    ///
    /// Blanks and a byte order mark before it are taken off, and ISO-8859-1 is brought into UTF-8.
    ///
    /// # Errors
    /// Whatever of the above does not hold.
    pub fn read_within(raw: Bytes, limits: DocumentLimits) -> Result<Self, ReadError> {
        if raw.len() > MAX_LENGTH {
            return Err(ReadError::TooLong);
        }
        let raw = encoding::to_utf8(raw)?;
        let DocumentIndex {
            kind,
            root,
            prefix,
            edition,
            cross_ref,
            device,
            line,
            summary,
            missing,
            edits,
        } = index::index(&raw, limits)?;
        let [cross_ref, device, line] =
            [cross_ref, device, line].map(|at| at.and_then(|span| Text::of(&raw, span)));
        Ok(Self {
            kind,
            root,
            prefix,
            edition,
            cross_ref,
            device,
            line,
            summary,
            missing,
            edits,
            raw,
        })
    }

    /// The bytes of the document: UTF-8, without blanks before it.
    pub fn raw(&self) -> &Bytes {
        self.raw.as_bytes()
    }

    /// The local name of the root element.
    pub fn name(&self) -> &str {
        self.at(self.root)
    }

    /// What the document is, by its root element.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The service that a request invokes; `None` of any other document.
    pub fn service(&self) -> Option<ServiceId> {
        match self.kind {
            Kind::Request(service) => Some(service),
            _ => None,
        }
    }

    /// The event that the document reports; `None` of any other document.
    pub fn event(&self) -> Option<EventId> {
        match self.kind {
            Kind::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The edition of the root's namespace; `None` when it is in no namespace.
    pub fn edition(&self) -> Option<Edition> {
        self.edition
    }

    /// How the sender speaks.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            edition: self.edition.unwrap_or_default(),
            prefix: self.prefix().map(Box::from),
        }
    }

    /// The root's `monitorCrossRefID`.
    pub fn cross_ref(&self) -> Option<&str> {
        self.cross_ref.as_ref().map(|text| text.get(self))
    }

    /// The device that a request addresses, as it stands there: the first that is named.
    pub fn device(&self) -> Option<Cow<'_, str>> {
        self.device.as_ref().map(|text| text.get(self).into())
    }

    /// All devices that a request addresses, as they stand there: of two connections, both.
    pub fn devices(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let places = self.edits.iter().filter_map(|edit| match edit.what {
            What::Device(None) => Text::of(&self.raw, edit.span),
            _ => None,
        });
        places.map(|text| text.get(self).to_owned().into())
    }

    /// The calls and devices in all connections that a request names, those of other parties too: the second pass, for
    /// whoever has to know them all.
    pub fn connections(&self) -> (Vec<CallId>, Vec<DeviceId>) {
        let (mut calls, mut devices) = (Vec::new(), Vec::new());
        let places = self.places();
        let is_connection = |name: &str| {
            places.iter().any(|place| match place {
                Place::Connection(member) | Place::Beside(member) => *member == name,
                Place::Device(_) | Place::Optional(_) | Place::MonitorObject => false,
            })
        };
        // The document was found to be well-formed.
        let root = Element::parse(self.text()).ok();
        let members = root.iter().flat_map(|root| root.children());
        let connections = members.filter(|member| is_connection(member.name));
        for part in connections.flat_map(|connection| connection.children()) {
            match (part.name, part.text()) {
                (_, "") => {}
                ("callID", call) => calls.push(call.into()),
                ("deviceID", device) => devices.push(device.into()),
                _ => {}
            }
        }
        (calls, devices)
    }

    /// Whether a request addresses connections in calls, which may be those of the other party, and not a line itself.
    pub fn is_for_connection(&self) -> bool {
        matches!(self.places(), [Place::Connection(_), ..])
    }

    /// Whether a request has no place for the device that it addresses: what it concerns is the phone as a whole, or is told in
    /// members that are not known here.
    pub fn is_for_no_line(&self) -> bool {
        self.service()
            .is_some_and(|service| service.places().is_empty())
    }

    /// The line that a Microsoft client names in its private data (`lcs:line`).
    pub fn private_line(&self) -> Option<Cow<'_, str>> {
        self.line.as_ref().map(|text| text.get(self).into())
    }

    /// What a call control event says; `None` of any other document, and of one that names no call.
    pub fn call_summary(&self) -> Option<CallEventSummary<'_>> {
        Some(CallEventSummary {
            call: self.summary(SummaryMember::Call)?,
            device: self.summary(SummaryMember::Device),
            local: self.summary(SummaryMember::State),
            calling: self.summary(SummaryMember::Calling),
            called: self.summary(SummaryMember::Called),
        })
    }

    fn summary(&self, member: SummaryMember) -> Option<Cow<'_, str>> {
        let inner = self.at(self.summary[member as usize]);
        if memchr::memchr2(b'&', b'<', inner.as_bytes()).is_none() {
            return Some(inner.trim().into()).filter(|text: &Cow<'_, str>| !text.is_empty());
        }
        let plain = xml::plain(inner);
        Some(plain.trim().to_owned().into()).filter(|text: &Cow<'_, str>| !text.is_empty())
    }

    /// The first member without which a request asks for nothing, if it is not there. A device that a session may stand
    /// for is not among them.
    pub fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    /// Where a request names the device that it addresses.
    fn places(&self) -> &'static [Place] {
        self.service().map_or(&[], ServiceId::places)
    }

    pub(super) fn text(&self) -> &str {
        &self.raw
    }

    pub(super) fn at(&self, span: Span) -> &str {
        &self.raw[span.range()]
    }

    pub(super) fn prefix(&self) -> Option<&str> {
        self.prefix.map(|span| self.at(span))
    }

    pub(super) fn edits(&self) -> &[Edit] {
        &self.edits
    }
}

/// The trimmed content of an element: a place, or a copy where references or sections had to be resolved.
#[derive(Clone, Debug)]
enum Text {
    At(Span),
    Copy(Box<str>),
}

impl Text {
    /// `None` when nothing is left of it.
    fn of(text: &str, content: Span) -> Option<Self> {
        let range = content.range();
        let inner = &text[range.clone()];
        if memchr::memchr2(b'&', b'<', inner.as_bytes()).is_some() {
            let plain = xml::plain(inner);
            return Some(Self::Copy(plain.trim().into())).filter(|_| !plain.trim().is_empty());
        }
        let start = range.start + (inner.len() - inner.trim_start().len());
        let end = start + inner.trim().len();
        (start < end).then(|| Self::At(Span::new(start, end)))
    }

    fn get<'a>(&'a self, document: &'a Document) -> &'a str {
        match self {
            Self::At(span) => document.at(*span),
            Self::Copy(copy) => copy,
        }
    }
}

#[cfg(test)]
mod tests;
