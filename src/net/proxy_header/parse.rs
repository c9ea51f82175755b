//! Parser of the PROXY header, versions 1 and 2 (HAProxy, `proxy-protocol.txt`).

use std::net::{IpAddr, SocketAddr};

/// The peer for which a front end connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxiedPeer {
    /// The front end itself, as for a health check, or a peer that it does not name.
    Unnamed,
    /// A peer of the front end.
    Named {
        /// The peer's address.
        from: SocketAddr,
        /// The address that the peer connected to.
        to: SocketAddr,
        /// Whether the peer uses TLS; `None` if the header does not say so.
        secure: Option<bool>,
    },
}

/// Why a header is invalid; completes the sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the PROXY header {0}")]
pub(crate) struct ProxyHeaderError(pub(super) &'static str);

/// The beginning of version 2 (section 2.2); no SIP message or TLS record begins like that.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1 with its CRLF (section 2.1).
const MAX_LINE: usize = 107;
/// `PROXY UNKNOWN\r\n`; version 2 has one octet more before its length is known.
const MIN_LENGTH: usize = 15;
/// Addresses and TLVs of version 2. The protocol permits 65 535 octets; front ends send far less.
const MAX_VARIABLE_PART: usize = 4096;
/// PP2_TYPE_SSL, and its flag for a peer that uses TLS (section 2.2.5).
const TYPE_SSL: u8 = 0x20;
const CLIENT_SSL: u8 = 0x01;

/// Whether a stream begins with a header.
pub(crate) fn is_header(octets: &[u8]) -> bool {
    octets.starts_with(b"PROXY ") || octets.starts_with(SIGNATURE)
}

/// How many octets can be read without reading past the header's end; 0 when it is complete.
///
/// # Errors
/// `begun` is not the beginning of a header, or the header is too long.
pub(crate) fn missing(begun: &[u8]) -> Result<usize, ProxyHeaderError> {
    if begun.len() < MIN_LENGTH {
        return Ok(MIN_LENGTH - begun.len());
    }
    if begun.starts_with(SIGNATURE) {
        let Some(&[high, low]) = begun.get(14..16) else {
            return Ok(1);
        };
        let rest = usize::from(u16::from_be_bytes([high, low]));
        if rest > MAX_VARIABLE_PART {
            return Err(ProxyHeaderError("is longer than 4096 octets"));
        }
        return Ok((16 + rest).saturating_sub(begun.len()));
    }
    if !begun.starts_with(b"PROXY ") {
        return Err(ProxyHeaderError(
            "is missing: configure the front end to send it, or remove its address from advanced.proxy_protocol_from",
        ));
    }
    match begun.last() {
        Some(b'\n') => Ok(0),
        _ if begun.len() >= MAX_LINE => Err(ProxyHeaderError("is longer than 107 octets")),
        _ => Ok(1),
    }
}

/// Parses a complete header.
///
/// # Errors
/// It is invalid, or followed by further octets.
pub(crate) fn parse(header: &[u8]) -> Result<ProxiedPeer, ProxyHeaderError> {
    match header.strip_prefix(SIGNATURE) {
        Some(rest) => parse_v2(rest),
        None => parse_v1(header),
    }
}

/// Section 2.1, "Human-readable header format (Version 1)".
fn parse_v1(header: &[u8]) -> Result<ProxiedPeer, ProxyHeaderError> {
    let line = header
        .strip_prefix(b"PROXY ")
        .and_then(|line| line.strip_suffix(b"\r\n"))
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or(ProxyHeaderError("is not a line of text ending with CRLF"))?;
    let mut words = line.split(' ');
    let family = words.next().unwrap_or_default();
    // "the receiver must ignore anything presented before the CRLF" after UNKNOWN.
    if family == "UNKNOWN" {
        return Ok(ProxiedPeer::Unnamed);
    }
    let mut word = || {
        words
            .next()
            .ok_or(ProxyHeaderError("has fewer than six words"))
    };
    let (from, to, from_port, to_port) = (word()?, word()?, word()?, word()?);
    if words.next().is_some() {
        return Err(ProxyHeaderError("has more than six words"));
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
    let socket = |text, at| Some(SocketAddr::new(address(text)?, port(at)?));
    match (socket(from, from_port), socket(to, to_port)) {
        (Some(from), Some(to)) => Ok(ProxiedPeer::Named {
            from,
            to,
            secure: None,
        }),
        _ => Err(ProxyHeaderError("has an invalid family, address or port")),
    }
}

/// Section 2.2, "Binary header format (version 2)", after the signature.
fn parse_v2(header: &[u8]) -> Result<ProxiedPeer, ProxyHeaderError> {
    let (&[version, family, high, low], rest) = header.split_first_chunk().ok_or(SHORT)?;
    if rest.len() != usize::from(u16::from_be_bytes([high, low])) {
        return Err(ProxyHeaderError("has a wrong length"));
    }
    match version {
        // LOCAL: "the receiver must ... discard the protocol block including the family".
        0x20 => return Ok(ProxiedPeer::Unnamed),
        0x21 => {}
        _ => {
            return Err(ProxyHeaderError("has an unknown version or command"));
        }
    }
    let (from, to, rest) = match family {
        0x11 => addresses::<4>(rest)?,
        0x21 => addresses::<16>(rest)?,
        // AF_UNSPEC, and everything but TCP.
        _ => return Ok(ProxiedPeer::Unnamed),
    };
    Ok(ProxiedPeer::Named {
        from,
        to,
        secure: secure(rest)?,
    })
}

const SHORT: ProxyHeaderError = ProxyHeaderError("is shorter than its addresses");

/// Source and destination with addresses of `N` octets, and the TLVs.
fn addresses<const N: usize>(
    rest: &[u8],
) -> Result<(SocketAddr, SocketAddr, &[u8]), ProxyHeaderError>
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

/// Whether the TLVs contain PP2_TYPE_SSL, and its flag (section 2.2.5).
fn secure(mut rest: &[u8]) -> Result<Option<bool>, ProxyHeaderError> {
    const CUT: ProxyHeaderError = ProxyHeaderError("ends within a TLV");
    let mut secure = None;
    while !rest.is_empty() {
        let (&[kind, high, low], value) = rest.split_first_chunk().ok_or(CUT)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, next) = value.split_at_checked(length).ok_or(CUT)?;
        if kind == TYPE_SSL {
            let client = value.first().ok_or(CUT)?;
            secure = Some(client & CLIENT_SSL != 0);
        }
        rest = next;
    }
    Ok(secure)
}
