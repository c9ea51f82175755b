//! Both ends of a connection: what has come and is not read, what waits to be sent, and the bounds of both.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::AsyncWrite as _,
    time::{Sleep, sleep},
};
use tokio_util::codec::Decoder;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        codec::{Codec, Frame},
        message::Message,
    },
};

use super::{
    super::{trace::Trace, turnstile::Ticket},
    Broken, Io, Part, buffers,
};

/// The two ends; [`super::Wire`] composes, [`super::Frames`] polls.
pub(super) struct Ends {
    io: Box<dyn Io>,
    codec: Codec,
    unread: BytesMut,
    unsent: BytesMut,
    /// The most octets that may wait in `unsent`.
    bound: usize,
    /// Frames given out since the last pause, so that one busy peer does not starve the others of its thread.
    taken: u8,
    /// Requests of ours that the peer may still answer.
    owed: u32,
    /// Their answers that were given out beside the frames since the last pause.
    answers: u16,
    /// Whether the stream is about to be polled anyway, so that writing needs no wake-up.
    polled: bool,
    /// How long one message may take to arrive.
    patience: Duration,
    /// Fires when the message that has begun to arrive is late.
    late: Option<Pin<Box<Sleep>>>,
    broken: bool,
    /// There while nobody has logged on, so that nothing more is taken while answers wait: its part of what is unfinished.
    stranger: Option<Part>,
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
/// How many answers to requests of ours are handled beside them. In a turn in which a thousand phones report, their client is
/// sent a thousand events, and if eight answers were taken in the next, more and more would seem to be missing.
const ANSWERS: u16 = 4096;
/// What an answer begins with (RFC 3261 section 7.2).
const ANSWER: &[u8] = b"SIP/2.0 ";
/// What waits to be sent is written at the end of a turn, or when it is this much: a turn in which a thousand phones
/// report must not look like a client that does not read.
const EAGER: usize = 64 * 1024;
/// What may wait for a stranger to read it before nothing more is taken of what it sends: a stranger is due answers alone, and
/// who sends without reading must not fill the memory with them. Who has logged on is due events as well, and what it answers
/// must be heard; there the bound ends the connection.
const OWED_TO_STRANGER: usize = 4 * 1024;

impl Ends {
    pub(super) fn new(io: Box<dyn Io>, codec: Codec, bound: usize, patience: Duration) -> Self {
        Self {
            io,
            codec,
            unread: BytesMut::new(),
            unsent: BytesMut::new(),
            bound,
            taken: 0,
            owed: 0,
            answers: 0,
            polled: false,
            patience,
            late: None,
            broken: false,
            stranger: None,
            newcomer: None,
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
        if tracing::enabled!(target: "uacsta::sip", tracing::Level::TRACE) {
            self.trace.message("sent", &self.unsent[start..]);
        }
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

    /// Composes a request, which has an answer.
    pub(super) fn request<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        self.owed = self.owed.saturating_add(1);
        self.compose(compose)
    }

    /// The answer to a request of ours, if it comes next and is there already. There are no more of them than requests.
    pub(super) fn answer(&mut self) -> Option<Frame> {
        let due = self.owed > 0 && self.answers < ANSWERS && self.stranger.is_none();
        if !due || self.broken || self.ending.is_some() {
            return None;
        }
        let waker = self.waker.clone()?;
        let cx = &mut Context::from_waker(&waker);
        let mut next = Poll::Pending;
        if !self.codec.awaits_body() {
            if self.unread.is_empty() {
                next = self.fill(cx).map_ok(|_| None);
            }
            if self.unread.starts_with(ANSWER) {
                next = self.next(cx).map_ok(Some);
            }
        }
        match next {
            Poll::Ready(Ok(frame)) => {
                self.answers += u16::from(frame.is_some());
                frame
            }
            Poll::Ready(Err(broken)) => {
                self.ending = Some((Ticket::default(), broken));
                None
            }
            Poll::Pending => None,
        }
    }

    /// Takes nothing more while the peer leaves its answers unread.
    pub(super) fn distrust(&mut self, part: Part) {
        self.stranger = Some(part);
    }

    /// Takes messages in the newcomers' share of the thread's time.
    pub(super) fn queue(&mut self) {
        self.newcomer = Some(Ticket::default());
    }

    /// The peer has logged on.
    pub(super) fn known(&mut self) {
        (self.stranger, self.newcomer) = (None, None);
        // What was held back is taken now.
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    pub(super) fn belong_to(&mut self, mac: PhoneId) {
        self.trace = Trace(Some(mac));
    }

    /// Writes what the operating system takes at once, and ends the connection's sending side.
    pub(super) fn last_words(&mut self) {
        let waker = self.waker.clone().unwrap_or_else(|| Waker::noop().clone());
        // What cannot be written now is lost with the connection, which is closing.
        let _ = self.flush(&mut Context::from_waker(&waker));
        let _ = Pin::new(&mut self.io).poll_shutdown(&mut Context::from_waker(&waker));
    }

    /// The next frame, or why there is none; between frames, what was composed is written.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, Broken>>> {
        if self.broken {
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
                .newcomer
                .as_mut()
                .is_none_or(|ticket| ticket.poll(cx).is_ready());
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
            Poll::Ready(Err(broken)) => {
                self.ending = Some((Ticket::default(), broken));
                return self.end(cx);
            }
            Poll::Pending => {}
        }
        if self.taken == TURN {
            cx.waker().wake_by_ref();
        }
        (self.taken, self.answers) = (0, 0);
        self.polled = false;
        let broken = match self.flush(cx) {
            Poll::Ready(Err(error)) => Broken::Failed(error),
            Poll::Pending if self.unsent.len() > self.bound => Broken::Overflow,
            Poll::Ready(Ok(())) if held => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ if held => return Poll::Pending,
            _ if self.is_late(cx) => Broken::Slow,
            _ => return Poll::Pending,
        };
        self.broken = true;
        Poll::Ready(Some(Err(broken)))
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

    /// Writes what the operating system takes now. An error shows again at the end of the turn.
    fn flush_eagerly(&mut self) {
        if let Some(waker) = self.waker.clone() {
            let _ = self.flush(&mut Context::from_waker(&waker));
        }
    }

    /// Whether nothing more is taken of what a stranger sends, until it reads what it is due.
    fn is_held_back(&mut self) -> bool {
        let held = self.stranger.is_some() && self.unsent.len() > OWED_TO_STRANGER;
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

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Broken>> {
        let mut come = 0;
        loop {
            if !self.unread.is_empty() {
                match self.codec.decode(&mut self.unread) {
                    Ok(Some(frame)) => {
                        self.trace.frame(&frame);
                        self.late = None;
                        if let Some(part) = &mut self.stranger {
                            part.begins_anew(self.unread.len());
                        }
                        if matches!(frame, Frame::Message(Message::Response(_))) {
                            self.owed = self.owed.saturating_sub(1);
                        }
                        if self.unread.is_empty() {
                            self.unread = BytesMut::new();
                        }
                        return Poll::Ready(Ok(frame));
                    }
                    Ok(None) => {
                        let part = self.stranger.as_mut();
                        if part.is_some_and(|part| !part.grows(come)) {
                            return Poll::Ready(Err(Broken::Crowded));
                        }
                    }
                    Err(error) => return Poll::Ready(Err(Broken::Framing(error))),
                }
            }
            come = ready!(self.fill(cx))?;
        }
    }

    /// Reads what is there, which is so many octets, and not none.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Broken>> {
        Poll::Ready(
            match ready!(buffers::read(&mut self.io, &mut self.unread, cx)) {
                Ok(0) => Err(Broken::Closed),
                Ok(octets) => Ok(octets),
                Err(error) => Err(Broken::Failed(error)),
            },
        )
    }
}

#[cfg(test)]
mod tests;
