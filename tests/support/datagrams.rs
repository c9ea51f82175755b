//! A phone's UDP transport with retransmissions and simulated loss (RFC 3261, section 17).

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    net::UdpSocket,
    sync::mpsc::{self, UnboundedReceiver},
    time::{Instant, interval},
};

use super::{
    documents::Documents,
    sip::{self, Frame, Message},
    wire::{Order, Reader, Waiting, Wire},
};

/// What happens to datagrams on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Each arrives.
    Fair,
    /// Of each message, in both directions, the first copy is lost.
    LosesFirst,
    /// Each arrives twice.
    Doubles,
}

/// RFC 3261 table 4.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

impl Wire {
    /// A socket that speaks with the server alone; what is not acknowledged is repeated.
    pub async fn datagrams(
        server: SocketAddr,
        weather: Weather,
        documents: Arc<Documents>,
    ) -> std::io::Result<(Self, UnboundedReceiver<Message>)> {
        let loopback: IpAddr = match server.is_ipv4() {
            true => Ipv4Addr::LOCALHOST.into(),
            false => Ipv6Addr::LOCALHOST.into(),
        };
        let socket = UdpSocket::bind((loopback, 0)).await?;
        socket.connect(server).await?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (requests, incoming) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        let reader = Reader {
            requests,
            waiting: Arc::clone(&waiting),
            documents,
        };
        let wire = Self::new(socket.local_addr()?, server, "UDP", orders, waiting);
        let repeated = Arc::clone(&wire.repeated);
        let end = End {
            socket,
            weather,
            reader,
            repeated,
            seen: HashSet::new(),
            unanswered: HashMap::new(),
            answers: HashMap::new(),
            finished: HashSet::new(),
        };
        drop(tokio::spawn(end.run(ordered)));
        Ok((wire, incoming))
    }
}

struct End {
    socket: UdpSocket,
    weather: Weather,
    reader: Reader,
    /// Counts the final answers that came again.
    repeated: Arc<AtomicUsize>,
    /// Messages of which one copy was lost already, by first line and branch.
    seen: HashSet<String>,
    /// What is repeated until something stops it: a request by its branch, the 2xx to an INVITE by its CSeq.
    unanswered: HashMap<String, Repeated>,
    /// Requests that came, by branch and method, with the answer once there is one.
    answers: HashMap<String, Option<Vec<u8>>>,
    /// Requests of ours that have their final answer.
    finished: HashSet<String>,
}

struct Repeated {
    octets: Vec<u8>,
    at: Instant,
    after: Duration,
}

impl End {
    async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut buffer = vec![0; 65536];
        let mut clock = interval(Duration::from_millis(20));
        let mut listening = true;
        loop {
            tokio::select! {
                received = self.socket.recv(&mut buffer), if listening => {
                    // A server that is gone shows as an error of the socket; what was sent is repeated all the same.
                    if let Ok(length) = received {
                        self.receive(&buffer[..length]).await;
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Send(octets)) => self.send(octets).await,
                    Some(Order::Listen(on)) => listening = on,
                    #[cfg(target_os = "linux")]
                    Some(Order::Unplug(pulled)) => {
                        listening = false;
                        let _ = pulled.send(());
                    }
                    Some(Order::Close | Order::Reset) | None => break,
                },
                _ = clock.tick() => self.repeat().await,
            }
        }
        self.reader.waiting.lock().unwrap().clear();
    }

    async fn receive(&mut self, datagram: &[u8]) {
        if self.is_lost(datagram) {
            return;
        }
        for _ in 0..self.copies() {
            self.take(datagram).await;
        }
    }

    async fn take(&mut self, datagram: &[u8]) {
        let mut buffer = BytesMut::from(datagram);
        let message = match sip::frame(&mut buffer.clone()) {
            Ok(Some(Frame::Message(message))) => message,
            other => {
                return self
                    .reader
                    .documents
                    .fault(format!("{other:?} in a datagram"));
            }
        };
        if message.status() == 0 {
            if message.method() == "ACK" {
                self.unanswered.remove(&acknowledged(&message));
            }
            match self.answers.get(&key(&message)) {
                Some(Some(answer)) => {
                    let answer = answer.clone();
                    return self.transmit(&answer).await;
                }
                Some(None) => return,
                None => drop(self.answers.insert(key(&message), None)),
            }
        } else {
            if message.status() >= 200 {
                self.unanswered.remove(message.branch());
                if !self.finished.insert(message.branch().to_owned()) {
                    self.repeated.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
        if let Err(fault) = self.reader.take(&mut buffer) {
            self.reader.documents.fault(fault);
        }
    }

    async fn send(&mut self, octets: Vec<u8>) {
        if let Ok(Some(Frame::Message(message))) = sip::frame(&mut BytesMut::from(&octets[..])) {
            let repeated = || Repeated {
                octets: octets.clone(),
                at: Instant::now() + T1,
                after: T1,
            };
            if message.status() == 0 && message.method() != "ACK" {
                self.unanswered
                    .insert(message.branch().to_owned(), repeated());
            } else if message.status() >= 200 {
                self.answers.insert(key(&message), Some(octets.clone()));
                if message.method() == "INVITE" {
                    self.unanswered.insert(acknowledged(&message), repeated());
                }
            }
        }
        self.transmit(&octets).await;
    }

    async fn repeat(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        for repeated in self.unanswered.values_mut() {
            if repeated.at <= now {
                repeated.after = (repeated.after * 2).min(T2);
                repeated.at = now + repeated.after;
                due.push(repeated.octets.clone());
            }
        }
        for octets in due {
            self.transmit(&octets).await;
        }
    }

    async fn transmit(&mut self, octets: &[u8]) {
        if self.is_lost(octets) {
            return;
        }
        for _ in 0..self.copies() {
            // What the system does not take is lost, as any datagram may be.
            let _ = self.socket.send(octets).await;
        }
    }

    fn is_lost(&mut self, datagram: &[u8]) -> bool {
        let Ok(Some(Frame::Message(message))) = sip::frame(&mut BytesMut::from(datagram)) else {
            return false;
        };
        self.weather == Weather::LosesFirst
            && self
                .seen
                .insert(format!("{} {}", message.start, message.branch()))
    }

    fn copies(&self) -> usize {
        if self.weather == Weather::Doubles {
            2
        } else {
            1
        }
    }
}

/// RFC 3261, section 17.2.3: branch and method tell a request from all others.
fn key(message: &Message) -> String {
    format!("{} {}", message.branch(), message.method())
}

/// The INVITE that an ACK or the answer to an INVITE belongs to.
fn acknowledged(message: &Message) -> String {
    format!("{} {}", message.must("Call-ID"), message.cseq())
}
