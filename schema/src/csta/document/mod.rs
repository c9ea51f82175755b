//! A received CSTA document (ECMA-323) with an index of the places that a relay reads or edits.

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

/// The maximum length of a document, in bytes. Transports have smaller limits.
pub const MAX_LENGTH: usize = 32 << 20;

/// A validated document. Relaying it needs no second parse.
///
/// It is well-formed, within [`DocumentLimits`], and without a document type declaration. Its root is in the namespace
/// of an edition of ECMA-323 or in no namespace. [`message`](Self::message) validates the members.
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

/// The members of a call control event that call tracking needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEventSummary<'a> {
    /// The `callID` of the connection.
    pub call: Cow<'a, str>,
    /// The `deviceID` of the connection.
    pub device: Option<Cow<'a, str>>,
    /// `localConnectionInfo`: the state of the connection at the monitored device.
    pub local: Option<Cow<'a, str>>,
    /// The calling device, if present.
    pub calling: Option<Cow<'a, str>>,
    /// The called device, if present.
    pub called: Option<Cow<'a, str>>,
}

impl Document {
    /// Reads a document within the default limits; see [`read_within`](Self::read_within).
    ///
    /// # Errors
    /// The same as [`read_within`](Self::read_within).
    pub fn read(raw: Bytes) -> Result<Self, ReadError> {
        Self::read_within(raw, DocumentLimits::default())
    }

    /// Reads a document in one pass.
    ///
    /// Removes leading blanks and a byte order mark, and converts other encodings to UTF-8.
    ///
    /// # Errors
    /// [`ReadError`] names the first violation: length, limits, XML syntax or namespace.
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

    /// The bytes of the document: UTF-8, without leading blanks.
    pub fn raw(&self) -> &Bytes {
        self.raw.as_bytes()
    }

    /// The local name of the root element.
    pub fn name(&self) -> &str {
        self.at(self.root)
    }

    /// The kind of the document, determined by its root element.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The service that a request invokes; `None` for any other document.
    pub fn service(&self) -> Option<ServiceId> {
        match self.kind {
            Kind::Request(service) => Some(service),
            _ => None,
        }
    }

    /// The event that the document reports; `None` for any other document.
    pub fn event(&self) -> Option<EventId> {
        match self.kind {
            Kind::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The edition of the root's namespace; `None` if the root is in no namespace.
    pub fn edition(&self) -> Option<Edition> {
        self.edition
    }

    /// The edition and namespace prefix that the sender used.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            edition: self.edition.unwrap_or_default(),
            prefix: self.prefix().map(Box::from),
            own_name: None,
        }
    }

    /// The root's `monitorCrossRefID`.
    pub fn cross_ref(&self) -> Option<&str> {
        self.cross_ref.as_ref().map(|text| text.get(self))
    }

    /// The first device identifier by which a request addresses a device, without normalisation.
    pub fn device(&self) -> Option<Cow<'_, str>> {
        self.device.as_ref().map(|text| text.get(self).into())
    }

    /// All device identifiers by which a request addresses devices; both of two connections.
    pub fn devices(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let places = self.edits.iter().filter_map(|edit| match edit.what {
            What::Device(None) => Text::of(&self.raw, edit.span),
            _ => None,
        });
        places.map(|text| text.get(self).to_owned().into())
    }

    /// The calls and devices of all connections in a request, including those of other parties.
    /// Parses the document a second time.
    pub fn connections(&self) -> (Vec<CallId>, Vec<DeviceId>) {
        let (mut calls, mut devices) = (Vec::new(), Vec::new());
        let places = self.places();
        let is_connection = |name: &str| {
            places.iter().any(|place| match place {
                Place::Connection(member) | Place::Beside(member) => *member == name,
                Place::Device(_) | Place::Optional(_) | Place::MonitorObject => false,
            })
        };
        // The document is known to be well-formed.
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

    /// Whether a request addresses connections, possibly of the other party, instead of a line.
    pub fn is_for_connection(&self) -> bool {
        matches!(self.places(), [Place::Connection(_), ..])
    }

    /// Whether a request has no member for the addressed device: it concerns the whole phone, or the catalogue does not
    /// know its members.
    pub fn is_for_no_line(&self) -> bool {
        self.service()
            .is_some_and(|service| service.places().is_empty())
    }

    /// The line in a Microsoft client's private data (`lcs:line`).
    pub fn private_line(&self) -> Option<Cow<'_, str>> {
        self.line.as_ref().map(|text| text.get(self).into())
    }

    /// The summary of a call control event; `None` for any other document, and without a `callID`.
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

    /// The first mandatory member that a request lacks, if any. Excludes a device that the
    /// session may imply.
    pub fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    /// The members of a request that identify the addressed device.
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

/// The trimmed content of an element: a span, or a copy with references and CDATA sections resolved.
#[derive(Clone, Debug)]
enum Text {
    At(Span),
    Copy(Box<str>),
}

impl Text {
    /// `None` if the trimmed content is empty.
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
