//! Adds `received` and `rport` to the Via of a response (RFC 3261, section 18.2; RFC 3581, section 4).

use std::{
    fmt::{self, Display, Write as _},
    net::{IpAddr, SocketAddr},
};

use bytes::BytesMut;

use super::header::{Transport, Via, position, split};

/// The destination of a response: the source of the request if its topmost Via contains `rport`, otherwise the
/// source address with the port of the Via.
#[must_use]
pub fn answer_address(via: Option<&Via<'_>>, source: SocketAddr) -> SocketAddr {
    match via {
        Some(via) if !via.params().has("rport") => {
            let usual = Transport::UDP.default_port();
            let port = via.port().unwrap_or(usual);
            SocketAddr::new(source.ip(), port)
        }
        _ => source,
    }
}

/// Adds the source of a request to the topmost Via of its written response, as `stamped` does.
pub fn stamp(answer: &mut BytesMut, source: SocketAddr) {
    let Some((start, end)) = top_via(answer) else {
        return;
    };
    let value = answer
        .get(start..end)
        .and_then(|value| str::from_utf8(value).ok());
    let Some(stamped) = value.and_then(|value| Some(stamped(value, source)?.to_string())) else {
        return;
    };
    let rest = answer.split_off(end);
    answer.truncate(start);
    answer.extend_from_slice(stamped.as_bytes());
    answer.unsplit(rest);
}

/// The range of the topmost Via value in a written message: in its second line.
fn top_via(message: &[u8]) -> Option<(usize, usize)> {
    let line = memchr::memmem::find(message, b"\r\n")? + 2;
    let rest = message.get(line..)?;
    let length = memchr::memmem::find(rest, b"\r\n")?;
    let text = str::from_utf8(rest.get(..length)?).ok()?;
    let value = text.strip_prefix("Via: ")?;
    let start = line + text.len() - value.len();
    let end = position(value, b',');
    Some((start, start + end.unwrap_or(value.len())))
}

/// The Via lines of a response whose request came from `source`, if its first value lacks that: `received` if its host is
/// another, and both `received` and the value of `rport` if it contains `rport`.
pub(super) fn stamped(line: &str, source: SocketAddr) -> Option<impl Display> {
    if is_plain(line, source) {
        return None;
    }
    let (value, rest) = line.split_at(position(line, b',').unwrap_or(line.len()));
    let via = Via::parse(value).ok()?;
    let address = source.ip().to_canonical();
    let asks = via.params().has("rport");
    let host = via.host().trim_matches(['[', ']']).parse::<IpAddr>();
    if !asks && host == Ok(address) {
        return None;
    }
    Some(fmt::from_fn(move |f| {
        let mut parts = split(value, b';');
        f.write_str(parts.next().unwrap_or_default())?;
        for part in parts {
            let name = part.split('=').next().unwrap_or(part).trim_ascii();
            // Ignores the sender's own `received` and `rport` values.
            if name.eq_ignore_ascii_case("rport") {
                write!(f, ";rport={}", source.port())?;
            } else if !name.eq_ignore_ascii_case("received") {
                f.write_char(';')?;
                f.write_str(part)?;
            }
        }
        write!(f, ";received={address}{rest}")
    }))
}

