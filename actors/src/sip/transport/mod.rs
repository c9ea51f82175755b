//! The transport of one peer: a stream (TCP, TLS) or the datagrams of a shared socket (RFC 3261, section 18).

mod buffers;
mod error;
mod fair_share;
mod partial_budget;
mod recorder;
mod stream;
mod trace;
mod udp;

use std::{
    cell::RefCell,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
pub use error::TransportError;
use futures_util::Stream;
pub use partial_budget::PartialBudget;
use partial_budget::PartialShare;
pub use recorder::MessageRecorder;
pub use stream::Io;
use stream::StreamTransport;
use tokio::sync::mpsc::Receiver;
pub use trace::{DeviceOf, trace_datagram};
use uacsta_schema::sip::{
    Request,
    codec::{Codec, Frame},
};
use udp::UdpPeer;
pub use udp::{DatagramSender, Sent, TooLarge};

/// The transport of one peer, shared by its connection and the stream of frames that wakes it.
#[derive(Clone)]
pub struct PeerTransport(Carrier);

/// The frames that arrive on a [`PeerTransport`], as a stream. Polling it also writes the composed messages.
pub struct Frames(Carrier);

#[derive(Clone)]
enum Carrier {
    Stream(Rc<RefCell<StreamTransport>>),
    Udp(Rc<RefCell<UdpPeer>>),
}

impl PeerTransport {
    /// A transport over `io`, with at most `bound` unsent octets after a turn, on which a message may take `patience` to arrive.
    pub fn stream(io: Box<dyn Io>, codec: Codec, bound: usize, patience: Duration) -> Self {
        let stream = StreamTransport::new(io, codec, bound, patience);
        Self(Carrier::Stream(Rc::new(RefCell::new(stream))))
    }

    /// A transport to a peer whose datagrams arrive, already parsed, as `frames`.
    pub fn udp(
        sender: Arc<dyn DatagramSender>,
        peer: SocketAddr,
        frames: Receiver<Result<Frame, TransportError>>,
    ) -> Self {
        let udp = UdpPeer::new(sender, peer, frames);
        Self(Carrier::Udp(Rc::new(RefCell::new(udp))))
    }

    /// Until [`Self::authenticated`], stops reading while the peer leaves its responses unread, and counts its partial messages
    /// against `budget`, of which all such peers together may use `most` octets.
    #[must_use]
    pub fn unauthenticated(self, budget: PartialBudget, most: usize) -> Self {
        if let Carrier::Stream(stream) = &self.0 {
            let share = PartialShare::of(budget, most);
            stream.borrow_mut().limit_partial_messages(share);
        }
        self
    }

    /// Until [`Self::authenticated`], reads the peer's messages in the bounded share of the thread's time that all
    /// unauthenticated peers have. A peer on UDP authenticates before it has a transport.
    #[must_use]
    pub fn fair_share(self) -> Self {
        if let Carrier::Stream(stream) = &self.0 {
            stream.borrow_mut().limit_rate();
        }
        self
    }

    /// Passes each message to `recorder`.
    #[must_use]
    pub fn recorded(self, recorder: Rc<dyn MessageRecorder>) -> Self {
        match &self.0 {
            Carrier::Stream(stream) => stream.borrow_mut().trace().record(recorder),
            Carrier::Udp(udp) => udp.borrow_mut().trace().record(recorder),
        }
        self
    }

    /// Lifts the limits of unauthenticated peers, or sets them again.
    pub fn authenticated(&self, authenticated: bool) {
        if let Carrier::Stream(stream) = &self.0 {
            stream.borrow_mut().authenticated(authenticated);
        }
    }

    /// The stream of frames; there is one for each transport.
    pub fn frames(&self) -> Frames {
        Frames(self.0.clone())
    }

    /// Sends the message that `compose` writes, and returns its result.
    pub fn compose<T>(&self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        match &self.0 {
            Carrier::Stream(stream) => stream.borrow_mut().compose(compose),
            Carrier::Udp(udp) => udp.borrow_mut().compose(compose),
        }
    }

    /// Sends a request, unless it is too large for a datagram (RFC 3261, section 18.1.1).
    ///
    /// # Errors
    /// The request is too large, and was not sent.
    pub fn request<T>(&self, compose: impl FnOnce(&mut BytesMut) -> T) -> Result<T, TooLarge> {
        match &self.0 {
            Carrier::Stream(stream) => Ok(stream.borrow_mut().request(compose)),
            Carrier::Udp(udp) => udp.borrow_mut().request(compose),
        }
    }

    /// Sends a response, which goes where the request's Via says (RFC 3261, section 18.2.2).
    pub fn respond(&self, request: &Request, compose: impl FnOnce(&mut BytesMut)) {
        match &self.0 {
            Carrier::Stream(stream) => stream.borrow_mut().compose(compose),
            Carrier::Udp(udp) => udp.borrow_mut().respond(request, compose),
        }
    }

    /// The peer's response to a request of ours, if it has arrived and is next. Responses are delivered beside the stream of
    /// frames, of which only a few are handled in a turn.
    pub(super) fn response(&self) -> Option<Frame> {
        match &self.0 {
            Carrier::Stream(stream) => stream.borrow_mut().response(),
            Carrier::Udp(_) => None,
        }
    }

    /// Takes the message that was sent last, for retransmission; `None` on a stream, which retransmits by itself.
    pub fn sent(&self) -> Option<Box<Sent>> {
        match &self.0 {
            Carrier::Stream(_) => None,
            Carrier::Udp(udp) => udp.borrow_mut().sent(),
        }
    }

    /// Sends a message again.
    pub fn retransmit(&self, sent: &Sent) {
        if let Carrier::Udp(udp) = &self.0 {
            udp.borrow().retransmit(sent);
        }
    }

    /// Labels each traced message with the peer, and with the device that it concerns.
    pub(super) fn label(&self, peer: SocketAddr, device_of: DeviceOf) {
        match &self.0 {
            Carrier::Stream(stream) => stream.borrow_mut().trace().label(peer, device_of),
            Carrier::Udp(udp) => udp.borrow_mut().trace().label(peer, device_of),
        }
    }

    /// Writes what the operating system accepts at once, before the connection is closed.
    pub fn flush_now(&self) {
        if let Carrier::Stream(stream) = &self.0 {
            stream.borrow_mut().shut_down();
        }
    }
}

impl Stream for Frames {
    type Item = Result<Frame, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &self.0 {
            Carrier::Stream(stream) => stream.borrow_mut().poll(cx),
            Carrier::Udp(udp) => udp.borrow_mut().poll(cx),
        }
    }
}
