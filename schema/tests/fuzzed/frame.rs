//! Properties: splitting a stream does not change its frames (RFC 3261, section 18.3; RFC 5626, section 3.5.1).

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;
use uacsta_schema::sip::{Codec, Frame, FrameError, HeaderName, MessageLimits, SipMessage};

/// Small limits, so that short inputs reach them.
const LIMITS: MessageLimits = MessageLimits {
    head: 1024,
    line: 256,
    headers: 16,
    body: 512,
};

pub(crate) fn holds(stream: &[u8]) {
    let whole = decode(stream, [stream.len()]);
    assert_eq!(
        decode(stream, std::iter::repeat(1)),
        whole,
        "octet by octet"
    );
    assert_eq!(decode(stream, uneven(stream)), whole, "in uneven pieces");
    for frame in &whole.0 {
        within_limits(frame);
    }
    if let Some((_, Some(answer))) = &whole.1 {
        is_response(answer);
    }
    as_datagram(stream, whole.0.first());
}

/// All frames of a stream that arrives in pieces of these lengths, and the final error with its response.
type Decoded = (Vec<Frame>, Option<(String, Option<Bytes>)>);

fn decode(stream: &[u8], lengths: impl IntoIterator<Item = usize>) -> Decoded {
    let mut codec = Codec::new(LIMITS);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    let told = |error: FrameError| (error.to_string(), error.answer().cloned());
    let mut rest = stream;
    let mut lengths = lengths.into_iter();
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (piece, after) = rest.split_at(length);
        buffer.extend_from_slice(piece);
        rest = after;
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(told(error))),
            }
        }
        // The buffer contains at most one message and the last piece.
        assert!(buffer.len() <= LIMITS.head + LIMITS.body + length);
    }
    let end = loop {
        match codec.decode_eof(&mut buffer) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => break None,
            Err(error) => break Some(told(error)),
        }
    };
    (frames, end)
}

/// Piece lengths derived from the input, hence reproducible.
fn uneven(stream: &[u8]) -> impl Iterator<Item = usize> {
    let mut state = stream.iter().fold(0x9e37_79b9_u32, |state, byte| {
        state.wrapping_mul(31).wrapping_add(u32::from(*byte))
    });
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((state >> 16) as usize % 61 + 1)
    })
}

fn within_limits(frame: &Frame) {
    let head = match frame {
        Frame::Message(message) => {
            assert!(message.body().len() <= LIMITS.body);
            message.head()
        }
        Frame::Refused(refused) => {
            let mut answer = BytesMut::new();
            if refused.answer(&mut answer) {
                is_response(&answer);
            }
            refused.head()
        }
        Frame::Ping | Frame::Pong => return,
    };
    assert!(head.iter().count() <= LIMITS.headers);
    let octets: usize = head
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    // ISO 8859-1 can double its length in UTF-8.
    assert!(octets <= 2 * LIMITS.head);
}

/// The reply is a response of one frame, not much longer than a valid message.
fn is_response(answer: &[u8]) {
    assert!(answer.len() <= 2 * LIMITS.head + 512);
    let read = Frame::datagram(BytesMut::from(answer), &MessageLimits::default());
    let text = String::from_utf8_lossy(answer);
    assert!(text.starts_with("SIP/2.0 ") && text.ends_with("\r\n\r\n"));
    assert_eq!(text.matches("\r\n\r\n").count(), 1, "{text:?}");
    assert!(
        matches!(
            read,
            Ok(Frame::Message(SipMessage::Response(_)) | Frame::Refused(_))
        ),
        "{text:?}"
    );
}

/// A message with Content-Length is the same in a datagram.
fn as_datagram(stream: &[u8], first: Option<&Frame>) {
    let read = Frame::datagram(BytesMut::from(stream), &LIMITS);
    if let Some(frame @ Frame::Message(message)) = first
        && message.head().get(HeaderName::ContentLength).is_some()
    {
        assert_eq!(read.ok().as_ref(), Some(frame));
    }
}
