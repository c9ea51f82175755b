//! Tests of the PROXY header.

#![allow(clippy::unwrap_used)]
use std::path::Path;

use proptest::prelude::*;

use super::{parse::*, property, read};

/// Version 2 with this command, family and content.
fn second(version: u8, family: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[version, family], &length, content].concat()
}

const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x13, 0x88, 0x13, 0xc5];

fn peer(from: &str, to: &str, secure: Option<bool>) -> Result<ProxiedPeer, &'static str> {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    Ok(ProxiedPeer::Named { from, to, secure })
}

#[track_caller]
fn check(header: &[u8], expected: Result<ProxiedPeer, &str>) {
    match (parse(header), expected) {
        (Err(ProxyHeaderError(what)), Err(part)) => assert!(what.contains(part), "{what}"),
        (found, expected) => assert_eq!(found.map_err(|ProxyHeaderError(what)| what), expected),
    }
}

#[test]
fn version_1_is_parsed() {
    let said = peer("192.0.2.7:5000", "198.51.100.1:5061", None);
    check(b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061\r\n", said);
    let said = peer("[2001:db8::7]:5000", "[::1]:5061", None);
    check(b"PROXY TCP6 2001:db8::7 ::1 5000 5061\r\n", said);
    check(b"PROXY UNKNOWN\r\n", Ok(ProxiedPeer::Unnamed));
    check(
        b"PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n",
        Ok(ProxiedPeer::Unnamed),
    );
    check(
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000\r\n",
        Err("fewer than six"),
    );
    check(
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061 1\r\n",
        Err("more than six words"),
    );
    check(b"PROXY TCP4 ::1 ::1 5000 5061\r\n", Err("invalid family"));
    check(
        b"PROXY TCP6 192.0.2.7 198.51.100.1 5000 5061\r\n",
        Err("invalid family"),
    );
    check(
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 +506\r\n",
        Err("invalid family"),
    );
    check(
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 1\r\n",
        Err("invalid family"),
    );
    check(
        b"PROXY UDP4 192.0.2.7 198.51.100.1 5000 5061\r\n",
        Err("invalid family"),
    );
    check(
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061\n",
        Err("CRLF"),
    );
    check(b"PROXY TCP4 \xff\r\n", Err("not a line of text"));
    check(b"REGISTER sip:a SIP/2.0\r\n", Err("not a line of text"));
}

#[test]
fn version_2_is_parsed() {
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
    check(&second(0x20, 0x00, &[]), Ok(ProxiedPeer::Unnamed));
    check(&second(0x20, 0x11, &V4), Ok(ProxiedPeer::Unnamed));
    check(&second(0x21, 0x00, &[]), Ok(ProxiedPeer::Unnamed));
    check(&second(0x21, 0x31, &[0; 216]), Ok(ProxiedPeer::Unnamed));
    check(&second(0x22, 0x11, &V4), Err("unknown version or command"));
    check(&second(0x11, 0x11, &V4), Err("unknown version"));
    check(
        &second(0x21, 0x11, &V4[..11]),
        Err("shorter than its addresses"),
    );
    check(&second(0x21, 0x21, &V4), Err("shorter than its addresses"));
    check(&second(0x21, 0x11, &V4)[..20], Err("wrong length"));
    check(SIGNATURE, Err("shorter"));
}

proptest! {
    #[test]
    fn arbitrary_octets_do_not_panic(start in 0..3usize, octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let whole = second(0x21, 0x11, &V4);
        let start = [&b""[..], b"PROXY TCP4 ", &whole][start];
        let _ = parse(&[start, &octets[..]].concat());
        let _ = parse(&second(0x21, 0x11, &octets));
    }
}

#[tokio::test]
async fn octets_after_the_header_are_left_unread() {
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 5000 5061\r\n".to_vec();
    let binary = second(0x21, 0x11, &V4);
    for header in [line, b"PROXY UNKNOWN\r\n".to_vec(), binary] {
        let stream = [&header[..], b"REGISTER"].concat();
        let mut rest = stream.as_slice();
        let peer = read(&mut rest).await.unwrap();
        assert_eq!((peer, rest), (parse(&header).unwrap(), &b"REGISTER"[..]));
    }
    let check = async |stream: &[u8], part: &str| {
        let error = read(&mut &*stream).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(b"REGISTER sip:a SIP/2.0\r\n", "is missing: configure").await;
    check(&[b"PROXY ".to_vec(), vec![b'x'; 200]].concat(), "107").await;
    check(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "4096").await;
    check(b"PROXY TCP4", "eof").await;
}

/// The seeds of the fuzz target, and what it has found.
#[test]
fn fuzz_seeds_hold_the_property() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut seeds = 0;
    for folder in ["corpus/proxy", "regressions/proxy"] {
        for seed in std::fs::read_dir(fuzz.join(folder)).into_iter().flatten() {
            property::holds(&std::fs::read(seed.unwrap().path()).unwrap());
            seeds += 1;
        }
    }
    assert!(seeds > 0);
}
