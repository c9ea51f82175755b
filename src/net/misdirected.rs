//! A peer that came to the wrong port, told by its first octets: TLS on a TCP port, plain SIP on a TLS port, or a PROXY
//! header from somebody who is no front end.

use super::proxy;

/// What a peer does that the port is not for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misdirected {
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

impl Misdirected {
    /// What the first octets of a connection tell; none if they may be what the port is for, or nothing that we know.
    pub(super) fn of(first: &[u8], secure: bool) -> Option<Self> {
        // RFC 8446 5.1: a handshake record of any version. No SIP message begins like that.
        if !secure && first.starts_with(&[0x16, 0x03]) {
            Some(Self::TlsOnTcp)
        } else if proxy::is_header(first) {
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
    fn the_first_octets_tell() {
        let check = |first: &[u8], on_tcp, on_tls| {
            assert_eq!(Misdirected::of(first, false), on_tcp, "{first:?}");
            assert_eq!(Misdirected::of(first, true), on_tls, "{first:?}");
        };
        let hello = &[0x16, 0x03, 0x01, 0x02, 0x00];
        check(hello, Some(Misdirected::TlsOnTcp), None);
        check(b"REGISTER sip:", None, Some(Misdirected::SipOnTls));
        check(b"SIP/2.0 200", None, Some(Misdirected::SipOnTls));
        check(b"\r\n\r\n", None, None);
        check(b"", None, None);
        check(
            b"PROXY TCP4 1",
            Some(Misdirected::Proxy),
            Some(Misdirected::Proxy),
        );
        let second = b"\r\n\r\n\0\r\nQUIT\n\x21";
        check(second, Some(Misdirected::Proxy), Some(Misdirected::Proxy));
    }
}
