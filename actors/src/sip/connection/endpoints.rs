//! The addresses of both ends of a connection, and our Via and Contact on it (RFC 3261, section 8.1.1).

use std::{
    fmt::{Debug, Display},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use uacsta_schema::sip::header::Transport;

use crate::sip::transaction;

/// The addresses of both ends of a connection, and the properties that follow from its interface.
#[derive(Debug)]
pub struct Endpoints {
    /// The peer's address.
    pub peer: SocketAddr,
    /// The host and port at which the peer can reach us: the public ones on a WAN interface.
    pub host: Box<str>,
    /// The port of `host`.
    pub port: u16,
    /// UDP, TCP or TLS.
    pub transport: Transport,
    /// Present if the peer must authenticate.
    pub unauthenticated: Option<Box<Unauthenticated>>,
    /// Our `User-Agent` and `Server`.
    pub agent: Arc<str>,
}

/// The limits of a peer while it is not authenticated: before its log-on, and after it logged off.
#[derive(Debug)]
pub struct Unauthenticated {
    /// How long it may take to log on.
    pub time: Duration,
    /// The deadline, by the clock of the connection; `None` while it is authenticated.
    pub log_on_by: Option<Duration>,
    /// Counts it as unauthenticated, until it is dropped.
    pub counted: Box<dyn CountUnauthenticated>,
}

/// Counts a peer while it is not authenticated.
pub trait CountUnauthenticated: Debug + Send {
    /// The peer has logged on or off.
    fn set(&mut self, unauthenticated: bool);
}

/// For a peer that is not counted.
impl CountUnauthenticated for () {
    fn set(&mut self, _: bool) {}
}

impl Unauthenticated {
    /// The peer is authenticated, or is not, at `now`. Returns whether that is a change.
    pub(super) fn follow(&mut self, authenticated: bool, now: Duration) -> bool {
        if authenticated == self.log_on_by.is_none() {
            return false;
        }
        self.log_on_by = (!authenticated).then(|| now + self.time);
        self.counted.set(!authenticated);
        true
    }
}

impl Endpoints {
    /// Whether messages may be lost.
    pub(super) fn reliability(&self) -> transaction::Reliability {
        if self.transport == Transport::UDP {
            transaction::Reliability::Unreliable
        } else {
            transaction::Reliability::Reliable
        }
    }

    /// The transport as a URI names it (RFC 3261, section 19.1.1).
    pub(super) fn uri_transport(&self) -> &'static str {
        if self.transport == Transport::UDP {
            "udp"
        } else if self.transport.is_secure() {
            "tls"
        } else {
            "tcp"
        }
    }

    /// The Contact URI at which the peer can reach us; `sips` if the request has a sips URI (RFC 3261, sections 8.1.1.8 and
    /// 12.1.1).
    pub fn contact(&self, sips: bool) -> impl Display {
        std::fmt::from_fn(move |f| {
            if sips {
                // RFC 5630, section 3.1.3, deprecates `transport=tls`.
                return write!(f, "<sips:uacsta@{}:{}>", self.host, self.port);
            }
            write!(
                f,
                "<sip:uacsta@{}:{};transport={}>",
                self.host,
                self.port,
                self.uri_transport()
            )
        })
    }

    /// A Via of ours with this branch (RFC 3261, section 8.1.1.7).
    pub(super) fn via(&self, branch: impl Display) -> impl Display {
        std::fmt::from_fn(move |f| {
            write!(
                f,
                "SIP/2.0/{} {}:{};branch={branch}",
                self.transport, self.host, self.port
            )?;
            // RFC 3581, section 3: the response is sent to the port that the request came from.
            f.write_str(match self.reliability() {
                transaction::Reliability::Reliable => "",
                transaction::Reliability::Unreliable => ";rport",
            })
        })
    }
}
