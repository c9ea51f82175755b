//! The interfaces: sockets that listen, connections that are accepted, and the link that each is given.

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
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    ServerContext,
    auth::DigestAuthenticator,
    client::{CrossRefs, uas::ClientUas},
    counters::Counter,
    registration::PhoneUas,
    sip::{
        connection::{Endpoints, SipConnection},
        transport::{Io, PartialBudget, PeerTransport},
        uas,
    },
};
use uacsta_config::{Listen, Trusted};
use uacsta_schema::sip::{Codec, Limits};

pub mod care;
pub mod certificate;
mod first;
mod front;
mod handshake;
mod listener;
mod misdirected;
mod open;
mod place;
mod proxy;
pub mod tls;
mod udp;

use front::Arrival;
pub use listener::{Bound, Listener};
use misdirected::Misdirected;
pub use open::Counts;
use open::{Counted, Open};
use place::{canonical, place};

/// Who connects to an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Phones.
    Phones,
    /// CTI clients.
    Clients,
}

/// One address to listen on.
#[derive(Clone)]
pub struct Interface {
    /// The setting that names it, for messages.
    pub setting: &'static str,
    /// Who connects.
    pub side: Side,
    /// Where.
    pub listen: Listen,
    /// What makes it TLS.
    pub tls: Option<TlsAcceptor>,
    /// Whether it takes datagrams instead of connections.
    pub datagrams: bool,
    /// Where peers reach us, if not at the address that they connect to.
    pub public: Option<Public>,
}

/// What peers outside are told of us.
#[derive(Clone)]
pub struct Public {
    /// Name or address.
    pub host: Box<str>,
    /// For TCP; 0: the port that they connect to.
    pub tcp_port: u16,
    /// For TLS; 0: the port that they connect to.
    pub tls_port: u16,
}

/// What every connection needs, and none changes.
pub struct Lobby {
    /// What all actors share.
    pub context: Arc<ServerContext>,
    /// Who numbers the clients' monitors.
    pub cross_refs: Arc<CrossRefs>,
    /// The threads that carry connections.
    pub arbiters: Vec<ArbiterHandle>,
    connections: AtomicU64,
    open: Counts,
    unfinished: PartialBudget,
}

/// How many connections are accepted in one turn of the thread.
const ABREAST: u8 = 16;
/// How long after an error the next connection is accepted: out of descriptors, mostly.
const PAUSE: Duration = Duration::from_millis(100);

impl Lobby {
    /// A lobby that nobody has entered.
    pub fn new(
        context: Arc<ServerContext>,
        cross_refs: Arc<CrossRefs>,
        arbiters: Vec<ArbiterHandle>,
    ) -> Self {
        Self {
            context,
            cross_refs,
            arbiters,
            connections: AtomicU64::new(0),
            open: Counts::default(),
            unfinished: PartialBudget::default(),
        }
    }

    /// Says what is wrong with a peer, once a minute for each.
    fn complain(&self, interface: &Interface, peer: SocketAddr, what: &str, reason: &str) {
        let now = self.context.clock.now();
        if let Some(times) = self.context.log_limit.admit(peer.ip(), reason, now) {
            tracing::warn!(interface = interface.setting, %peer, reason, times, "{what}");
        }
    }

    /// The connections that are open.
    pub fn open(&self) -> Counts {
        self.open.clone()
    }

    /// Whether a peer speaks for others, by the PROXY protocol (`advanced.proxy_protocol_from`).
    fn is_front(&self, peer: IpAddr) -> bool {
        let fronts = &self.context.config().settings.advanced.proxy_protocol_from;
        fronts.iter().any(|network| network.contains(peer))
    }

    /// Whether a peer is a front end of clients that need not answer a challenge (`clients.trusted`).
    fn trusts(&self, side: Side, address: IpAddr, shown: Option<&CertificateDer<'_>>) -> bool {
        side == Side::Clients
            && self
                .context
                .config()
                .settings
                .clients
                .trusted
                .iter()
                .any(|trusted| match (trusted, shown) {
                    (Trusted::Network(network), _) => network.contains(address),
                    (Trusted::Name(name), Some(certificate)) => tls::is_of(certificate, name),
                    (Trusted::Name(_), None) => false,
                })
    }

