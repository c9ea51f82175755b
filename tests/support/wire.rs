//! A connection of a phone or client that matches responses to requests (RFC 3261, section 17.1.3).

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicUsize},
};

use bytes::BytesMut;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::{
        mpsc::{self, UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    time::timeout,
};

use super::{
    PATIENCE,
    documents::Documents,
    sip::{self, Frame, Message},
};

/// The connection ended before the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// A connection; clones share it.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Our end.
    pub local: SocketAddr,
    /// The server's end.
    pub peer: SocketAddr,
    /// `TCP`, `TLS` or `UDP`, as it stands in a Via.
    pub transport: &'static str,
    /// How many final answers came again, as on UDP they may.
    pub repeated: Arc<AtomicUsize>,
    orders: UnboundedSender<Order>,
    waiting: Waiting,
}

pub(super) type Waiting = Arc<Mutex<HashMap<String, UnboundedSender<Message>>>>;

/// What a connection is to do.
pub(super) enum Order {
    Send(Vec<u8>),
    Listen(bool),
    #[cfg(target_os = "linux")]
    Unplug(oneshot::Sender<()>),
    Close,
    Reset,
}

impl Wire {
    /// Connects; the requests of the server come out of the queue, which ends with the connection.
    /// `certificate` is the PEM file of the only certificate that TLS accepts; without one it is plain TCP. `own` is the PEM
    /// file of a certificate and its key to show.
    pub async fn connect(
        address: SocketAddr,
        certificate: Option<&Path>,
        own: Option<&Path>,
        documents: Arc<Documents>,
    ) -> std::io::Result<(Self, UnboundedReceiver<Message>)> {
        Self::connect_from(None, address, certificate, own, documents).await
    }

    /// The same from one of this machine's addresses.
    pub async fn connect_from(
        source: Option<IpAddr>,
        address: SocketAddr,
        certificate: Option<&Path>,
        own: Option<&Path>,
        documents: Arc<Documents>,
    ) -> std::io::Result<(Self, UnboundedReceiver<Message>)> {
        let stream = match source {
            None => TcpStream::connect(address).await?,
            Some(source) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((source, 0).into())?;
                socket.connect(address).await?
            }
        };
        stream.set_nodelay(true)?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (requests, incoming) = mpsc::unbounded_channel();
        let transport = if certificate.is_some() { "TLS" } else { "TCP" };
        let wire = Self::new(
            stream.local_addr()?,
            address,
            transport,
            orders,
            Waiting::default(),
        );
        let reader = Reader {
            requests,
            waiting: Arc::clone(&wire.waiting),
            documents,
        };
        match certificate {
            None => drop(tokio::spawn(run(stream, ordered, reader, |stream| stream))),
            Some(file) => {
                let name = ServerName::from(address.ip());
                let secured = tokio_rustls::TlsConnector::from(pinned(file, own))
                    .connect(name, stream)
                    .await?;
                drop(tokio::spawn(run(secured, ordered, reader, |stream| {
                    stream.get_ref().0
                })));
            }
        }
        Ok((wire, incoming))
    }

    /// A connection that takes its orders elsewhere.
    pub(super) fn new(
        local: SocketAddr,
        peer: SocketAddr,
        transport: &'static str,
        orders: UnboundedSender<Order>,
        waiting: Waiting,
    ) -> Self {
        Self {
            local,
            peer,
            transport,
            repeated: Arc::default(),
            orders,
            waiting,
        }
    }

    /// Sends a message without waiting for anything.
    pub fn send(&self, message: &Message) {
        self.send_bytes(message.bytes());
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&self, bytes: impl Into<Vec<u8>>) {
        // A connection that is gone shows at the next answer that does not come.
        let _ = self.orders.send(Order::Send(bytes.into()));
    }

    /// Sends a request and waits for its final response.
    pub async fn transact(&self, request: &Message) -> Result<Message, Lost> {
        let mut responses = self.start(request);
        match timeout(PATIENCE, final_of(&mut responses)).await {
            Ok(answer) => answer,
            Err(_) => panic!(
                "no final answer within {PATIENCE:?} to:\n{}",
                request.text()
            ),
        }
    }

    /// Sends a request; its responses come out of the queue.
    pub fn start(&self, request: &Message) -> UnboundedReceiver<Message> {
        let responses = self.expecting(request);
        self.send(request);
        if self.orders.is_closed() {
            // It ended before: nobody would say so to whoever waits.
            self.waiting.lock().unwrap().remove(request.branch());
        }
        responses
    }

    /// The same for a request that the test sends itself, in octets of its own.
    pub fn expecting(&self, request: &Message) -> UnboundedReceiver<Message> {
        let (sender, responses) = mpsc::unbounded_channel();
        self.waiting
            .lock()
            .unwrap()
            .insert(request.branch().to_owned(), sender);
        responses
    }

    /// A Via of this connection with a fresh branch.
    pub fn via(&self) -> String {
        format!(
            "SIP/2.0/{} {};branch={}{}",
            self.transport,
            self.local,
            sip::unique("z9hG4bK"),
            if self.transport == "UDP" {
                ";rport"
            } else {
                ""
            }
        )
    }

    /// Stops or goes on reading, as a peer that hangs does.
    pub fn listen(&self, on: bool) {
        let _ = self.orders.send(Order::Listen(on));
    }

    /// Pulls the cable: when this returns, not even this end's operating system hears the server any more, nor acknowledges
    /// what it sends.
    #[cfg(target_os = "linux")]
    pub async fn unplug(&self) {
        let (sender, pulled) = oneshot::channel();
        let _ = self.orders.send(Order::Unplug(sender));
        pulled.await.expect("the connection stands");
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        self.orders.is_closed()
    }

    /// Hears no answer any more, to whatever it asked.
    pub fn give_up(&self) {
        self.waiting.lock().unwrap().clear();
    }

    /// Ends the connection in good order.
    pub fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }

    /// Ends the connection with an RST, as a phone that reboots does.
    pub fn reset(&self) {
        let _ = self.orders.send(Order::Reset);
    }
}

