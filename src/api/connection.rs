//! A connection of the HTTP server: unauthenticated peers get little time, few requests and few octets.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{ConnectionType, StatusCode},
    middleware::Next,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use uacsta_actors::sip::transport::Io;

use super::problem::Problem;

/// How long a connection lasts on which nobody logs on.
const UNAUTHENTICATED_LIFE: Duration = Duration::from_secs(10);
/// How long an authenticated peer may leave answers unread.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How many requests a connection carries before somebody logs on.
const REQUESTS: u32 = 16;
/// How many octets are read before somebody logs on: the head of a request, and the largest body ([`super::BODY`]).
const OCTETS: usize = super::BODY + (16 << 10);
/// How much is read in a turn, so that many small requests cause few answers at a time.
const TURN: usize = 256;

/// One connection. actix-http bounds neither the answers that a peer leaves unread nor the time of a request's body.
pub(super) struct Connection {
    io: Box<dyn Io>,
    peer: Rc<Peer>,
    /// When an unauthenticated or stalled connection ends.
    deadline: Pin<Box<Sleep>>,
    /// Whether the peer accepts no more octets for now.
    stalled: bool,
    /// Whether this turn's octets were read.
    read: bool,
    /// How many octets an unauthenticated peer may still send.
    octets_left: usize,
}

/// What is known of the peer of a connection.
#[derive(Default)]
pub(super) struct Peer {
    /// The server's address to which it connected.
    local: Option<IpAddr>,
    /// Whether the connection has TLS.
    is_secure: bool,
    authenticated: Cell<bool>,
    requests: Cell<u32>,
    /// Whether nothing more is read, since the last answer closes the connection.
    closing: Cell<bool>,
    /// Whether a request is being answered; nothing more is read meanwhile unless somebody has logged on.
    answering: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl Peer {
    /// The peer of a request.
    pub(super) fn of(request: &ServiceRequest) -> Option<&Self> {
        request.request().conn_data::<Rc<Self>>().map(Rc::as_ref)
    }

    /// The server's address to which it connected.
    pub(super) fn local(&self) -> Option<IpAddr> {
        self.local
    }

    /// Whether the connection has TLS, up to this server.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Lifts the limits of an unauthenticated peer.
    pub(super) fn authenticated(&self) {
        self.authenticated.set(true);
        self.wake_reader();
    }

    /// Whether a request is being answered. While its body is awaited it is not.
    pub(super) fn set_answering(&self, answering: bool) {
        self.answering.set(answering);
        if !answering {
            self.wake_reader();
        }
    }

    fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Answers the first requests of an unauthenticated peer and closes the connection after the last of them.
pub(super) async fn limit_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(peer) = request.request().conn_data::<Rc<Peer>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    if peer.closing.get() {
        let detail = "too many requests on a connection without log-on; open another one";
        let problem = Problem::blank(StatusCode::BAD_REQUEST, detail).closing();
        return Ok(request.error_response(problem).map_into_right_body());
    }
    let count = peer.requests.get().saturating_add(1);
    peer.requests.set(count);
    peer.set_answering(true);
    let response = next.call(request).await;
    peer.set_answering(false);
    let mut response = response?;
    if count >= REQUESTS && !peer.authenticated.get() {
        peer.closing.set(true);
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response.map_into_left_body())
}

impl Connection {
    /// A connection to the server's address `local`; `io` is secure if it speaks TLS.
    pub(super) fn new(io: Box<dyn Io>, local: Option<SocketAddr>, is_secure: bool) -> Self {
        let peer = Peer {
            local: local.map(|address| address.ip().to_canonical()),
            is_secure,
            ..Peer::default()
        };
        Self::with_life(io, peer, UNAUTHENTICATED_LIFE)
    }

    fn with_life(io: Box<dyn Io>, peer: Peer, life: Duration) -> Self {
        Self {
            io,
            peer: Rc::new(peer),
            deadline: Box::pin(sleep(life)),
            stalled: false,
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

    /// Fails once an unauthenticated peer has had its time, or a peer has left answers unread for too long.
    fn check_deadline(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.peer.authenticated.get() && !self.stalled {
            return Ok(());
        }
        match self.deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_deadline(cx)?;
        if self.peer.closing.get() {
            self.discard_input(cx)?;
            return Poll::Ready(Ok(()));
        }
        let authenticated = self.peer.authenticated.get();
        if self.stalled || (self.octets_left == 0 && !authenticated) {
            return Poll::Pending;
        }
        if self.peer.answering.get() && !authenticated {
            self.peer.reader.replace(Some(cx.waker().clone()));
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
        let stalled = written.is_pending();
        let was_stalled = std::mem::replace(&mut self.stalled, stalled);
        if stalled && !was_stalled && self.peer.authenticated.get() {
            self.deadline.as_mut().reset(Instant::now() + STALL_TIMEOUT);
        }
        if was_stalled && !stalled {
            // Reading goes on.
            cx.waker().wake_by_ref();
        }
        self.check_deadline(cx)?;
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.peer.closing.get() {
            self.discard_input(cx)?;
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        time::timeout,
    };

    use super::*;

    async fn pair(life: Duration) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (io, _) = listener.accept().await.unwrap();
        let io = Connection::with_life(Box::new(io), Peer::default(), life);
        (io, peer.unwrap())
    }

    #[actix_web::test]
    async fn unauthenticated_connection_ends_in_time_whether_silent_or_stalled() {
        const LIFE: Duration = Duration::from_millis(50);
        let (mut silent, _peer) = pair(LIFE).await;
        let error = silent.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let (mut unread, _peer) = pair(LIFE).await;
        let error = unread.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[actix_web::test]
    async fn authenticated_connection_outlasts_the_time_of_unauthenticated_ones() {
        const LIFE: Duration = Duration::from_millis(50);
        let (mut connection, mut peer) = pair(LIFE).await;
        connection.peer().authenticated();
        assert!(timeout(4 * LIFE, connection.read_u8()).await.is_err());
        peer.write_all(&vec![1; 2 * OCTETS]).await.unwrap();
        let mut octets = vec![0; 2 * OCTETS];
        connection.read_exact(&mut octets).await.unwrap();
    }

    #[actix_web::test]
    async fn peer_that_leaves_answers_unread_is_not_read_until_it_reads_them() {
        const MUCH: usize = 64 << 20;
        let (mut connection, mut peer) = pair(UNAUTHENTICATED_LIFE).await;
        peer.write_all(b"more").await.unwrap();
        let octets = vec![0; MUCH];
        let soon = Duration::from_millis(50);
        let writing = connection.write_all(&octets);
        assert!(timeout(soon, writing).await.is_err());
        let mut part = [0; 4];
        let reading = connection.read_exact(&mut part);
        assert!(timeout(soon, reading).await.is_err());

        actix_rt::spawn(async move { while matches!(peer.read(&mut [0; 4096]).await, Ok(1..)) {} });
        connection.write_all(&octets).await.unwrap();
        connection.read_exact(&mut part).await.unwrap();
        assert_eq!(&part, b"more");
    }
}
