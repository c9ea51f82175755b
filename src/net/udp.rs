//! The UDP interface of phones that have no TCP: one socket, and a link for each phone that has logged on (RFC 3261 18).

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::UdpSocket,
    sync::{
        mpsc::{self, Sender, error::TrySendError},
        watch,
    },
    time::{Instant, MissedTickBehavior, interval},
};
use uacsta_actors::{
    auth::DigestAuthenticator,
    counters::Counter,
    registration::{
        PhoneUas,
        stateless_uas::{self, Received},
    },
    sip::{
        connection::{Endpoints, SipConnection, Unauthenticated},
        responder::FinalResponse,
        transport::{DatagramSender, PeerTransport, TransportError},
        uas::Limits,
    },
};
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{Frame, HeaderName, Message, Status, Transport, received::stamp},
};

use super::{
    Lobby, Open, PAUSE, bounds, first,
    place::{canonical, host},
};

/// How many datagrams may wait for a link's turn; the phone repeats what finds no room.
const QUEUE: usize = 64;
/// How often links are looked for on which nothing comes any more.
const LOOK: Duration = Duration::from_secs(30);
/// How much longer than a registration a link lives on which nothing comes.
const GRACE: Duration = Duration::from_secs(64);
/// For so many addresses it is counted apart how often they had a link: 256 KiB.
const CELLS: usize = 1 << 16;
/// More than any datagram holds.
const LARGEST: usize = 1 << 16;

/// Receives datagrams until the task is aborted; while it is `retired`, only for the phones that have logged on, until the last is gone.
pub(super) async fn receive_all(
    setting: &'static str,
    socket: UdpSocket,
    lobby: Arc<Lobby>,
    retired: watch::Receiver<bool>,
) {
    let bound = match socket.local_addr() {
        Ok(bound) => bound,
        Err(error) => {
            return tracing::error!(interface = setting, %error, "no datagram can be received");
        }
    };
    let office = PostOffice {
        setting,
        post: Arc::new(SharedSocket {
            socket,
            six: bound.is_ipv6(),
        }),
        bound,
        lobby,
        peers: HashMap::new(),
        numbers: Numbers::default(),
        // The numbers of this run serve as a tag of this run as well.
        tag: format!("{:x}", RandomState::new().hash_one(bound)),
        retired,
    };
    office.run().await;
}

/// The socket, and who is known on it.
struct PostOffice {
    setting: &'static str,
    post: Arc<SharedSocket>,
    bound: SocketAddr,
    lobby: Arc<Lobby>,
    peers: HashMap<SocketAddr, Peer>,
    numbers: Numbers,
    tag: String,
    /// Whether only those who are known are served any more.
    retired: watch::Receiver<bool>,
}

/// A phone that has logged on.
struct Peer {
    link: Sender<Result<Frame, TransportError>>,
    heard: Instant,
    _open: Open,
}

/// Give each address a number that nobody outside can tell and that its nonces bear. A link takes the number with it:
/// the next link from there has another, so that what was heard on one cannot be replayed when it has ended (RFC 7616 3.4).
///
/// The addresses share a fixed table. Who is told another number because of a neighbour there is challenged once more.
struct Numbers {
    seed: RandomState,
    links: Box<[u32]>,
}

struct SharedSocket {
    socket: UdpSocket,
    /// Whether it is one of IPv6, which knows IPv4 peers by their mapped addresses alone.
    six: bool,
}

impl DatagramSender for SharedSocket {
    fn send(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        let to = match to {
            SocketAddr::V4(to) if self.six => {
                SocketAddr::from((to.ip().to_ipv6_mapped(), to.port()))
            }
            to => to,
        };
        self.socket.try_send_to(datagram, to).map(drop)
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            seed: RandomState::new(),
            links: vec![0; CELLS].into(),
        }
    }
}

impl Numbers {
    fn of(&self, address: SocketAddr) -> u64 {
        self.seed
            .hash_one((address, self.links[self.cell(address)]))
    }

    fn exchange(&mut self, address: SocketAddr) {
        let links = &mut self.links[self.cell(address)];
        *links = links.wrapping_add(1);
    }

    fn cell(&self, address: SocketAddr) -> usize {
        self.seed.hash_one(address) as usize % CELLS
    }
}

