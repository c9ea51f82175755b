//! Requests and responses as received (RFC 3261, section 7).

use bytes::{Bytes, BytesMut};

use super::{Head, HeaderName, MessageWriter, Method, Status, head::HeadSpan};

/// A valid SIP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SipMessage {
    /// The message has a request line.
    Request(Request),
    /// The message has a status line.
    Response(Response),
}

impl SipMessage {
    /// The header fields.
    #[must_use]
    pub const fn head(&self) -> &Head {
        match self {
            Self::Request(request) => request.head(),
            Self::Response(response) => response.head(),
        }
    }

    /// The body; empty if absent.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => request.body(),
            Self::Response(response) => response.body(),
        }
    }

    /// Writes the message: all header fields in order with names as received, Content-Length last.
    pub fn write(&self, out: &mut BytesMut) {
        let mut composer = match self {
            Self::Request(request) => MessageWriter::request(out, request.method(), request.uri()),
            Self::Response(response) => {
                MessageWriter::response_because(out, response.status(), response.reason())
            }
        };
        for (name, value) in self.head().iter() {
            if HeaderName::parse(name) != HeaderName::ContentLength {
                composer = composer.other(name, value);
            }
        }
        composer.finish(self.body());
    }
}

/// A valid request: Via, From, To, Call-ID and CSeq are present and valid, and CSeq has the method of the request.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) uri: HeadSpan,
    pub(super) head: Head,
    pub(super) body: Bytes,
}

impl Request {
    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI as received, which digest authentication hashes (RFC 7616, section 3.4.6).
    #[must_use]
    pub fn uri(&self) -> &str {
        self.head.slice(self.uri)
    }

    /// The header fields.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The body; empty if absent.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.method == other.method
            && self.uri() == other.uri()
            && self.head == other.head
            && self.body == other.body
    }
}

impl Eq for Request {}

/// A valid response: Via, From, To, Call-ID and CSeq are present and valid.
#[derive(Debug, Clone)]
pub struct Response {
    pub(super) status: Status,
    pub(super) reason: HeadSpan,
    pub(super) head: Head,
    pub(super) body: Bytes,
}

impl Response {
    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The reason phrase as received; may be empty or differ from the registry.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.head.slice(self.reason)
    }

    /// The header fields.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The body; empty if absent.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }
}

impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status
            && self.reason() == other.reason()
            && self.head == other.head
            && self.body == other.body
    }
}

impl Eq for Response {}
