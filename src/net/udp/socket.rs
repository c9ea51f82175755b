//! The UDP socket of an interface, for IPv4 and IPv6 peers.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use uacsta_actors::sip::transport::DatagramSender;

/// The socket that an interface and its connections share.
pub(super) struct SharedSocket {
    pub(super) socket: UdpSocket,
    /// An IPv6 socket reaches IPv4 peers by their mapped addresses only.
    pub(super) is_ipv6: bool,
}

impl DatagramSender for SharedSocket {
    fn send(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        let to = match to {
            SocketAddr::V4(to) if self.is_ipv6 => {
                SocketAddr::from((to.ip().to_ipv6_mapped(), to.port()))
            }
            to => to,
        };
        self.socket.try_send_to(datagram, to).map(drop)
    }
}

/// Binds a socket. `[::]` receives IPv4 too.
pub(in crate::net) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    UdpSocket::from_std(bound(address)?.into())
}

/// A bound socket.
pub(in crate::net) fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The local address that the system routes to a peer from, for interfaces on all addresses.
pub(super) fn local_address_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any = if peer.is_ipv4() {
        SocketAddr::from(([0, 0, 0, 0], 0))
    } else {
        SocketAddr::from(([0_u16; 8], 0))
    };
    let probe = std::net::UdpSocket::bind(any).ok()?;
    // Connecting a UDP socket sends nothing.
    probe.connect(peer).ok()?;
    Some(probe.local_addr().ok()?.ip())
}
