//! Connecting to a server over TCP or TLS, as phones and clients do (RFC 3261, clause 18).

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
        connection::{Place, SipConnection},
        uas::Uas,
        wire::{Io, Wire},
    },
};
use uacsta_schema::sip::{Codec, Limits, header::Transport};

/// Where a server is, and how to get there.
#[derive(Clone)]
pub struct Server {
    host: Box<str>,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Whose certificate is good enough.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those that the certificates in this PEM file have signed, and these themselves.
    File(PathBuf),
    /// Anybody's: the connection is encrypted, but to whom is not known.
    Anybody,
}

/// Why a server cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address has no port, or an impossible host name.
    #[error(
        "{0:?} is not an address; write HOST:PORT, such as 192.0.2.1:5070 or [2001:db8::1]:5070"
    )]
    Address(String),
    /// The file of certificates is of no use.
    #[error("{}: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers there, or somebody who is not trusted.
    #[error("cannot connect to {server}: {reason}")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system or TLS says.
        reason: String,
    },
}

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most octets that may wait for a server that does not read.
const UNSENT: usize = 16 << 20;

impl Server {
    /// A server at `address`, which is `HOST:PORT`; by TLS where it says whom to trust.
    ///
    /// # Errors
    /// The address is none, or the certificates cannot be read.
    pub fn at(address: &str, trust: Option<&Trust>) -> Result<Self, DialError> {
        let wrong = || DialError::Address(address.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.is_empty() || (bare.contains(':') && bare.len() == host.len()) {
            return Err(wrong());
        }
        let tls = match trust {
            None => None,
            Some(trust) => {
                let name = ServerName::try_from(bare.to_owned()).map_err(|_| wrong())?;
                Some((TlsConnector::from(Arc::new(tls(trust)?)), name))
            }
        };
        Ok(Self {
            host: host.into(),
            port,
            tls,
        })
    }

    /// Whether it is reached by TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The URI of the server itself, without a user part.
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

    /// Connects, and gives the connection to a link with this uas, which runs in the thread that asks.
    ///
    /// # Errors
    /// Nobody answers there, or somebody who is not trusted.
    pub async fn connect<U: Uas>(
        &self,
        uas: U,
        agent: Arc<str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Addr<SipConnection<U>>, DialError> {
        let attempt = tokio::time::timeout(PATIENCE, self.open()).await;
        let (io, place) = match attempt {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Err(self.unreachable(reason(&error))),
            Err(_) => return Err(self.unreachable("no answer in 10 s".to_owned())),
        };
        let random = getrandom::u64().map_err(|error| self.unreachable(error.to_string()))?;
        let codec = Codec::new(Limits::default());
        let wire = Wire::new(io, codec, UNSENT, PATIENCE);
        let place = Place { agent, ..place };
        Ok(SipConnection::over(wire, place, uas, clock, random))
    }

    async fn open(&self) -> io::Result<(Box<dyn Io>, Place)> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, self.port)).await?;
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let place = Place {
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
            stranger: None,
            agent: "".into(),
        };
        match &self.tls {
            None => Ok((Box::new(stream), place)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                Ok((Box::new(stream), place))
            }
        }
    }

    fn unreachable(&self, reason: String) -> DialError {
        DialError::Unreachable {
            server: self.address(),
            reason,
        }
    }
}

/// What the system or TLS says, in the words of those who look after servers.
fn reason(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match (error.kind(), tls) {
        (io::ErrorKind::ConnectionRefused, _) => "nobody listens there".to_owned(),
        (_, Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))) => {
            "its certificate is signed by nobody who is trusted here".to_owned()
        }
        (_, Some(rustls::Error::InvalidMessage(_))) => "it does not speak TLS".to_owned(),
        _ => error.to_string(),
    }
}

/// What peers use that take any certificate, as long as its owner signs the handshake.
pub fn trusting() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    builder(&provider)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth()
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("the ring provider has suites for both versions")
}

fn tls(trust: &Trust) -> Result<ClientConfig, DialError> {
    let Trust::File(path) = trust else {
        return Ok(trusting());
    };
    let builder = builder(&Arc::new(ring::default_provider()));
    let wrong = |reason: String| DialError::Certificates {
        path: path.clone(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(error.to_string()))?;
    for certificate in certificates {
        let added = roots.add(certificate);
        added.map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate in PEM form".to_owned()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes any certificate, as long as its owner signs the handshake.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
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
            let server = Server::at(address, None).ok();
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