/// Whether these are the Via lines of a sender who names its own IPv4 address, and neither quotes anything nor contains `rport`:
/// those of most requests, which need no parsing.
fn is_plain(line: &str, source: SocketAddr) -> bool {
    if memchr::memchr3(b',', b'"', b'<', line.as_bytes()).is_some() {
        return false;
    }
    let (start, params) = line.split_once(';').unwrap_or((line, ""));
    let sent_by = start.rsplit(' ').next().unwrap_or_default();
    let host = sent_by.split(':').next().unwrap_or_default();
    let IpAddr::V4(address) = source.ip().to_canonical() else {
        return false;
    };
    let params = params.as_bytes();
    let is_rport = |at: usize| {
        let name = params.get(at..at + "rport".len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"rport"))
    };
    host.parse() == Ok(address) && !memchr::memchr2_iter(b'r', b'R', params).any(is_rport)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(via: &str, source: &str, told: &str, to: &str) {
        let source: SocketAddr = source.parse().unwrap();
        let answer = |via: &str| format!("SIP/2.0 200 OK\r\nVia: {via}\r\nTo: <sip:a@h>\r\n\r\n");
        let mut stamped = BytesMut::from(answer(via).as_str());
        stamp(&mut stamped, source);
        assert_eq!(stamped, answer(told).as_bytes(), "{via}");
        let parsed = Via::parse(split(via, b',').next().unwrap()).ok();
        assert_eq!(
            answer_address(parsed.as_ref(), source),
            to.parse().unwrap(),
            "{via}"
        );
    }

    #[test]
    fn response_contains_the_source_of_the_request() {
        const FROM: &str = "192.0.2.1:40000";
        // RFC 3261, sections 18.2.1 and 18.2.2.
        check(
            "SIP/2.0/UDP 192.0.2.1:5062;branch=b",
            FROM,
            "SIP/2.0/UDP 192.0.2.1:5062;branch=b",
            "192.0.2.1:5062",
        );
        check(
            "SIP/2.0/UDP 192.0.2.1",
            FROM,
            "SIP/2.0/UDP 192.0.2.1",
            "192.0.2.1:5060",
        );
        check(
            "SIP/2.0/UDP 10.0.0.7:5062;branch=b",
            FROM,
            "SIP/2.0/UDP 10.0.0.7:5062;branch=b;received=192.0.2.1",
            "192.0.2.1:5062",
        );
        check(
            "SIP/2.0/UDP phone.example;received=1.2.3.4;branch=b",
            FROM,
            "SIP/2.0/UDP phone.example;branch=b;received=192.0.2.1",
            "192.0.2.1:5060",
        );
        // A trailing semicolon, as some phones send it, is not an empty parameter.
        check(
            "SIP/2.0/UDP 10.0.0.7:5062;branch=b; ",
            FROM,
            "SIP/2.0/UDP 10.0.0.7:5062;branch=b;received=192.0.2.1",
            "192.0.2.1:5062",
        );
        check(
            r#"SIP/2.0/UDP 10.0.0.7:5062;x="\",;rport;";branch=b"#,
            FROM,
            r#"SIP/2.0/UDP 10.0.0.7:5062;x="\",;rport;";branch=b;received=192.0.2.1"#,
            "192.0.2.1:5062",
        );
        check(
            "SIP/2.0/UDP 192.0.2.1 ;branch=b",
            FROM,
            "SIP/2.0/UDP 192.0.2.1 ;branch=b",
            "192.0.2.1:5060",
        );
        // RFC 3581, section 4.
        check(
            "SIP/2.0/UDP 192.0.2.1:5062;branch=b;RPort",
            FROM,
            "SIP/2.0/UDP 192.0.2.1:5062;branch=b;rport=40000;received=192.0.2.1",
            FROM,
        );
        check(
            "SIP/2.0/UDP 10.0.0.7:5062;rport;branch=b",
            FROM,
            "SIP/2.0/UDP 10.0.0.7:5062;rport=40000;branch=b;received=192.0.2.1",
            FROM,
        );
        check(
            "SIP/2.0/UDP 192.0.2.1:40000;branch=b;rport",
            FROM,
            "SIP/2.0/UDP 192.0.2.1:40000;branch=b;rport=40000;received=192.0.2.1",
            FROM,
        );
        check(
            "SIP/2.0/UDP a;rport=1;branch=b, SIP/2.0/UDP b",
            FROM,
            "SIP/2.0/UDP a;rport=40000;branch=b;received=192.0.2.1, SIP/2.0/UDP b",
            FROM,
        );
        check(
            "SIP/2.0/UDP [2001:db8::1]:5062",
            "[2001:db8::1]:40000",
            "SIP/2.0/UDP [2001:db8::1]:5062",
            "[2001:db8::1]:5062",
        );
        check(
            "SIP/2.0/UDP 192.0.2.1:5062",
            "[::ffff:192.0.2.1]:40000",
            "SIP/2.0/UDP 192.0.2.1:5062",
            "[::ffff:192.0.2.1]:5062",
        );
    }

    #[test]
    fn messages_without_via_are_unchanged() {
        for text in [
            "",
            "\r\n",
            "SIP/2.0 400 Via is missing\r\nTo: <sip:a@h>\r\n\r\n",
        ] {
            let mut message = BytesMut::from(text);
            stamp(&mut message, "192.0.2.1:1".parse().unwrap());
            assert_eq!(message, text.as_bytes());
        }
    }
}
