//! The transport of a Via or a URI (RFC 3261, sections 19.1.1 and 20.42; RFC 7118).

use std::fmt;

/// A transport protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transport(rsip::Transport);

impl Transport {
    /// UDP.
    pub const UDP: Self = Self(rsip::Transport::Udp);
    /// TCP.
    pub const TCP: Self = Self(rsip::Transport::Tcp);
    /// TLS over TCP.
    pub const TLS: Self = Self(rsip::Transport::Tls);
    /// WebSocket.
    pub const WS: Self = Self(rsip::Transport::Ws);
    /// WebSocket over TLS.
    pub const WSS: Self = Self(rsip::Transport::Wss);

    /// The transport for a token, ignoring case; `None` if unknown.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let mut all = rsip::Transport::all().into_iter().map(Self);
        all.find(|known| known.as_str().eq_ignore_ascii_case(token))
    }

    /// The token in upper case, for a Via.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            rsip::Transport::Udp => "UDP",
            rsip::Transport::Tcp => "TCP",
            rsip::Transport::Tls => "TLS",
            rsip::Transport::Sctp => "SCTP",
            rsip::Transport::TlsSctp => "TLS-SCTP",
            rsip::Transport::Ws => "WS",
            rsip::Transport::Wss => "WSS",
        }
    }

    /// Whether the transport is encrypted (TLS or WSS).
    #[must_use]
    pub fn is_secure(self) -> bool {
        self.0.is_secure()
    }

    /// The default port (RFC 3261, section 19.1.2).
    #[must_use]
    pub fn default_port(self) -> u16 {
        *self.0.default_port().value()
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_ignoring_case() {
        let check = |token, transport| assert_eq!(Transport::parse(token), transport, "{token:?}");
        check("tcp", Some(Transport::TCP));
        check("TLS", Some(Transport::TLS));
        check("Udp", Some(Transport::UDP));
        check("tls-sctp", Some(Transport(rsip::Transport::TlsSctp)));
        check("", None);
        check("UNKNOWN", None);
        assert!(Transport::WSS.is_secure() && !Transport::WS.is_secure());
        assert_eq!(
            (Transport::TCP.default_port(), Transport::TLS.default_port()),
            (5060, 5061)
        );
    }
}