    /// The thread for a phone, always the same one, so that a phone that returns lands where its actor lives; clients go
    /// round.
    fn arbiter(&self, key: u64) -> &ArbiterHandle {
        &self.arbiters[key as usize % self.arbiters.len()]
    }
}

/// Accepts connections for as long as it is polled; `current` may be exchanged for those to come.
async fn accept_all(listener: TcpListener, current: Arc<ArcSwap<Interface>>, lobby: Arc<Lobby>) {
    let mut accepted = 0;
    loop {
        // Those who are there go on while thousands come.
        accepted = (accepted + 1) % ABREAST;
        if accepted == 0 {
            tokio::task::yield_now().await;
        }
        let connection = listener.accept().await;
        let interface = current.load_full();
        let (stream, peer) = match connection {
            Ok((stream, peer)) => (stream, canonical(peer)),
            Err(error) => {
                lobby.context.counters.count(Counter::NotAccepted);
                // It is no peer's fault, and goes on until there are descriptors again.
                let what = format!("{}: {error}", interface.setting);
                let now = lobby.context.clock.now();
                if let Some(times) =
                    lobby
                        .context
                        .log_limit
                        .admit(Ipv4Addr::UNSPECIFIED.into(), &what, now)
                {
                    tracing::error!(interface = interface.setting, %error, times, "no connection can be accepted; trying again");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let limits = &lobby.context.config().settings.limits;
        let open = match Open::by_stranger(&lobby.open, limits, peer.ip()) {
            Ok(open) => open,
            Err(event) => {
                lobby.context.counters.count(event);
                let what = "connection refused: as many are open as may be";
                lobby.complain(&interface, peer, what, event.label());
                continue;
            }
        };
        lobby.context.counters.count(Counter::Connected);
        let number = lobby.connections.fetch_add(1, Ordering::Relaxed);
        let arrival = Arrival {
            io: Counted { io: stream, open },
            peer,
            number,
            front: None,
            is_anybody: false,
            since: lobby.context.clock.now(),
        };
        if !lobby.is_front(peer.ip()) {
            admit(arrival, &interface, &lobby);
            continue;
        }
        let (interface, lobby) = (Arc::clone(&interface), Arc::clone(&lobby));
        actix_rt::spawn(async move {
            if let Some(arrival) = front::introduced(arrival, &interface, &lobby).await {
                admit(arrival, &interface, &lobby);
            }
        });
    }
}

fn admit(arrival: Arrival, interface: &Arc<Interface>, lobby: &Arc<Lobby>) {
    if lobby.arbiters.len() == 1 {
        serve(arrival, interface, lobby);
    } else {
        let (interface, lobby) = (Arc::clone(interface), Arc::clone(lobby));
        actix_rt::spawn(async move { hand_over(arrival, interface, lobby).await });
    }
}

/// Gives a connection to the thread that its first request selects.
async fn hand_over(arrival: Arrival, interface: Arc<Interface>, lobby: Arc<Lobby>) {
    let Arrival { peer, number, .. } = arrival;
    let key = match interface.side {
        Side::Clients => number,
        Side::Phones if interface.tls.is_some() => first::key_of_address(peer.ip()),
        Side::Phones => first::key_of_user(&arrival.io.io)
            .await
            .unwrap_or_else(|| first::key_of_address(peer.ip())),
    };
    let arbiter = lobby.arbiter(key).clone();
    let Arrival {
        io: Counted { io, open },
        front,
        is_anybody,
        since,
        ..
    } = arrival;
    let moved = io.into_std().map(|io| {
        arbiter.spawn_fn(move || match TcpStream::from_std(io) {
            Ok(io) => {
                let io = Counted { io, open };
                let arrival = Arrival {
                    io,
                    peer,
                    number,
                    front,
                    is_anybody,
                    since,
                };
                serve(arrival, &interface, &lobby);
            }
            Err(error) => tracing::error!(%peer, %error, "a connection cannot be taken over"),
        })
    });
    if let Err(error) = moved {
        tracing::error!(%peer, %error, "a connection cannot be handed over");
    }
}

/// Starts the link of a connection on this thread.
fn serve(mut arrival: Arrival, interface: &Arc<Interface>, lobby: &Arc<Lobby>) {
    let place = match place(&mut arrival, interface, lobby) {
        Ok(place) => place,
        // The peer was faster away than we could look.
        Err(error) => return tracing::debug!(peer = %arrival.peer, %error, "connection gone"),
    };
    let (interface, lobby) = (Arc::clone(interface), Arc::clone(lobby));
    let Arrival {
        peer,
        number,
        is_anybody,
        ..
    } = arrival;
    let Some(acceptor) = interface.tls.clone() else {
        let trusted = !is_anybody && lobby.trusts(interface.side, peer.ip(), None);
        let (watcher, at) = (Arc::clone(&lobby), Arc::clone(&interface));
        let io = arrival.io.watched(move |first| {
            let Some(wrong) = Misdirected::of(first, false) else {
                return Ok(());
            };
            watcher.complain(&at, peer, "connection refused", &wrong.to_string());
            Err(io::Error::other(wrong))
        });
        return start(Box::new(io), place, number, trusted, &interface, &lobby);
    };
    let io = arrival.io.watched(|first| {
        Misdirected::of(first, true).map_or(Ok(()), |wrong| Err(io::Error::other(wrong)))
    });
    actix_rt::spawn(async move {
        let patience = lobby.context.config().settings.limits.tls_handshake;
        let reason = match tokio::time::timeout(patience, acceptor.accept(io)).await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates();
                let shown = shown.and_then(<[CertificateDer<'_>]>::first);
                let trusted = !is_anybody && lobby.trusts(interface.side, peer.ip(), shown);
                return start(Box::new(stream), place, number, trusted, &interface, &lobby);
            }
            Ok(Err(error)) => {
                lobby.context.counters.count(Counter::FailedHandshake);
                handshake::reason(&error, interface.side)
            }
            Err(_) => {
                lobby.context.counters.count(Counter::SlowHandshake);
                "it was not finished within limits.tls_handshake".into()
            }
        };
        lobby.complain(&interface, peer, "TLS handshake failed", &reason);
    });
}

fn start(
    io: Box<dyn Io>,
    endpoints: Endpoints,
    number: u64,
    trusted: bool,
    interface: &Interface,
    lobby: &Lobby,
) {
    let limits = &lobby.context.config().settings.limits;
    let transport = PeerTransport::stream(
        io,
        Codec::new(bounds(lobby)),
        limits.client_queue.as_usize(),
        limits.message_time,
    )
    .unauthenticated(
        PartialBudget::clone(&lobby.unfinished),
        limits.unauthenticated_memory.as_usize(),
    );
    let context = Arc::clone(&lobby.context);
    let clock = Arc::clone(&lobby.context.clock);
    // The system's random numbers have served for the keys at the start; should they fail now, the number will do.
    let random = getrandom::u64().unwrap_or(number);
    match interface.side {
        // Thousands of phones may come at once, and must not keep those waiting who are there.
        Side::Phones => {
            let uas = PhoneUas::new(context, endpoints.peer, DigestAuthenticator::new(number));
            let (transport, limits) = (transport.fair_share(), uas::Limits::default());
            SipConnection::start(transport, endpoints, uas, limits, clock, random);
        }
        Side::Clients => {
            let cross_refs = Arc::clone(&lobby.cross_refs);
            let limits = ClientUas::limits(&context);
            let uas = ClientUas::new(context, cross_refs, endpoints.peer, number, trusted);
            SipConnection::start(transport, endpoints, uas, limits, clock, random);
        }
    }
}

/// The bounds of a message.
fn bounds(lobby: &Lobby) -> Limits {
    let limits = &lobby.context.config().settings.limits;
    Limits {
        head: limits.message_head.as_usize(),
        line: limits.message_line.as_usize(),
        headers: limits.message_headers,
        body: limits.message_body.as_usize(),
    }
}
