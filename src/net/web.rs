//! Connections of the HTTP server, with TLS where `web.tls` says so.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    ServerContext, counters::Counter, log_limit::repeat_count, sip::transport::Io,
};

use super::{
    Side,
    acceptor::PeerFault,
    endpoints::canonical,
    handshake::{HandshakeFailure, is_closed},
};

/// Accepts TLS on a connection. Within `limits.tls_handshake` the peer has to be done.
///
/// # Errors
/// The handshake failed, and the log says why; or the peer closed the connection before it said anything.
pub async fn accept_tls(
    io: TcpStream,
    peer: SocketAddr,
    acceptor: &TlsAcceptor,
    context: &ServerContext,
) -> io::Result<Box<dyn Io>> {
    let time = context.config().settings.limits.tls_handshake;
    let (fault, reason) = match timeout(time, handshake(io, acceptor)).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(Failure::Gone(error))) => return Err(error),
        Ok(Err(Failure::Plain)) => (PeerFault::Protocol, PLAIN.to_owned()),
        Ok(Err(Failure::Tls(error))) => {
            context.counters.count(Counter::FailedHandshake);
            let failure = HandshakeFailure::of(&error, Side::Clients);
            (PeerFault::Handshake, failure.to_string())
        }
        Err(_) => {
            context.counters.count(Counter::SlowHandshake);
            let failure = HandshakeFailure::too_slow();
            (PeerFault::Handshake, failure.to_string())
        }
    };
    let (peer, now) = (canonical(peer), context.clock.now());
    if let Some(times) = context.log_limit.admit(peer.ip(), &reason, now) {
        tracing::warn!(interface = "web.listen", %peer, reason, times = repeat_count(times), "{}", fault.text());
    }
    Err(io::Error::other(reason))
}

const PLAIN: &str = "the peer speaks plain HTTP, but web.tls is on: use https://";
const ANSWER: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\nContent-Length: ";
const PROBLEM: &str = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"this port speaks TLS: use https:// in place of http://"}"#;

enum Failure {
    /// The peer closed the connection before it said anything, as health checks do.
    Gone(io::Error),
    /// It speaks HTTP without TLS.
    Plain,
    Tls(io::Error),
}

async fn handshake(io: TcpStream, acceptor: &TlsAcceptor) -> Result<Box<dyn Io>, Failure> {
    let mut first = [0];
    match io.peek(&mut first).await {
        Ok(0) => return Err(Failure::Gone(io::ErrorKind::UnexpectedEof.into())),
        Err(error) if is_closed(&error) => return Err(Failure::Gone(error)),
        Err(error) => return Err(Failure::Tls(error)),
        // A method; a handshake begins with 22 (RFC 8446, section 5.1).
        Ok(_) if first[0].is_ascii_alphabetic() => {
            // A peer that does not read the answer misses it.
            let _ = refuse_plain(io).await;
            return Err(Failure::Plain);
        }
        Ok(_) => {}
    }
    match acceptor.accept(io).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(Failure::Tls(error)),
    }
}

/// Answers a request without TLS, as people who type http:// send it.
async fn refuse_plain(mut io: TcpStream) -> io::Result<()> {
    let answer = format!("{ANSWER}{}\r\n\r\n{PROBLEM}", PROBLEM.len());
    io.write_all(answer.as_bytes()).await?;
    io.shutdown().await?;
    // Octets that stay unread would have the system reset the connection, and the peer would lose the answer.
    let mut part = [0; 4096];
    let drain = async {
        for _ in 0..MOST_READ {
            if io.read(&mut part).await? == 0 {
                break;
            }
        }
        Ok(())
    };
    timeout(LINGER, drain).await?
}

/// How often the rest of a refused request is read, and for how long.
const MOST_READ: u8 = 16;
const LINGER: Duration = Duration::from_secs(1);
