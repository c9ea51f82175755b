//! The UDP interface of phones: one socket, and a connection for each authenticated phone (RFC 3261, section 18).

mod nonce_keys;
mod socket;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use nonce_keys::NonceKeys;
use socket::{SharedSocket, local_address_towards};
pub(super) use socket::{bind, bound};
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
    ladder::Path,
    registration::{
        PhoneUas,
        stateless_uas::{self, Received},
    },
    sip::{
        connection::{Endpoints, SipConnection, Unauthenticated},
        responder::FinalResponse,
        transport::{DatagramSender, PeerTransport, TransportError, trace_datagram},
        uas::{Limits, Uas as _},
    },
};
use uacsta_schema::sip::{Frame, HeaderName, SipMessage, Status, Transport, via_response::stamp};

use super::{
    Acceptor,
    acceptor::RETRY_DELAY,
    connection_limits::ConnectionPermit,
    endpoints::{canonical, host},
};

/// Datagrams queued for a connection. The phone retransmits what is dropped.
const QUEUE: usize = 64;
/// How often idle connections are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// A connection is idle when nothing is received for the longest registration and this.
const GRACE: Duration = Duration::from_secs(64);
/// More octets than any datagram has.
const LARGEST: usize = 1 << 16;

/// Receives datagrams until the task is aborted. While `retired` is true, only connected phones are served; returns when the
/// last of them has gone.
pub(super) async fn receive_all(
    setting: &'static str,
    socket: UdpSocket,
    acceptor: Arc<Acceptor>,
    retired: watch::Receiver<bool>,
) {
    let local = match socket.local_addr() {
        Ok(local) => local,
        Err(error) => {
            return tracing::error!(interface = setting, %error, "cannot receive datagrams");
        }
    };
    let listener = UdpListener {
        setting,
        socket: Arc::new(SharedSocket {
            socket,
            is_ipv6: local.is_ipv6(),
        }),
        local,
        acceptor,
        peers: HashMap::new(),
        keys: NonceKeys::default(),
        tag: format!("{:x}", RandomState::new().hash_one(local)),
        retired,
    };
    listener.run().await;
}

/// Answers unauthenticated peers without state, and passes the datagrams of connected phones to their connections.
struct UdpListener {
    setting: &'static str,
    socket: Arc<SharedSocket>,
    local: SocketAddr,
    acceptor: Arc<Acceptor>,
    peers: HashMap<SocketAddr, ConnectedPhone>,
    keys: NonceKeys,
    /// The To tag of responses to unauthenticated peers.
    tag: String,
    retired: watch::Receiver<bool>,
}

/// A connected phone.
struct ConnectedPhone {
    connection: Sender<Result<Frame, TransportError>>,
    received_at: Instant,
    _permit: ConnectionPermit,
}

