//! Properties: messages round-trip; a response copies the header fields of the request (RFC 3261, section 8.2.6.2).

use bytes::BytesMut;
use uacsta_schema::sip::{
    Frame, Head, HeaderName, MessageLimits, MessageWriter, Request, SipMessage, Status,
};

pub(crate) fn holds(datagram: &[u8]) {
    let Some(message) = read(datagram) else {
        return;
    };
    look_at(message.head());
    let written = write(&message);
    let lines = message.head().iter().count() + 2;
    // ISO 8859-1 can double its length in UTF-8; each line may gain a blank and a CR.
    assert!(written.len() <= 2 * datagram.len() + 3 * lines + "Content-Length: 262144".len());
    let again = read(&written).expect("a written message can be read");
    assert_eq!(write(&again), written);
    assert_eq!(again.body(), message.body());
    // Control characters are replaced, but add or hide no header field.
    let (read, first) = (without_length(&again), without_length(&message));
    assert_eq!(read.1.len(), first.1.len());
    assert!(has_controls(&message) || read == first);
    if let SipMessage::Request(request) = &message {
        is_answered(request, has_controls(&message));
    }
}

pub(crate) fn read(datagram: &[u8]) -> Option<SipMessage> {
    // Larger than the input, since writing may lengthen a line.
    let limits = MessageLimits {
        head: 256 << 10,
        line: 64 << 10,
        ..MessageLimits::default()
    };
    match Frame::datagram(BytesMut::from(datagram), &limits) {
        Ok(Frame::Message(message)) => Some(message),
        _ => None,
    }
}

fn write(message: &SipMessage) -> BytesMut {
    let mut out = BytesMut::new();
    message.write(&mut out);
    out
}

/// The start line, and every header field except Content-Length, which the writer computes.
fn without_length(message: &SipMessage) -> (String, Vec<(&str, &str)>) {
    let start = match message {
        SipMessage::Request(request) => format!("{} {}", request.method(), request.uri()),
        SipMessage::Response(response) => {
            format!("{} {}", response.status().code(), response.reason())
        }
    };
    let fields = message.head().iter();
    let others = fields.filter(|(name, _)| HeaderName::parse(name) != HeaderName::ContentLength);
    (start, others.collect())
}

fn has_controls(message: &SipMessage) -> bool {
    let reason = match message {
        SipMessage::Request(_) => "",
        SipMessage::Response(response) => response.reason(),
    };
    let control = |text: &str| {
        text.bytes()
            .any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
    };
    let mut fields = message.head().iter();
    control(reason) || fields.any(|(name, value)| control(name) || control(value))
}

/// Calls every accessor of a head; none may panic.
fn look_at(head: &Head) {
    let _ = (
        head.contacts().is_ok(),
        head.expires(),
        head.session_expires(),
    );
    let _ = (head.min_se(), head.content_type(), format!("{head:?}"));
    let _ = (head.credentials().count(), head.challenges().count());
    let _ = (
        head.addresses(HeaderName::Route).count(),
        head.other("X-Any"),
    );
    assert!(head.top_via().is_ok() && head.from().is_ok() && head.to().is_ok());
    assert_eq!(
        head.from_tag(),
        head.from().ok().and_then(|from| from.tag())
    );
    assert_eq!(head.to_tag(), head.to().ok().and_then(|to| to.tag()));
    assert!(head.cseq().is_ok() && head.call_id().is_some());
}

fn is_answered(request: &Request, controls: bool) {
    let mut out = BytesMut::new();
    let source = ([192, 0, 2, 1], 5060).into();
    MessageWriter::answer(&mut out, Status::OK, request, Some("ours"), source).end();
    let Some(SipMessage::Response(response)) = read(&out) else {
        panic!("{:?} is not a response", String::from_utf8_lossy(&out));
    };
    let (asked, told) = (request.head(), response.head());
    assert!(told.to_tag().is_some());
    if !controls {
        assert_eq!(told.to_tag(), asked.to_tag().or(Some("ours")));
        let below = |head: &Head| -> Vec<String> {
            let vias = head.all(HeaderName::Via).skip(1);
            vias.map(str::to_owned).collect()
        };
        assert_eq!(below(told), below(asked));
        let host = |head: &Head| head.top_via().map(|via| via.host().to_owned());
        assert_eq!(host(told).ok(), host(asked).ok());
        for header in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            assert!(told.all(header).eq(asked.all(header)), "{header}");
        }
    }
}
