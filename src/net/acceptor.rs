//! Accepts TCP connections within their limits and distributes them over the arbiters.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_rt::ArbiterHandle;
use arc_swap::ArcSwap;
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use uacsta_actors::{
    ServerContext, client::CrossRefs, counters::Counter, log_limit::repeat_count,
    reason::ContactFault, registrar::RegistrarAddrs, sip::transport::PartialBudget,
};
use uacsta_config::Trusted;
use uacsta_schema::sip::MessageLimits;

use super::{
    Interface, Side,
    connection::{Accepted, serve},
    connection_limits::{ConnectionCounts, ConnectionPermit},
    endpoints::canonical,
    proxy_accept, tls,
};

/// Shared by all interfaces: what a new connection needs.
pub struct Acceptor {
    pub(super) context: Arc<ServerContext>,
    pub(super) registrar: RegistrarAddrs,
    pub(super) cross_refs: Arc<CrossRefs>,
    arbiters: Vec<ArbiterHandle>,
    connections: AtomicU64,
    pub(super) counts: ConnectionCounts,
    /// Memory for incomplete messages of unauthenticated peers.
    pub(super) partial_budget: PartialBudget,
}

/// Connections accepted in one turn of the event loop, so that a reconnect storm does not starve established connections.
const PER_TURN: u8 = 16;
/// The pause after a failed accept, mostly for want of file descriptors.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(100);

impl Acceptor {
    /// Connections are distributed over `arbiters`, at least one.
    pub fn new(
        context: Arc<ServerContext>,
        registrar: RegistrarAddrs,
        cross_refs: Arc<CrossRefs>,
        arbiters: Vec<ArbiterHandle>,
    ) -> Self {
        Self {
            context,
            registrar,
            cross_refs,
            arbiters,
            connections: AtomicU64::new(0),
            counts: ConnectionCounts::default(),
            partial_budget: PartialBudget::default(),
        }
    }

    /// The counts of open connections.
    pub fn counts(&self) -> ConnectionCounts {
        self.counts.clone()
    }

    /// Logs a fault of a peer, at most once a minute for each peer and reason.
    pub(super) fn warn(
        &self,
        interface: &Interface,
        peer: SocketAddr,
        fault: PeerFault,
        reason: &str,
    ) {
        let now = self.context.clock.now();
        if let Some(times) = self.context.log_limit.admit(peer.ip(), reason, now) {
            tracing::warn!(interface = interface.setting, %peer, reason, times = repeat_count(times), "{}", fault.text());
        }
    }

    /// Reports a fault of a phone to the registrar.
    pub(super) fn refused(
        &self,
        interface: &Interface,
        peer: SocketAddr,
        fault: Option<ContactFault>,
    ) {
        if let Some(fault) = fault.filter(|_| interface.side == Side::Phones) {
            self.registrar.connections.refused_unnamed(peer, fault);
        }
    }

    /// Whether the peer is a front end that sends PROXY headers (`advanced.proxy_protocol_from`).
    fn is_proxy(&self, peer: IpAddr) -> bool {
        let proxies = &self.context.config().settings.advanced.proxy_protocol_from;
        proxies.iter().any(|network| network.contains(peer))
    }

    /// Whether the peer is a client that is not challenged (`clients.trusted`): by its address or its verified certificate.
    pub(super) fn trusts(
        &self,
        side: Side,
        address: IpAddr,
        certificate: Option<&CertificateDer<'_>>,
    ) -> bool {
        let config = self.context.config();
        let mut trusted = config.settings.clients.trusted.iter();
        side == Side::Clients
            && trusted.any(|trusted| match (trusted, certificate) {
                (Trusted::Network(network), _) => network.contains(address),
                (Trusted::Name(name), Some(certificate)) => tls::is_of(certificate, name),
                (Trusted::Name(_), None) => false,
            })
    }

