//! Connects to a SIP server over TCP or TLS, as phones and clients do (RFC 3261, section 18).

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix::Addr;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore,
    SignatureScheme, WantsVerifier,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use uacsta_actors::{
    clock::Clock,
    sip::{
        connection::{Endpoints, SipConnection},
        transport::{Io, PeerTransport},
        uas::{self, Uas},
    },
};
use uacsta_schema::sip::{Codec, MessageLimits, header::Transport};

/// Host, port and transport of a SIP server.
#[derive(Clone)]
pub struct ServerAddress {
    host: Box<str>,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Which certificates are accepted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those in this PEM file, and those that they signed.
    File(PathBuf),
    /// The first one in this PEM file alone, whatever host it names.
    Exactly(PathBuf),
    /// Those that the operating system trusts.
    System,
    /// Any: the connection is encrypted, but the server is not authenticated.
    AnyCertificate,
}

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address has no port, or an invalid host name.
    #[error(
        "{0:?} is not an address; write HOST:PORT, such as 192.0.2.1:5070 or [2001:db8::1]:5070{hint}", hint = url_hint(.0)
    )]
    Address(String),
    /// The certificate file cannot be used.
    #[error("{}: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing listens at the address, or its certificate is not trusted.
    #[error("cannot connect to {server}: {reason}")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system or TLS reports.
        reason: String,
    },
}

fn url_hint(address: &str) -> &'static str {
    match address.contains("://") {
        true => {
            " (a URL is for commands that use the HTTP API; this one uses SIP, over TLS with --tls)"
        }
        false => "",
    }
}

/// How long connecting, with its TLS handshake, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Octets that may be queued for a server that does not read.
const UNSENT: usize = 16 << 20;