/// The final response in a queue of responses.
pub async fn final_of(responses: &mut UnboundedReceiver<Message>) -> Result<Message, Lost> {
    loop {
        match responses.recv().await {
            Some(response) if response.status() >= 200 => return Ok(response),
            Some(_) => {}
            None => return Err(Lost),
        }
    }
}

/// Hands out what arrives.
pub(super) struct Reader {
    pub(super) requests: UnboundedSender<Message>,
    pub(super) waiting: Waiting,
    pub(super) documents: Arc<Documents>,
}

impl Reader {
    /// Hands out every whole frame; an error ends the connection.
    pub(super) fn take(&self, buffer: &mut BytesMut) -> Result<(), String> {
        while let Some(frame) = sip::frame(buffer)? {
            let Frame::Message(message) = frame else {
                continue;
            };
            if let Some(fault) = message.fault() {
                self.documents.fault(fault);
            }
            if !message.body.is_empty()
                && message
                    .header("Content-Type")
                    .is_some_and(|kind| kind.starts_with(sip::CSTA))
            {
                self.documents.received(&message.body);
            }
            if message.status() == 0 {
                let _ = self.requests.send(message);
                continue;
            }
            let mut waiting = self.waiting.lock().unwrap();
            let branch = message.branch().to_owned();
            let last = message.status() >= 200;
            match waiting.get(&branch) {
                Some(sender) => drop(sender.send(message)),
                None => self
                    .documents
                    .fault(format!("a response to no request:\n{}", message.text())),
            }
            if last {
                waiting.remove(&branch);
            }
        }
        Ok(())
    }
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut orders: UnboundedReceiver<Order>,
    reader: Reader,
    socket: impl Fn(&S) -> &TcpStream,
) {
    let mut buffer = BytesMut::with_capacity(4096);
    let mut listening = true;
    loop {
        tokio::select! {
            read = stream.read_buf(&mut buffer), if listening => match read {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    if let Err(fault) = reader.take(&mut buffer) {
                        reader.documents.fault(fault);
                        break;
                    }
                }
            },
            order = orders.recv() => match order {
                Some(Order::Send(bytes)) => {
                    if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                        break;
                    }
                }
                Some(Order::Listen(on)) => listening = on,
                #[cfg(target_os = "linux")]
                Some(Order::Unplug(pulled)) => {
                    // BPF_RET with 0 octets: the kernel drops each segment before it looks at it.
                    let nothing = [socket2::SockFilter::new(0x06, 0, 0, 0)];
                    let socket = socket2::SockRef::from(socket(&stream));
                    socket.attach_filter(&nothing).unwrap();
                    // Nor does this end say anything more, not even that it is closed.
                    listening = false;
                    let _ = pulled.send(());
                }
                Some(Order::Close) | None => {
                    let _ = stream.shutdown().await;
                    break;
                }
                Some(Order::Reset) => {
                    let _ = socket(&stream).set_zero_linger();
                    break;
                }
            },
        }
    }
    reader.waiting.lock().unwrap().clear();
}

fn pinned(file: &Path, own: Option<&Path>) -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_file(file).unwrap();
    let verifier = Arc::new(Pinned {
        certificate,
        provider: Arc::clone(&provider),
    });
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match file.ends_with("ca.pem") {
        true => {
            let mut roots = rustls::RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_file(file).unwrap())
                .unwrap();
            builder.with_root_certificates(roots)
        }
        false => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier),
    };
    Arc::new(match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_file(own).unwrap()];
            let key = PrivateKeyDer::from_pem_file(own).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    })
}

/// Accepts one certificate and no other, as a phone does whose operator loaded the server's certificate.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl rustls::client::danger::ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General(
                "another certificate than the server's file".to_owned(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
