//! The PROXY protocol, versions 1 and 2, by which a front end tells whom it speaks for (HAProxy, `proxy-protocol.txt`).

use std::net::{IpAddr, SocketAddr};

/// Whom a front end speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// For itself, as when it looks whether we are there.
    Itself,
    /// For a peer.
    Peer {
        /// The peer's address.
        from: SocketAddr,
        /// The address that the peer connected to.
        to: SocketAddr,
        /// Whether the peer came by TLS; none where the front end does not say.
        secure: Option<bool>,
    },
}

/// What keeps a header from being understood; the rest of a sentence that begins with it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the PROXY header {0}")]
pub struct Wrong(&'static str);

/// 2.2: no octet of it can begin a message of another protocol.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// 2.1: the longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;
/// 2.1 and 2.2: `PROXY UNKNOWN\r\n` is the shortest line; version 2 begins with 16 octets.
const SHORTEST: usize = 15;
/// 2.2: what follows the 16 octets is bounded, for what anybody sends lies far below.
const LONGEST_REST: usize = 4096;
/// 2.2.5: the type of the TLV that tells of TLS, and the bit in it that says that there is any.
const TLV_SSL: u8 = 0x20;
const CLIENT_SSL: u8 = 0x01;

/// Whether octets begin a header, or may, where they are too few.
pub fn is_header(octets: &[u8]) -> bool {
    octets.starts_with(b"PROXY ") || octets.starts_with(SIGNATURE)
}

/// How many octets at least are yet to come of a header that begins so; 0 when it is whole.
///
/// # Errors
/// What has come begins no header, or one that is too long.
pub fn missing(begun: &[u8]) -> Result<usize, Wrong> {
    if begun.len() < SHORTEST {
        return Ok(SHORTEST - begun.len());
    }
    if begun.starts_with(SIGNATURE) {
        let Some(&[high, low]) = begun.get(14..16) else {
            return Ok(1);
        };
        let rest = usize::from(u16::from_be_bytes([high, low]));
        if rest > LONGEST_REST {
            return Err(Wrong("is longer than 4096 octets"));
        }
        return Ok((16 + rest).saturating_sub(begun.len()));
    }
    if !begun.starts_with(b"PROXY ") {
        return Err(Wrong(
            "is missing: let the front end send it, or take its address out of advanced.proxy_protocol_from",
        ));
    }
    match begun.last() {
        Some(b'\n') => Ok(0),
        _ if begun.len() >= LONGEST_LINE => Err(Wrong("is longer than 107 octets")),
        _ => Ok(1),
    }
}

/// What a whole header says.
///
/// # Errors
/// What keeps it from being understood.
pub fn parse(header: &[u8]) -> Result<Said, Wrong> {
    match header.strip_prefix(SIGNATURE) {
        Some(rest) => binary(rest),
        None => line(header),
    }
}

/// 2.1, "Human-readable header format (Version 1)".
fn line(header: &[u8]) -> Result<Said, Wrong> {
    let line = header
        .strip_prefix(b"PROXY ")
        .and_then(|line| line.strip_suffix(b"\r\n"))
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or(Wrong("is no line of text that ends with CRLF"))?;
    let mut words = line.split(' ');
    let family = words.next().unwrap_or_default();
    // "the receiver must ignore anything presented before the CRLF" after UNKNOWN.
    if family == "UNKNOWN" {
        return Ok(Said::Itself);
    }
    let mut word = || words.next().ok_or(Wrong("ends too early"));
    let (from, to, from_port, to_port) = (word()?, word()?, word()?, word()?);
    if words.next().is_some() {
        return Err(Wrong("has more than six words"));
    }
    let address = |text: &str| match family {
        "TCP4" => text.parse().map(IpAddr::V4).ok(),
        "TCP6" => text.parse().map(IpAddr::V6).ok(),
        _ => None,
    };
    let port = |text: &str| {
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    let end = |text, at| Some(SocketAddr::new(address(text)?, port(at)?));
    match (end(from, from_port), end(to, to_port)) {
        (Some(from), Some(to)) => Ok(Said::Peer {
            from,
            to,
            secure: None,
        }),
        _ => Err(Wrong("names no family, or an address or port that is none")),
    }
}

/// 2.2, "Binary header format (version 2)", after its signature.
fn binary(header: &[u8]) -> Result<Said, Wrong> {
    let (&[version, family, high, low], rest) = header.split_first_chunk().ok_or(SHORT)?;
    if rest.len() != usize::from(u16::from_be_bytes([high, low])) {
        return Err(Wrong("is not as long as it says"));
    }
    match version {
        0x20 => return Ok(Said::Itself),
        0x21 => {}
        _ => {
            return Err(Wrong(
                "is of neither version 1 nor 2, or its command is unknown",
            ));
        }
    }
    let (from, to, rest) = match family {
        0x11 => ends::<4>(rest)?,
        0x21 => ends::<16>(rest)?,
        // "UNSPEC": "the receiver must ignore the addresses"; what is no TCP connection is none that we know.
        _ => return Ok(Said::Itself),
    };
    Ok(Said::Peer {
        from,
        to,
        secure: secure(rest)?,
    })
}

const SHORT: Wrong = Wrong("is shorter than its addresses");

/// Two addresses of so many octets, their ports, and what follows.
fn ends<const N: usize>(rest: &[u8]) -> Result<(SocketAddr, SocketAddr, &[u8]), Wrong>
where
    IpAddr: From<[u8; N]>,
{
    let (from, rest) = rest.split_first_chunk::<N>().ok_or(SHORT)?;
    let (to, rest) = rest.split_first_chunk::<N>().ok_or(SHORT)?;
    let (&[a, b, c, d], rest) = rest.split_first_chunk().ok_or(SHORT)?;
    Ok((
        SocketAddr::new((*from).into(), u16::from_be_bytes([a, b])),
        SocketAddr::new((*to).into(), u16::from_be_bytes([c, d])),
        rest,
    ))
}

/// 2.2.5, what the TLVs say of TLS.
fn secure(mut rest: &[u8]) -> Result<Option<bool>, Wrong> {
    const CUT: Wrong = Wrong("ends within a TLV");
    let mut secure = None;
    while !rest.is_empty() {
        let (&[kind, high, low], value) = rest.split_first_chunk().ok_or(CUT)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, next) = value.split_at_checked(length).ok_or(CUT)?;
        if kind == TLV_SSL {
            let client = value.first().ok_or(CUT)?;
            secure = Some(client & CLIENT_SSL != 0);
        }
        rest = next;
    }
    Ok(secure)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// Version 2 with this command, family and content.
    fn second(version: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version, family], &length, content].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x13, 0x88, 0x13, 0xc5];

    fn peer(from: &str, to: &str, secure: Option<bool>) -> Result<Said, &'static str> {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        Ok(Said::Peer { from, to, secure })
    }

    #[track_caller]
    fn check(header: &[u8], expected: Result<Said, &str>) {
        match (parse(header), expected) {
            (Err(Wrong(what)), Err(part)) => assert!(what.contains(part), "{what}"),
            (found, expected) => assert_eq!(found.map_err(|Wrong(what)| what), expected),
        }
    }

    #[test]
    fn version_1() {
        let said = peer("192.0.2.7:5000", "198.51.100.1:5061", None);
        check(b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061\r\n", said);
        let said = peer("[2001:db8::7]:5000", "[::1]:5061", None);
        check(b"PROXY TCP6 2001:db8::7 ::1 5000 5061\r\n", said);
        check(b"PROXY UNKNOWN\r\n", Ok(Said::Itself));
        check(
            b"PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n",
            Ok(Said::Itself),
        );
        check(
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5000\r\n",
            Err("too early"),
        );
        check(
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061 1\r\n",
            Err("six words"),
        );
        check(b"PROXY TCP4 ::1 ::1 5000 5061\r\n", Err("no family"));
        check(
            b"PROXY TCP6 192.0.2.7 198.51.100.1 5000 5061\r\n",
            Err("no family"),
        );
        check(
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 +506\r\n",
            Err("no family"),
        );
        check(
            b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 1\r\n",
            Err("no family"),
        );
        check(
            b"PROXY UDP4 192.0.2.7 198.51.100.1 5000 5061\r\n",
            Err("no family"),
        );
        check(
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061\n",
            Err("CRLF"),
        );
        check(b"PROXY TCP4 \xff\r\n", Err("no line of text"));
        check(b"REGISTER sip:a SIP/2.0\r\n", Err("no line of text"));
    }

    #[test]
    fn version_2() {
        let v4 = |secure| peer("192.0.2.7:5000", "198.51.100.1:5061", secure);
        let with = |tlv: &[u8]| second(0x21, 0x11, &[&V4[..], tlv].concat());
        check(&with(&[]), v4(None));
        // 2.2.5: PP2_TYPE_SSL with PP2_CLIENT_SSL, with none, and after a PP2_TYPE_NOOP.
        check(&with(&[0x20, 0, 5, 1, 0, 0, 0, 0]), v4(Some(true)));
        check(&with(&[0x20, 0, 5, 0, 0, 0, 0, 1]), v4(Some(false)));
        check(
            &with(&[4, 0, 1, 9, 0x20, 0, 5, 7, 0, 0, 0, 0]),
            v4(Some(true)),
        );
        check(&with(&[0x20, 0, 9, 1]), Err("within a TLV"));
        check(&with(&[0x20, 0, 0]), Err("within a TLV"));
        check(&with(&[0x20, 0]), Err("within a TLV"));
        let mut v6 = [0; 36];
        (v6[15], v6[31], v6[33], v6[35]) = (1, 2, 9, 10);
        check(&second(0x21, 0x21, &v6), peer("[::1]:9", "[::2]:10", None));
        check(&second(0x20, 0x00, &[]), Ok(Said::Itself));
        check(&second(0x20, 0x11, &V4), Ok(Said::Itself));
        check(&second(0x21, 0x00, &[]), Ok(Said::Itself));
        check(&second(0x21, 0x31, &[0; 216]), Ok(Said::Itself));
        check(&second(0x22, 0x11, &V4), Err("command is unknown"));
        check(&second(0x11, 0x11, &V4), Err("neither version"));
        check(
            &second(0x21, 0x11, &V4[..11]),
            Err("shorter than its addresses"),
        );
        check(&second(0x21, 0x21, &V4), Err("shorter than its addresses"));
        check(&second(0x21, 0x11, &V4)[..20], Err("not as long"));
        check(SIGNATURE, Err("shorter"));
    }

    proptest! {
        #[test]
        fn no_octets_panic(start in 0..3usize, octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let whole = second(0x21, 0x11, &V4);
            let start = [&b""[..], b"PROXY TCP4 ", &whole][start];
            let _ = parse(&[start, &octets[..]].concat());
            let _ = parse(&second(0x21, 0x11, &octets));
        }
    }
}
