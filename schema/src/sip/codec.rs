//! Framing of a byte stream, for tokio-util (RFC 3261, section 18.3; RFC 5626, section 3.5.1).

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

pub use super::{Excess, Frame, FrameError, MessageLimits, Refused};
use super::{pending_message::PendingMessage, scan::Scan};

/// The codec of one connection.
///
/// Segmentation of the stream does not affect the frames. A message without Content-Length ends with its head: RFC 3261,
/// section 18.3, requires the field on a stream, but phones omit it without a body.
///
/// After an error, close the connection: the start of the next message is unknown.
#[derive(Debug, Default)]
pub struct Codec {
    limits: MessageLimits,
    scan: Scan,
    /// A message with a complete head, and the length of its body. Boxed, since most connections are idle.
    opened: Option<Box<(PendingMessage, usize)>>,
    /// The last input was a CRLF, so that another one completes a ping.
    half_ping: bool,
}

impl Codec {
    /// A codec that enforces these limits.
    #[must_use]
    pub fn new(limits: MessageLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Whether the codec waits for the body of a message, although the buffer may be empty.
    #[must_use]
    pub const fn awaits_body(&self) -> bool {
        self.opened.is_some()
    }

    /// Consumes line ends between messages.
    fn keep_alive(&mut self, stream: &mut BytesMut) -> Option<Frame> {
        while stream.first() == Some(&b'\n') {
            stream.advance(1);
        }
        if !stream.starts_with(b"\r\n") {
            return None;
        }
        stream.advance(2);
        self.half_ping = !self.half_ping;
        Some(if self.half_ping {
            Frame::Pong
        } else {
            Frame::Ping
        })
    }

    fn open(
        &mut self,
        stream: &mut BytesMut,
    ) -> Result<Option<(PendingMessage, usize)>, FrameError> {
        let extent = match self.scan.advance(stream, &self.limits) {
            Ok(Some(extent)) => extent,
            Ok(None) => return Ok(None),
            Err(excess) => {
                return Err(PendingMessage::overlong(
                    stream.split_to(self.scan.complete()),
                    excess,
                ));
            }
        };
        self.scan = Scan::default();
        self.half_ping = false;
        // Taking the whole buffer avoids the bookkeeping of a shared one.
        let head = if extent.length == stream.len() {
            std::mem::take(stream)
        } else {
            stream.split_to(extent.length)
        };
        let opening = PendingMessage::new(head, extent)?;
        let length = opening.content_length(&self.limits)?.unwrap_or(0);
        Ok(Some((opening, length)))
    }
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        if let Some(opened) = self.opened.take_if(|opened| opened.1 <= stream.len()) {
            let (opening, length) = *opened;
            return Ok(Some(opening.close(stream.split_to(length).freeze())));
        }
        if self.opened.is_some() {
            return Ok(None);
        }
        if let Some(frame) = self.keep_alive(stream) {
            return Ok(Some(frame));
        }
        if stream.as_ref() == b"\r" {
            return Ok(None);
        }
        match self.open(stream)? {
            Some((opening, length)) if length <= stream.len() => {
                Ok(Some(opening.close(stream.split_to(length).freeze())))
            }
            Some(opened) => {
                self.opened = Some(Box::new(opened));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn decode_eof(&mut self, stream: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        match self.decode(stream)? {
            Some(frame) => Ok(Some(frame)),
            None if stream.is_empty() && self.opened.is_none() => Ok(None),
            None => Err(FrameError::Truncated),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sip::SipMessage;

    const INFO: &str = "INFO sip:a@[2001:db8::7] SIP/2.0\r\nv: SIP/2.0/TLS [2001:db8::1]:5061\r\n ;branch=b\r\n\
                        f: <sip:a@h>;tag=1\r\nt: <sip:b@h>\r\ni: c\r\nCSeq: 1 INFO\r\nc: application/csta+xml\r\nl: 6\r\n\r\n<x>\r\n/";
    const OK: &str = "SIP/2.0 200\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@h>\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INFO\r\n\r\n";

    /// All frames of a stream split at these offsets, and the final error with its response, if any.
    fn decode(stream: &[u8], cuts: &[usize]) -> (Vec<Frame>, Option<String>) {
        let limits = MessageLimits {
            head: 600,
            line: 200,
            headers: 12,
            body: 100,
        };
        let mut codec = Codec::new(limits);
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        ends.push(stream.len());
        ends.sort_unstable();
        let mut start = 0;
        for end in ends {
            buffer.extend_from_slice(&stream[start..end]);
            start = end;
            loop {
                match codec.decode(&mut buffer) {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Some(format!("{error} {:?}", error.answer()))),
                }
            }
        }
        let rest = codec.decode_eof(&mut buffer);
        (frames, rest.err().map(|error| error.to_string()))
    }

    #[test]
    fn messages_and_keep_alives_are_framed() {
        let check = |stream: &str, kinds: &str, error: Option<&str>| {
            let kind = |frame: &Frame| match frame {
                Frame::Message(SipMessage::Request(_)) => 'q',
                Frame::Message(SipMessage::Response(_)) => 's',
                Frame::Ping => 'i',
                Frame::Pong => 'o',
                Frame::Refused(_) => 'r',
            };
            let (frames, found) = decode(stream.as_bytes(), &[]);
            assert_eq!(
                frames.iter().map(kind).collect::<String>(),
                kinds,
                "{stream:?}"
            );
            assert_eq!(found.as_deref(), error, "{stream:?}");
        };
        check("", "", None);
        check(INFO, "q", None);
        check(&format!("{INFO}{OK}{INFO}"), "qsq", None);
        // RFC 5626, section 3.5.1; RFC 3261, section 7.5.
        check("\r\n", "o", None);
        check("\r\n\r\n", "oi", None);
        check("\r\n\r\n\r\n\r\n", "oioi", None);
        check(&format!("\r\n{INFO}\r\n{OK}"), "oqos", None);
        check(&format!("\n\n{INFO}"), "q", None);
        check(
            &INFO.replace("\r\n", "\n").replace("<x>\n", "<x>\r\n"),
            "q",
            None,
        );
        check(
            &format!("{}{OK}", INFO.replace("CSeq: 1", "CSeq: -")),
            "rs",
            None,
        );
        check(&INFO.replace("INFO", "PING"), "q", None);
        // The stream ends within a message.
        check(&INFO[..INFO.len() - 1], "", Some("incomplete message"));
        check(&INFO[..40], "", Some("incomplete message"));
        check(&format!("{OK}\r"), "s", Some("incomplete message"));
        check(
            &format!("{OK}\u{16}\u{3}\u{1}\r\n\r\n"),
            "s",
            Some("not a SIP message None"),
        );
    }

    #[test]
    fn body_may_contain_any_bytes() {
        let mut stream = INFO.as_bytes().to_vec();
        let length = stream.len();
        stream[length - 6..].copy_from_slice(b"\0\xff\r\n\r\n");
        let (frames, _) = decode(&stream, &[]);
        let bodies = frames.iter().map(|frame| match frame {
            Frame::Message(message) => message.body().clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(bodies.collect::<Vec<_>>(), [&b"\0\xff\r\n\r\n"[..]]);
    }

    #[test]
    fn limits_apply_before_buffering() {
        let limits = MessageLimits {
            head: 100,
            line: 50,
            headers: 3,
            body: 10,
        };
        let check = |stream: String, problem: &str| {
            let error = Codec::new(limits)
                .decode(&mut BytesMut::from(stream.as_str()))
                .err();
            assert_eq!(
                error.map(|error| error.to_string()).as_deref(),
                Some(problem),
                "{stream:?}"
            );
        };
        check("x".repeat(51), "a line is longer than 50 bytes");
        check(
            format!("INFO sip:h SIP/2.0\r\nx: {}", "y".repeat(48)),
            "a line is longer than 50 bytes",
        );
        check(
            format!("INFO sip:h SIP/2.0\r\n{}", " 3456789\r\n".repeat(9)),
            "the head is longer than 100 bytes",
        );
        check(
            format!("INFO sip:h SIP/2.0\r\n{}", "x:y\r\n".repeat(4)),
            "there are more than 3 header fields",
        );
        check(
            "INFO sip:h SIP/2.0\r\nl: 11\r\n\r\n".to_owned(),
            "the body is longer than 10 bytes",
        );
    }

    /// Pieces of streams: valid, unusual and invalid.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => Just(INFO.as_bytes().to_vec()),
            3 => Just(OK.as_bytes().to_vec()),
            3 => Just(b"\r\n".to_vec()),
            1 => Just(b"\n".to_vec()),
            1 => Just(b"\r".to_vec()),
            1 => Just(INFO.replace("l: 6", "l: 7").into_bytes()),
            1 => Just(INFO.replace("CSeq", "SeqC").into_bytes()),
            1 => Just(INFO.replace("f: ", "f: \"\u{fc}").into_bytes()),
            1 => Just(b"INFO sip:h SIP/2.0\r\nFrom: \xfc\r\n\r\n".to_vec()),
            1 => Just(OK.replace("Call-ID: c", &"X: y\r\n".repeat(10)).into_bytes()),
            1 => Just(OK.replace("Call-ID: c", &"c".repeat(210)).into_bytes()),
            1 => Just(OK.replace("Call-ID: c", &format!("X: {}", "c\r\n ".repeat(120))).into_bytes()),
            1 => proptest::collection::vec(any::<u8>(), 0..60),
        ]
    }

    proptest! {
        #[test]
        fn segmentation_does_not_affect_frames(
            pieces in proptest::collection::vec(piece(), 0..6),
            cuts in proptest::collection::vec(any::<usize>(), 0..12),
        ) {
            let stream = pieces.concat();
            let whole = decode(&stream, &[]);
            let every: Vec<usize> = (0..stream.len()).collect();
            prop_assert_eq!(&decode(&stream, &cuts), &whole);
            prop_assert_eq!(&decode(&stream, &every), &whole);
        }

        #[test]
        fn no_bytes_panic(
            start in prop_oneof![Just(&b"INFO sip:h SIP/2.0\r\n"[..]), Just(&b"SIP/2.0 200 OK\r\n"[..]), Just(&b""[..])],
            mut head in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"\r\n :;,<>\"\\=@[]*?%viftmcx0"[..])], 0..200),
        ) {
            head.splice(0..0, start.iter().copied());
            head.extend_from_slice(b"\r\n\r\n");
            for frame in decode(&head, &[]).0 {
                let head = match &frame {
                    Frame::Message(message) => message.head(),
                    Frame::Refused(refused) => {
                        refused.answer(&mut BytesMut::new());
                        refused.head()
                    }
                    Frame::Ping | Frame::Pong => continue,
                };
                let _ = (head.top_via(), head.from(), head.to(), head.cseq(), head.contacts(), head.expires());
                let _ = (head.session_expires(), head.min_se(), head.content_type(), format!("{head:?}"));
                let _ = (head.credentials().count(), head.challenges().count());
            }
        }

        #[test]
        fn no_value_panics(text in "[ -~é\\t]{0,40}|[a-z:@;?=<>\"\\\\\\[\\]%,*/. 0-9é]{0,40}") {
            use crate::sip::digest::{Challenge, Credentials};
            use crate::sip::{CSeq, MediaType, NameAddr, SessionExpires, Uri, Via};
            if let Ok(address) = NameAddr::parse(&text) {
                let _ = (address.display(), address.tag(), address.expires(), address.q(), address.instance(), address.reg_id());
            }
            if let Ok(uri) = Uri::parse(&text) {
                let _ = (uri.user_decoded(), uri.address(), uri.transport());
                prop_assert_eq!(uri.to_string(), text.trim_ascii());
            }
            let _ = Via::parse(&text).map(|via| (via.branch(), via.transport()));
            let _ = (CSeq::parse(&text), MediaType::parse(&text).is("a/b"), SessionExpires::parse(&text));
            let digest = format!("Digest {text}");
            let _ = (Credentials::parse(&digest).is_ok(), Challenge::parse(&digest).is_ok());
        }
    }
}
