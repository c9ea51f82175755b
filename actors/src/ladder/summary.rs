//! What a recorded message says, in the few words that a diagram has room for.

use std::fmt;

use bytes::BytesMut;
use uacsta_schema::{
    csta::{Document, Message},
    sip::{Frame, Head, HeaderName, MessageLimits, Method, SipMessage, Status},
};

use super::message::RecordedMessage;
use crate::sip::body::csta_part;

/// The start line of a message, and what else tells it apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    /// What the message is.
    pub start: Start,
    /// Its Call-ID; empty if it has none.
    pub call_id: String,
    /// Its CSeq; empty if it has none.
    pub cseq: String,
    /// Its CSTA document.
    pub csta: Option<CstaSummary>,
}

/// The start line of a message (RFC 3261, section 7).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Start {
    /// A request, by its method.
    Request(Method),
    /// A response.
    Response(Status, String),
    /// A message that is not valid, and why; or the start of one that is too long to be kept.
    Invalid(String),
}

/// A CSTA document in a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CstaSummary {
    /// The root element, such as `MakeCall`.
    pub name: String,
    /// The error in a negative response, with its category.
    pub error: Option<String>,
}

impl RecordedMessage {
    /// Reads the message.
    #[must_use]
    pub fn summary(&self) -> Summary {
        // The limits of the server may be higher than the defaults.
        let limits = MessageLimits {
            head: usize::MAX,
            line: usize::MAX,
            headers: usize::MAX,
            body: usize::MAX,
        };
        match Frame::datagram(BytesMut::from(&self.octets[..]), &limits) {
            Ok(Frame::Message(message)) => {
                let start = match &message {
                    SipMessage::Request(request) => Start::Request(request.method().clone()),
                    SipMessage::Response(response) => {
                        Start::Response(response.status(), response.reason().to_owned())
                    }
                };
                let csta = csta_part(message.head(), message.body()).ok().flatten();
                Summary {
                    csta: csta.and_then(CstaSummary::of),
                    ..Summary::of(start, message.head())
                }
            }
            Ok(Frame::Refused(refused)) => {
                Summary::of(Start::Invalid(refused.reason().to_owned()), refused.head())
            }
            Ok(Frame::Ping | Frame::Pong) => Summary::unread("empty"),
            Err(_) if self.is_truncated() => Summary::unread("too long to be kept"),
            Err(error) => Summary::unread(&error.to_string()),
        }
    }
}

impl Summary {
    fn of(start: Start, head: &Head) -> Self {
        let field = |name| head.get(name).unwrap_or_default().to_owned();
        Self {
            start,
            call_id: field(HeaderName::CallId),
            cseq: field(HeaderName::CSeq),
            csta: None,
        }
    }

    fn unread(why: &str) -> Self {
        Self {
            start: Start::Invalid(why.to_owned()),
            call_id: String::new(),
            cseq: String::new(),
            csta: None,
        }
    }
}

impl CstaSummary {
    fn of(document: bytes::Bytes) -> Option<Self> {
        let document = Document::read(document).ok()?;
        let error = match document.message() {
            Ok(Message::Failure(failure)) => Some(failure.to_string()),
            _ => None,
        };
        Some(Self {
            name: document.name().to_owned(),
            error,
        })
    }
}

/// `INFO MakeCall`, `200 OK`, `invalid: ...`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.start {
            Start::Request(method) => f.write_str(method.as_str())?,
            Start::Response(status, reason) if reason.is_empty() => write!(f, "{}", status.code())?,
            Start::Response(status, reason) => write!(f, "{} {reason}", status.code())?,
            Start::Invalid(why) => write!(f, "invalid: {why}")?,
        }
        match &self.csta {
            Some(CstaSummary {
                name,
                error: Some(error),
            }) => write!(f, " {name} {error}"),
            Some(CstaSummary { name, error: None }) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}
