//! Connections that a front end passes on: whom it speaks for is learnt before anything else, and is the peer from then on.

use std::{borrow::Cow, io, net::SocketAddr, time::Duration};

use tokio::time::timeout;
use uacsta_actors::counters::Counter;

use super::{
    Interface, Lobby,
    open::Counted,
    place::canonical,
    proxy::{self, Said},
};

/// A connection that was accepted.
pub(super) struct Arrival {
    pub(super) io: Counted,
    /// Whose it is: behind a front end, the one whom that speaks for.
    pub(super) peer: SocketAddr,
    pub(super) number: u64,
    /// What a front end says of the way to it.
    pub(super) front: Option<Front>,
    /// Whether a front end says that it speaks for nobody else, or cannot say for whom: its address then proves nothing of
    /// who is behind it, and is trusted with nothing.
    pub(super) is_anybody: bool,
    /// When it was accepted, by the server's clock.
    pub(super) since: Duration,
}

/// How a peer came to the front end that passed its connection on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Front {
    /// The address that it connected to.
    pub(super) at: SocketAddr,
    /// Whether the front end took TLS off.
    pub(super) secure: bool,
}

/// Learns from a front end, which must say so in time, whom it speaks for; none if the connection is refused, which the
/// log tells.
pub(super) async fn introduced(
    mut arrival: Arrival,
    interface: &Interface,
    lobby: &Lobby,
) -> Option<Arrival> {
    let patience = lobby.context.config().settings.limits.tls_handshake;
    let front = arrival.peer;
    let refuse = |event: Counter, reason: Cow<'_, str>| {
        lobby.context.counters.count(event);
        lobby.complain(
            interface,
            front,
            "a front end's connection refused",
            &reason,
        );
        None
    };
    let said = match timeout(patience, proxy::read(&mut arrival.io.io)).await {
        Ok(Ok(said)) => said,
        // It looked whether we are there.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
        Ok(Err(error)) => return refuse(Counter::RefusedFront, error.to_string().into()),
        Err(_) => {
            return refuse(
                Counter::SlowHandshake,
                "no PROXY header came within limits.tls_handshake".into(),
            );
        }
    };
    let Said::Peer { from, to, secure } = said else {
        return Some(Arrival {
            is_anybody: true,
            ..arrival
        });
    };
    let from = canonical(from);
    let Counted { io, open } = arrival.io;
    match open.belongs_to(&lobby.context.config().settings.limits, from.ip()) {
        Ok(open) => Some(Arrival {
            io: Counted { io, open },
            peer: from,
            front: Some(Front {
                at: to,
                // Version 1 cannot say; those who send it stand there for the sake of TLS.
                secure: secure.unwrap_or(true),
            }),
            ..arrival
        }),
        Err(event) => {
            lobby.context.counters.count(event);
            let what = "connection refused: as many are open as may be";
            lobby.complain(interface, from, what, event.label());
            None
        }
    }
}
