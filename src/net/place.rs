//! Where a connection is: its socket made ready for years, and the address at which its peer is told to reach us.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use uacsta_actors::sip::link::{Place, Stranger};
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
) -> io::Result<Place> {
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
    let limits = &lobby.house.rules().settings.limits;
    Ok(Place {
        peer: arrival.peer,
        host,
        port: if port == 0 { at.port() } else { port },
        transport: if secure {
            Transport::TLS
        } else {
            Transport::TCP
        },
        stranger: Some(Box::new(Stranger {
            log_on_by: arrival.since + limits.unauthenticated_time,
            counted: Box::new(stranger),
        })),
        agent: Arc::clone(&lobby.house.agent),
    })
}

/// An address as a SIP host: IPv6 in brackets (RFC 3261 25.1), a mapped IPv4 address as what it is.
pub(super) fn host(address: IpAddr) -> Box<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => format!("[{address}]").into(),
    }
}
