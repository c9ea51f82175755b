//! The interfaces: sockets that listen, connections that are accepted, and the link that each is given.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_rt::ArbiterHandle;
use arc_swap::ArcSwap;
use rustls_pki_types::CertificateDer;
use settings::{Listen, Trusted};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    House,
    client::{CrossRefs, desk::ClientDesk},
    phone::desk::PhoneDesk,
    sip::{
        desk::Desk,
        link::{Link, Place},
        wire::{Io, Wire},
    },
};
use uacsta_schema::sip::{Codec, Limits, Transport};

mod first;
mod listener;
mod open;
pub mod tls;
mod udp;

use open::{Counted, Counts, Open};

pub use listener::{Bound, Listener};

/// Who connects to an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// Telephones.
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
    /// The host and port that peers are told, where they do not reach us at the address that they connected to; port 0 is
    /// the one that is listened on.
    pub public: Option<(Box<str>, u16)>,
}

/// What every connection needs, and none changes.
pub struct Lobby {
    /// What all actors share.
    pub house: Arc<House>,
    /// Who numbers the clients' monitors.
    pub cross_refs: Arc<CrossRefs>,
    /// The threads that carry connections.
    pub arbiters: Vec<ArbiterHandle>,
    connections: AtomicU64,
    open: Counts,
}

/// How many connections are accepted in one turn of the thread.
const ABREAST: u8 = 16;
/// How long after an error the next connection is accepted: out of descriptors, mostly.
const PAUSE: Duration = Duration::from_millis(100);

impl Lobby {
    /// A lobby that nobody has entered.
    pub fn new(
        house: Arc<House>,
        cross_refs: Arc<CrossRefs>,
        arbiters: Vec<ArbiterHandle>,
    ) -> Self {
        Self {
            house,
            cross_refs,
            arbiters,
            connections: AtomicU64::new(0),
            open: Counts::default(),
        }
    }

    /// Whether a peer is a front end of clients that need not answer a challenge (`clients.trusted`).
    fn trusts(&self, side: Side, address: IpAddr, shown: Option<&CertificateDer<'_>>) -> bool {
        side == Side::Clients
            && self
                .house
                .rules()
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
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(interface = interface.setting, %error, "no connection can be accepted; trying again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let open = match Open::new(&lobby.open, &lobby.house.rules().settings.limits, peer.ip()) {
            Ok(open) => open,
            Err(limit) => {
                tracing::warn!(interface = interface.setting, %peer, limit, "connection refused: as many are open as may be");
                continue;
            }
        };
        let number = lobby.connections.fetch_add(1, Ordering::Relaxed);
        let counted = Counted { io: stream, open };
        if lobby.arbiters.len() == 1 {
            serve(counted, peer, number, &interface, &lobby);
        } else {
            let lobby = Arc::clone(&lobby);
            actix_rt::spawn(
                async move { hand_over(counted, peer, number, interface, lobby).await },
            );
        }
    }
}

/// Gives a connection to the thread that its first request selects.
async fn hand_over(
    counted: Counted,
    peer: SocketAddr,
    number: u64,
    interface: Arc<Interface>,
    lobby: Arc<Lobby>,
) {
    let key = match interface.side {
        Side::Clients => number,
        Side::Phones if interface.tls.is_some() => first::key_of_address(peer.ip()),
        Side::Phones => {
            let patience = lobby.house.rules().settings.limits.message_time;
            first::key_of_user(&counted.io, patience)
                .await
                .unwrap_or_else(|| first::key_of_address(peer.ip()))
        }
    };
    let arbiter = lobby.arbiter(key).clone();
    let Counted { io, open } = counted;
    let moved = io.into_std().map(|io| {
        arbiter.spawn_fn(move || match TcpStream::from_std(io) {
            Ok(io) => serve(Counted { io, open }, peer, number, &interface, &lobby),
            Err(error) => tracing::error!(%peer, %error, "a connection cannot be taken over"),
        })
    });
    if let Err(error) = moved {
        tracing::error!(%peer, %error, "a connection cannot be handed over");
    }
}

