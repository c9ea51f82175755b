//! The octets of one peer: frames in, composed messages out, and a bound on what a slow peer may owe.

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use futures_util::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc::Receiver,
    time::{Sleep, sleep},
};
use tokio_util::codec::Decoder;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        Request,
        codec::{Codec, Frame, FrameError},
    },
};

use super::{
    datagrams::{Datagrams, Post, Sent, TooLarge},
    trace::Trace,
    turnstile::Ticket,
};

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
    /// Nothing came for so long that the peer, which has no connection to end, must be gone.
    Idle,
}

struct Ends {
    io: Box<dyn Io>,
    codec: Codec,
    unread: BytesMut,
    unsent: BytesMut,
    /// The most octets that may wait in `unsent`.
    bound: usize,
    /// Frames given out since the last pause, so that one busy peer does not starve the others of its thread.
    taken: u8,
    /// Whether the stream is about to be polled anyway, so that writing needs no wake-up.
    polled: bool,
    /// How long one message may take to arrive.
    patience: Duration,
    /// Fires when the message that has begun to arrive is late.
    late: Option<Pin<Box<Sleep>>>,
    broken: bool,
    /// Whether nobody has logged on, so that nothing more is taken while answers wait.
    stranger: bool,
    /// Where a peer that nobody knows yet waits for its turn.
    newcomer: Option<Ticket>,
    /// Why nothing more will come, which waits for its turn: thousands of connections may end at once, too.
    ending: Option<(Ticket, Broken)>,
    waker: Option<Waker>,
    /// Whose messages these are, for the log.
    trace: Trace,
}

/// How many frames are handled before other actors get their turn.
const TURN: u8 = 8;
/// What is read at once. The buffer is the thread's, so an idle connection holds none.
const SCRATCH: usize = 16 * 1024;
/// What waits to be sent is written at the end of a turn, or when it is this much: a turn in which a thousand phones
/// report must not look like a client that does not read.
const EAGER: usize = 64 * 1024;
/// What may wait for a stranger to read it before nothing more is taken of what it sends: a stranger is due answers alone, and
/// who sends without reading must not fill the memory with them. Who has logged on is due events as well, and what it answers
/// must be heard; there the bound ends the connection.
const OWED_TO_STRANGER: usize = 4 * 1024;
/// A buffer in which nothing waits to be sent any more goes to the next connection of the thread that sends: so many are
/// kept, and none that grew beyond so many octets.
const SPARE: usize = 32;
const KEEP: usize = 4 * 1024;

