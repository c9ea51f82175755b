//! A TCP or TLS connection that frames messages, matches responses and passes requests on.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::{Rc, Weak},
    sync::Arc,
};

use bytes::BytesMut;
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::oneshot,
    task::spawn_local,
};

use crate::support::{
    dialog::Dialog,
    digest::{Account, Algorithm, Challenge},
    sip::{Frame, Message, frame},
};

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
    fn asked(self: Rc<Self>, wire: &Wire, request: &Message);

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
type Then = Box<dyn FnOnce(Message)>;

/// What the branch of a request begins with; its ticket follows (RFC 3261, section 8.1.1.7).
const BRANCH: &str = "z9hG4bKload";
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
            let mut kept = BytesMut::new();
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

    /// The name of the transport in Via and Contact (RFC 3261, section 20.42).
    pub(crate) fn transport(&self) -> &'static str {
        if self.tls.is_some() { "TLS" } else { "TCP" }
    }

    /// The value of a Contact with that user part.
    pub(crate) fn contact(&self, user: &str) -> String {
        let transport = if self.tls.is_some() { "tls" } else { "tcp" };
        format!("<sip:{user}@{};transport={transport}>", self.local)
    }

    /// The Via of the request with that number.
    pub(crate) fn via(&self, ticket: u64) -> String {
        format!(
            "SIP/2.0/{} {};branch={BRANCH}{ticket}",
            self.transport(),
            self.local
        )
    }

    /// A number for the next request.
    pub(crate) fn ticket(&self) -> u64 {
        self.tickets.set(self.tickets.get() + 1);
        self.tickets.get()
    }

    /// Sends a request whose Via has that ticket; its final answer goes to `then`, which is dropped when the connection ends
    /// before.
    pub(crate) fn ask(&self, request: &Message, ticket: u64, then: impl FnOnce(Message) + 'static) {
        self.waiting.borrow_mut().insert(ticket, Box::new(then));
        self.send(request);
    }

    /// Sends a request and waits for its final answer.
    ///
    /// # Errors
    /// When the connection ends before.
    pub(crate) async fn answer_to(
        &self,
        request: &Message,
        ticket: u64,
    ) -> anyhow::Result<Message> {
        let (tell, told) = oneshot::channel();
        self.ask(request, ticket, move |answer| {
            // The caller may have given up.
            let _ = tell.send(answer);
        });
        told.await
            .map_err(|_| anyhow::anyhow!("the connection ended at: {}", request.text()))
    }

    /// Final answers that nobody waited for, such as the second one to a request.
    pub(crate) fn unawaited(&self) -> usize {
        self.unawaited.get()
    }

    /// Sends a message. What the system does not take at once follows when it can.
    pub(crate) fn send(&self, message: &Message) {
        let octets = message.bytes();
        let Some(tls) = &self.tls else {
            return self.send_raw(&octets);
        };
        let mut sealed = Vec::with_capacity(octets.len() + 64);
        let mut tls = tls.borrow_mut();
        // Both write into memory; a session that has ended shows when it is read.
        let _ = tls.writer().write_all(&octets);
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
    fn take(&self, kept: &mut BytesMut, party: &Rc<dyn Party>) -> io::Result<bool> {
        SCRATCH.with_borrow_mut(|scratch| {
            let count = match self.stream.try_read(scratch) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let Some(tls) = &self.tls else {
                return self.received(kept, &scratch[..count], party);
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
            self.received(kept, &plain, party)
        })
    }

    /// Always true; an error says what is no SIP.
    fn received(&self, kept: &mut BytesMut, new: &[u8], party: &Rc<dyn Party>) -> io::Result<bool> {
        kept.extend_from_slice(new);
        while let Some(frame) = frame(kept).map_err(io::Error::other)? {
            if let Frame::Message(message) = frame {
                self.dispatch(message, party);
            }
        }
        if kept.is_empty() {
            // An idle phone keeps no buffer.
            *kept = BytesMut::new();
        }
        Ok(true)
    }

    fn dispatch(&self, message: Message, party: &Rc<dyn Party>) {
        match message.status() {
            0 => Rc::clone(party).asked(self, &message),
            1..200 => {}
            _ => {
                let ticket = message
                    .branch()
                    .strip_prefix(BRANCH)
                    .and_then(|ticket| ticket.parse().ok());
                let then = ticket.and_then(|ticket: u64| self.waiting.borrow_mut().remove(&ticket));
                match then {
                    Some(then) => then(message),
                    None => self.unawaited.set(self.unawaited.get() + 1),
                }
            }
        }
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

/// The Authorization that answers the MD5 challenge of a 401, the one algorithm that all servers under test support.
pub(crate) fn answer_challenge(
    refusal: &Message,
    account: &Account,
    method: &str,
    uri: &str,
) -> Option<String> {
    let challenges = refusal.all("WWW-Authenticate").filter_map(Challenge::read);
    let challenge = challenges
        .into_iter()
        .find(|challenge| challenge.algorithm == Algorithm::Md5)?;
    Some(challenge.answer(method, uri, account, 1))
}

/// A dialog that both ends take for given: what goes through a bare pipe.
pub(crate) fn given(number: usize) -> Dialog {
    Dialog {
        call_id: format!("given-{number}@bench.example"),
        local: format!("<sip:{number}@bench.example>;tag=a{number}"),
        remote: "<sip:pipe@bench.example>;tag=b".to_owned(),
        target: "sip:pipe@127.0.0.1;transport=tcp".to_owned(),
        routes: Vec::new(),
        cseq: 0,
        peer_cseq: 0,
    }
}

/// The local name of a document's root, read in place; empty without a document.
pub(crate) fn root(document: &str) -> &str {
    let mut rest = document.trim_start();
    if rest.starts_with("<?") {
        rest = rest
            .split_once("?>")
            .map_or("", |(_, after)| after.trim_start());
    }
    let tag = rest.strip_prefix('<').unwrap_or("");
    let name = tag.split([' ', '>', '/', '\n', '\r']).next().unwrap_or("");
    name.split_once(':').map_or(name, |(_, local)| local)
}
