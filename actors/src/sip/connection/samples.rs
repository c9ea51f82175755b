//! Messages for the unit tests of this folder.

use bytes::BytesMut;
use tokio_util::codec::Decoder;
use uacsta_schema::sip::{
    Request, Response,
    codec::{Codec, Frame, MessageLimits},
    message::SipMessage,
};

use super::client_transactions::Branch;

fn parse(text: &str) -> SipMessage {
    let frame = Codec::new(MessageLimits::default()).decode(&mut BytesMut::from(text));
    match frame.expect("framed").expect("whole") {
        Frame::Message(message) => message,
        other => panic!("not a message: {other:?}"),
    }
}

/// A response with this status, method and further lines.
pub(super) fn response(status: u16, method: &str, lines: &str) -> Response {
    answer(status, method, "z9hG4bK1", "2", lines)
}

/// The response to a request of ours with this branch.
pub(super) fn response_to(branch: Branch, status: u16, method: &str) -> Response {
    answer(status, method, &branch.to_string(), "2", "")
}

/// A 200 to an INVITE of ours, with this tag of the peer.
pub(super) fn response_with_tag(branch: Branch, tag: &str) -> Response {
    answer(200, "INVITE", &branch.to_string(), tag, "")
}

fn answer(status: u16, method: &str, branch: &str, tag: &str, lines: &str) -> Response {
    let text = format!(
        "SIP/2.0 {status} Response\r\nVia: SIP/2.0/UDP 127.0.0.1;branch={branch}\r\nFrom: <sip:a@a>;tag=0-1\r\n\
         To: <sip:b@a>;tag={tag}\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    match parse(&text) {
        SipMessage::Response(response) => response,
        SipMessage::Request(request) => panic!("not a response: {request:?}"),
    }
}

/// A request of the peer's with this CSeq and branch, and further lines with the body.
pub(super) fn request(method: &str, cseq: u32, branch: &str, rest: &str) -> Request {
    let text = format!(
        "{method} sip:a@a SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch={branch}\r\nFrom: <sip:b@a>;tag=2\r\n\
         To: <sip:a@a>;tag=0-1\r\nCall-ID: 1\r\nCSeq: {cseq} {method}\r\nContact: <sip:b@127.0.0.1>\r\n{rest}"
    );
    let text = if rest.contains("\r\n\r\n") {
        text
    } else {
        format!("{text}Content-Length: 0\r\n\r\n")
    };
    match parse(&text) {
        SipMessage::Request(request) => request,
        SipMessage::Response(response) => panic!("not a request: {response:?}"),
    }
}
