//! A TCP or TLS connection that frames messages, matches responses and passes requests on.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::{Rc, Weak},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::oneshot,
    task::spawn_local,
};

use crate::sip::{self, Message};

/// Where to connect to, and how.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// The address.
    pub(crate) socket: SocketAddr,
    /// What makes it TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// Who plays a connection's part.
pub(crate) trait Party {
    /// A request arrived.
    fn asked(self: Rc<Self>, wire: &Wire, request: &Message<'_>);

    /// The peer ended the connection.
    fn lost(&self);
}

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    tls: Option<RefCell<ClientConnection>>,
    local: SocketAddr,
    tickets: Cell<u64>,
    waiting: RefCell<HashMap<u64, Then>>,
    unawaited: Cell<usize>,
    unsent: RefCell<Vec<u8>>,
    own: Weak<Self>,
}

/// What is done with an answer.
type Then = Box<dyn FnOnce(&Message<'_>)>;

/// An answer that outlives its buffer.
#[derive(Debug)]
pub(crate) struct Answer(Vec<u8>);

/// So many connections leave from one loopback address: ports run out at some 28 000, and a server may bound them too.
const PER_ADDRESS: usize = 4_000;
/// What is read at once.
const CHUNK: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

impl Wire {
    /// Connects from the loopback address that the `number` of the connection selects.
    ///
    /// # Errors
    /// What the system or TLS says.
    pub(crate) async fn connect(address: &Address, number: usize) -> io::Result<Rc<Self>> {
        let host = u8::try_from(2 + number / PER_ADDRESS).unwrap_or(u8::MAX);
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), 0).into())?;
        let stream = socket.connect(address.socket).await?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let tls = match &address.tls {
            None => None,
            Some(config) => Some(RefCell::new(handshake(&stream, Arc::clone(config)).await?)),
        };
        Ok(Rc::new_cyclic(|own| Self {
            stream,
            tls,
            local,
            tickets: Cell::new(0),
            waiting: RefCell::default(),
            unawaited: Cell::new(0),
            unsent: RefCell::default(),
            own: own.clone(),
        }))
    }

    /// Reads until the connection ends; its requests go to `party`.
    pub(crate) fn serve(self: &Rc<Self>, party: Rc<dyn Party>) {
        let wire = Rc::clone(self);
        drop(spawn_local(async move {
            let mut kept = Vec::new();
            while wire.stream.readable().await.is_ok() {
                match wire.take(&mut kept, &party) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
            wire.waiting.borrow_mut().clear();
            party.lost();
        }));
    }

    /// The name of the transport in Via and Contact (RFC 3261 section 20.42).
    pub(crate) fn transport(&self) -> &'static str {
        if self.tls.is_some() { "TLS" } else { "TCP" }
    }

    /// The Contact with that user part.
    pub(crate) fn contact(&self, user: &str) -> String {
        let transport = if self.tls.is_some() { "tls" } else { "tcp" };
        format!(
            "Contact: <sip:{user}@{};transport={transport}>\r\n",
            self.local
        )
    }

    /// The Via of the request with that number.
    pub(crate) fn via(&self, ticket: u64) -> String {
        sip::via(self.transport(), self.local, ticket)
    }

    /// A number for the next request.
    pub(crate) fn ticket(&self) -> u64 {
        self.tickets.set(self.tickets.get() + 1);
        self.tickets.get()
    }

    /// Sends a request; its final answer goes to `then`, which is dropped when the connection ends before.
    pub(crate) fn ask(
        &self,
        request: &str,
        ticket: u64,
        then: impl FnOnce(&Message<'_>) + 'static,
    ) {
        self.waiting.borrow_mut().insert(ticket, Box::new(then));
        self.send(request.as_bytes());
    }

    /// Sends a request and waits for its final answer.
    ///
    /// # Errors
    /// When the connection ends before.
    pub(crate) async fn answer_to(&self, request: &str, ticket: u64) -> anyhow::Result<Answer> {
        let (tell, told) = oneshot::channel();
        self.ask(request, ticket, move |answer| {
            // Whoever asked may have given up.
            let _ = tell.send(Answer::of(answer));
        });
        told.await
            .map_err(|_| anyhow::anyhow!("the connection ended at: {request}"))
    }

    /// Final answers that nobody waited for, such as the second one to a request.
    pub(crate) fn unawaited(&self) -> usize {
        self.unawaited.get()
    }

    /// Sends what is whole. What the system does not take at once follows when it can.
    pub(crate) fn send(&self, octets: &[u8]) {
        let Some(tls) = &self.tls else {
            return self.send_raw(octets);
        };
        let mut sealed = Vec::with_capacity(octets.len() + 64);
        let mut tls = tls.borrow_mut();
        // Both write into memory; a session that has ended shows when it is read.
        let _ = tls.writer().write_all(octets);
        while tls.wants_write() {
            let _ = tls.write_tls(&mut sealed);
        }
        drop(tls);
        self.send_raw(&sealed);
    }

    /// Ends the connection with an RST, as a phone does that lost its power.
    pub(crate) fn reset(&self) {
        let socket = socket2::SockRef::from(&self.stream);
        // A connection that is gone already needs no end.
        let _ = socket.set_linger(Some(std::time::Duration::ZERO));
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }

    fn send_raw(&self, octets: &[u8]) {
        let mut unsent = self.unsent.borrow_mut();
        let flushing = !unsent.is_empty();
        let mut sent = 0;
        while !flushing && sent < octets.len() {
            match self.stream.try_write(&octets[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The end of the connection shows when it is read.
                Err(_) => return,
            }
        }
        if sent == octets.len() {
            return;
        }
        unsent.extend_from_slice(&octets[sent..]);
        if let (false, Some(wire)) = (flushing, self.own.upgrade()) {
            drop(spawn_local(async move { wire.flush().await }));
        }
    }

    async fn flush(&self) {
        while self.stream.writable().await.is_ok() {
            let mut unsent = self.unsent.borrow_mut();
            match self.stream.try_write(&unsent) {
                Ok(count) => drop(unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => unsent.clear(),
            }
            if unsent.is_empty() {
                return;
            }
        }
    }

    /// Takes what is there; false at the end of the connection.
    fn take(&self, kept: &mut Vec<u8>, party: &Rc<dyn Party>) -> io::Result<bool> {
        SCRATCH.with_borrow_mut(|scratch| {
            let count = match self.stream.try_read(scratch) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let Some(tls) = &self.tls else {
                self.received(kept, &scratch[..count], party);
                return Ok(true);
            };
            let mut sealed = &scratch[..count];
            let mut plain = Vec::new();
            let mut tls = tls.borrow_mut();
            while !sealed.is_empty() {
                tls.read_tls(&mut sealed)?;
                let state = tls.process_new_packets().map_err(io::Error::other)?;
                let start = plain.len();
                plain.resize(start + state.plaintext_bytes_to_read(), 0);
                tls.reader().read_exact(&mut plain[start..])?;
            }
            drop(tls);
            self.received(kept, &plain, party);
            Ok(true)
        })
    }

    fn received(&self, kept: &mut Vec<u8>, new: &[u8], party: &Rc<dyn Party>) {
        if kept.is_empty() {
            let used = self.deliver(new, party);
            kept.extend_from_slice(&new[used..]);
        } else {
            kept.extend_from_slice(new);
            let used = self.deliver(kept, party);
            kept.drain(..used);
        }
        if kept.is_empty() && kept.capacity() > 0 {
            *kept = Vec::new();
        }
    }

    fn deliver(&self, octets: &[u8], party: &Rc<dyn Party>) -> usize {
        let mut used = 0;
        while let Some(length) = sip::frame(&octets[used..]) {
            if let Some(message) = Message::read(&octets[used..used + length]) {
                self.dispatch(&message, party);
            }
            used += length;
        }
        used
    }

    fn dispatch(&self, message: &Message<'_>, party: &Rc<dyn Party>) {
        match message.status() {
            None => Rc::clone(party).asked(self, message),
            Some(status) if status < 200 => {}
            Some(_) => {
                let then = message
                    .ticket()
                    .and_then(|ticket| self.waiting.borrow_mut().remove(&ticket));
                match then {
                    Some(then) => then(message),
                    None => self.unawaited.set(self.unawaited.get() + 1),
                }
            }
        }
    }
}

impl Answer {
    fn of(message: &Message<'_>) -> Self {
        Self(message.octets())
    }

    /// The answer, read again.
    pub(crate) fn message(&self) -> Message<'_> {
        Message::read(&self.0).expect("it was read before it was kept")
    }
}

async fn handshake(stream: &TcpStream, config: Arc<ClientConfig>) -> io::Result<ClientConnection> {
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let mut chunk = vec![0; 8 * 1024];
    loop {
        let mut sealed = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut sealed)?;
        }
        let mut left = &sealed[..];
        while !left.is_empty() {
            stream.writable().await?;
            match stream.try_write(left) {
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if !tls.is_handshaking() {
            return Ok(tls);
        }
        stream.readable().await?;
        let count = match stream.try_read(&mut chunk) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let mut read = &chunk[..count];
        while !read.is_empty() {
            tls.read_tls(&mut read)?;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
}
