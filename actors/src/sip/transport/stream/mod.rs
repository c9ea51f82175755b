//! A TCP or TLS connection: octets that arrived and await parsing, octets that await sending, and the bounds of both.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep},
};
use tokio_util::codec::Decoder;
use uacsta_schema::sip::{
    codec::{Codec, Frame},
    message::Message,
};

use super::{
    buffers, error::TransportError, fair_share::FairSharePermit, partial_budget::PartialShare,
    trace::Trace,
};

/// Anything that carries octets both ways: a TCP or TLS connection, or a pipe in a test.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// One connection. It is polled by hand, not through `FramedRead`, so that an idle one holds no buffer and a busy one does not
/// starve the others of its thread. [`super::PeerTransport`] composes, [`super::Frames`] polls.
pub(super) struct StreamTransport {
    io: Box<dyn Io>,
    codec: Codec,
    unread: BytesMut,
    unsent: BytesMut,
    /// The most octets that may wait in `unsent`.
    bound: usize,
    /// Frames delivered in this turn, of which there are [`TURN`] at most.
    taken: u8,
    /// Requests of ours without a response yet.
    unanswered: u32,
    /// Their responses that were delivered beside the frames in this turn.
    responses: u16,
    /// Whether the stream is about to be polled anyway, so that composing needs no wake-up.
    polled: bool,
    /// How long one message may take to arrive.
    patience: Duration,
    /// Fires when the message that has begun to arrive is late.
    late: Option<Pin<Box<Sleep>>>,
    ended: bool,
    /// Limits the partial messages of a peer that has not authenticated.
    partial: Option<PartialShare>,
    /// Limits how often messages of a peer that has not authenticated are handled.
    permit: Option<FairSharePermit>,
    /// Why nothing more will come, with the permit to say so: thousands of connections may end at once.
    ending: Option<(FairSharePermit, TransportError)>,
    waker: Option<Waker>,
    trace: Trace,
}

/// How many frames are handled before other actors get their turn.
const TURN: u8 = 8;
/// How many responses to requests of ours are handled beside them. In a turn in which a thousand phones report, their client
/// is sent a thousand events; if eight responses were handled in the next, more and more would seem to be missing.
const RESPONSES: u16 = 4096;
/// How a response begins (RFC 3261, section 7.2).
const RESPONSE: &[u8] = b"SIP/2.0 ";
/// Octets are written at the end of a turn, or when so many wait: a turn in which a thousand phones report must not look
/// like a client that does not read.
const EAGER: usize = 64 * 1024;
/// How many octets of responses an unauthenticated peer may leave unread before its further requests stay unread: they must
/// not fill the memory. A peer that has authenticated is sent events as well, and its responses must be read; there
/// [`StreamTransport::bound`] ends the connection.
const UNREAD_RESPONSES: usize = 4 * 1024;

impl StreamTransport {
    pub(super) fn new(io: Box<dyn Io>, codec: Codec, bound: usize, patience: Duration) -> Self {
        Self {
            io,
            codec,
            unread: BytesMut::new(),
            unsent: BytesMut::new(),
            bound,
            taken: 0,
            unanswered: 0,
            responses: 0,
            polled: false,
            patience,
            late: None,
            ended: false,
            partial: None,
            permit: None,
            ending: None,
            waker: None,
            trace: Trace::default(),
        }
    }

