//! The units of a connection: messages, keep-alives and invalid messages (RFC 3261, section 18.3; RFC 5626, section 3.5.1).

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::{Bytes, BytesMut};

use super::{
    FrameError, Head, HeaderName, MessageWriter, SipMessage, Status,
    pending_message::PendingMessage, scan::Scan,
};

/// Limits on a message: lengths in bytes, and the number of header fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLimits {
    /// The maximum length of start line, header fields and the empty line, in bytes.
    pub head: usize,
    /// The maximum length of a line with its line end, in bytes.
    pub line: usize,
    /// The maximum number of header fields.
    pub headers: usize,
    /// The maximum length of the body, in bytes.
    pub body: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            head: 64 << 10,
            line: 16 << 10,
            headers: 256,
            body: 256 << 10,
        }
    }
}

/// One unit read from a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A valid message.
    Message(SipMessage),
    /// The second consecutive CRLF between messages: the peer expects a `Pong` (RFC 5626, section 3.5.1).
    Ping,
    /// A single CRLF between messages: a pong, or the first half of a ping. Needs no answer.
    Pong,
    /// An invalid message with a known end.
    Refused(Refused),
}

impl Frame {
    /// Reads a datagram with one message. Without Content-Length, the body extends to the end (RFC 3261, section 18.3).
    ///
    /// # Errors
    /// The datagram does not contain a complete SIP message within the limits.
    pub fn datagram(datagram: BytesMut, limits: &MessageLimits) -> Result<Self, FrameError> {
        let mut datagram = datagram;
        let blank = datagram
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        if blank == datagram.len() {
            return Ok(if blank >= 4 { Self::Ping } else { Self::Pong });
        }
        let _ = datagram.split_to(blank);
        let mut scan = Scan::default();
        let extent = match scan.advance(&datagram, limits) {
            Ok(extent) => extent.ok_or(FrameError::Truncated)?,
            Err(excess) => {
                return Err(PendingMessage::overlong(
                    datagram.split_to(scan.complete()),
                    excess,
                ));
            }
        };
        let opening = PendingMessage::new(datagram.split_to(extent.length), extent)?;
        let length = opening.content_length(limits)?.unwrap_or(datagram.len());
        if length > datagram.len() {
            return Err(opening.bad_length("is larger than the datagram"));
        }
        datagram.truncate(length);
        Ok(opening.close(datagram.freeze()))
    }
}

/// An invalid message with a known end, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub(super) status: Status,
    pub(super) reason: String,
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) answerable: bool,
}

