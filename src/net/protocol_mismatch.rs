//! Detects peers on the wrong port by their first octets: TLS on TCP, SIP on TLS, an unexpected PROXY header.

use uacsta_actors::reason::ContactFault;

use super::proxy_header;

/// What a peer sent instead of the port's protocol, as the reason of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProtocolMismatch {
    #[error(
        "the peer speaks TLS on a TCP port: set its transport to TCP, or send it to the TLS port"
    )]
    TlsOnTcp,
    #[error(
        "the peer speaks plain SIP on a TLS port: set its transport to TLS, or send it to the TCP port"
    )]
    SipOnTls,
    #[error(
        "the peer sends a PROXY header, but advanced.proxy_protocol_from does not name its address"
    )]
    Proxy,
}

impl ProtocolMismatch {
    /// What it says about a phone; `None` if it is a fault of a front end.
    pub(super) fn fault(self) -> Option<ContactFault> {
        match self {
            Self::TlsOnTcp => Some(ContactFault::WrongTransport { is_tls: true }),
            Self::SipOnTls => Some(ContactFault::WrongTransport { is_tls: false }),
            Self::Proxy => None,
        }
    }

    /// `None` if `first` may be the port's protocol, or is none of these.
    pub(super) fn of(first: &[u8], secure: bool) -> Option<Self> {
        // RFC 8446, section 5.1: a handshake record of any version. No SIP message begins like that.
        if !secure && first.starts_with(&[0x16, 0x03]) {
            Some(Self::TlsOnTcp)
        } else if proxy_header::is_header(first) {
            Some(Self::Proxy)
        } else if secure && first.first().is_some_and(u8::is_ascii_uppercase) {
            Some(Self::SipOnTls)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mismatch_is_detected_by_first_octets() {
        let check = |first: &[u8], on_tcp, on_tls| {
            assert_eq!(ProtocolMismatch::of(first, false), on_tcp, "{first:?}");
            assert_eq!(ProtocolMismatch::of(first, true), on_tls, "{first:?}");
        };
        let hello = &[0x16, 0x03, 0x01, 0x02, 0x00];
        check(hello, Some(ProtocolMismatch::TlsOnTcp), None);
        check(b"REGISTER sip:", None, Some(ProtocolMismatch::SipOnTls));
        check(b"SIP/2.0 200", None, Some(ProtocolMismatch::SipOnTls));
        check(b"\r\n\r\n", None, None);
        check(b"", None, None);
        check(
            b"PROXY TCP4 1",
            Some(ProtocolMismatch::Proxy),
            Some(ProtocolMismatch::Proxy),
        );
        let second = b"\r\n\r\n\0\r\nQUIT\n\x21";
        check(
            second,
            Some(ProtocolMismatch::Proxy),
            Some(ProtocolMismatch::Proxy),
        );
    }
}
