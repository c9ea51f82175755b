//! A message with a complete head: determines body length and validity (RFC 3261, sections 8.1.1 and 18.3).

use bytes::{Bytes, BytesMut};

use super::{
    Frame, FrameError, Head, HeaderError, HeaderName, MessageLimits, Refused, Request, Response,
    SipMessage, Status, SyntaxError,
    error::Excess,
    header::CSeq,
    scan::{Extent, unfold},
    start::Start,
};

/// A message with a complete head whose body may be incomplete.
#[derive(Debug)]
pub(super) struct PendingMessage {
    start: Start,
    head: Head,
    broken: Option<String>,
}

impl PendingMessage {
    /// Reads a head; `NotSip` if the start line is neither a request line nor a status line.
    pub(super) fn new(mut head: BytesMut, extent: Extent) -> Result<Self, FrameError> {
        if extent.folded {
            unfold(&mut head);
        }
        let (head, broken) = Head::parse(head.freeze());
        let start = Start::parse(head.first_line()).ok_or(FrameError::NotSip)?;
        Ok(Self {
            start,
            head,
            broken,
        })
    }

    /// The length of the body, if given. Different values indicate request smuggling and make the rest of the
    /// stream unreliable.
    pub(super) fn content_length(
        &self,
        limits: &MessageLimits,
    ) -> Result<Option<usize>, FrameError> {
        let mut length = None;
        for value in self.head.all(HeaderName::ContentLength) {
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(self.bad_length("is not a number"));
            }
            // A number that overflows exceeds every limit.
            let value = value.parse().unwrap_or(usize::MAX);
            if length.is_some_and(|other| other != value) {
                return Err(self.bad_length("appears twice with different values"));
            }
            length = Some(value);
        }
        match length {
            Some(length) if length > limits.body => Err(self.too_large(Excess::Body(limits.body))),
            length => Ok(length),
        }
    }

    /// The error for an oversized head; the response copies the complete `lines`.
    pub(super) fn overlong(lines: BytesMut, excess: Excess) -> FrameError {
        let extent = Extent {
            length: lines.len(),
            folded: true,
        };
        match Self::new(lines, extent) {
            Ok(opening) => opening.too_large(excess),
            Err(_) => FrameError::Excess {
                excess,
                answer: None,
            },
        }
    }

    /// The error for an invalid Content-Length.
    pub(super) fn bad_length(&self, problem: &'static str) -> FrameError {
        let reason = format!("Content-Length {problem}");
        FrameError::ContentLength {
            problem,
            answer: self.answer(Status::BAD_REQUEST, reason),
        }
    }

    fn too_large(&self, excess: Excess) -> FrameError {
        let status = match excess {
            Excess::Body(_) => Status::REQUEST_ENTITY_TOO_LARGE,
            Excess::Line(_) | Excess::Head(_) | Excess::Headers(_) => Status::MESSAGE_TOO_LARGE,
        };
        FrameError::Excess {
            excess,
            answer: self.answer(status, excess.to_string()),
        }
    }

    /// Adds the body; returns the message, or `Refused` with the fault.
    pub(super) fn close(mut self, body: Bytes) -> Frame {
        let problem = match &self.broken {
            Some(line) => Some(format!("'{:.40}' is not a header field", line)),
            None => self.check().err().map(|error| error.to_string()),
        };
        let head = self.head;
        match (self.start, problem) {
            (Start::Request { method, uri }, None) => {
                Frame::Message(SipMessage::Request(Request {
                    method,
                    uri,
                    head,
                    body,
                }))
            }
            (Start::Response { status, reason }, None) => {
                Frame::Message(SipMessage::Response(Response {
                    status,
                    reason,
                    head,
                    body,
                }))
            }
            (
                Start::BadRequest {
                    status,
                    problem,
                    is_ack,
                },
                _,
            ) => Frame::Refused(Refused {
                status,
                reason: problem.into_owned(),
                head,
                body,
                answerable: !is_ack,
            }),
            (Start::BadResponse { problem }, _) => {
                let reason = problem.to_owned();
                Frame::Refused(Refused {
                    status: Status::BAD_REQUEST,
                    reason,
                    head,
                    body,
                    answerable: false,
                })
            }
            (start, Some(reason)) => {
                let answerable = start.is_answerable();
                Frame::Refused(Refused {
                    status: Status::BAD_REQUEST,
                    reason,
                    head,
                    body,
                    answerable,
                })
            }
        }
    }

    /// Checks the header fields that are mandatory in requests (RFC 3261, section 8.1.1) and responses (section 8.2.6.2).
    /// Ignores a missing Max-Forwards, which some phones omit, and missing tags, which RFC 2543 lacks.
    fn check(&mut self) -> Result<(), HeaderError> {
        let once = [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ];
        for header in once {
            let mut values = self.head.all(header);
            match (values.next(), values.next()) {
                (Some(value), None) if !value.is_empty() => {}
                (Some(_), Some(_)) => {
                    return Err(HeaderError::new(header, SyntaxError("appears twice")));
                }
                (Some(_), None) => return Err(HeaderError::new(header, SyntaxError("is empty"))),
                (None, _) => return Err(HeaderError::missing(header)),
            }
        }
        self.head.top_via()?;
        self.head.read_tags()?;
        let cseq = self.head.get(HeaderName::CSeq).unwrap_or_default();
        let (_, method) =
            CSeq::split(cseq).map_err(|problem| HeaderError::new(HeaderName::CSeq, problem))?;
        match &self.start {
            Start::Request { method: own, .. } if own.as_str() != method => Err(HeaderError::new(
                HeaderName::CSeq,
                SyntaxError("does not have the method of the request"),
            )),
            _ => Ok(()),
        }
    }

    fn answer(&self, status: Status, reason: String) -> Option<Bytes> {
        let mut out = BytesMut::new();
        let refused = Refused {
            status,
            reason,
            head: self.head.clone(),
            body: Bytes::new(),
            answerable: self.start.is_answerable(),
        };
        refused.answer(&mut out).then(|| out.freeze())
    }
}
