//! The datagrams of one peer (RFC 3261 18): frames that were read for it, and messages that go out one by one.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::Receiver;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        Request,
        codec::Frame,
        received::{answer_address, stamp},
    },
};

use super::{trace::Trace, wire::Broken};

/// Sends datagrams: a socket, or a table of them in a test. One that cannot be sent now is lost, as others are on their way.
pub trait Post: Send + Sync {
    /// Sends one.
    ///
    /// # Errors
    /// What the system says if it does not take it.
    fn send(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()>;
}

/// A request that no datagram may carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TooLarge {
    /// The length of the request in octets.
    pub length: usize,
}

/// A message as it was sent, to be sent again.
#[derive(Clone, Debug)]
pub struct Sent {
    octets: Bytes,
    to: SocketAddr,
}

/// What comes from one peer and goes to it.
pub(super) struct Datagrams {
    post: Arc<dyn Post>,
    peer: SocketAddr,
    frames: Receiver<Result<Frame, Broken>>,
    last: Option<Box<Sent>>,
    trace: Trace,
}

/// "If a request is within 200 bytes of the path MTU, or if it is larger than 1300 bytes and the path MTU is unknown, the
/// request MUST be sent using an RFC 2914 congestion controlled transport protocol" (RFC 3261 18.1.1).
const LARGEST: usize = 1300;

impl Datagrams {
    pub(super) fn new(
        post: Arc<dyn Post>,
        peer: SocketAddr,
        frames: Receiver<Result<Frame, Broken>>,
    ) -> Self {
        Self {
            post,
            peer,
            frames,
            last: None,
            trace: Trace::default(),
        }
    }

    /// Composes a message and sends it.
    pub(super) fn compose<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        let mut message = BytesMut::new();
        let composed = compose(&mut message);
        if message.starts_with(b"SIP/2.0 ") {
            stamp(&mut message, self.peer);
        }
        self.send(message, self.peer);
        composed
    }

    /// Composes a request and sends it, unless it is too large for a datagram.
    pub(super) fn request<T>(
        &mut self,
        compose: impl FnOnce(&mut BytesMut) -> T,
    ) -> Result<T, TooLarge> {
        let mut message = BytesMut::new();
        let composed = compose(&mut message);
        if message.len() > LARGEST {
            return Err(TooLarge {
                length: message.len(),
            });
        }
        self.send(message, self.peer);
        Ok(composed)
    }

    /// Composes the answer to a request and sends it where the request wants it.
    pub(super) fn respond(&mut self, request: &Request, compose: impl FnOnce(&mut BytesMut)) {
        let mut message = BytesMut::new();
        compose(&mut message);
        stamp(&mut message, self.peer);
        let via = request.head().top_via().ok();
        self.send(message, answer_address(via.as_ref(), self.peer));
    }

    /// What was sent last.
    pub(super) fn sent(&mut self) -> Option<Box<Sent>> {
        self.last.take()
    }

    pub(super) fn repeat(&self, sent: &Sent) {
        self.deliver("sent again", &sent.octets, sent.to);
    }

    pub(super) fn belongs_to(&mut self, mac: PhoneId) {
        self.trace = Trace(Some(mac));
    }

    pub(super) fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Broken>>> {
        let next = self.frames.poll_recv(cx);
        if let Poll::Ready(Some(Ok(frame))) = &next {
            self.trace.frame(frame);
        }
        next
    }

    fn send(&mut self, message: BytesMut, to: SocketAddr) {
        // What gets no answer, as an ACK, is answered by nothing at all.
        if message.is_empty() {
            return;
        }
        let octets = message.freeze();
        self.deliver("sent", &octets, to);
        self.last = Some(Box::new(Sent { octets, to }));
    }

    fn deliver(&self, direction: &'static str, octets: &[u8], to: SocketAddr) {
        if tracing::enabled!(target: "uacsta::sip", tracing::Level::TRACE) {
            self.trace.message(direction, octets);
        }
        // Repetitions make up for it, and a peer that hears nothing at all is found by a time-out.
        if let Err(error) = self.post.send(octets, to) {
            tracing::debug!(%to, mac = self.trace.0.map(tracing::field::display), %error, "a datagram was not sent");
        }
    }
}
