//! Via: the path of a request and of its response (RFC 3261, section 20.42; RFC 3581).

use super::{
    Params, Transport,
    text::{cut, host_and_port, is_open, position},
};
use crate::sip::{SyntaxError, start::is_token};

/// One Via value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads `SIP/2.0/TCP host:port;params`, with white space where the grammar allows it.
    ///
    /// # Errors
    /// The fault, such as an unusable host or an empty parameter.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        const PROTOCOL: SyntaxError = SyntaxError("does not start with SIP/2.0 and a transport");
        let (name, rest) = cut(text, b'/').ok_or(PROTOCOL)?;
        let (version, rest) = cut(rest, b'/').ok_or(PROTOCOL)?;
        if !name.trim_ascii().eq_ignore_ascii_case("SIP") || version.trim_ascii() != "2.0" {
            return Err(PROTOCOL);
        }
        let rest = rest.trim_ascii_start();
        let (transport, rest) = rest
            .split_once([' ', '\t'])
            .ok_or(SyntaxError("has no host"))?;
        if transport.is_empty() || !transport.bytes().all(is_token) {
            return Err(PROTOCOL);
        }
        let semicolon = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at(semicolon);
        if is_open(params) {
            return Err(SyntaxError("has an unclosed quote or bracket"));
        }
        if has_empty(params) {
            return Err(SyntaxError("has an empty parameter"));
        }
        let (host, port) = host_and_port(sent_by)?;
        Ok(Self {
            transport,
            host,
            port,
            params: Params::new(params),
        })
    }

    /// The transport; `None` if unknown.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        Transport::parse(self.transport)
    }

    /// The host of sent-by; an IPv6 address with its brackets.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The port of sent-by.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch of the transaction; `None` from RFC 2543 phones.
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch")
    }

    /// All parameters, such as `received` and `rport`.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }
}

/// Whether a parameter is empty. Allows a trailing semicolon, as some phones send it.
fn has_empty(params: &str) -> bool {
    let mut rest = params.strip_prefix(';');
    while let Some(params) = rest {
        let Some(end) = position(params, b';') else {
            return false;
        };
        let (param, tail) = params.split_at(end);
        if param.trim_ascii().is_empty() {
            return true;
        }
        rest = tail.strip_prefix(';');
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_spellings_of_phones_are_read() {
        let check = |text, expected: Option<(&str, Option<u16>, Option<&str>)>| {
            let via = Via::parse(text).ok();
            let via = via.map(|via| (via.host(), via.port(), via.branch()));
            assert_eq!(via, expected, "{text:?}");
        };
        // RFC 3261, section 20.42.
        check(
            "SIP/2.0/UDP erlang.example.org:5060;branch=z9hG4bK87asdks7",
            Some(("erlang.example.org", Some(5060), Some("z9hG4bK87asdks7"))),
        );
        check(
            "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
            Some(("first.example.com", Some(4000), Some("z9hG4bKa7c6a8dlze.1"))),
        );
        check(
            "sip/2.0/tcp\t192.0.2.1;rport;branch=b",
            Some(("192.0.2.1", None, Some("b"))),
        );
        // RFC 2543: no branch.
        check(
            "SIP/2.0/UDP 172.20.3.20:5060",
            Some(("172.20.3.20", Some(5060), None)),
        );
        // RFC 5118, section 4.5: received may be bare or in brackets.
        check(
            "SIP/2.0/TCP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3",
            Some(("[2001:db8::9:1]", None, Some("z9hG4bKas3"))),
        );
        check(
            "SIP/2.0/UDP [2001:db8::9:1]:5062;received=2001:db8::9:255;branch=b",
            Some(("[2001:db8::9:1]", Some(5062), Some("b"))),
        );
        // RFC 4475, section 3.1.2.1.
        check("SIP/2.0/UDP h;;branch=b", None);
        check("SIP/2.0/UDP h; ;branch=b", None);
        check(
            "SIP/2.0/UDP h;x=\";;\";branch=b;",
            Some(("h", None, Some("b"))),
        );
        check("SIP/2.0/UDP h;branch=\"b", None);
        check("SIP/2.0/UD\u{1}P h;branch=b", None);
        check("SIP/2.0/UDP", None);
        check("SIP/2.0/ host", None);
        check("SIP/3.0/UDP host", None);
        check("HTTP/2.0/UDP host", None);
        check("SIP/2.0/UDP ;branch=b", None);
        check("SIP/2.0/UDP host:port;branch=b", None);
        check("", None);
    }

    #[test]
    fn transport_is_read() {
        let transport = |text| Via::parse(text).ok().and_then(|via| via.transport());
        assert_eq!(transport("SIP/2.0/TLS h"), Some(Transport::TLS));
        // RFC 4475, section 3.1.1.10: an unknown transport is valid.
        assert_eq!(transport("SIP/2.0/UNKNOWN h"), None);
    }
}