    pub(super) fn compose<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        let start = self.unsent.len();
        if self.unsent.capacity() == 0 {
            self.unsent = buffers::take();
        }
        let composed = compose(&mut self.unsent);
        self.trace.message("sent", &self.unsent[start..]);
        if self.unsent.len() >= EAGER {
            self.flush_eagerly();
        }
        if start == 0
            && !self.polled
            && let Some(waker) = &self.waker
        {
            waker.wake_by_ref();
        }
        composed
    }

    /// Composes a request, to which a response is expected.
    pub(super) fn request<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        self.unanswered = self.unanswered.saturating_add(1);
        self.compose(compose)
    }

    /// The response to a request of ours, if it is next and has arrived. There are no more of them than requests.
    pub(super) fn response(&mut self) -> Option<Frame> {
        let due = self.unanswered > 0 && self.responses < RESPONSES && self.partial.is_none();
        if !due || self.ended || self.ending.is_some() {
            return None;
        }
        let waker = self.waker.clone()?;
        let cx = &mut Context::from_waker(&waker);
        let mut next = Poll::Pending;
        if !self.codec.awaits_body() {
            if self.unread.is_empty() {
                next = self.fill(cx).map_ok(|_| None);
            }
            if self.unread.starts_with(RESPONSE) {
                next = self.next(cx).map_ok(Some);
            }
        }
        match next {
            Poll::Ready(Ok(frame)) => {
                self.responses += u16::from(frame.is_some());
                frame
            }
            Poll::Ready(Err(error)) => {
                self.ending = Some((FairSharePermit::default(), error));
                None
            }
            Poll::Pending => None,
        }
    }

    /// Counts the peer's partial messages, and reads nothing more while it leaves its responses unread.
    pub(super) fn limit_partial_messages(&mut self, share: PartialShare) {
        self.partial = Some(share);
    }

    /// Handles the peer's messages in the share of the thread's time that unauthenticated peers have.
    pub(super) fn limit_rate(&mut self) {
        self.permit = Some(FairSharePermit::default());
    }

    /// Lifts both limits.
    pub(super) fn authenticated(&mut self) {
        (self.partial, self.permit) = (None, None);
        // Read what was held back.
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    pub(super) fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// Writes what the operating system accepts at once, and closes the connection's sending side.
    pub(super) fn shut_down(&mut self) {
        let waker = self.waker.clone().unwrap_or_else(|| Waker::noop().clone());
        // What cannot be written now is lost with the connection, which is closing.
        let _ = self.flush(&mut Context::from_waker(&waker));
        let _ = Pin::new(&mut self.io).poll_shutdown(&mut Context::from_waker(&waker));
    }

    /// The next frame, or why there is none; between frames, what was composed is written.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, TransportError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self
            .waker
            .as_ref()
            .is_none_or(|waker| !waker.will_wake(cx.waker()))
        {
            self.waker = Some(cx.waker().clone());
        }
        if self.ending.is_some() {
            return self.end(cx);
        }
        let held = self.is_held_back();
        let ours = !held
            && self
                .permit
                .as_mut()
                .is_none_or(|permit| permit.poll(cx).is_ready());
        let next = if ours && self.taken < TURN {
            self.next(cx)
        } else {
            Poll::Pending
        };
        match next {
            Poll::Ready(Ok(frame)) => {
                self.taken += 1;
                self.polled = true;
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Err(error)) => {
                self.ending = Some((FairSharePermit::default(), error));
                return self.end(cx);
            }
            Poll::Pending => {}
        }
        if self.taken == TURN {
            cx.waker().wake_by_ref();
        }
        (self.taken, self.responses) = (0, 0);
        self.polled = false;
        let error = match self.flush(cx) {
            Poll::Ready(Err(error)) => TransportError::Failed(error),
            Poll::Pending if self.unsent.len() > self.bound => TransportError::Overflow,
            Poll::Ready(Ok(())) if held => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ if held => return Poll::Pending,
            _ if self.is_late(cx) => TransportError::Slow,
            _ => return Poll::Pending,
        };
        self.ended = true;
        Poll::Ready(Some(Err(error)))
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.unsent))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if written == self.unsent.len() {
                buffers::give_back(std::mem::take(&mut self.unsent));
            } else {
                self.unsent.advance(written);
            }
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Reports why the connection ends, as soon as the permit allows.
    fn end(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        let ended = self
            .ending
            .take_if(|(permit, _)| permit.poll(cx).is_ready());
        match ended {
            Some((_, error)) => {
                self.ended = true;
                Poll::Ready(Some(Err(error)))
            }
            None => Poll::Pending,
        }
    }

    /// Writes what the operating system accepts now. An error shows again at the end of the turn.
    fn flush_eagerly(&mut self) {
        if let Some(waker) = self.waker.clone() {
            let _ = self.flush(&mut Context::from_waker(&waker));
        }
    }

    /// Whether an unauthenticated peer must first read its responses.
    fn is_held_back(&mut self) -> bool {
        let held = self.partial.is_some() && self.unsent.len() > UNREAD_RESPONSES;
        if held {
            // A message that we do not read is not late.
            self.late = None;
        }
        held
    }

    /// Whether a partial message has taken too long. The time starts when no more octets of it have arrived.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.unread.is_empty() && !self.codec.awaits_body() {
            self.late = None;
            return false;
        }
        let patience = self.patience;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(patience)));
        late.as_mut().poll(cx).is_ready()
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, TransportError>> {
        let mut arrived = 0;
        loop {
            if !self.unread.is_empty() {
                match self.codec.decode(&mut self.unread) {
                    Ok(Some(frame)) => {
                        self.trace.frame(&frame);
                        self.late = None;
                        if let Some(share) = &mut self.partial {
                            share.restart(self.unread.len());
                        }
                        if matches!(frame, Frame::Message(Message::Response(_))) {
                            self.unanswered = self.unanswered.saturating_sub(1);
                        }
                        if self.unread.is_empty() {
                            self.unread = BytesMut::new();
                        }
                        return Poll::Ready(Ok(frame));
                    }
                    Ok(None) => {
                        let share = self.partial.as_mut();
                        if share.is_some_and(|share| !share.grows(arrived)) {
                            return Poll::Ready(Err(TransportError::BudgetExceeded));
                        }
                    }
                    Err(error) => return Poll::Ready(Err(TransportError::Framing(error))),
                }
            }
            arrived = ready!(self.fill(cx))?;
        }
    }

    /// Reads what has arrived; returns the number of octets, which is not 0.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, TransportError>> {
        Poll::Ready(
            match ready!(buffers::read(&mut self.io, &mut self.unread, cx)) {
                Ok(0) => Err(TransportError::Closed),
                Ok(octets) => Ok(octets),
                Err(error) => Err(TransportError::Failed(error)),
            },
        )
    }
}

#[cfg(test)]
mod tests;