/// Starts the link of a connection on this thread.
fn serve(
    counted: Counted,
    peer: SocketAddr,
    number: u64,
    interface: &Arc<Interface>,
    lobby: &Arc<Lobby>,
) {
    let place = match place(&counted.io, peer, interface, lobby) {
        Ok(place) => place,
        // The peer was faster away than we could look.
        Err(error) => return tracing::debug!(%peer, %error, "connection gone"),
    };
    let Some(acceptor) = interface.tls.clone() else {
        let trusted = lobby.trusts(interface.side, peer.ip(), None);
        return start(Box::new(counted), place, number, trusted, interface, lobby);
    };
    let (interface, lobby) = (Arc::clone(interface), Arc::clone(lobby));
    actix_rt::spawn(async move {
        let patience = lobby.house.rules().settings.limits.tls_handshake;
        match tokio::time::timeout(patience, acceptor.accept(counted)).await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates();
                let trusted = lobby.trusts(
                    interface.side,
                    peer.ip(),
                    shown.and_then(<[CertificateDer<'_>]>::first),
                );
                start(Box::new(stream), place, number, trusted, &interface, &lobby);
            }
            Ok(Err(error)) => {
                tracing::warn!(%peer, interface = interface.setting, reason = tls::refusal(&error), "TLS handshake failed");
            }
            Err(_) => {
                tracing::warn!(%peer, interface = interface.setting, limit = ?patience, "TLS handshake not finished in time");
            }
        }
    });
}

fn start(
    io: Box<dyn Io>,
    place: Place,
    number: u64,
    trusted: bool,
    interface: &Interface,
    lobby: &Lobby,
) {
    let limits = &lobby.house.rules().settings.limits;
    let wire = Wire::new(
        io,
        Codec::new(bounds(lobby)),
        limits.client_queue.as_usize(),
        limits.message_time,
    );
    let house = Arc::clone(&lobby.house);
    let (wire, desk): (Wire, Box<dyn Desk>) = match interface.side {
        // Thousands of phones may come at once, and must not keep those waiting who are there.
        Side::Phones => (
            wire.newcomer(),
            Box::new(PhoneDesk::new(house, place.peer, number)),
        ),
        Side::Clients => (
            wire,
            Box::new(ClientDesk::new(
                house,
                Arc::clone(&lobby.cross_refs),
                place.peer,
                number,
                trusted,
            )),
        ),
    };
    // The system's random numbers have served for the keys at the start; should they fail now, the number will do.
    let random = getrandom::u64().unwrap_or(number);
    Link::over(wire, place, desk, Arc::clone(&lobby.house.clock), random);
}

/// The bounds of a message.
fn bounds(lobby: &Lobby) -> Limits {
    let limits = &lobby.house.rules().settings.limits;
    Limits {
        head: limits.message_head.as_usize(),
        line: limits.message_line.as_usize(),
        headers: limits.message_headers,
        body: limits.message_body.as_usize(),
    }
}

/// Sets what a connection of years needs, and tells where its peer reaches us.
fn place(
    stream: &TcpStream,
    peer: SocketAddr,
    interface: &Interface,
    lobby: &Lobby,
) -> io::Result<Place> {
    stream.set_nodelay(true)?;
    if interface.side == Side::Clients {
        // A phone that is gone is found by its keep-alive; a client sends nothing for hours.
        let socket = SockRef::from(stream);
        socket.set_tcp_keepalive(
            &TcpKeepalive::new()
                .with_time(Duration::from_secs(60))
                .with_interval(Duration::from_secs(10)),
        )?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(Duration::from_secs(32)))?;
    }
    let local = stream.local_addr()?;
    let (host, port) = match &interface.public {
        Some((host, 0)) => (host.clone(), local.port()),
        Some((host, port)) => (host.clone(), *port),
        None => (host(local.ip()), local.port()),
    };
    let agent = Arc::clone(&lobby.house.agent);
    Ok(Place {
        peer,
        host,
        port,
        transport: if interface.tls.is_some() {
            Transport::TLS
        } else {
            Transport::TCP
        },
        log_on_by: Some(
            lobby.house.clock.now() + lobby.house.rules().settings.limits.unauthenticated_time,
        ),
        agent,
    })
}

/// An address as a SIP host: IPv6 in brackets (RFC 3261 25.1), a mapped IPv4 address as what it is.
fn host(address: IpAddr) -> Box<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => format!("[{address}]").into(),
    }
}
