//! Passes whole SIP messages to the recorder, and logs them at level trace, with masked secrets.

use std::{net::SocketAddr, rc::Rc};

use bytes::BytesMut;
use tracing::{Level, field::display};
use uacsta_schema::sip::{
    Head, SipMessage,
    codec::{Frame, MessageLimits},
};

use super::recorder::MessageRecorder;
use crate::sip::secrets;

/// Records and logs the messages of one peer, each log line with the device or client that it concerns.
#[derive(Default)]
pub(super) struct Trace {
    peer: Option<SocketAddr>,
    device_of: Option<DeviceOf>,
    recorder: Option<Rc<dyn MessageRecorder>>,
}

/// Finds the device that a message concerns, for the log field `phone`.
pub type DeviceOf = fn(&Head) -> Option<String>;

/// Records and logs a datagram to which the server responds without a connection, and the response.
pub fn trace_datagram(
    peer: SocketAddr,
    device_of: DeviceOf,
    recorder: Rc<dyn MessageRecorder>,
    frame: &Frame,
    response: &[u8],
) {
    let trace = Trace {
        peer: Some(peer),
        device_of: Some(device_of),
        recorder: Some(recorder),
    };
    trace.frame(frame);
    trace.message("sent", response);
}

impl Trace {
    pub(super) fn label(&mut self, peer: SocketAddr, device_of: DeviceOf) {
        self.peer = Some(peer);
        self.device_of = Some(device_of);
    }

    pub(super) fn record(&mut self, recorder: Rc<dyn MessageRecorder>) {
        self.recorder = Some(recorder);
    }

    /// A message was received.
    pub(super) fn frame(&self, frame: &Frame) {
        if let Some(recorder) = &self.recorder {
            match frame {
                Frame::Message(message) => recorder.received(message.head(), message.body()),
                Frame::Refused(refused) => recorder.received(refused.head(), refused.body()),
                Frame::Ping | Frame::Pong => {}
            }
        }
        if let Frame::Message(message) = frame
            && tracing::enabled!(target: TARGET, Level::TRACE)
        {
            let mut text = BytesMut::new();
            message.write(&mut text);
            self.log(RECEIVED, &text, Some(message.head()));
        }
    }

    /// A message is sent.
    pub(super) fn message(&self, direction: &'static str, message: &[u8]) {
        if let Some(recorder) = &self.recorder {
            recorder.sent(message);
        }
        if tracing::enabled!(target: TARGET, Level::TRACE) {
            let sent = parsed(message);
            self.log(direction, message, sent.as_ref().map(SipMessage::head));
        }
    }

    /// The device that a message which is sent concerns.
    pub(super) fn device_in(&self, message: &[u8]) -> Option<String> {
        self.device(parsed(message)?.head())
    }

    fn device(&self, head: &Head) -> Option<String> {
        self.device_of.and_then(|device_of| device_of(head))
    }

    fn log(&self, direction: &'static str, message: &[u8], head: Option<&Head>) {
        let mut shown = message.to_vec();
        secrets::mask(&mut shown);
        let shown = String::from_utf8_lossy(&shown);
        let is_received = direction == RECEIVED;
        let client = head.and_then(|head| self.recorder.as_ref()?.client(head, is_received));
        let phone = head.and_then(|head| self.device(head)).map(display);
        let (peer, client) = (self.peer.map(display), client.map(display));
        tracing::trace!(target: TARGET, peer, phone, client, direction, message = %shown);
    }
}

fn parsed(message: &[u8]) -> Option<SipMessage> {
    match Frame::datagram(BytesMut::from(message), &MessageLimits::default()) {
        Ok(Frame::Message(message)) => Some(message),
        _ => None,
    }
}

const RECEIVED: &str = "received";

/// The log target, by which these lines are selected.
const TARGET: &str = "uacsta::sip";
