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
        let detail = "too many requests on a connection without log-on; open another one";
        let problem = Problem::blank(StatusCode::BAD_REQUEST, detail).closing();
        return Ok(request.error_response(problem));
    }
    let is_spare = peer.is_spare();
    if is_spare && !HEALTH.contains(&request.path()) {
        peer.closing.set(true);
        if let Some(api) = request.app_data::<web::Data<Api>>() {
            api.context.counters.count(Counter::ApiConnectionsInUse);
        }
        let detail =
            "all connections are in use (limits.api_connections); end one, or raise the limit";
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use peer::Times;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        time::{Instant, timeout},
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);
    const PATIENT: Times = Times {
        log_on: LONG,
        idle: LONG,
        request: LONG,
        unread: LONG,
        close: LONG,
    };

    async fn pair(times: Times) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (io, _) = listener.accept().await.unwrap();
        let places = Rc::new(Places::new(1));
        let peer = Peer::with_times(&places, None, false, times);
        let io = Connection::new(Box::new(io), Rc::new(peer));
        (io, stream.unwrap())
    }

    /// A connection whose peer has logged on.
    async fn authenticated(times: Times) -> (Connection, TcpStream) {
        let pair = pair(times).await;
        pair.0.peer().authenticated();
        pair
    }

    #[actix_web::test]
    async fn unauthenticated_connection_ends_in_time_whether_silent_or_stalled() {
        let times = Times {
            log_on: SHORT,
            ..PATIENT
        };
        let (mut silent, _peer) = pair(times).await;
        let error = silent.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let (mut unread, _peer) = pair(times).await;
        let error = unread.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[actix_web::test]
    async fn authenticated_connection_outlasts_the_time_for_a_log_on_and_sends_much() {
        let times = Times {
            log_on: SHORT,
            ..PATIENT
        };
        let (mut connection, mut peer) = authenticated(times).await;
        assert!(timeout(4 * SHORT, connection.read_u8()).await.is_err());
        peer.write_all(&vec![1; 2 * OCTETS]).await.unwrap();
        let mut octets = vec![0; 2 * OCTETS];
        connection.read_exact(&mut octets).await.unwrap();
    }

    #[actix_web::test]
    async fn idle_authenticated_connection_is_closed_in_time() {
        let times = Times {
            idle: SHORT,
            ..PATIENT
        };
        let (mut connection, _peer) = authenticated(times).await;
        let peer = connection.peer();
        let answering = Answering::new(&peer);
        assert!(timeout(4 * SHORT, connection.read_u8()).await.is_err());
        let ended = async {
            let begun = Instant::now();
            // The answer is complete while the connection waits to be read.
            drop(answering);
            begun
        };
        let (read, begun) = tokio::join!(connection.read_u8(), ended);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < LONG / 2);
    }

    #[actix_web::test]
    async fn request_has_its_time_for_the_head_and_again_for_the_body() {
        let times = Times {
            request: 4 * SHORT,
            ..PATIENT
        };
        let (mut connection, mut stream) = authenticated(times).await;
        let trickle = async move {
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SHORT / 4).await;
            }
        };
        let trickle = actix_rt::spawn(trickle);
        let peer = connection.peer();
        let until_late = async |connection: &mut Connection| {
            let begun = Instant::now();
            let error = loop {
                if let Err(error) = connection.read_u8().await {
                    break error;
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            let took = begun.elapsed();
            assert!(took >= 3 * SHORT && took < LONG / 2, "{took:?}");
        };
        until_late(&mut connection).await;
        peer.set_answering(true);
        peer.set_answering(false);
        until_late(&mut connection).await;
        trickle.abort();
    }

    #[actix_web::test]
    async fn answer_that_is_left_unread_ends_the_connection_in_time() {
        let times = Times {
            unread: SHORT,
            ..PATIENT
        };
        let (mut connection, _peer) = authenticated(times).await;
        let _answering = Answering::new(&connection.peer());
        let error = connection.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[actix_web::test]
    async fn peer_that_leaves_answers_unread_is_not_read_until_it_reads_them() {
        const MUCH: usize = 64 << 20;
        let (mut connection, mut peer) = pair(PATIENT).await;
        peer.write_all(b"more").await.unwrap();
        let octets = vec![0; MUCH];
        let writing = connection.write_all(&octets);
        assert!(timeout(SHORT, writing).await.is_err());
        let mut part = [0; 4];
        let reading = connection.read_exact(&mut part);
        assert!(timeout(SHORT, reading).await.is_err());

        actix_rt::spawn(async move { while matches!(peer.read(&mut [0; 4096]).await, Ok(1..)) {} });
        connection.write_all(&octets).await.unwrap();
        connection.read_exact(&mut part).await.unwrap();
        assert_eq!(&part, b"more");
    }
}
