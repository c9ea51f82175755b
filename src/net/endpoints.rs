//! Socket options of a connection, and the address advertised to its peer.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use uacsta_actors::sip::connection::{Endpoints, Unauthenticated};
use uacsta_schema::sip::Transport;

use super::{
    Acceptor, Interface,
    connection::{Accepted, Proxied},
};

/// Sets the socket's options and returns the endpoints of the connection, and our address. Takes its unauthenticated permit.
///
/// # Errors
/// The peer has closed the connection.
pub(super) fn endpoints(
    stream: &TcpStream,
    accepted: &mut Accepted,
    interface: &Interface,
    acceptor: &Acceptor,
) -> io::Result<(Endpoints, SocketAddr)> {
    let unauthenticated = accepted.permit.unauthenticated.take();
    stream.set_nodelay(true)?;
    // Clients, and phones without a session, send nothing for hours. Unacknowledged data ends the connection after 64*T1, the
    // time of a SIP transaction.
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(10)),
    )?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(32)))?;
    let Proxied { local, secure } = match accepted.proxied {
        Some(proxied) => proxied,
        None => Proxied {
            local: stream.local_addr()?,
            secure: false,
        },
    };
    let secure = secure || interface.tls.is_some();
    let (host, port) = match &interface.public {
        Some(public) if secure => (public.host.clone(), public.tls_port),
        Some(public) => (public.host.clone(), public.tcp_port),
        None => (host(local.ip()), 0),
    };
    let limits = &acceptor.context.config().settings.limits;
    let endpoints = Endpoints {
        peer: accepted.peer,
        host,
        port: if port == 0 { local.port() } else { port },
        transport: if secure {
            Transport::TLS
        } else {
            Transport::TCP
        },
        unauthenticated: Some(Box::new(Unauthenticated {
            time: limits.unauthenticated_time,
            log_on_by: Some(accepted.since + limits.unauthenticated_time),
            counted: match unauthenticated {
                Some(permit) => Box::new(permit),
                None => Box::new(()),
            },
        })),
        agent: Arc::clone(&acceptor.context.agent),
    };
    Ok((endpoints, canonical(local)))
}

/// The address as a SIP host: IPv6 in brackets, without its zone (RFC 3261, section 25.1), IPv4-mapped as IPv4.
pub(super) fn host(address: IpAddr) -> Box<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => format!("[{address}]").into(),
    }
}

/// An IPv4 peer of an interface on `[::]` has an IPv4-mapped address (RFC 4291, section 2.5.5.2): returns it as IPv4.
pub(super) fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip().to_canonical() {
        address @ IpAddr::V4(_) => SocketAddr::new(address, peer.port()),
        // Keeps the zone, without which a link-local address is not reachable.
        IpAddr::V6(_) => peer,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn mapped_addresses_are_written_as_ipv4() {
        fn check(peer: &str, expected: &str, as_host: &str) {
            let peer: SocketAddr = peer.parse().unwrap();
            assert_eq!(canonical(peer).to_string(), expected, "{peer}");
            assert_eq!(&*host(peer.ip()), as_host, "{peer}");
        }
        check("192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1");
        check("[::ffff:192.0.2.1]:5060", "192.0.2.1:5060", "192.0.2.1");
        // RFC 5952, section 4.
        check(
            "[2001:db8:0:0::1]:5060",
            "[2001:db8::1]:5060",
            "[2001:db8::1]",
        );
        check("[fe80::1%2]:5060", "[fe80::1%2]:5060", "[fe80::1]");
        check("[::1]:5060", "[::1]:5060", "[::1]");
    }
}
