//! Connects to a SIP server over TCP or TLS, as phones and clients do (RFC 3261, section 18).

use std::{io, path::PathBuf, sync::Arc, time::Duration};

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
    /// Any: the connection is encrypted, but the server is not authenticated.
    AnyCertificate,
}

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address has no port, or an invalid host name.
    #[error(
        "{0:?} is not an address; write HOST:PORT, such as 192.0.2.1:5070 or [2001:db8::1]:5070"
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
        let attempt = tokio::time::timeout(CONNECT_TIMEOUT, self.open()).await;
        let (io, endpoints) = match attempt {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Err(self.unreachable(reason(&error))),
            Err(_) => return Err(self.unreachable("no answer in 10 s".to_owned())),
        };
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

    async fn open(&self) -> io::Result<(Box<dyn Io>, Endpoints)> {
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

/// Describes an error of the system or of TLS, with what to do.
fn reason(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match (error.kind(), tls) {
        (io::ErrorKind::ConnectionRefused, _) => {
            "connection refused: no server listens there".to_owned()
        }
        (_, Some(rustls::Error::InvalidCertificate(wrong))) => match wrong {
            // A stranger of the same name is BadSignature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => "its certificate is not signed by a trusted issuer; give the file of the issuer with --ca (ca.pem of the server's data folder, if the server made its certificate), or accept any with --insecure".to_owned(),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is not for this host name or address; connect by one that it names, or accept any with --insecure".to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired; renew it on the server".to_owned()
            }
            _ => error.to_string(),
        },
        (_, Some(rustls::Error::InvalidMessage(_))) => NO_TLS.to_owned(),
        // The server closes a connection whose first octets it cannot read.
        (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset, _) => NO_TLS.to_owned(),
        _ => error.to_string(),
    }
}

/// TLS settings that accept any certificate whose owner signs the handshake.
pub fn trusting() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    builder(&provider)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth()
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("the ring provider has suites for both versions")
}

fn tls(trust: &Trust) -> Result<ClientConfig, ConnectError> {
    let Trust::File(path) = trust else {
        return Ok(trusting());
    };
    let builder = builder(&Arc::new(ring::default_provider()));
    let invalid = |reason: String| ConnectError::Certificates {
        path: path.clone(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| invalid(error.to_string()))?;
    for certificate in certificates {
        let added = roots.add(certificate);
        added.map_err(|error| invalid(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(invalid("contains no certificate in PEM form".to_owned()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Accepts any certificate whose owner signs the handshake.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
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