impl ServerAddress {
    /// Parses `HOST:PORT`. With `trust`, connections use TLS.
    ///
    /// # Errors
    /// The address is invalid, or the certificates cannot be read.
    pub fn new(address: &str, trust: Option<&Trust>) -> Result<Self, ConnectError> {
        let invalid = || ConnectError::Address(address.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(invalid)?;
        let port = port.parse().map_err(|_| invalid())?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() || (bare.contains(':') && bare.len() == host.len()) {
            return Err(invalid());
        }
        let tls = match trust {
            None => None,
            Some(trust) => {
                let name = ServerName::try_from(bare.to_owned()).map_err(|_| invalid())?;
                Some((TlsConnector::from(Arc::new(tls(trust)?)), name))
            }
        };
        Ok(Self {
            host: host.into(),
            port,
            tls,
        })
    }

    /// Whether connections use TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The server's SIP URI, without a user part.
    pub fn uri(&self) -> String {
        let transport = if self.is_secure() { "tls" } else { "tcp" };
        format!("sip:{}:{};transport={transport}", self.host, self.port)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Connects and starts a connection actor in this thread. `uas` makes what handles its requests; `agent` is its User-Agent.
    ///
    /// # Errors
    /// Nothing listens at the address, its certificate is not trusted, or it takes more than 10 seconds.
    pub async fn connect<U: Uas>(
        &self,
        uas: impl FnOnce(&Arc<Addr<SipConnection<U>>>) -> U,
        agent: Arc<str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Addr<SipConnection<U>>, ConnectError> {
        let opened = self.open().await;
        let (io, endpoints) = opened.map_err(|error| self.unreachable(reason(&error)))?;
        let random = getrandom::u64().map_err(|error| self.unreachable(error.to_string()))?;
        let codec = Codec::new(MessageLimits::default());
        let transport = PeerTransport::stream(io, codec, UNSENT, CONNECT_TIMEOUT);
        let endpoints = Endpoints { agent, ..endpoints };
        Ok(SipConnection::start(
            transport,
            endpoints,
            uas,
            uas::Limits::default(),
            clock,
            random,
        ))
    }

    /// Connects within 10 seconds.
    pub(crate) async fn open(&self) -> io::Result<(Box<dyn Io>, Endpoints)> {
        let attempt = tokio::time::timeout(CONNECT_TIMEOUT, self.open_in_time());
        let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in 10 s");
        attempt.await.unwrap_or_else(|_| Err(late()))
    }

    async fn open_in_time(&self) -> io::Result<(Box<dyn Io>, Endpoints)> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let endpoints = Endpoints {
            peer: stream.peer_addr()?,
            host: match local.ip() {
                std::net::IpAddr::V4(address) => address.to_string().into(),
                std::net::IpAddr::V6(address) => format!("[{address}]").into(),
            },
            port: local.port(),
            transport: if self.is_secure() {
                Transport::TLS
            } else {
                Transport::TCP
            },
            unauthenticated: None,
            agent: "".into(),
        };
        match &self.tls {
            None => Ok((Box::new(stream), endpoints)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                Ok((Box::new(stream), endpoints))
            }
        }
    }

    fn unreachable(&self, reason: String) -> ConnectError {
        ConnectError::Unreachable {
            server: self.address(),
            reason,
        }
    }
}

/// What is wrong where the answer is not TLS.
pub(crate) const NO_TLS: &str =
    "the server does not speak TLS there; leave out --tls, or connect to its TLS port";

/// Why a connection cannot be opened.
pub(crate) enum ConnectFault {
    /// Nothing listens there.
    Refused,
    /// The certificate is not signed by a trusted issuer.
    UnknownIssuer,
    /// The certificate is for other hosts.
    OtherHost,
    /// The certificate has expired.
    Expired,
    /// The server does not speak TLS.
    NoTls,
    /// Anything else, in the system's words.
    Other(String),
}

impl From<&io::Error> for ConnectFault {
    fn from(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
        match (error.kind(), tls) {
            (io::ErrorKind::ConnectionRefused, _) => Self::Refused,
            (_, Some(rustls::Error::InvalidCertificate(wrong))) => match wrong {
                // A stranger of the same name is BadSignature.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Self::UnknownIssuer
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::OtherHost,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                _ => Self::Other(error.to_string()),
            },
            (_, Some(rustls::Error::InvalidMessage(_))) => Self::NoTls,
            // The server closes a connection whose first octets it cannot read.
            (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset, _) => Self::NoTls,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Describes an error of the system or of TLS, with what to do.
fn reason(error: &io::Error) -> String {
    let reason = match ConnectFault::from(error) {
        ConnectFault::Refused => "connection refused: no server listens there",
        ConnectFault::UnknownIssuer => {
            "its certificate is not signed by a trusted issuer; give the file of the issuer with --ca (ca.pem of the server's data folder, if the server made its certificate), or accept any with --insecure"
        }
        ConnectFault::OtherHost => {
            "its certificate is not for this host name or address; connect by one that it names, or accept any with --insecure"
        }
        ConnectFault::Expired => "its certificate has expired; renew it on the server",
        ConnectFault::NoTls => {
            "the server does not speak TLS there; leave out --tls, or connect to its TLS port"
        }
        ConnectFault::Other(reason) => return reason,
    };
    reason.to_owned()
}

/// TLS settings that accept any certificate whose owner signs the handshake.
pub fn trusting() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    builder(&provider)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified {
            provider,
            only: None,
        }))
        .with_no_client_auth()
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("the ring provider has suites for both versions")
}

fn tls(trust: &Trust) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let builder = builder(&provider);
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::AnyCertificate => return Ok(trusting()),
        Trust::Exactly(path) => {
            let only = certificates(path)?.into_iter().next();
            let verifier = Arc::new(Unverified { provider, only });
            let builder = builder
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            return Ok(builder.with_no_client_auth());
        }
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            // Stores have certificates that webpki cannot use.
            roots.add_parsable_certificates(found.certs);
        }
        Trust::File(path) => {
            for certificate in certificates(path)? {
                let added = roots.add(certificate);
                added.map_err(|error| unusable(path, error.to_string()))?;
            }
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(path, error.to_string()))?;
    if certificates.is_empty() {
        let reason = "contains no certificate in PEM form".to_owned();
        return Err(unusable(path, reason));
    }
    Ok(certificates)
}

fn unusable(path: &Path, reason: String) -> ConnectError {
    let path = path.to_owned();
    ConnectError::Certificates { path, reason }
}

/// Accepts any certificate whose owner signs the handshake, or only one.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
    only: Option<CertificateDer<'static>>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.only {
            Some(only) if only != certificate => Err(CertificateError::UnknownIssuer.into()),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        fn check(address: &str, uri: Option<&str>) {
            let server = ServerAddress::new(address, None).ok();
            assert_eq!(
                server.map(|server| server.uri()).as_deref(),
                uri,
                "{address}"
            );
        }
        check("127.0.0.1:5060", Some("sip:127.0.0.1:5060;transport=tcp"));
        check("[::1]:5060", Some("sip:[::1]:5060;transport=tcp"));
        check(
            "pbx.example:5070",
            Some("sip:pbx.example:5070;transport=tcp"),
        );
        check("pbx.example", None);
        check(":5060", None);
        check("::1:5060", None);
        check("pbx.example:99999", None);
    }
}
