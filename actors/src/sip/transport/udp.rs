//! One peer on a shared UDP socket: a message is a datagram (RFC 3261, section 18).

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::Receiver;
use uacsta_schema::sip::{Request, codec::Frame, via_response::answer_address};

use super::{error::TransportError, trace::Trace};

/// Sends datagrams. One that cannot be sent now is lost, as datagrams may be in the network.
pub trait DatagramSender: Send + Sync {
    /// Sends one datagram.
    ///
    /// # Errors
    /// The operating system rejects the datagram.
    fn send(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()>;
}

/// The request is too large for a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TooLarge {
    /// The length of the request in octets.
    pub length: usize,
}

/// A message as it was sent, kept for retransmission.
#[derive(Clone, Debug)]
pub struct Sent {
    octets: Bytes,
    to: SocketAddr,
}

/// The transport of one peer on UDP.
pub(super) struct UdpPeer {
    sender: Arc<dyn DatagramSender>,
    peer: SocketAddr,
    frames: Receiver<Result<Frame, TransportError>>,
    last: Option<Box<Sent>>,
    trace: Trace,
}

/// "If a request is within 200 bytes of the path MTU, or if it is larger than 1300 bytes and the path MTU is unknown, the
/// request MUST be sent using an RFC 2914 congestion controlled transport protocol" (RFC 3261, section 18.1.1).
const LARGEST: usize = 1300;

impl UdpPeer {
    pub(super) fn new(
        sender: Arc<dyn DatagramSender>,
        peer: SocketAddr,
        frames: Receiver<Result<Frame, TransportError>>,
    ) -> Self {
        Self {
            sender,
            peer,
            frames,
            last: None,
            trace: Trace::default(),
        }
    }

    /// Sends a message other than a request.
    pub(super) fn compose<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        let mut message = BytesMut::new();
        let composed = compose(&mut message);
        self.send(message, self.peer);
        composed
    }

    /// Sends a request, unless it is too large for a datagram.
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

    /// Sends a response to the address in the Via of its request.
    pub(super) fn respond(&mut self, request: &Request, compose: impl FnOnce(&mut BytesMut)) {
        let mut message = BytesMut::new();
        compose(&mut message);
        let via = request.head().top_via().ok();
        self.send(message, answer_address(via.as_ref(), self.peer));
    }

    /// Takes the message that was sent last.
    pub(super) fn sent(&mut self) -> Option<Box<Sent>> {
        self.last.take()
    }

    pub(super) fn retransmit(&self, sent: &Sent) {
        self.deliver("retransmitted", &sent.octets, sent.to);
    }

    pub(super) fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, TransportError>>> {
        let next = self.frames.poll_recv(cx);
        if let Poll::Ready(Some(Ok(frame))) = &next {
            self.trace.frame(frame);
        }
        next
    }

    fn send(&mut self, message: BytesMut, to: SocketAddr) {
        // A response to ACK is composed as an empty message.
        if message.is_empty() {
            return;
        }
        let octets = message.freeze();
        self.deliver("sent", &octets, to);
        self.last = Some(Box::new(Sent { octets, to }));
    }

    fn deliver(&self, direction: &'static str, octets: &[u8], to: SocketAddr) {
        self.trace.message(direction, octets);
        // A retransmission replaces it; a peer that receives none of them times out.
        if let Err(error) = self.sender.send(octets, to) {
            let device = self.trace.device_in(octets);
            let phone = device.as_deref().map(tracing::field::display);
            tracing::debug!(peer = %to, phone, %error, "cannot send datagram");
        }
    }
}
