//! A TCP or TLS connection: octets that arrived and await parsing, octets that await sending, and the bounds of both.

mod lingering;
mod message_deadline;
mod send_buffer;
#[cfg(test)]
mod tests;
mod turn;

use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Decoder;
use uacsta_schema::sip::{
    codec::{Codec, Frame},
    message::SipMessage,
};

use self::{message_deadline::MessageDeadline, send_buffer::SendBuffer, turn::Turn};
use super::{
    buffers, error::TransportError, fair_share::FairSharePermit, partial_budget::PartialShare,
    trace::Trace,
};

/// A bidirectional byte stream: a TCP or TLS connection, or a pipe in a test.
pub trait Io: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// One connection. [`super::PeerTransport`] composes, [`super::Frames`] polls.
///
/// The codec of tokio-util is polled by hand, not through `FramedRead`, so that an idle connection holds no buffer and a busy
/// one does not starve the others of its thread.
pub(super) struct StreamTransport {
    io: Box<dyn Io>,
    codec: Codec,
    unread: BytesMut,
    unsent: SendBuffer,
    turn: Turn,
    deadline: MessageDeadline,
    limits: UnauthenticatedLimits,
    /// The limits that are lifted while the peer is authenticated.
    lifted: UnauthenticatedLimits,
    end: End,
    waker: Option<Waker>,
    trace: Trace,
}

/// The limits of a peer that has not authenticated.
#[derive(Default)]
struct UnauthenticatedLimits {
    /// Bounds the memory of partial messages.
    partial: Option<PartialShare>,
    /// Bounds how many messages are handled in a pass of the event loop.
    permit: Option<FairSharePermit>,
}

impl UnauthenticatedLimits {
    fn are_lifted(&self) -> bool {
        self.partial.is_none() && self.permit.is_none()
    }

    /// Gives back what the peer uses of what is shared.
    fn release(&mut self) {
        if let Some(partial) = &mut self.partial {
            partial.restart(0);
        }
        if let Some(permit) = &mut self.permit {
            *permit = FairSharePermit::default();
        }
    }
}

/// Whether more frames may arrive.
enum End {
    Open,
    /// None will; the permit to report why is awaited, since thousands of connections may end at once.
    Ending(FairSharePermit, TransportError),
    Reported,
}

/// How a response begins (RFC 3261, section 7.2).
const RESPONSE: &[u8] = b"SIP/2.0 ";
/// How many octets of responses an unauthenticated peer may leave unread before its further requests stay unread: they must
/// not fill the memory. A peer that has authenticated is sent events as well, and its responses must be read; there the bound
/// of the [`SendBuffer`] ends the connection.
const UNREAD_RESPONSES: usize = 4 * 1024;

impl StreamTransport {
    /// At most `bound` octets may remain unsent after a turn, and a message may take `patience` to arrive.
    pub(super) fn new(io: Box<dyn Io>, codec: Codec, bound: usize, patience: Duration) -> Self {
        Self {
            io,
            codec,
            unread: BytesMut::new(),
            unsent: SendBuffer::new(bound),
            turn: Turn::default(),
            deadline: MessageDeadline::new(patience),
            limits: UnauthenticatedLimits::default(),
            lifted: UnauthenticatedLimits::default(),
            end: End::Open,
            waker: None,
            trace: Trace::default(),
        }
    }

