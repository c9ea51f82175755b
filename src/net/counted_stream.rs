//! A TCP connection that holds its permit, and a wrapper that inspects its first octets.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::connection_limits::ConnectionPermit;

/// A connection that counts as open until it is dropped.
pub(super) struct CountedStream {
    pub(super) io: TcpStream,
    pub(super) _permit: ConnectionPermit,
}

/// Passes the first octets received to a function, whose error ends the connection.
pub(super) struct InspectedStream {
    stream: CountedStream,
    inspect: Option<Inspect>,
    exchange: Exchange,
}

/// How far peer and server have come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exchange {
    /// The server has sent nothing.
    Begun,
    /// The peer has sent nothing since the server answered.
    Answered,
    /// The peer has sent something since.
    Continued,
}

type Inspect = Box<dyn FnOnce(&[u8]) -> io::Result<()>>;

impl CountedStream {
    pub(super) fn inspected(
        self,
        inspect: impl FnOnce(&[u8]) -> io::Result<()> + 'static,
    ) -> InspectedStream {
        InspectedStream {
            stream: self,
            inspect: Some(Box::new(inspect)),
            exchange: Exchange::Begun,
        }
    }
}

impl InspectedStream {
    pub(super) fn exchange(&self) -> Exchange {
        self.exchange
    }
}

impl AsyncRead for InspectedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream.io).poll_read(cx, buffer))?;
        let first = buffer.filled().get(before..).unwrap_or_default();
        if self.exchange == Exchange::Answered && !first.is_empty() {
            self.exchange = Exchange::Continued;
        }
        Poll::Ready(match self.inspect.take_if(|_| !first.is_empty()) {
            Some(inspect) => inspect(first),
            None => Ok(()),
        })
    }
}

impl AsyncWrite for InspectedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream.io).poll_write(cx, buffer))?;
        if self.exchange == Exchange::Begun {
            self.exchange = Exchange::Answered;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream.io).poll_shutdown(cx)
    }
}
