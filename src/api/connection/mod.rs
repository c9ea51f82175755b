//! A connection of the HTTP server: each wait for its peer is limited, and without log-on it gets little time, requests and octets.

mod peer;
mod places;

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    web::{self, Bytes},
};
use peer::Answering;
pub(super) use peer::Peer;
pub(super) use places::{Places, SPARE};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};
use uacsta_actors::{counters::Counter, sip::transport::Io};

use super::{Api, problem::Problem};
use crate::texts::Text;

/// How many requests a connection carries before somebody logs on.
const REQUESTS: u32 = 16;
/// How many octets are read before somebody logs on: the head of a request, and the largest body ([`super::BODY`]).
const OCTETS: usize = super::BODY + (16 << 10);
/// How much is read in a turn, so that many small requests cause few answers at a time.
const TURN: usize = 256;
/// What is answered on a connection beyond the limit: what a balancer asks.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// One connection. actix-http bounds neither the answers that a peer leaves unread nor the time of a request's body.
pub(super) struct Connection {
    io: Box<dyn Io>,
    peer: Rc<Peer>,
    /// Set to [`Peer::deadline`].
    timer: Pin<Box<Sleep>>,
    /// Whether this turn's octets were read.
    read: bool,
    /// How many octets an unauthenticated peer may still send.
    octets_left: usize,
}

/// An answer's body; when it is over, the connection waits for the next request.
struct AnswerBody {
    body: BoxBody,
    _answering: Answering,
}

impl MessageBody for AnswerBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// Answers the first requests of an unauthenticated peer and closes the connection after the last of them.
pub(super) async fn limit_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(peer) = request.request().conn_data::<Rc<Peer>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if peer.closing.get() {
        let detail = Text::new("connection-used-up");
        let problem = Problem::blank(StatusCode::BAD_REQUEST, detail).closing();
        return Ok(request.error_response(problem));
    }
    let is_spare = peer.is_spare();
    if is_spare && !HEALTH.contains(&request.path()) {
        peer.closing.set(true);
        if let Some(api) = request.app_data::<web::Data<Api>>() {
            api.context.counters.count(Counter::ApiConnectionsInUse);
        }
        let detail = Text::new("connections-in-use");
        let problem = Problem::unavailable(detail).with(RETRY_AFTER, "1");
        return Ok(request.error_response(problem.closing()));
    }
    let count = peer.requests.get().saturating_add(1);
    peer.requests.set(count);
    let answering = Answering::new(&peer);
    let mut response = next.call(request).await?;
    if is_spare || (count >= REQUESTS && !peer.is_authenticated()) {
        peer.closing.set(true);
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response.map_body(|_, body| {
        BoxBody::new(AnswerBody {
            body: body.boxed(),
            _answering: answering,
        })
    }))
}

impl Connection {
    /// A connection to `peer`; `io` speaks TLS if the peer's is secure.
    pub(super) fn new(io: Box<dyn Io>, peer: Rc<Peer>) -> Self {
        peer.begin();
        Self {
            io,
            timer: Box::pin(sleep(peer.times.log_on)),
            peer,
            read: false,
            octets_left: OCTETS,
        }
    }

    /// The peer, for the requests on this connection.
    pub(super) fn peer(&self) -> Rc<Peer> {
        Rc::clone(&self.peer)
    }

    /// Reads and discards what has arrived. Octets that stay unread would have the system reset the connection when it is closed,
    /// and the peer would lose its last answers.
    fn discard_input(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut part = [0; 4096];
        while self.octets_left > 0 {
            let mut part = ReadBuf::new(&mut part);
            if Pin::new(&mut self.io)
                .poll_read(cx, &mut part)?
                .is_pending()
                || part.filled().is_empty()
            {
                break;
            }
            self.octets_left = self.octets_left.saturating_sub(part.filled().len());
        }
        Ok(())
    }

    /// Fails once the peer has had its time.
    fn check_deadline(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(deadline) = self.peer.deadline() else {
            return Ok(());
        };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Notes whether the peer takes octets; it has its time to take them.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let was_unread = self.peer.is_unread();
        self.peer.set_unread(written.is_pending());
        if written.is_pending() {
            self.peer.wake_later(cx);
        } else if was_unread {
            // Reading goes on.
            cx.waker().wake_by_ref();
        }
        self.check_deadline(cx)?;
        written
    }
}

/// The end of the connection, for who reads it.
const END: Poll<io::Result<()>> = Poll::Ready(Ok(()));

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let peer = self.peer();
        peer.wake_later(cx);
        if let Err(error) = self.check_deadline(cx) {
            if !(peer.is_authenticated() && peer.is_idle()) {
                return Poll::Ready(Err(error));
            }
            peer.closing.set(true);
        }
        if peer.closing.get() {
            self.discard_input(cx)?;
            return END;
        }
        let authenticated = peer.is_authenticated();
        let must_wait = peer.is_answering() && !authenticated;
        if must_wait || peer.is_unread() || (self.octets_left == 0 && !authenticated) {
            return Poll::Pending;
        }
        if std::mem::take(&mut self.read) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut part = [0; TURN];
        let mut room = buffer.remaining().min(TURN);
        if !authenticated {
            room = room.min(self.octets_left);
        }
        let mut part = ReadBuf::new(&mut part[..room]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        self.read = !part.filled().is_empty();
        if self.read {
            peer.heard();
        }
        self.octets_left = self.octets_left.saturating_sub(part.filled().len());
        buffer.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, octets);
        self.written(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.written(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.peer.close();
        if self.peer.closing.get() {
            self.discard_input(cx)?;
        }
        let shut_down = Pin::new(&mut self.io).poll_shutdown(cx);
        if shut_down.is_pending() {
            self.check_deadline(cx)?;
        }
        shut_down
    }
}

#[cfg(test)]
mod tests;
