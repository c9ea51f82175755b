//! Writes a message straight into a connection's buffer (RFC 3261, sections 7 and 8.2.6.2).

use std::{
    fmt::{self, Display, Write},
    net::SocketAddr,
};

use bytes::{BufMut, BytesMut};

use super::{Head, HeaderName, Method, Request, Status, via_response::stamped};

/// A message being written. The constructor writes the start line, each call adds header fields, and `end`, `body` or
/// `body_with` finishes the message. The writer adds Content-Length itself.
///
/// Replaces line ends by spaces and other control characters by underscores, so that no value can add a header field or
/// end the head, and a received message parses the same when written again.
#[must_use = "a message needs `end` or `body` to be complete"]
#[derive(Debug)]
pub struct MessageWriter<'a> {
    out: &'a mut BytesMut,
}

impl<'a> MessageWriter<'a> {
    /// Starts a request.
    pub fn request(out: &'a mut BytesMut, method: &Method, uri: &str) -> Self {
        out.reserve(TYPICAL);
        let mut line = Line(out);
        line.put(method.as_str());
        line.put(" ");
        line.put(uri);
        line.end(" SIP/2.0");
        Self { out }
    }

    /// Starts a response with the reason phrase of its status.
    pub fn response(out: &'a mut BytesMut, status: Status) -> Self {
        Self::response_because(out, status, status.reason())
    }

    /// Starts a response with a specific reason phrase, as RFC 3261, section 21.4.1, recommends for a 400.
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

    /// Starts the response to a request that came from `source`: copies Via, to which it adds that (RFC 3261, section
    /// 18.2.1; RFC 3581, section 4), From, To, Call-ID and CSeq, and adds `to_tag` to To unless it has a tag (RFC 3261,
    /// section 8.2.6.2). A dialog also needs Record-Route (RFC 3261, section 12.1.1).
    pub fn answer(
        out: &'a mut BytesMut,
        status: Status,
        request: &Request,
        to_tag: Option<&str>,
        source: SocketAddr,
    ) -> Self {
        let mut vias = request.head().all(HeaderName::Via);
        let mut response = Self::response(out, status);
        if let Some(top) = vias.next() {
            response = match stamped(top, source) {
                Some(stamped) => response.header(HeaderName::Via, stamped),
                None => response.text(HeaderName::Via, top),
            };
        }
        for via in vias {
            response = response.text(HeaderName::Via, via);
        }
        response.echo_parties(request.head(), to_tag)
    }

    /// Writes a header field.
    pub fn header(self, header: HeaderName, value: impl Display) -> Self {
        self.other(header.as_str(), value)
    }

    /// Writes a header field with a text value.
    pub fn text(self, header: HeaderName, value: &str) -> Self {
        let mut line = Line(self.out);
        line.put(header.as_str());
        line.put(": ");
        line.put(value);
        line.end("");
        self
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

    /// Writes preformatted header fields, each line with CRLF, such as those of every request in a dialog.
    /// The caller ensures that received values contain no CRLF. Replaces a single CR or LF by a space.
    pub fn lines(self, lines: &str) -> Self {
        let mut rest = lines;
        while let Some(end) = memchr::memmem::find(rest.as_bytes(), b"\r\n") {
            let (text, after) = rest.split_at(end);
            rest = after.get(2..).unwrap_or_default();
            if !text.is_empty() {
                let mut line = Line(self.out);
                line.put(text);
                line.end("");
            }
        }
        self
    }

    /// Finishes a message without a body.
    pub fn end(self) {
        self.finish(&[]);
    }

    /// Finishes a message with a body.
    pub fn body(self, content_type: &str, body: &[u8]) {
        self.header(HeaderName::ContentType, content_type)
            .finish(body);
    }

    /// Finishes a message with a body that `write` appends in place. `length` is the expected length in bytes; if it
    /// differs, Content-Length is corrected.
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

    /// Finishes a message after its Content-Type, if any.
    pub(super) fn finish(self, body: &[u8]) {
        end_head(self.out, body.len());
        self.out.extend_from_slice(body);
    }

    /// Copies the header fields that a response repeats, as far as they are present.
    pub(super) fn echo(mut self, head: &Head, to_tag: Option<&str>) -> Self {
        for via in head.all(HeaderName::Via) {
            self = self.text(HeaderName::Via, via);
        }
        self.echo_parties(head, to_tag)
    }

    /// Copies From, To, Call-ID and CSeq.
    fn echo_parties(mut self, head: &Head, to_tag: Option<&str>) -> Self {
        for header in [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            let Some(value) = head.get(header) else {
                continue;
            };
            let tag = to_tag.filter(|_| header == HeaderName::To && head.to_tag().is_none());
            self = match tag.and_then(|tag| Some((tag, head.to().ok()?))) {
                Some((tag, to)) if to.params().as_str().is_empty() => {
                    self.header(header, format_args!("{value};tag={tag}"))
                }
                Some((tag, to)) => self.text(header, &to.tagged(tag)),
                None => self.text(header, value),
            };
        }
        self
    }
}

/// Initial capacity in bytes, enough for the head of most messages.
const TYPICAL: usize = 512;

const CONTENT_LENGTH: &str = "Content-Length: ";

fn end_head(out: &mut BytesMut, length: usize) {
    let mut line = Line(out);
    line.put(CONTENT_LENGTH);
    line.show(length);
    line.end("\r\n");
}

/// Appends to the last line of a buffer.
struct Line<'a>(&'a mut BytesMut);

