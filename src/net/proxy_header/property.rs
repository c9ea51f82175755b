//! The property of the PROXY header that tests and `fuzz/` check: it ends where it says, and reads back to itself.

use std::net::{IpAddr, SocketAddr};

use super::parse::{ProxiedPeer, is_header, missing, parse};

/// `stream` is what a connection begins with.
pub(crate) fn holds(stream: &[u8]) {
    let Some(header) = header(stream) else {
        return;
    };
    assert!(is_header(header));
    let Ok(said) = parse(header) else {
        return;
    };
    // Neither one octet less nor one more is a header.
    let (_, shorter) = header.split_last().expect("no header is empty");
    assert!(parse(shorter).is_err());
    assert!(parse(&[header, b"x"].concat()).is_err());
    if let ProxiedPeer::Named { from, to, secure } = said {
        assert_eq!(from.is_ipv4(), to.is_ipv4());
        let binary = binary(from, to, secure);
        assert_eq!((missing(&binary), parse(&binary)), (Ok(0), Ok(said)));
        let line = line(from, to);
        let secure = None;
        let said = ProxiedPeer::Named { from, to, secure };
        assert_eq!((missing(&line), parse(&line)), (Ok(0), Ok(said)));
    }
}

/// The header that a stream begins with, read as [`missing`] asks for.
fn header(stream: &[u8]) -> Option<&[u8]> {
    let mut taken = 0;
    loop {
        match missing(stream.get(..taken)?) {
            Ok(0) => return stream.get(..taken),
            Ok(more) => taken += more,
            Err(wrong) => {
                assert!(wrong.to_string().len() < 200);
                return None;
            }
        }
        assert!(taken <= 16 + 4096, "a header without end");
    }
}

fn binary(from: SocketAddr, to: SocketAddr, secure: Option<bool>) -> Vec<u8> {
    let mut rest = Vec::new();
    for address in [from.ip(), to.ip()] {
        match address {
            IpAddr::V4(address) => rest.extend(address.octets()),
            IpAddr::V6(address) => rest.extend(address.octets()),
        }
    }
    for port in [from.port(), to.port()] {
        rest.extend(port.to_be_bytes());
    }
    if let Some(secure) = secure {
        rest.extend([0x20, 0, 5, u8::from(secure), 0, 0, 0, 0]);
    }
    let family = if from.is_ipv4() { 0x11 } else { 0x21 };
    let length = u8::try_from(rest.len()).expect("two addresses are short");
    let start = [
        b"\r\n\r\n\0\r\nQUIT\n".as_slice(),
        &[0x21, family, 0, length],
    ]
    .concat();
    [start, rest].concat()
}

fn line(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    let (source, destination) = (from.ip(), to.ip());
    let (source_port, port) = (from.port(), to.port());
    format!("PROXY {family} {source} {destination} {source_port} {port}\r\n").into_bytes()
}