impl UdpListener {
    async fn run(mut self) {
        let mut buffer = vec![0; LARGEST];
        let mut sweep = interval(SWEEP_INTERVAL);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !(*self.retired.borrow() && self.peers.is_empty()) {
            tokio::select! {
                received = self.socket.socket.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => {
                        self.receive(buffer.get(..length).unwrap_or_default(), canonical(from));
                    }
                    Err(error) => {
                        tracing::error!(interface = self.setting, %error, "cannot receive datagrams; retrying");
                        tokio::time::sleep(RETRY_DELAY).await;
                    }
                },
                _ = sweep.tick() => self.end_idle_connections(),
                // The interface's `Listener` holds the sender.
                Ok(()) = self.retired.changed() => {}
            }
        }
    }

    fn receive(&mut self, datagram: &[u8], from: SocketAddr) {
        let limits = self.acceptor.message_limits();
        let frame = match Frame::datagram(BytesMut::from(datagram), &limits) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::debug!(interface = self.setting, peer = %from, %error, "datagram is not SIP");
                self.count(Counter::from(&error));
                // RFC 3261, section 18.3: 400 to a request shorter than its Content-Length.
                if let Some(answer) = error.answer() {
                    let mut answer = BytesMut::from(&answer[..]);
                    stamp(&mut answer, from);
                    self.send(&answer, from);
                }
                return;
            }
        };
        let Some(peer) = self.peers.get_mut(&from) else {
            return self.receive_unconnected(frame, from);
        };
        peer.received_at = Instant::now();
        if matches!(frame, Frame::Ping | Frame::Pong) {
            return;
        }
        match peer.connection.try_send(Ok(frame)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.count(Counter::DroppedDatagram);
                tracing::debug!(interface = self.setting, peer = %from, "datagram dropped: the connection's queue is full");
            }
            Err(TrySendError::Closed(frame)) => {
                self.peers.remove(&from);
                if let Ok(frame) = frame {
                    self.receive_unconnected(frame, from);
                }
            }
        }
    }

    /// Challenges the sender, or starts its connection if its credentials are right.
    fn receive_unconnected(&mut self, frame: Frame, from: SocketAddr) {
        if *self.retired.borrow() {
            return;
        }
        let context = &self.acceptor.context;
        let key = self.keys.of(from);
        let registrar = &self.acceptor.registrar.connections;
        match stateless_uas::receive(context, registrar, &frame, from, key, &self.tag) {
            Received::Phone(phone) => match self.connect(from, key) {
                Ok(peer) => {
                    // The queue of a new connection has room.
                    let _ = peer.connection.try_send(Ok(frame));
                    self.peers.insert(from, peer);
                    self.keys.replace(from);
                }
                Err(limit) => {
                    self.count(limit);
                    tracing::warn!(interface = self.setting, peer = %from, phone = %phone, limit = limit.label(), "phone refused: limit of open connections reached");
                    if let Frame::Message(SipMessage::Request(request)) = &frame {
                        let busy = FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                            .header(HeaderName::RetryAfter, "60");
                        self.answer(stateless_uas::refuse(request, &busy, from, &self.tag));
                    }
                }
            },
            received => {
                self.record(&frame, &received, from);
                self.answer(received);
            }
        }
    }

    /// Records and logs the request of an unauthenticated peer and its response.
    fn record(&self, frame: &Frame, received: &Received, peer: SocketAddr) {
        let Received::Answered { datagram, .. } = received else {
            return;
        };
        // To find out which address the peer reached takes too long where anybody may ask.
        let local = match (self.local.ip(), peer.ip()) {
            (address, IpAddr::V4(_)) if address.is_unspecified() => Ipv4Addr::UNSPECIFIED.into(),
            (address, _) => address,
        };
        let path = Path {
            local: canonical(SocketAddr::new(local, self.local.port())),
            peer,
            transport: Transport::UDP,
        };
        let context = &self.acceptor.context;
        let clock = Arc::clone(&context.clock);
        let recorder = context.ladder.recorder(clock, path, PhoneUas::party_of);
        trace_datagram(peer, PhoneUas::device_of, recorder, frame, datagram);
    }

    fn answer(&self, received: Received) {
        if let Received::Answered { datagram, to } = received {
            self.send(&datagram, to);
        }
    }

    fn send(&self, response: &[u8], to: SocketAddr) {
        if let Err(error) = self.socket.send(response, to) {
            tracing::debug!(interface = self.setting, peer = %to, %error, "cannot send a response");
        }
    }

    fn count(&self, event: Counter) {
        self.acceptor.context.counters.count(event);
    }

    /// Starts a connection on its arbiter.
    ///
    /// # Errors
    /// The limit that is reached.
    fn connect(&self, from: SocketAddr, key: u64) -> Result<ConnectedPhone, Counter> {
        let acceptor = Arc::clone(&self.acceptor);
        let config = acceptor.context.config();
        let limits = &config.settings.limits;
        let permit = ConnectionPermit::new(&acceptor.counts, limits, from.ip())?;
        let local = match self.local.ip() {
            address if address.is_unspecified() => local_address_towards(from).unwrap_or(address),
            address => address,
        };
        let endpoints = Endpoints {
            peer: from,
            host: host(local),
            port: self.local.port(),
            transport: Transport::UDP,
            unauthenticated: Some(Box::new(Unauthenticated {
                time: limits.unauthenticated_time,
                log_on_by: Some(acceptor.context.clock.now() + limits.unauthenticated_time),
                // It has authenticated; what is missing is its binding.
                counted: Box::new(()),
            })),
            agent: Arc::clone(&acceptor.context.agent),
        };
        let (connection, frames) = mpsc::channel(QUEUE);
        let path = Path {
            local: canonical(SocketAddr::new(local, self.local.port())),
            peer: from,
            transport: Transport::UDP,
        };
        let sender: Arc<dyn DatagramSender> = Arc::clone(&self.socket) as _;
        let context = Arc::clone(&acceptor.context);
        let registrar = Arc::clone(&acceptor.registrar.connections);
        let arbiter = acceptor.arbiter(acceptor.next_number());
        arbiter.spawn_fn(move || {
            let clock = Arc::clone(&context.clock);
            let authenticator = DigestAuthenticator::after_stateless(key);
            let find = PhoneUas::party_of;
            let recorder = context.ladder.recorder(Arc::clone(&clock), path, find);
            let transport = PeerTransport::udp(sender, from, frames).recorded(recorder.clone());
            let uas = |connection: &_| {
                PhoneUas::new(context, registrar, from, authenticator, connection)
                    .recorded(recorder)
            };
            let random = getrandom::u64().unwrap_or(key);
            SipConnection::start(transport, endpoints, uas, Limits::default(), clock, random);
        });
        Ok(ConnectedPhone {
            connection,
            received_at: Instant::now(),
            _permit: permit,
        })
    }

    fn end_idle_connections(&mut self) {
        let longest = self.acceptor.context.config().settings.advanced.sip_expires + GRACE;
        self.peers.retain(|_, peer| {
            let idle = peer.received_at.elapsed() > longest;
            if idle {
                // Dropping the sender ends a connection whose queue is full.
                let _ = peer.connection.try_send(Err(TransportError::Idle));
            }
            !idle && !peer.connection.is_closed()
        });
    }
}
