//! A connection of the HTTP server's: it has a time and one request, and who leaves answers unread is not heard meanwhile (RFC 9112).

use std::{
    cell::Cell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_rt::net::TcpStream;
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::Refusal;

/// How long a connection lasts at most. It carries one request, which may have to wait for a phone.
const LIFE: Duration = Duration::from_secs(60);
/// How much is read in a turn, so that many small requests make few answers at a time.
const TURN: usize = 256;
/// How much is read of a connection at all: a request's head, and a body as large as is taken ([`super::BODY`]).
const MOST: usize = super::BODY + (16 << 10);

/// One connection. The protocol's interpreter has no bound for answers that wait, nor a time for a body.
pub(super) struct Connection {
    io: TcpStream,
    over: Pin<Box<Sleep>>,
    /// Whether the peer takes no more for now.
    unread: bool,
    /// Whether this turn's part was read.
    read: bool,
    /// What may still be read.
    left: usize,
}

/// Whether a connection has had its request.
#[derive(Default)]
pub(super) struct Asked(Cell<bool>);

/// Lets a connection's first request through. While an answer is made the interpreter goes on reading, and it would answer
/// thousands of further requests at once, each with a page, before it looks whether the peer reads.
pub(super) async fn one_request(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match request.request().conn_data::<Asked>() {
        Some(asked) if asked.0.replace(true) => Err(Refusal::Further.into()),
        _ => next.call(request).await,
    }
}

impl Connection {
    pub(super) fn new(io: TcpStream) -> Self {
        Self::that_lives(io, LIFE)
    }

    fn that_lives(io: TcpStream, life: Duration) -> Self {
        Self {
            io,
            over: Box::pin(sleep(life)),
            unread: false,
            read: false,
            left: MOST,
        }
    }

    fn lives(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.over.as_mut().poll(cx) {
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
        self.lives(cx)?;
        if self.unread || self.left == 0 {
            return Poll::Pending;
        }
        if std::mem::take(&mut self.read) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut part = [0; TURN];
        let room = buffer.remaining().min(TURN).min(self.left);
        let mut part = ReadBuf::new(&mut part[..room]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        self.read = !part.filled().is_empty();
        self.left -= part.filled().len();
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
        self.lives(cx)?;
        let written = Pin::new(&mut self.io).poll_write(cx, octets);
        if std::mem::replace(&mut self.unread, written.is_pending()) && !self.unread {
            // Who was not heard is heard again.
            cx.waker().wake_by_ref();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    async fn pair(life: Duration) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (io, _) = listener.accept().await.unwrap();
        (Connection::that_lives(io, life), peer.unwrap())
    }

    #[actix_web::test]
    async fn it_ends_in_time_whatever_the_peer_leaves_undone() {
        const LIFE: Duration = Duration::from_millis(50);
        let (mut silent, _peer) = pair(LIFE).await;
        let error = silent.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let (mut unread, _peer) = pair(LIFE).await;
        let error = unread.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[actix_web::test]
    async fn who_leaves_answers_unread_is_heard_when_it_has_read_them() {
        const MUCH: usize = 64 << 20;
        let (mut connection, mut peer) = pair(LIFE).await;
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
