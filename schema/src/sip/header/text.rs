//! Common syntax of header field values: lists, quoted strings, numbers, hosts (RFC 3261, section 25.1).

use std::borrow::Cow;

use crate::sip::SyntaxError;

/// Splits a value at separators outside quotes and angle brackets. Trims the parts and skips empty ones.
pub(crate) fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let part = match position(text, separator) {
                Some(at) => {
                    let (part, tail) = text.split_at(at);
                    rest = tail.get(1..);
                    part
                }
                None => {
                    rest = None;
                    text
                }
            };
            let part = part.trim_ascii();
            if !part.is_empty() {
                return Some(part);
            }
        }
    })
}

/// The offset of the first `wanted` outside quotes and angle brackets.
pub(crate) fn position(text: &str, wanted: u8) -> Option<usize> {
    // Vectorised searches handle most texts, which contain neither quotes nor brackets.
    let first = memchr::memchr(wanted, text.as_bytes())?;
    match memchr::memchr2(b'"', b'<', &text.as_bytes()[..first]) {
        None => Some(first),
        Some(_) => seek(text, Some(wanted)).ok(),
    }
}

/// The text before and after the first `separator`: `str::split_once`, vectorised.
pub(crate) fn cut(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(separator, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether a quote or an angle bracket is unclosed, so that appended text would become part of it.
pub(crate) fn is_open(text: &str) -> bool {
    // A vectorised search handles most texts, which contain neither.
    memchr::memchr2(b'"', b'<', text.as_bytes()).is_some() && seek(text, None) == Err(true)
}

/// The offset of the first `wanted` outside quotes and angle brackets; otherwise, whether one of these is unclosed.
fn seek(text: &str, wanted: Option<u8>) -> Result<usize, bool> {
    let mut quoted = false;
    let mut bracketed = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            _ if quoted => {}
            _ if Some(byte) == wanted && !bracketed => return Ok(at),
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            _ => {}
        }
    }
    Err(quoted || bracketed)
}

/// The offset of the closing quote of a quoted string that starts at 0.
pub(crate) fn closing_quote(text: &str) -> Result<usize, SyntaxError> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok(at),
            _ => {}
        }
    }
    Err(SyntaxError("has no closing quote"))
}

/// The content of a quoted string without its escapes (RFC 3261, section 25.1, quoted-pair).
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut plain = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    Cow::Owned(plain)
}

/// The number at the start of a value; a comment or parameters may follow (RFC 3261, section 20.33).
/// Saturates at 2^32-1, the maximum delta-seconds (RFC 3261, section 20.19).
pub(crate) fn leading_number(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    let mut length = 0;
    let mut number = 0_u32;
    for digit in digits {
        number = number
            .saturating_mul(10)
            .saturating_add(u32::from(digit - b'0'));
        length += 1;
    }
    let ends = matches!(
        text.as_bytes().get(length),
        None | Some(b' ' | b'\t' | b';' | b'(' | b',')
    );
    (length > 0 && ends).then_some(number)
}

/// `host [":" port]`, with an IPv6 address in brackets and white space anywhere between (RFC 3261, section 20.42).
pub(crate) fn host_and_port(text: &str) -> Result<(&str, Option<u16>), SyntaxError> {
    let text = text.trim_ascii();
    let colon = if text.starts_with('[') {
        let bracket = text
            .find(']')
            .ok_or(SyntaxError("has no closing bracket after an IPv6 address"))?;
        bracket + 1
    } else {
        memchr::memchr(b':', text.as_bytes()).unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(colon);
    let host = host.trim_ascii_end();
    let strange =
        |byte: u8| byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | b'@' | b',' | b'\\' | 0x7f);
    if host.is_empty() || host.bytes().any(strange) {
        return Err(SyntaxError("has no usable host"));
    }
    if host.starts_with('[') && ipv6(host).is_none() {
        return Err(SyntaxError("has no IPv6 address between its brackets"));
    }
    let rest = rest.trim_ascii();
    if rest.is_empty() {
        return Ok((host, None));
    }
    let port = rest.strip_prefix(':').map(str::trim_ascii);
    let port = port.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match port {
        // Phones with an empty port setting send `host:`.
        Some("") => Ok((host, None)),
        Some(digits) => {
            let port = digits
                .parse()
                .map_err(|_| SyntaxError("has a port above 65535"))?;
            Ok((host, Some(port)))
        }
        None => Err(SyntaxError("has a port that is not a number")),
    }
}