    pub(super) fn compose<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        let is_first = self.unsent.len() == 0;
        let (composed, octets) = self.unsent.append(compose);
        self.trace.message("sent", octets);
        if let Some(waker) = &self.waker {
            if self.unsent.is_eager() {
                // An error shows again at the end of the turn.
                let cx = &mut Context::from_waker(waker);
                let _ = self.unsent.flush(&mut self.io, cx);
            }
            if is_first && !self.turn.is_polled() {
                waker.wake_by_ref();
            }
        }
        composed
    }

    /// Composes a request, to which a response is expected.
    pub(super) fn request<T>(&mut self, compose: impl FnOnce(&mut BytesMut) -> T) -> T {
        self.turn.request_composed();
        self.compose(compose)
    }

    /// The response to a request of ours, if it is next and has arrived.
    pub(super) fn response(&mut self) -> Option<Frame> {
        let due = self.turn.takes_response() && self.limits.partial.is_none();
        if !due || !matches!(self.end, End::Open) {
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
                if frame.is_some() {
                    self.turn.response_delivered();
                }
                frame
            }
            Poll::Ready(Err(error)) => {
                self.end = End::Ending(FairSharePermit::default(), error);
                None
            }
            Poll::Pending => None,
        }
    }

    /// Counts the peer's partial messages, and reads nothing more while it leaves its responses unread.
    pub(super) fn limit_partial_messages(&mut self, share: PartialShare) {
        self.limits.partial = Some(share);
    }

    /// Handles the peer's messages in the share of the thread's time that unauthenticated peers have.
    pub(super) fn limit_rate(&mut self) {
        self.limits.permit = Some(FairSharePermit::default());
    }

    /// Lifts both limits, or sets them again.
    pub(super) fn authenticated(&mut self, authenticated: bool) {
        if authenticated == self.limits.are_lifted() {
            return;
        }
        std::mem::swap(&mut self.limits, &mut self.lifted);
        self.lifted.release();
        // Read what was held back.
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    pub(super) fn trace(&mut self) -> &mut Trace {
        &mut self.trace
    }

    /// Writes what the operating system accepts at once, and closes the connection's sending side. An authenticated peer that
    /// still sends is [awaited](lingering::linger).
    pub(super) fn shut_down(&mut self) {
        let waker = self.waker.as_ref().unwrap_or_else(|| Waker::noop());
        let cx = &mut Context::from_waker(waker);
        // What cannot be written now is lost with the connection, which is closing.
        let _ = self.unsent.flush(&mut self.io, cx);
        let _ = Pin::new(&mut self.io).poll_shutdown(cx);
        if matches!(self.end, End::Open) && self.limits.are_lifted() {
            let io = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
            drop(actix_rt::spawn(lingering::linger(io)));
        }
    }

    /// The next frame, or why there is none; between turns, what was composed is written.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame, TransportError>>> {
        let known = self.waker.as_ref();
        if !known.is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        if !matches!(self.end, End::Open) {
            return self.report_end(cx);
        }
        let held = self.is_held_back();
        let next = if !held && self.may_read(cx) {
            self.next(cx)
        } else {
            Poll::Pending
        };
        match next {
            Poll::Ready(Ok(frame)) => {
                self.turn.frame_delivered();
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(Err(error)) => {
                self.end = End::Ending(FairSharePermit::default(), error);
                return self.report_end(cx);
            }
            Poll::Pending => {}
        }
        if self.turn.is_full() {
            cx.waker().wake_by_ref();
        }
        self.turn.end();
        let error = match self.unsent.flush(&mut self.io, cx) {
            Poll::Ready(Err(error)) => TransportError::Failed(error),
            Poll::Pending if self.unsent.exceeds_bound() => TransportError::Overflow,
            Poll::Ready(Ok(())) if held => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ if held => return Poll::Pending,
            _ if self.is_late(cx) => TransportError::Slow,
            _ => return Poll::Pending,
        };
        self.end = End::Reported;
        Poll::Ready(Some(Err(error)))
    }

    /// Reports why the connection ends, as soon as the permit allows.
    fn report_end(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        if let End::Ending(permit, _) = &mut self.end {
            ready!(permit.poll(cx));
        }
        match std::mem::replace(&mut self.end, End::Reported) {
            End::Ending(_, error) => Poll::Ready(Some(Err(error))),
            End::Open | End::Reported => Poll::Ready(None),
        }
    }

    /// Whether a frame may be read in this turn.
    fn may_read(&mut self, cx: &Context<'_>) -> bool {
        let permit = self.limits.permit.as_mut();
        permit.is_none_or(|permit| permit.poll(cx).is_ready()) && !self.turn.is_full()
    }

    /// Whether an unauthenticated peer must first read its responses.
    fn is_held_back(&mut self) -> bool {
        let held = self.limits.partial.is_some() && self.unsent.len() > UNREAD_RESPONSES;
        if held {
            // A message that we do not read is not late.
            self.deadline.clear();
        }
        held
    }

    /// Whether a partial message has taken too long.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.unread.is_empty() && !self.codec.awaits_body() {
            self.deadline.clear();
            return false;
        }
        self.deadline.poll(cx).is_ready()
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, TransportError>> {
        let mut arrived = 0;
        loop {
            if !self.unread.is_empty() {
                match self.codec.decode(&mut self.unread) {
                    Ok(Some(frame)) => {
                        self.trace.frame(&frame);
                        self.deadline.clear();
                        if let Some(share) = &mut self.limits.partial {
                            share.restart(self.unread.len());
                        }
                        if matches!(frame, Frame::Message(SipMessage::Response(_))) {
                            self.turn.response_arrived();
                        }
                        if self.unread.is_empty() {
                            self.unread = BytesMut::new();
                        }
                        return Poll::Ready(Ok(frame));
                    }
                    Ok(None) => {
                        let share = self.limits.partial.as_mut();
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
