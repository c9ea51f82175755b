//! Parses sip, sips, tel and other URIs without copying (RFC 3261, section 19.1; RFC 3966).

use std::{borrow::Cow, fmt, net::IpAddr};

use super::{
    SyntaxError,
    header::{Params, Transport, cut, host_and_port},
};

/// A URI. All parts are as received; only [`user_decoded`](Self::user_decoded) decodes escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: &'a str,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
    headers: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a URI.
    ///
    /// # Errors
    /// The fault, such as a missing scheme, white space, or an unusable host or port in a sip or sips URI.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let text = text.trim_ascii();
        let (scheme, rest) = cut(text, b':').unwrap_or_default();
        let scheme_like =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            || !scheme.bytes().all(scheme_like)
        {
            return Err(SyntaxError("has a URI without a scheme"));
        }
        if rest
            .bytes()
            .any(|byte| byte <= b' ' || matches!(byte, b'<' | b'>' | b'"' | 0x7f))
        {
            return Err(SyntaxError("has a URI with an invalid character"));
        }
        let plain = Self {
            text,
            scheme,
            user: None,
            password: None,
            host: "",
            port: None,
            params: Params::default(),
            headers: "",
        };
        if plain.is_sip() {
            plain.with_authority(rest)
        } else if plain.is_tel() {
            let semicolon = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
            let (number, params) = rest.split_at(semicolon);
            if number.is_empty() {
                return Err(SyntaxError("has a tel URI without a number"));
            }
            Ok(Self {
                user: Some(number),
                params: Params::new(params),
                ..plain
            })
        } else {
            Ok(plain)
        }
    }

    /// The scheme as written. Compare with `is_sip`, `is_sips` and `is_tel`, which ignore case.
    #[must_use]
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether the scheme is sip or sips.
    #[must_use]
    pub const fn is_sip(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sip") || self.is_sips()
    }

    /// Whether the scheme is sips.
    #[must_use]
    pub const fn is_sips(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("sips")
    }

    /// Whether the scheme is tel.
    #[must_use]
    pub const fn is_tel(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("tel")
    }

    /// The user part with escapes, or the number of a tel URI with its `+`. `None` if empty.
    #[must_use]
    pub const fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The user part with decoded `%` escapes.
    #[must_use]
    pub fn user_decoded(&self) -> Option<Cow<'a, str>> {
        self.user.map(decode)
    }

    /// The password; RFC 3261, section 19.1.1, discourages its use.
    #[must_use]
    pub const fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host of a sip or sips URI, an IPv6 address with its brackets; empty for other schemes.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The host as an IP address; `None` for a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match super::header::ipv6(self.host) {
            Some(address) => Some(address.into()),
            None => self.host.parse().ok(),
        }
    }

    /// The port, if given.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether scheme, user, host and port are equal (RFC 3261, section 19.1.4). Ignores parameters, since a request to
    /// remove a Contact may omit one of its binding.
    #[must_use]
    pub fn is_place_of(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.user_decoded() == other.user_decoded()
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }

    /// The URI parameters, such as `transport`.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The transport parameter; `None` if missing or unknown.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.params.get("transport").and_then(Transport::parse)
    }

    /// The headers after `?`, such as `Replaces=...`; empty if absent.
    #[must_use]
    pub const fn headers(&self) -> &'a str {
        self.headers
    }

    /// The text without headers, as a Request-URI requires (RFC 3261, section 19.1.1).
    #[must_use]
    pub fn without_headers(&self) -> &'a str {
        let before = self.text.strip_suffix(self.headers).unwrap_or(self.text);
        before.strip_suffix('?').unwrap_or(before)
    }

    /// The text as it was received.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    fn with_authority(self, rest: &'a str) -> Result<Self, SyntaxError> {
        // A user part may contain ';' and '?' (RFC 3261, section 25.1, user-unreserved), so find the '@' first:
        // the last one before a '?', since some phones do not escape an '@' in the user part.
        let question = memchr::memchr(b'?', rest.as_bytes()).unwrap_or(rest.len());
        let at = rest
            .get(..question)
            .and_then(|start| memchr::memrchr(b'@', start.as_bytes()))
            .or_else(|| memchr::memrchr(b'@', rest.as_bytes()));
        let (userinfo, rest) = match at {
            Some(at) => {
                let (userinfo, rest) = rest.split_at(at);
                (userinfo, rest.trim_start_matches('@'))
            }
            None => ("", rest),
        };
        let (user, password) = match cut(userinfo, b':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        let (rest, headers) = cut(rest, b'?').unwrap_or((rest, ""));
        let semicolon = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let (host, params) = rest.split_at(semicolon);
        let (host, port) = host_and_port(host)?;
        Ok(Self {
            user: Some(user).filter(|user| !user.is_empty()),
            password,
            host,
            port,
            params: Params::new(params),
            headers,
            ..self
        })
    }
}