    /// The number of a new connection.
    pub(super) fn next_number(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// The thread of a connection: each in turn.
    pub(super) fn arbiter(&self, number: u64) -> &ArbiterHandle {
        &self.arbiters[number as usize % self.arbiters.len()]
    }

    /// The size limits of SIP messages.
    pub(super) fn message_limits(&self) -> MessageLimits {
        let limits = &self.context.config().settings.limits;
        MessageLimits {
            head: limits.message_head.as_usize(),
            line: limits.message_line.as_usize(),
            headers: limits.message_headers,
            body: limits.message_body.as_usize(),
        }
    }
}

/// Accepts connections as long as it is polled. `current` applies to connections accepted after it was changed.
pub(super) async fn accept_all(
    listener: TcpListener,
    current: Arc<ArcSwap<Interface>>,
    acceptor: Arc<Acceptor>,
) {
    let mut accepted = 0;
    loop {
        accepted = (accepted + 1) % PER_TURN;
        if accepted == 0 {
            tokio::task::yield_now().await;
        }
        let connection = listener.accept().await;
        let interface = current.load_full();
        match connection {
            Ok((stream, peer)) => accept(stream, canonical(peer), &interface, &acceptor),
            Err(error) => {
                acceptor.context.counters.count(Counter::NotAccepted);
                let reason = format!("{}: {error}", interface.setting);
                let now = acceptor.context.clock.now();
                let nobody = Ipv4Addr::UNSPECIFIED.into();
                if let Some(times) = acceptor.context.log_limit.admit(nobody, &reason, now) {
                    tracing::error!(interface = interface.setting, %error, times, "cannot accept connections; retrying");
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}

fn accept(
    stream: TcpStream,
    peer: SocketAddr,
    interface: &Arc<Interface>,
    acceptor: &Arc<Acceptor>,
) {
    let limits = &acceptor.context.config().settings.limits;
    let permit = match ConnectionPermit::unauthenticated(&acceptor.counts, limits, peer.ip()) {
        Ok(permit) => permit,
        Err(limit) => {
            acceptor.context.counters.count(limit);
            return acceptor.warn(interface, peer, PeerFault::Limit, limit.label());
        }
    };
    acceptor.context.counters.count(Counter::Connected);
    let accepted = Accepted {
        permit,
        peer,
        number: acceptor.next_number(),
        proxied: None,
        is_anonymous: false,
        since: acceptor.context.clock.now(),
    };
    if !acceptor.is_proxy(peer.ip()) {
        return distribute(stream, accepted, interface, acceptor);
    }
    let (mut stream, interface, acceptor) = (stream, Arc::clone(interface), Arc::clone(acceptor));
    actix_rt::spawn(async move {
        let accepted =
            proxy_accept::read_header(&mut stream, accepted, &interface, &acceptor).await;
        if let Some(accepted) = accepted {
            distribute(stream, accepted, &interface, &acceptor);
        }
    });
}

/// Why a connection is refused.
#[derive(Clone, Copy)]
pub(super) enum PeerFault {
    /// A limit of open connections is reached.
    Limit,
    /// Its PROXY header is missing or invalid.
    FrontEnd,
    /// TLS on an interface without, or the reverse.
    Protocol,
    Handshake,
}

impl PeerFault {
    /// The text of the log line.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Limit => "connection refused: limit of open connections reached",
            Self::FrontEnd => "connection from a front end refused",
            Self::Protocol => "connection refused",
            Self::Handshake => "TLS handshake failed",
        }
    }
}

/// Serves a connection on this thread if it is the only one, else on each in turn.
fn distribute(
    stream: TcpStream,
    accepted: Accepted,
    interface: &Arc<Interface>,
    acceptor: &Arc<Acceptor>,
) {
    if acceptor.arbiters.len() == 1 {
        return serve(stream, accepted, interface, acceptor);
    }
    let peer = accepted.peer;
    let failed = move |error: io::Error| {
        tracing::error!(%peer, %error, "cannot move the connection to its thread");
    };
    let stream = match stream.into_std() {
        Ok(stream) => stream,
        Err(error) => return failed(error),
    };
    let arbiter = acceptor.arbiter(accepted.number).clone();
    let (interface, acceptor) = (Arc::clone(interface), Arc::clone(acceptor));
    arbiter.spawn_fn(move || match TcpStream::from_std(stream) {
        Ok(stream) => serve(stream, accepted, &interface, &acceptor),
        Err(error) => failed(error),
    });
}
