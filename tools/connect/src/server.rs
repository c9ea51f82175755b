//! Connects to a SIP server over TCP or TLS, as phones and clients do (RFC 3261, section 18).

use std::{io, sync::Arc, time::Duration};

use actix::Addr;
use rustls_pki_types::ServerName;
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

use crate::{
    connect_error::ConnectError,
    tls::{ConnectFault, Trust, client_config},
};

/// Host, port and transport of a SIP server.
#[derive(Clone)]
pub struct ServerAddress {
    host: Box<str>,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
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
                Some((TlsConnector::from(Arc::new(client_config(trust)?)), name))
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