/// The address in brackets. Ignores a zone (`fe80::1%eth0`), which has local meaning only. Accepts a third colon before
/// an IPv4 address, which the grammar of RFC 3261 produces (RFC 5118, section 4.10).
pub(crate) fn ipv6(host: &str) -> Option<std::net::Ipv6Addr> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    let address = inner.split_once('%').map_or(inner, |(address, _)| address);
    address.parse().ok().or_else(|| {
        let (net, host) = address.split_once(":::")?;
        let host: std::net::Ipv4Addr = host.parse().ok()?;
        format!("{net}::{host}").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_outside_quotes_and_brackets() {
        let check = |text, parts: &[&str]| {
            assert_eq!(split(text, b',').collect::<Vec<_>>(), parts, "{text:?}");
        };
        // RFC 3261, section 7.3.1.
        check("a", &["a"]);
        check("a, b ,c", &["a", "b", "c"]);
        check("", &[]);
        check(" , ,", &[]);
        check(r#""a, b" <sip:x>, c"#, &[r#""a, b" <sip:x>"#, "c"]);
        check("<sip:a,b@h>,<sip:c@h>", &["<sip:a,b@h>", "<sip:c@h>"]);
        check(r#""a\", b", c"#, &[r#""a\", b""#, "c"]);
        check(r#""never closed, b"#, &[r#""never closed, b"#]);
        check(r#"<sip:h;x=">,b"#, &[r#"<sip:h;x=">"#, "b"]);
    }

    #[test]
    fn numbers_saturate_and_may_have_a_comment() {
        let check = |text, number| assert_eq!(leading_number(text), number, "{text:?}");
        check("3600", Some(3600));
        check("0", Some(0));
        check("00005", Some(5));
        check("4294967295", Some(u32::MAX));
        check("99999999999999", Some(u32::MAX));
        check("18000;duration=3600", Some(18000));
        check("120 (I'm in a meeting)", Some(120));
        check("", None);
        check("-1", None);
        check("+1", None);
        check("1.5", None);
        check("soon", None);
    }

    #[test]
    fn hosts_may_be_ipv6() {
        let check = |text, host_port: Option<(&str, Option<u16>)>| {
            assert_eq!(host_and_port(text).ok(), host_port, "{text:?}");
        };
        check("example.com", Some(("example.com", None)));
        check("example.com:5061", Some(("example.com", Some(5061))));
        check(
            "first.example.com: 4000",
            Some(("first.example.com", Some(4000))),
        );
        check("pbx_1.local", Some(("pbx_1.local", None)));
        check("h:", Some(("h", None)));
        // RFC 5118, section 4.1 to 4.5.
        check("[2001:db8::10]", Some(("[2001:db8::10]", None)));
        check("[2001:db8::10]:5070", Some(("[2001:db8::10]", Some(5070))));
        check(
            "[::ffff:192.0.2.10]:19823",
            Some(("[::ffff:192.0.2.10]", Some(19823))),
        );
        check("[fe80::1%eth0]", Some(("[fe80::1%eth0]", None)));
        // RFC 5118, section 4.10: a third colon, and only where the old grammar put it.
        check(
            "[2001:db8:::192.0.2.1]:5060",
            Some(("[2001:db8:::192.0.2.1]", Some(5060))),
        );
        check("[2001:db8:::10]", None);
        check("[2001:db8::::192.0.2.1]", None);
        check("[1:::2:::192.0.2.1]", None);
        check("2001:db8::10", None);
        check("[2001:db8::10", None);
        check("[]", None);
        check("[example]", None);
        check("[::1]x", None);
        check("", None);
        check(":5060", None);
        check("h:70000", None);
        check("h:sip", None);
        check("h:+5", None);
        check("a b", None);
    }
}
