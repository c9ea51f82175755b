//! Interfaces for phones and clients: listening sockets, accepted connections, TLS, UDP.

mod acceptor;
pub mod cert_watcher;
pub mod certificate;
mod connection;
mod connection_limits;
mod counted_stream;
mod endpoints;
mod handshake;
mod identity;
mod listener;
mod protocol_mismatch;
mod proxy_accept;
mod proxy_header;
pub mod tls;
mod udp;
pub mod web;

pub use acceptor::Acceptor;
pub use connection_limits::ConnectionCounts;
pub use listener::{Bound, Listener, try_bind};
use tokio_rustls::TlsAcceptor;
use uacsta_config::Listen;

/// The kind of peer that connects to an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// SIP phones.
    Phones,
    /// CTI clients.
    Clients,
}

/// One address to listen on, and how its connections are served.
#[derive(Clone)]
pub struct Interface {
    /// The setting that contains the address, for log lines and errors.
    pub setting: &'static str,
    /// Who connects.
    pub side: Side,
    /// Off, or an address.
    pub listen: Listen,
    /// `None`: plain TCP or UDP.
    pub tls: Option<TlsAcceptor>,
    /// UDP instead of TCP.
    pub datagrams: bool,
    /// The address advertised to peers, if it is not the one that they connect to.
    pub public: Option<Public>,
}

/// The host and ports advertised to peers on the WAN.
#[derive(Clone)]
pub struct Public {
    /// Host name or address.
    pub host: Box<str>,
    /// TCP port; 0: the port that the peer connects to.
    pub tcp_port: u16,
    /// TLS port; 0: the port that the peer connects to.
    pub tls_port: u16,
}
