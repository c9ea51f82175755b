//! Writes a message straight into a connection's buffer (RFC 3261, 7 and 8.2.6.2).

use std::fmt::{self, Display, Write};

use bytes::{BufMut, BytesMut};

use super::header::NameAddr;
use super::{Head, HeaderName, Method, Request, Status};

/// A message in the making: the start line is written, header fields follow in the order of the calls, and one of
/// `end`, `body` and `body_with` finishes it. Content-Length is the composer's own.
///
/// Control characters in a value become spaces, so no value can add a header field or end the head.
#[must_use = "a message needs `end` or `body` to be complete"]
#[derive(Debug)]
pub struct Composer<'a> {
    out: &'a mut BytesMut,
}

impl<'a> Composer<'a> {
    /// Begins a request.
    pub fn request(out: &'a mut BytesMut, method: &Method, uri: &str) -> Self {
        out.reserve(TYPICAL);
        let mut line = Line(out);
        line.put(method.as_str());
        line.put(" ");
        line.put(uri);
        line.end(" SIP/2.0");
        Self { out }
    }

    /// Begins a response with the reason phrase of its status.
    pub fn response(out: &'a mut BytesMut, status: Status) -> Self {
        Self::response_because(out, status, status.reason())
    }

    /// Begins a response with a reason phrase of its own, as RFC 3261, 21.4.1, wishes for a 400.
    pub fn response_because(out: &'a mut BytesMut, status: Status, reason: impl Display) -> Self {
        out.reserve(TYPICAL);
        let mut line = Line(out);
        line.put("SIP/2.0 ");
        line.show(status.code());
        line.put(" ");
        line.show(reason);
        line.end("");
        Self { out }
    }

    /// Begins the response to a request: every Via, From, To, Call-ID and CSeq as they came; To gets `to_tag`
    /// unless it has a tag (RFC 3261, 8.2.6.2). What forms a dialog needs Record-Route besides (12.1.1).
    pub fn answer(
        out: &'a mut BytesMut,
        status: Status,
        request: &Request,
        to_tag: Option<&str>,
    ) -> Self {
        Self::response(out, status).echo(request.head(), to_tag)
    }

    /// Writes a header field.
    pub fn header(self, header: HeaderName, value: impl Display) -> Self {
        self.other(header.as_str(), value)
    }

    /// Writes a header field by its name.
    pub fn other(self, name: &str, value: impl Display) -> Self {
        let mut line = Line(self.out);
        line.put(name);
        line.put(": ");
        line.show(value);
        line.end("");
        self
    }

    /// Finishes a message that has no body.
    pub fn end(self) {
        self.finish(&[]);
    }

    /// Finishes a message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) {
        self.header(HeaderName::ContentType, content_type)
            .finish(body);
    }

    /// Finishes a message with a body that `write` appends in place. `length` is how long it will be; should it come
    /// out otherwise, Content-Length is set right.
    pub fn body_with(self, content_type: &str, length: usize, write: impl FnOnce(&mut BytesMut)) {
        let Self { out } = self.header(HeaderName::ContentType, content_type);
        out.reserve(length + CONTENT_LENGTH.len() + 24);
        let field = out.len();
        end_head(out, length);
        let body = out.len();
        write(out);
        let written = out.len().saturating_sub(body);
        if written != length {
            let bytes = out.split_off(body.min(out.len()));
            out.truncate(field);
            end_head(out, written);
            out.unsplit(bytes);
        }
    }

    /// Finishes a message whose Content-Type, if any, is written already.
    pub(super) fn finish(self, body: &[u8]) {
        end_head(self.out, body.len());
        self.out.extend_from_slice(body);
    }

    /// What a response repeats of its request, as far as it is there.
    pub(super) fn echo(mut self, head: &Head, to_tag: Option<&str>) -> Self {
        for via in head.all(HeaderName::Via) {
            self = self.header(HeaderName::Via, via);
        }
        for header in [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            let Some(value) = head.get(header) else {
                continue;
            };
            let untagged = || NameAddr::parse(value).is_ok_and(|to| to.tag().is_none());
            self = match to_tag.filter(|_| header == HeaderName::To && untagged()) {
                Some(tag) => self.header(header, format_args!("{value};tag={tag}")),
                None => self.header(header, value),
            };
        }
        self
    }
}

/// Room for the head of nearly every message that we send.
const TYPICAL: usize = 512;

const CONTENT_LENGTH: &str = "Content-Length: ";

fn end_head(out: &mut BytesMut, length: usize) {
    let mut line = Line(out);
    line.put(CONTENT_LENGTH);
    line.show(length);
    line.end("\r\n");
}

/// The line at the end of a buffer.
struct Line<'a>(&'a mut BytesMut);

impl Line<'_> {
    fn put(&mut self, text: &str) {
        let control = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f;
        let start = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        let written = self.0.get_mut(start..).unwrap_or_default();
        for byte in written {
            if control(*byte) {
                *byte = b' ';
            }
        }
    }

    fn show(&mut self, value: impl Display) {
        // Writing to the buffer cannot fail; a value that fails to show itself ends where it does.
        let _ = write!(self, "{value}");
    }

    fn end(self, last: &str) {
        self.0.put_slice(last.as_bytes());
        self.0.put_slice(b"\r\n");
    }
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text);
        Ok(())
    }
}