impl Refused {
    /// The status of the response.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The reason, for the response and the log.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The valid header fields.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The body as received.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Writes the response and returns true, except for an ACK or a response (RFC 3261, sections 8.1.1 and 17).
    /// Retransmissions get the same To tag (RFC 3261, section 8.2.7).
    pub fn answer(&self, out: &mut BytesMut) -> bool {
        if self.answerable {
            let mut hasher = DefaultHasher::new();
            for header in [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq] {
                self.head.get(header).hash(&mut hasher);
            }
            let tag = format!("{:016x}", hasher.finish());
            MessageWriter::response_because(out, self.status, &self.reason)
                .echo(&self.head, Some(&tag))
                .end();
        }
        self.answerable
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=b\r\nFrom: <sip:a@h>;tag=1\r\n\
                        To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

    fn datagram(text: &str) -> Result<Frame, FrameError> {
        Frame::datagram(BytesMut::from(text), &MessageLimits::default())
    }

    fn refused(text: &str) -> Refused {
        match datagram(text) {
            Ok(Frame::Refused(refused)) => refused,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn reason_names_the_fault_of_a_message() {
        let check = |cut: &str, put: &str, code: u16, reason: &str| {
            let refused = refused(&GOOD.replace(cut, put));
            assert_eq!(
                (refused.status().code(), refused.reason()),
                (code, reason),
                "{cut:?} to {put:?}"
            );
        };
        // RFC 3261, section 8.1.1: mandatory header fields. RFC 4475, section 3.3.1.
        check("Via: SIP/2.0/TCP h;branch=b\r\n", "", 400, "Via is missing");
        check("From: <sip:a@h>;tag=1\r\n", "", 400, "From is missing");
        check("To: <sip:b@h>\r\n", "", 400, "To is missing");
        check("Call-ID: c\r\n", "", 400, "Call-ID is missing");
        check("Call-ID: c\r\n", "Call-ID:\r\n", 400, "Call-ID is empty");
        check("CSeq: 1 OPTIONS\r\n", "", 400, "CSeq is missing");
        // RFC 4475, sections 3.1.2.17 and 3.1.2.18: the method of CSeq.
        check(
            "CSeq: 1 OPTIONS",
            "CSeq: 1 INVITE",
            400,
            "CSeq does not have the method of the request",
        );
        // RFC 4475, section 3.1.2.4: a CSeq number above the range.
        check(
            "CSeq: 1 ",
            "CSeq: 36893488147419103232 ",
            400,
            "CSeq has a number above 2^32-1",
        );
        // RFC 4475, section 3.1.2.6: an unterminated quote.
        check("To: <", "To: \"B <", 400, "To has no closing quote");
        // RFC 4475, section 3.3.8: duplicates of a single-value header field.
        check(
            "Call-ID: c\r\n",
            "Call-ID: c\r\ni: d\r\n",
            400,
            "Call-ID appears twice",
        );
        check(
            "SIP/2.0/TCP h;",
            "SIP/2.0/TCP ;",
            400,
            "Via has no usable host",
        );
        check(
            "Call-ID: c\r\n",
            "Call-ID: c\r\nlost\r\n",
            400,
            "'lost' is not a header field",
        );
        // RFC 4475, section 3.1.2.16: another version.
        check(
            "h SIP/2.0\r\n",
            "h SIP/7.0\r\n",
            505,
            "the version is not SIP/2.0",
        );
        check(
            "sip:h SIP",
            "<sip:h> SIP",
            400,
            "the Request-URI has an invalid character",
        );
        // RFC 5118, section 4.2: an IPv6 address without its brackets.
        check(
            "sip:h SIP",
            "sip:2001:db8::10 SIP",
            400,
            "the Request-URI has a port that is not a number",
        );
        // RFC 4475, section 3.1.2.1: consecutive separators.
        check("branch=b", ";,;,,", 400, "Via has an empty parameter");
    }

    #[test]
    fn response_to_invalid_request_copies_valid_fields() {
        let mut out = BytesMut::new();
        assert!(refused(&GOOD.replace("CSeq: 1", "CSeq: x")).answer(&mut out));
        let answer = String::from_utf8(out.to_vec()).unwrap();
        let (start, rest) = answer.split_once("\r\n").unwrap();
        assert_eq!(start, "SIP/2.0 400 CSeq does not start with a number");
        assert!(rest.starts_with(
            "Via: SIP/2.0/TCP h;branch=b\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag="
        ));
        assert!(rest.ends_with("Call-ID: c\r\nCSeq: x OPTIONS\r\nContent-Length: 0\r\n\r\n"));
        // RFC 3261, section 17: no response to an ACK, none to a response.
        let silent = [
            GOOD.replace("OPTIONS", "ACK").replace("Call-ID: c\r\n", ""),
            GOOD.replace("OPTIONS sip:h SIP/2.0", "ACK sip:h SIP/3.0"),
            GOOD.replace("OPTIONS sip:h SIP/2.0", "SIP/2.0 200 OK")
                .replace("Call-ID: c\r\n", ""),
            GOOD.replace("OPTIONS sip:h SIP/2.0", "SIP/2.0 2000 OK"),
        ];
        for text in silent {
            let mut out = BytesMut::new();
            assert!(
                !refused(&text).answer(&mut out) && out.is_empty(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn stream_errors_have_reason_and_response() {
        let check = |text: &str, problem: &str, answer: Option<&str>| {
            let error = datagram(text).unwrap_err();
            let start = error.answer().map(|answer| {
                String::from_utf8_lossy(answer)
                    .lines()
                    .next()
                    .unwrap()
                    .to_owned()
            });
            assert_eq!(
                (error.to_string().as_str(), start.as_deref()),
                (problem, answer),
                "{text:.200?}"
            );
        };
        let length =
            |value: &str| GOOD.replace("Content-Length: 0", &format!("Content-Length: {value}"));
        // RFC 4475, section 3.1.2.3: a negative length.
        check(
            &length("-1"),
            "Content-Length is not a number",
            Some("SIP/2.0 400 Content-Length is not a number"),
        );
        check(
            &length("+1"),
            "Content-Length is not a number",
            Some("SIP/2.0 400 Content-Length is not a number"),
        );
        check(
            &length(""),
            "Content-Length is not a number",
            Some("SIP/2.0 400 Content-Length is not a number"),
        );
        check(
            &length("0\r\nl: 1"),
            "Content-Length appears twice with different values",
            Some("SIP/2.0 400 Content-Length appears twice with different values"),
        );
        let large = "the body is longer than 262144 bytes";
        check(
            &length("262145"),
            large,
            Some("SIP/2.0 413 the body is longer than 262144 bytes"),
        );
        check(
            &length("99999999999999999999999"),
            large,
            Some("SIP/2.0 413 the body is longer than 262144 bytes"),
        );
        let long = GOOD.replace("Call-ID: c", &format!("Call-ID: {}", "c".repeat(20_000)));
        check(
            &long,
            "a line is longer than 16384 bytes",
            Some("SIP/2.0 513 a line is longer than 16384 bytes"),
        );
        let many = GOOD.replace("Call-ID: c", &"X: y\r\n".repeat(300));
        check(
            &many,
            "there are more than 256 header fields",
            Some("SIP/2.0 513 there are more than 256 header fields"),
        );
        check("GET / HTTP/1.1\r\n\r\n", "not a SIP message", None);
        check("OPTIONS sip:h SIP/2.0\r\nVia", "incomplete message", None);
        // RFC 4475, section 3.1.2.2: Content-Length larger than the message.
        check(
            &length("1"),
            "Content-Length is larger than the datagram",
            Some("SIP/2.0 400 Content-Length is larger than the datagram"),
        );
    }

    #[test]
    fn datagram_body_ends_with_the_datagram() {
        let body = |text: &str| match datagram(text) {
            Ok(Frame::Message(message)) => message.body().clone(),
            other => panic!("{other:?}"),
        };
        // RFC 3261, section 18.3.
        assert_eq!(body(&format!("\r\n{GOOD}rest")), "");
        assert_eq!(
            body(&GOOD.replace("Content-Length: 0\r\n\r\n", "\r\nrest")),
            "rest"
        );
        assert_eq!(
            body(&GOOD.replace("h: 0\r\n\r\n", "h: 2\r\nl: 2\r\n\r\nrest")),
            "re"
        );
        assert_eq!(datagram("\r\n\r\n").unwrap(), Frame::Ping);
        assert_eq!(datagram("\r\n").unwrap(), Frame::Pong);
        // RFC 4475, section 3.1.1.2: an unknown method and unusual but valid spelling.
        let odd = "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n\
            VIA: SIP / 2.0\r\n /TCP     host1.example.com;-.!%66*_+`'~=z9hG4bK\r\nTO : \"BEL:\\\u{7} NUL:\\ DEL:\\\u{7f}\" <sip:1@h>\r\n\
            FROM: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"x\"\r\ncall-id: 1@x\r\n\
            CSEQ: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\nl:0\r\n\r\n";
        assert_eq!(body(odd), "");
    }
}
