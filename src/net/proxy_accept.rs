//! Reads the PROXY header of a connection from a trusted front end; its source address is the peer from then on.

use std::borrow::Cow;

use tokio::{net::TcpStream, time::timeout};
use uacsta_actors::counters::Counter;

use super::{
    Acceptor, Interface,
    acceptor::PeerFault,
    connection::{Accepted, Proxied},
    endpoints::canonical,
    handshake,
    proxy_header::{self, ProxiedPeer},
};

/// Waits for the PROXY header, and changes the connection's peer and permit accordingly. Returns `None` and logs the reason if the
/// connection is refused.
pub(super) async fn read_header(
    stream: &mut TcpStream,
    accepted: Accepted,
    interface: &Interface,
    acceptor: &Acceptor,
) -> Option<Accepted> {
    let context = &acceptor.context;
    let refuse = |event: Counter, reason: Cow<'_, str>| {
        context.counters.count(event);
        acceptor.warn(interface, accepted.peer, PeerFault::FrontEnd, &reason);
        None
    };
    let time = context.config().settings.limits.tls_handshake;
    let proxied = match timeout(time, proxy_header::read(stream)).await {
        Ok(Ok(proxied)) => proxied,
        // A health check.
        Ok(Err(error)) if handshake::is_closed(&error) => return None,
        Ok(Err(error)) => return refuse(Counter::RefusedFront, error.to_string().into()),
        Err(_) => {
            return refuse(
                Counter::SlowHandshake,
                "no PROXY header came within limits.tls_handshake".into(),
            );
        }
    };
    let ProxiedPeer::Named { from, to, secure } = proxied else {
        return Some(Accepted {
            is_anonymous: true,
            ..accepted
        });
    };
    let peer = canonical(from);
    let limits = &context.config().settings.limits;
    match accepted.permit.moved_to(limits, peer.ip()) {
        Ok(permit) => Some(Accepted {
            permit,
            peer,
            proxied: Some(Proxied {
                local: to,
                // Version 1 cannot say so, but its senders are there to terminate TLS.
                secure: secure.unwrap_or(true),
            }),
            ..accepted
        }),
        Err(limit) => {
            context.counters.count(limit);
            acceptor.warn(interface, peer, PeerFault::Limit, limit.label());
            None
        }
    }
}
