//! Where a connection is: its socket made ready for years, and the address at which its peer is told to reach us.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use uacsta_actors::sip::connection::{Endpoints, Unauthenticated};
use uacsta_schema::sip::Transport;

use super::{
    Interface, Lobby,
    front::{Arrival, Front},
};

/// Sets what a connection of years needs, and tells where its peer reaches us.
pub(super) fn place(
    arrival: &mut Arrival,
    interface: &Interface,
    lobby: &Lobby,
) -> io::Result<Endpoints> {
    let stranger = arrival.io.open.stranger.take();
    let stream = &arrival.io.io;
    stream.set_nodelay(true)?;
    // A client sends nothing for hours, and so does a phone that has no session; what is sent to a peer that is gone is
    // given up after the time that SIP gives a transaction (64*T1).
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(10)),
    )?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(32)))?;
    let Front { at, secure } = match arrival.front {
        Some(front) => front,
        None => Front {
            at: stream.local_addr()?,
            secure: interface.tls.is_some(),
        },
    };
    let secure = secure || interface.tls.is_some();
    let (host, port) = match &interface.public {
        Some(public) => {
            let told = if secure {
                public.tls_port
            } else {
                public.tcp_port
            };
            (public.host.clone(), told)
        }
        None => (host(at.ip()), 0),
    };
    let limits = &lobby.context.config().settings.limits;
    Ok(Endpoints {
        peer: arrival.peer,
        host,
        port: if port == 0 { at.port() } else { port },
        transport: if secure {
            Transport::TLS
        } else {
            Transport::TCP
        },
        unauthenticated: Some(Box::new(Unauthenticated {
            log_on_by: arrival.since + limits.unauthenticated_time,
            counted: Box::new(stranger),
        })),
        agent: Arc::clone(&lobby.context.agent),
    })
}

/// An address as a SIP host: IPv6 in brackets (RFC 3261 25.1), a mapped IPv4 address as what it is.
pub(super) fn host(address: IpAddr) -> Box<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => format!("[{address}]").into(),
    }
}

/// A peer as everybody else writes it: one that reaches an interface on `[::]` by IPv4 has an IPv4 address (RFC 4291 2.5.5.2).
pub(super) fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip().to_canonical() {
        address @ IpAddr::V4(_) => SocketAddr::new(address, peer.port()),
        // With its zone, without which a link-local address leads nowhere.
        IpAddr::V6(_) => peer,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_written_as_others_write_them() {
        fn check(peer: &str, expected: &str, as_host: &str) {
            let peer: SocketAddr = peer.parse().unwrap();
            assert_eq!(canonical(peer).to_string(), expected, "{peer}");
            assert_eq!(&*host(peer.ip()), as_host, "{peer}");
        }
        check("192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1");
        check("[::ffff:192.0.2.1]:5060", "192.0.2.1:5060", "192.0.2.1");
        // RFC 5952 4; in a SIP host without the zone (RFC 3261 25.1 has none).
        check(
            "[2001:db8:0:0::1]:5060",
            "[2001:db8::1]:5060",
            "[2001:db8::1]",
        );
        check("[fe80::1%2]:5060", "[fe80::1%2]:5060", "[fe80::1]");
        check("[::1]:5060", "[::1]:5060", "[::1]");
    }
}