impl PostOffice {
    async fn run(mut self) {
        let mut buffer = vec![0; LARGEST];
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !(*self.retired.borrow() && self.peers.is_empty()) {
            tokio::select! {
                received = self.post.socket.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => {
                        self.receive(buffer.get(..length).unwrap_or_default(), canonical(from));
                    }
                    Err(error) => {
                        tracing::error!(interface = self.setting, %error, "no datagram can be received; trying again");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                _ = look.tick() => self.dismiss_the_silent(),
                // Who retires it holds the other end.
                Ok(()) = self.retired.changed() => {}
            }
        }
    }

    fn receive(&mut self, datagram: &[u8], from: SocketAddr) {
        let frame = match Frame::datagram(BytesMut::from(datagram), &bounds(&self.lobby)) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::debug!(interface = self.setting, peer = %from, %error, "a datagram is not SIP");
                self.lobby.context.counters.count(Counter::from(&error));
                // RFC 3261 18.3: a request that is shorter than it says gets 400.
                if let Some(answer) = error.answer() {
                    let mut answer = BytesMut::from(&answer[..]);
                    stamp(&mut answer, from);
                    self.send(&answer, from);
                }
                return;
            }
        };
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.heard = Instant::now();
            if matches!(frame, Frame::Ping | Frame::Pong) {
                return;
            }
            match peer.link.try_send(Ok(frame)) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => {
                    self.lobby.context.counters.count(Counter::DroppedDatagram);
                    tracing::debug!(interface = self.setting, peer = %from, "a datagram found no room; it will be repeated");
                }
                // The link has ended since: whoever sends this is to log on.
                Err(TrySendError::Closed(frame)) => {
                    self.peers.remove(&from);
                    if let Ok(frame) = frame {
                        self.welcome(frame, from);
                    }
                }
            }
        } else {
            self.welcome(frame, from);
        }
    }

    /// A datagram from an address that has no link.
    fn welcome(&mut self, frame: Frame, from: SocketAddr) {
        if *self.retired.borrow() {
            return;
        }
        let number = self.numbers.of(from);
        let mut received =
            stateless_uas::receive(&self.lobby.context, &frame, from, number, &self.tag);
        if let Received::Phone(phone) = received {
            match self.open(phone, from, number) {
                Ok(peer) => {
                    // The queue of a new link has room.
                    let _ = peer.link.try_send(Ok(frame));
                    self.peers.insert(from, peer);
                    self.numbers.exchange(from);
                    return;
                }
                Err(event) => {
                    self.lobby.context.counters.count(event);
                    tracing::warn!(interface = self.setting, peer = %from, phone = %phone, limit = event.label(), "phone refused: as many connections are open as may be");
                    let Frame::Message(Message::Request(request)) = &frame else {
                        return;
                    };
                    let busy = FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                        .header(HeaderName::RetryAfter, "60");
                    received = stateless_uas::refuse(request, &busy, from, &self.tag);
                }
            }
        }
        if let Received::Answered { datagram, to } = received {
            self.send(&datagram, to);
        }
    }

    fn send(&self, answer: &[u8], to: SocketAddr) {
        if let Err(error) = self.post.send(answer, to) {
            tracing::debug!(interface = self.setting, peer = %to, %error, "an answer was not sent");
        }
    }

    /// Starts the link of a phone on the thread that is the phone's.
    fn open(&self, phone: PhoneId, from: SocketAddr, number: u64) -> Result<Peer, Counter> {
        let open = Open::new(
            &self.lobby.open,
            &self.lobby.context.config().settings.limits,
            from.ip(),
        )?;
        let (link, frames) = mpsc::channel(QUEUE);
        let sender: Arc<dyn DatagramSender> = Arc::clone(&self.post) as _;
        let local = match self.bound.ip() {
            address if address.is_unspecified() => towards(from).unwrap_or(address),
            address => address,
        };
        let lobby = Arc::clone(&self.lobby);
        let endpoints = Endpoints {
            peer: from,
            host: host(local),
            port: self.bound.port(),
            transport: Transport::UDP,
            unauthenticated: Some(Box::new(Unauthenticated {
                log_on_by: lobby.context.clock.now()
                    + lobby.context.config().settings.limits.unauthenticated_time,
                // It has logged on already; what is to come is its binding.
                counted: Box::new(()),
            })),
            agent: Arc::clone(&lobby.context.agent),
        };
        let arbiter = self.lobby.arbiter(first::key_of_phone(phone)).clone();
        arbiter.spawn_fn(move || {
            let context = Arc::clone(&lobby.context);
            let uas = PhoneUas::new(context, from, DigestAuthenticator::after_stateless(number));
            let transport = PeerTransport::udp(sender, from, frames);
            let random = getrandom::u64().unwrap_or(number);
            let clock = Arc::clone(&lobby.context.clock);
            let limits = Limits::default();
            SipConnection::start(transport, endpoints, uas, limits, clock, random);
        });
        Ok(Peer {
            link,
            heard: Instant::now(),
            _open: open,
        })
    }

    /// Ends the links on which nothing came for longer than any registration lasts, and forgets those that have ended.
    fn dismiss_the_silent(&mut self) {
        let patience = self.lobby.context.config().settings.advanced.sip_expires + GRACE;
        self.peers.retain(|_, peer| {
            let silent = peer.heard.elapsed() > patience;
            if silent {
                // A link whose queue is full ends all the same when the queue does.
                let _ = peer.link.try_send(Err(TransportError::Idle));
            }
            !silent && !peer.link.is_closed()
        });
    }
}

pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        // [::] takes IPv4 peers as well.
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// The address of ours that a peer reaches, where we listen on all of them: the one that the system would send from.
fn towards(peer: SocketAddr) -> Option<IpAddr> {
    let any = if peer.is_ipv4() {
        SocketAddr::from(([0, 0, 0, 0], 0))
    } else {
        SocketAddr::from(([0_u16; 8], 0))
    };
    let probe = std::net::UdpSocket::bind(any).ok()?;
    // To connect a UDP socket sends nothing.
    probe.connect(peer).ok()?;
    Some(probe.local_addr().ok()?.ip())
}
