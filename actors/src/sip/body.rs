//! A CSTA document as the body of a message: written once, or relayed by splicing into the receiver's form.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use uacsta_schema::{
    csta::{self, Changes, Document, Edition, RequestSystemStatus},
    sip::{Head, HeaderName, MediaType, MessageWriter, multipart},
};

/// The media type of CSTA documents (ECMA TR/87, section 7).
pub(super) const CSTA: &str = "application/csta+xml";

/// The body of a response: its CSTA document if there is one, else all of it.
pub(super) fn received(head: &Head, body: &Bytes) -> Bytes {
    match csta_part(head, body) {
        Ok(Some(document)) => document,
        Ok(None) | Err(Unsupported) => body.clone(),
    }
}

/// A body, or a part that must be understood, is of no supported type, disposition or encoding (RFC 3261, section 8.2.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unsupported;

/// The CSTA document of a received message; `None` without a body.
///
/// # Errors
/// The body is none, or more than one.
pub(crate) fn csta_part(head: &Head, body: &Bytes) -> Result<Option<Bytes>, Unsupported> {
    if body.is_empty() {
        return Ok(None);
    }
    let entity = Entity {
        kind: head.get(HeaderName::ContentType),
        disposition: head.get(HeaderName::ContentDisposition),
        encodings: [head.get(HeaderName::ContentEncoding), None],
        body,
    };
    entity.csta(0)?.map(Some).ok_or(Unsupported)
}

/// A body, or a part of one.
struct Entity<'a> {
    kind: Option<&'a str>,
    disposition: Option<&'a str>,
    encodings: [Option<&'a str>; 2],
    body: &'a Bytes,
}

/// How deep multipart bodies are read.
const DEEPEST: u8 = 3;

impl Entity<'_> {
    /// The CSTA document; `None` if this is another body that need not be understood.
    fn csta(&self, depth: u8) -> Result<Option<Bytes>, Unsupported> {
        // RFC 3261, section 20.11, with its default; RFC 5621, section 8.
        let disposition = MediaType::parse(self.disposition.unwrap_or_default());
        let is_required = match disposition.params().get("handling") {
            Some(handling) => handling.eq_ignore_ascii_case("required"),
            None => self.disposition.is_some(),
        };
        let is_known = ["", "signal", "session", "render"]
            .iter()
            .any(|known| disposition.essence().eq_ignore_ascii_case(known));
        if is_required && !is_known {
            return Err(Unsupported);
        }
        let document = if self.is_encoded() {
            None
        } else {
            self.document(depth)?
        };
        match document {
            None if is_required => Err(Unsupported),
            document => Ok(document),
        }
    }

    fn is_encoded(&self) -> bool {
        let plain = ["identity", "7bit", "8bit", "binary"];
        let is_plain = |encoding: &str| plain.iter().any(|it| encoding.eq_ignore_ascii_case(it));
        !self.encodings.iter().flatten().all(|it| is_plain(it))
    }

    fn document(&self, depth: u8) -> Result<Option<Bytes>, Unsupported> {
        let kind = MediaType::parse(self.kind.unwrap_or_default());
        if kind.is(CSTA) || kind.is("application/CSTAdata+xml") {
            // RFC 7303, section 3.2.
            return Ok(Some(match kind.params().get("charset") {
                Some(charset) => csta::with_charset(self.body.clone(), charset),
                None => self.body.clone(),
            }));
        }
        let is_multipart = kind
            .essence()
            .get(..10)
            .is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
        if !is_multipart || depth == DEEPEST {
            return Ok(None);
        }
        let boundary = kind.params().get("boundary").unwrap_or_default();
        let is_alternative = kind.is("multipart/alternative");
        let mut found = None;
        for part in multipart::parts(self.body, boundary).unwrap_or_default() {
            let header = |name| part.header(name);
            let [kind, disposition, encoding, transfer] = [
                header("Content-Type"),
                header("Content-Disposition"),
                header("Content-Encoding"),
                header("Content-Transfer-Encoding"),
            ];
            let part = Entity {
                kind: kind.as_deref(),
                disposition: disposition.as_deref(),
                encodings: [encoding.as_deref(), transfer.as_deref()],
                body: part.body(),
            };
            let document = match part.csta(depth + 1) {
                // RFC 2046, section 5.1.4: one alternative is enough.
                Err(Unsupported) if is_alternative => None,
                document => document?,
            };
            if let Some(document) = document
                && found.replace(document).is_some()
                && !is_alternative
            {
                // One response cannot answer two documents.
                return Err(Unsupported);
            }
        }
        Ok(found)
    }
}

/// A CSTA document to be sent.
#[derive(Clone, Debug)]
pub enum Body {
    /// Sent unchanged.
    Whole(Bytes),
    /// A received document, in which some values are replaced while it is written.
    Relayed {
        /// The received document.
        document: Arc<Document>,
        /// The receiver's edition.
        edition: Edition,
        /// The receiver's monitor cross reference, in events.
        cross_ref: Option<Arc<str>>,
        /// The receiver's name for the line, in requests.
        device: Option<Arc<str>>,
    },
}

impl Body {
    /// The length in octets.
    pub fn length(&self) -> usize {
        match self {
            Self::Whole(document) => document.len(),
            Self::Relayed {
                document,
                edition,
                cross_ref,
                device,
            } => document.relayed_len(&Changes {
                edition: *edition,
                cross_ref: cross_ref.as_deref(),
                device: device.as_deref(),
            }),
        }
    }

    /// Appends the document to `out`.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Whole(document) => out.extend_from_slice(document),
            Self::Relayed {
                document,
                edition,
                cross_ref,
                device,
            } => {
                document.relay_into(
                    &Changes {
                        edition: *edition,
                        cross_ref: cross_ref.as_deref(),
                        device: device.as_deref(),
                    },
                    out,
                );
            }
        }
    }

    /// The request in our INVITEs, which opens a session and keeps it alive (ECMA TR/87, section 7.1).
    pub(super) fn request_system_status(edition: Edition) -> Self {
        Self::Whole(csta::write(
            &RequestSystemStatus::default().into(),
            &edition.into(),
        ))
    }

    /// Finishes a request: ECMA TR/87 requires `Content-Disposition: signal;handling=required`.
    pub(super) fn finish(&self, request: MessageWriter<'_>) {
        request
            .header(HeaderName::ContentDisposition, "signal;handling=required")
            .body_with(CSTA, self.length(), |out| self.write(out));
    }
}

impl From<Bytes> for Body {
    fn from(document: Bytes) -> Self {
        Self::Whole(document)
    }
}
