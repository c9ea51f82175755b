//! The octets of one peer: frames in, composed messages out, and a bound on what a slow peer may owe.

mod buffers;
mod ends;
mod unfinished;

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::Receiver,
};
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        Request,
        codec::{Codec, Frame, FrameError},
    },
};

use super::datagrams::{Datagrams, Post, Sent, TooLarge};
use ends::Ends;
use unfinished::Part;

pub use unfinished::Unfinished;

/// Anything that carries octets both ways: a TCP or TLS connection, or a pipe in a test.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// One peer's reading and writing end, shared by the link and the stream that wakes it.
#[derive(Clone)]
pub struct Wire(Carrier);

/// The frames that arrive on a [`Wire`], as a stream. Polling it also writes out what was composed.
pub struct Frames(Carrier);

/// What carries the messages.
#[derive(Clone)]
enum Carrier {
    /// A connection.
    Stream(Rc<RefCell<Ends>>),
    /// A socket that is shared with other peers.
    Datagrams(Rc<RefCell<Datagrams>>),
}

/// Why no further frame will come.
#[derive(Debug)]
pub enum Broken {
    /// The peer ended the connection.
    Closed,
    /// The peer broke the framing; some of these errors have an answer to send first.
    Framing(FrameError),
    /// The operating system reported an error.
    Failed(io::Error),
    /// The peer does not read what it is due.
    Overflow,
    /// The peer does not finish a message that it began.
    Slow,
    /// The peer has not logged on, and there is no room for what it has begun.
    Crowded,
    /// Nothing came for so long that the peer, which has no connection to end, must be gone.
    Idle,
}

impl Wire {
    /// A wire over `io`, on which at most `bound` octets wait to be sent and one message may take `patience` to arrive.
    pub fn new(io: Box<dyn Io>, codec: Codec, bound: usize, patience: Duration) -> Self {
        let ends = Ends::new(io, codec, bound, patience);
        Self(Carrier::Stream(Rc::new(RefCell::new(ends))))
    }

    /// A wire to a peer whose datagrams, read already, come as `frames`, and to whom `post` sends.
    pub fn datagrams(
        post: Arc<dyn Post>,
        peer: SocketAddr,
        frames: Receiver<Result<Frame, Broken>>,
    ) -> Self {
        let datagrams = Datagrams::new(post, peer, frames);
        Self(Carrier::Datagrams(Rc::new(RefCell::new(datagrams))))
    }

    /// The stream of frames; there is one for each wire.
    pub fn frames(&self) -> Frames {
        Frames(self.0.clone())
    }

    /// Composes a message at the end of what is to be sent and returns what the composer returns.
    pub fn compose<T>(&self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        match &self.0 {
            Carrier::Stream(ends) => ends.borrow_mut().compose(compose),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().compose(compose),
        }
    }

    /// Until the peer is [`Self::known`], takes nothing more of one that does not read its answers, and has it share the `most`
    /// octets that `unfinished` messages may take together.
    #[must_use]
    pub fn stranger(self, unfinished: Unfinished, most: usize) -> Self {
        if let Carrier::Stream(ends) = &self.0 {
            ends.borrow_mut().distrust(Part::of(unfinished, most));
        }
        self
    }

    /// Takes the peer's messages in the newcomers' share of the thread's time, until it is [`Self::known`]. A peer on UDP
    /// is none: it has logged on before it has a wire.
    #[must_use]
    pub fn newcomer(self) -> Self {
        if let Carrier::Stream(ends) = &self.0 {
            ends.borrow_mut().queue();
        }
        self
    }

    /// The peer has logged on.
    pub fn known(&self) {
        if let Carrier::Stream(ends) = &self.0 {
            ends.borrow_mut().known();
        }
    }

    /// The same for a request, which is not sent if it is too large for a datagram (RFC 3261 18.1.1).
    pub fn request<T>(&self, compose: impl FnOnce(&mut BytesMut) -> T) -> Result<T, TooLarge> {
        match &self.0 {
            Carrier::Stream(ends) => Ok(ends.borrow_mut().request(compose)),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().request(compose),
        }
    }

    /// What the peer answers to a request of ours, if that comes next and is there already: beside the frames of the stream, whose
    /// number in a turn is bounded.
    pub(super) fn answer(&self) -> Option<Frame> {
        match &self.0 {
            Carrier::Stream(ends) => ends.borrow_mut().answer(),
            Carrier::Datagrams(_) => None,
        }
    }

    /// The same for the answer to a request, which goes where the request's Via says (RFC 3261 18.2.2).
    pub fn respond(&self, request: &Request, compose: impl FnOnce(&mut BytesMut)) {
        match &self.0 {
            Carrier::Stream(_) => self.compose(compose),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().respond(request, compose),
        }
    }

    /// What was sent last, to be sent again; none on a connection, which repeats by itself.
    pub fn sent(&self) -> Option<Box<Sent>> {
        match &self.0 {
            Carrier::Stream(_) => None,
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().sent(),
        }
    }

    /// Sends a message once more.
    pub fn repeat(&self, sent: &Sent) {
        if let Carrier::Datagrams(datagrams) = &self.0 {
            datagrams.borrow().repeat(sent);
        }
    }

    /// From now on the messages are those of this phone, in the log.
    pub fn belongs_to(&self, mac: PhoneId) {
        match &self.0 {
            Carrier::Stream(ends) => ends.borrow_mut().belong_to(mac),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().belongs_to(mac),
        }
    }

    /// Writes what the operating system takes at once; used for last words before a connection is closed.
    pub fn flush_now(&self) {
        if let Carrier::Stream(ends) = &self.0 {
            ends.borrow_mut().last_words();
        }
    }
}

impl Stream for Frames {
    type Item = Result<Frame, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &self.0 {
            Carrier::Stream(ends) => ends.borrow_mut().poll(cx),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().next(cx),
        }
    }
}