/// The text as it was received.
impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// Decodes `%` escapes (RFC 3261, section 19.1.2). Keeps invalid escapes; replaces bytes that are not UTF-8.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (digit(bytes.get(at + 1)), digit(bytes.get(at + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, escape) {
            plain.extend(u8::try_from(high * 16 + low));
            at += 3;
        } else {
            plain.push(byte);
            at += 1;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_read() {
        let check = |text, user: Option<&str>, host: &str, port: Option<u16>| {
            let uri = Uri::parse(text).map(|uri| (uri.user(), uri.host(), uri.port()));
            assert_eq!(uri, Ok((user, host, port)), "{text:?}");
            assert_eq!(
                Uri::parse(text).map(|uri| uri.to_string()).as_deref(),
                Ok(text)
            );
        };
        // RFC 3261, section 19.1.3.
        check(
            "sip:alice@atlanta.example",
            Some("alice"),
            "atlanta.example",
            None,
        );
        check(
            "sip:alice:secretword@atlanta.example;transport=tcp",
            Some("alice"),
            "atlanta.example",
            None,
        );
        check(
            "sips:alice@atlanta.example?subject=project%20x&priority=urgent",
            Some("alice"),
            "atlanta.example",
            None,
        );
        check(
            "sip:+1-212-555-1212:1234@gateway.example;user=phone",
            Some("+1-212-555-1212"),
            "gateway.example",
            None,
        );
        check(
            "sip:atlanta.example;method=REGISTER?to=alice%40atlanta.example",
            None,
            "atlanta.example",
            None,
        );
        check(
            "sip:alice;day=tuesday@atlanta.example",
            Some("alice;day=tuesday"),
            "atlanta.example",
            None,
        );
        check(
            "sip:MAC%3a000413aabbcc@lan:5060",
            Some("MAC%3a000413aabbcc"),
            "lan",
            Some(5060),
        );
        check("SIP:a@H", Some("a"), "H", None);
        check("sip:@h", None, "h", None);
        check("sip:a?b@h", Some("a?b"), "h", None);
        check("sip:a@b@h", Some("a@b"), "h", None);
        // RFC 5118, section 4.1.
        check("sip:[2001:db8::10]", None, "[2001:db8::10]", None);
        check(
            "sip:user@[2001:db8::10]:5070;transport=tls",
            Some("user"),
            "[2001:db8::10]",
            Some(5070),
        );
        // RFC 3966, section 6.
        check("tel:+49301234", Some("+49301234"), "", None);
        check("tel:7042;phone-context=example.com", Some("7042"), "", None);
        // RFC 4475, sections 3.1.1.9 and 3.3.2: any scheme is valid.
        check("urn:service:sos", None, "", None);
        check("nobodyKnowsThisScheme:totallyopaquecontent", None, "", None);
    }

    #[test]
    fn faults_are_named() {
        let check = |text, problem: &str| {
            let error = Uri::parse(text).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), Some(problem), "{text:?}");
        };
        check("alice@atlanta.example", "has a URI without a scheme");
        check("", "has a URI without a scheme");
        check(":h", "has a URI without a scheme");
        check("*", "has a URI without a scheme");
        check("sip:", "has no usable host");
        check("sip:a@", "has no usable host");
        check("sip:a b@h", "has a URI with an invalid character");
        check("sip:a@h:x", "has a port that is not a number");
        check("sip:a@h:99999", "has a port above 65535");
        // RFC 5118, section 4.2: an IPv6 address needs its brackets.
        check("sip:2001:db8::10", "has a port that is not a number");
        check("tel:", "has a tel URI without a number");
    }

    #[test]
    fn request_uri_has_no_headers() {
        let check = |text, without| {
            let uri = Uri::parse(text).map(|uri| uri.without_headers());
            assert_eq!(uri, Ok(without), "{text:?}");
        };
        // RFC 4475, section 3.3.14.
        check("sip:a@h?Route=%3Csip:r%3E", "sip:a@h");
        check("sip:a@h:5060;lr?x=1&y=2", "sip:a@h:5060;lr");
        check("sip:a@h?", "sip:a@h");
        check("sip:a?b@h", "sip:a?b@h");
        check("sip:a@h", "sip:a@h");
        check("tel:+49301234", "tel:+49301234");
    }

    #[test]
    fn user_part_is_decoded() {
        let decoded = |text| Uri::parse(text).ok().and_then(|uri| uri.user_decoded());
        assert_eq!(decoded("sip:MAC%3a0004@h").as_deref(), Some("MAC:0004"));
        assert_eq!(decoded("sip:%C3%BC%zz%@h").as_deref(), Some("ü%zz%"));
        assert_eq!(decoded("sip:%ff@h").as_deref(), Some("\u{fffd}"));
        let uri = Uri::parse("sip:a:pw@192.0.2.1;transport=TLS;line=x?Replaces=1%40h");
        let parts = uri.map(|uri| {
            (
                uri.password(),
                uri.address().is_some(),
                uri.transport(),
                uri.params().get("line"),
                uri.headers(),
            )
        });
        assert_eq!(
            parts,
            Ok((
                Some("pw"),
                true,
                Some(Transport::TLS),
                Some("x"),
                "Replaces=1%40h"
            ))
        );
        assert!(
            Uri::parse("sip:[::1]")
                .is_ok_and(|uri| uri.address() == Some(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])))
        );
    }
}
