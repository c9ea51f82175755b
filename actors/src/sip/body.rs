//! A CSTA document as the body of a message: written once, or relayed by splicing into the receiver's form.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use uacsta_schema::{
    csta::{self, Changes, Document, Edition, RequestSystemStatus},
    sip::{Head, HeaderName, MessageWriter},
};

/// The media type of CSTA documents (ECMA TR/87, section 7).
pub(super) const CSTA: &str = "application/csta+xml";

/// The body of a received message; decoded if the media type has a charset (RFC 7303, section 3.2).
pub(super) fn received(head: &Head, body: &Bytes) -> Bytes {
    let charset = head
        .content_type()
        .and_then(|kind| kind.params().get("charset"));
    match charset {
        Some(charset) => csta::with_charset(body.clone(), charset),
        None => body.clone(),
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