thread_local! {
    static SCRATCH_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
    static SPARE_BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

impl Wire {
    /// A wire over `io`, on which at most `bound` octets wait to be sent and one message may take `patience` to arrive.
    pub fn new(io: Box<dyn Io>, codec: Codec, bound: usize, patience: Duration) -> Self {
        Self(Carrier::Stream(Rc::new(RefCell::new(Ends {
            io,
            codec,
            unread: BytesMut::new(),
            unsent: BytesMut::new(),
            bound,
            taken: 0,
            polled: false,
            patience,
            late: None,
            broken: false,
            stranger: false,
            newcomer: None,
            ending: None,
            waker: None,
            trace: Trace::default(),
        }))))
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
        let mut ends = match &self.0 {
            Carrier::Stream(ends) => ends.borrow_mut(),
            Carrier::Datagrams(datagrams) => return datagrams.borrow_mut().compose(compose),
        };
        let start = ends.unsent.len();
        if ends.unsent.capacity() == 0 {
            ends.unsent = SPARE_BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
        }
        let composed = compose(&mut ends.unsent);
        if tracing::enabled!(target: "uacsta::sip", tracing::Level::TRACE) {
            ends.trace.message("sent", &ends.unsent[start..]);
        }
        if ends.unsent.len() >= EAGER {
            ends.flush_eagerly();
        }
        if start == 0
            && !ends.polled
            && let Some(waker) = &ends.waker
        {
            waker.wake_by_ref();
        }
        composed
    }

    /// Takes nothing more of a peer that does not read its answers, until it is [`Self::known`].
    #[must_use]
    pub fn stranger(self) -> Self {
        if let Carrier::Stream(ends) = &self.0 {
            ends.borrow_mut().stranger = true;
        }
        self
    }

    /// Takes the peer's messages in the newcomers' share of the thread's time, until it is [`Self::known`]. A peer on UDP
    /// is none: it has logged on before it has a wire.
    #[must_use]
    pub fn newcomer(self) -> Self {
        if let Carrier::Stream(ends) = &self.0 {
            ends.borrow_mut().newcomer = Some(Ticket::default());
        }
        self
    }

    /// The peer has logged on.
    pub fn known(&self) {
        if let Carrier::Stream(ends) = &self.0 {
            let mut ends = ends.borrow_mut();
            (ends.stranger, ends.newcomer) = (false, None);
            // What was held back is taken now.
            if let Some(waker) = &ends.waker {
                waker.wake_by_ref();
            }
        }
    }

    /// The same for a request, which is not sent if it is too large for a datagram (RFC 3261 18.1.1).
    pub fn request<T>(&self, compose: impl FnOnce(&mut BytesMut) -> T) -> Result<T, TooLarge> {
        match &self.0 {
            Carrier::Stream(_) => Ok(self.compose(compose)),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().request(compose),
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
            Carrier::Stream(ends) => ends.borrow_mut().trace = Trace(Some(mac)),
            Carrier::Datagrams(datagrams) => datagrams.borrow_mut().belongs_to(mac),
        }
    }

    /// Writes what the operating system takes at once; used for last words before a connection is closed.
    pub fn flush_now(&self) {
        let Carrier::Stream(ends) = &self.0 else {
            return;
        };
        let mut ends = ends.borrow_mut();
        let waker = ends.waker.clone().unwrap_or_else(|| Waker::noop().clone());
        // What cannot be written now is lost with the connection, which is closing.
        let _ = ends.flush(&mut Context::from_waker(&waker));
        let _ = Pin::new(&mut ends.io).poll_shutdown(&mut Context::from_waker(&waker));
    }
}

impl Ends {
    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.unsent))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if written == self.unsent.len() {
                self.spare();
            } else {
                self.unsent.advance(written);
            }
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Says why the connection ends when its turn has come.
    fn end(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Frame, Broken>>> {
        let ended = self
            .ending
            .take_if(|(ticket, _)| ticket.poll(cx).is_ready());
        match ended {
            Some((_, broken)) => {
                self.broken = true;
                Poll::Ready(Some(Err(broken)))
            }
            None => Poll::Pending,
        }
    }

    /// All is sent: another connection may have the buffer.
    fn spare(&mut self) {
        let mut buffer = std::mem::take(&mut self.unsent);
        buffer.clear();
        if buffer.capacity() <= KEEP {
            SPARE_BUFFERS.with_borrow_mut(|spare| {
                if spare.len() < SPARE {
                    spare.push(buffer);
                }
            });
        }
    }

    /// Writes what the operating system takes now. An error shows again at the end of the turn.
    fn flush_eagerly(&mut self) {
        if let Some(waker) = self.waker.clone() {
            let _ = self.flush(&mut Context::from_waker(&waker));
        }
    }

    /// Whether nothing more is taken of what a stranger sends, until it reads what it is due.
    fn is_held_back(&mut self) -> bool {
        let held = self.stranger && self.unsent.len() > OWED_TO_STRANGER;
        if held {
            // Nothing is late that is not read.
            self.late = None;
        }
        held
    }

    /// Whether a message that began to arrive has taken too long. The time starts when nothing more of it is there yet.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.unread.is_empty() && !self.codec.awaits_body() {
            self.late = None;
            return false;
        }
        let patience = self.patience;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(patience)));
        late.as_mut().poll(cx).is_ready()
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH_BUFFER.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
            self.unread.extend_from_slice(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Broken>> {
        loop {
            if !self.unread.is_empty() {
                match self.codec.decode(&mut self.unread) {
                    Ok(Some(frame)) => {
                        self.trace.frame(&frame);
                        self.late = None;
                        if self.unread.is_empty() {
                            self.unread = BytesMut::new();
                        }
                        return Poll::Ready(Ok(frame));
                    }
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Err(Broken::Framing(error))),
                }
            }
            match ready!(self.read(cx)) {
                Ok(0) => return Poll::Ready(Err(Broken::Closed)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Broken::Failed(error))),
            }
        }
    }
}

impl Stream for Frames {
    type Item = Result<Frame, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut ends = match &self.0 {
            Carrier::Stream(ends) => ends.borrow_mut(),
            Carrier::Datagrams(datagrams) => return datagrams.borrow_mut().next(cx),
        };
        if ends.broken {
            return Poll::Ready(None);
        }
        if ends
            .waker
            .as_ref()
            .is_none_or(|waker| !waker.will_wake(cx.waker()))
        {
            ends.waker = Some(cx.waker().clone());
        }
        if ends.ending.is_some() {
            return ends.end(cx);
        }
        let held = ends.is_held_back();
        let ours = !held
            && ends
                .newcomer
                .as_mut()
                .is_none_or(|ticket| ticket.poll(cx).is_ready());
        let next = if ours && ends.taken < TURN {
            ends.next(cx)
        } else {
            Poll::Pending
        };
        match next {
            Poll::Ready(Ok(frame)) => {
                ends.taken += 1;
                ends.polled = true;
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Err(broken)) => {
                ends.ending = Some((Ticket::default(), broken));
                return ends.end(cx);
            }
            Poll::Pending => {}
        }
        if ends.taken == TURN {
            cx.waker().wake_by_ref();
        }
        ends.taken = 0;
        ends.polled = false;
        let broken = match ends.flush(cx) {
            Poll::Ready(Err(error)) => Broken::Failed(error),
            Poll::Pending if ends.unsent.len() > ends.bound => Broken::Overflow,
            Poll::Ready(Ok(())) if held => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ if held => return Poll::Pending,
            _ if ends.is_late(cx) => Broken::Slow,
            _ => return Poll::Pending,
        };
        ends.broken = true;
        Poll::Ready(Some(Err(broken)))
    }
}