impl Line<'_> {
    fn put(&mut self, text: &str) {
        let start = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        let written = self.0.get_mut(start..).unwrap_or_default();
        // No branch per byte, so that the compiler vectorises the loop.
        let control = |found, byte: &u8| found | (*byte < b' ') | (*byte == 0x7f);
        if !written.iter().fold(false, control) {
            return;
        }
        for byte in written {
            match *byte {
                // Characters that parse as white space must remain white space.
                b'\r' | b'\n' | 0x0c => *byte = b' ',
                b'\t' => {}
                0..b' ' | 0x7f => *byte = b'_',
                _ => {}
            }
        }
    }

    fn show(&mut self, value: impl Display) {
        // Writing to the buffer cannot fail; a failing `Display` truncates the value.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::sip::{Frame, MessageLimits, SipMessage};

    fn parse(bytes: &[u8]) -> SipMessage {
        match Frame::datagram(BytesMut::from(bytes), &MessageLimits::default()) {
            Ok(Frame::Message(message)) => message,
            other => panic!("{:?}: {other:?}", String::from_utf8_lossy(bytes)),
        }
    }

    fn request(to: &str) -> Request {
        let text = format!(
            "INVITE sip:a@h SIP/2.0\r\nv: SIP/2.0/TCP one;branch=b1, SIP/2.0/UDP two\r\nVia: SIP/2.0/TLS three\r\n\
             From: \"A\" <sip:a@h>;tag=1\r\nt: {to}\r\ni: x@y\r\nMax-Forwards: 70\r\nCSeq: 3 INVITE\r\n\r\n"
        );
        match parse(text.as_bytes()) {
            SipMessage::Request(request) => request,
            SipMessage::Response(_) => panic!("not a request"),
        }
    }

    #[test]
    fn response_copies_header_fields_of_its_request() {
        let check = |to: &str, tag: Option<&str>, answered: &str| {
            let mut out = BytesMut::new();
            let source = "192.0.2.1:5060".parse().unwrap();
            MessageWriter::answer(&mut out, Status::OK, &request(to), tag, source).end();
            let expected = format!(
                "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP one;branch=b1;received=192.0.2.1, SIP/2.0/UDP two\r\nVia: SIP/2.0/TLS three\r\n\
                 From: \"A\" <sip:a@h>;tag=1\r\nTo: {answered}\r\nCall-ID: x@y\r\nCSeq: 3 INVITE\r\nContent-Length: 0\r\n\r\n"
            );
            assert_eq!(out, expected.as_bytes(), "{to:?}");
        };
        // RFC 3261, section 8.2.6.2.
        check("<sip:b@h>", Some("t"), "<sip:b@h>;tag=t");
        check("sip:b@h", Some("t"), "sip:b@h;tag=t");
        check("<sip:b@h;tag=no>", Some("t"), "<sip:b@h;tag=no>;tag=t");
        check("<sip:b@h>;tag=2", Some("t"), "<sip:b@h>;tag=2");
        check("<sip:b@h>;x=y", Some("t"), "<sip:b@h>;x=y;tag=t");
        check("<sip:b@h>;tag=; x", Some("t"), "<sip:b@h>;x;tag=t");
        check("<sip:b@h>;", Some("t"), "<sip:b@h>;tag=t");
        check("<sip:b@h>", None, "<sip:b@h>");
    }

    #[test]
    fn content_length_matches_the_body() {
        let compose = |length, body: &[u8]| {
            let mut out = BytesMut::from("before".as_bytes());
            let composer = MessageWriter::request(&mut out, &Method::Info, "sip:a@[::1]");
            composer.body_with("application/csta+xml", length, |out| {
                out.extend_from_slice(body);
            });
            String::from_utf8(out.to_vec()).unwrap()
        };
        for (length, body) in [
            (3, "abc"),
            (0, "abc"),
            (1000, "abc"),
            (3, ""),
            (12, "0123456789ab"),
            (9, "0123456789ab"),
        ] {
            let expected = format!(
                "beforeINFO sip:a@[::1] SIP/2.0\r\nContent-Type: application/csta+xml\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            assert_eq!(
                compose(length, body.as_bytes()),
                expected,
                "{length} for {body:?}"
            );
        }
        let mut out = BytesMut::new();
        MessageWriter::response(&mut out, Status::OK).body("text/plain", b"\xff\r\n");
        assert_eq!(
            out,
            &b"SIP/2.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n\xff\r\n"[..]
        );
    }

    #[test]
    fn values_cannot_add_header_fields() {
        let mut out = BytesMut::new();
        MessageWriter::response_because(&mut out, Status::BAD_REQUEST, "bad\r\nX: 1")
            .header(HeaderName::Subject, "a\r\n\r\nb\u{7f}\0\tü")
            .other("X\r\nY", "z")
            .lines("Route: <sip:r>\r\nFrom: a\rb\nc\r\n\r\n")
            .end();
        let expected = "SIP/2.0 400 bad  X: 1\r\nSubject: a    b__\tü\r\nX  Y: z\r\nRoute: <sip:r>\r\nFrom: a b c\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(out, expected.as_bytes());
    }

    /// `rsip`, an independent parser, reads the written messages.
    #[test]
    fn rsip_agrees() {
        let mut out = BytesMut::new();
        MessageWriter::request(&mut out, &Method::Info, "sip:000413aabbcc@192.0.2.7:5060")
            .header(
                HeaderName::Via,
                "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1",
            )
            .header(HeaderName::From, "<sip:server@192.0.2.1>;tag=1")
            .header(HeaderName::To, "<sip:000413aabbcc@192.0.2.1>;tag=2")
            .header(HeaderName::CallId, "c@192.0.2.1")
            .header(HeaderName::CSeq, "2 INFO")
            .body("application/csta+xml", b"<x/>");
        let read = rsip::Request::try_from(out.to_vec()).unwrap();
        assert_eq!(
            (read.method, read.headers.iter().count(), read.body),
            (rsip::Method::Info, 7, b"<x/>".to_vec())
        );
    }

    proptest! {
        #[test]
        fn written_messages_round_trip(
            method in "[A-Z]{1,12}",
            uri in "sip:([a-z0-9%;=.]{0,12}@)?[a-z0-9.]{1,12}",
            names in proptest::collection::vec(("X-[A-Za-z-]{0,12}", "\\PC{0,40}"), 0..6),
            body in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut out = BytesMut::new();
            let mut composer = MessageWriter::request(&mut out, &Method::parse(&method), &uri)
                .header(HeaderName::Via, "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK7")
                .header(HeaderName::From, "<sip:a@h>;tag=1")
                .header(HeaderName::To, "<sip:b@h>")
                .header(HeaderName::CallId, "1")
                .header(HeaderName::CSeq, format_args!("1 {method}"));
            for (name, value) in &names {
                composer = composer.other(name, value);
            }
            composer.body("application/octet-stream", &body);
            let message = parse(&out);
            let SipMessage::Request(request) = &message else { panic!("not a request") };
            prop_assert_eq!(request.method().as_str(), method.as_str());
            prop_assert_eq!(request.uri(), uri.as_str());
            prop_assert_eq!(&request.body()[..], &body[..]);
            let read: Vec<_> = request.head().iter().skip(5).take(names.len()).collect();
            let written: Vec<_> = names.iter().map(|(name, value)| (name.as_str(), value.trim_ascii())).collect();
            prop_assert_eq!(read, written);
            let mut again = BytesMut::new();
            message.write(&mut again);
            prop_assert_eq!(parse(&again), message);
        }
    }
}
