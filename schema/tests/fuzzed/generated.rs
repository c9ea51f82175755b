//! The fuzzed properties on generated, well-formed messages and documents.

use proptest::prelude::*;
use uacsta_schema::sip::digest::Credentials;

use crate::{csta_read, csta_relay, digest, files, frame, header, message};

/// `quoted-string` without its quotes (RFC 3261, section 25.1).
const QUOTED: &str = r#"([ !#-\[\]-~éß漢]|\\[ -~]){0,12}"#;
const TOKEN: &str = "[A-Za-z0-9.!%*_+`'~-]{1,8}";

fn param() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(String::new()),
        TOKEN.prop_map(|token| format!("={token}")),
        QUOTED.prop_map(|text| format!(" = \"{text}\"")),
    ];
    (" ?", TOKEN, value).prop_map(|(blank, name, value)| format!("{blank};{blank}{name}{value}"))
}

fn params() -> impl Strategy<Value = String> {
    prop::collection::vec(param(), 0..4).prop_map(|params| params.concat())
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}(\\.[a-z]{1,4})?",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ]
}

fn uri() -> impl Strategy<Value = String> {
    let user = "([a-z0-9&=+$,;?/%_.!~*'()-]{1,8}(:[a-z0-9&=+$,]{0,4})?@)?";
    let port = prop::option::of(any::<u16>());
    let params = "(;[a-z0-9.-]{1,6}(=[a-z0-9%:]{1,4})?){0,2}";
    let headers = "(\\?[a-z]{1,3}=[a-z%0-9]{0,4}(&[a-z]=b)?)?";
    let sip = ("sips?", user, host(), port, params, headers).prop_map(
        |(scheme, user, host, port, params, headers)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}:{user}{host}{port}{params}{headers}")
        },
    );
    prop_oneof![4 => sip, 1 => "tel:\\+?[0-9-]{1,12}(;ext=[0-9]{1,3})?"]
}

fn address() -> impl Strategy<Value = String> {
    let display = prop_oneof![
        Just(String::new()),
        "[A-Za-z0-9-]{1,6}( [a-z]{1,4})? ",
        QUOTED.prop_map(|text| format!("\"{text}\" ")),
    ];
    (display, uri(), params())
        .prop_map(|(display, uri, params)| format!("{display}<{uri}>{params}"))
}

fn via() -> impl Strategy<Value = String> {
    let port = prop::option::of(any::<u16>());
    (" ?", TOKEN, host(), port, params()).prop_map(|(blank, transport, host, port, params)| {
        let port = port
            .map(|port| format!("{blank}:{blank}{port}"))
            .unwrap_or_default();
        format!("SIP{blank}/{blank}2.0{blank}/{blank}{transport} {host}{port}{params}")
    })
}

fn sip_message() -> impl Strategy<Value = String> {
    let start = prop_oneof![Just(None), (100..700_u16).prop_map(Some)];
    let length = prop::sample::select(vec!["Content-Length", "l", "CONTENT-LENGTH "]);
    let other = ("X-[a-z]{0,6}", "[ -~é]{0,20}", "(\r\n |\n\t)?");
    let others = prop::collection::vec(other, 0..4);
    let body = "[ -~é\r\n]{0,40}";
    (start, TOKEN, via(), address(), address(), address(), others, length, body, any::<u32>())
        .prop_map(|(status, method, via, from, to, contact, others, length, body, number)| {
            let start = match status {
                Some(status) => format!("SIP/2.0 {status} so"),
                None => format!("{method} sip:a@h SIP/2.0"),
            };
            let others: String = others
                .iter()
                .map(|(name, value, fold)| format!("{name}:{fold}{value}\r\n"))
                .collect();
            format!(
                "{start}\r\nv: {via}\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: c@h\r\nCSeq: {number} {method}\r\n\
                 Contact: {contact}\r\n{others}{length}: {}\r\n\r\n{body}",
                body.len()
            )
        })
}

/// Text that is valid anywhere in a document.
fn text() -> impl Strategy<Value = String> {
    "[a-z0-9:;@.&<>'\"\\] \t\r\né漢😀-]{0,16}"
}

/// A seed document with its words replaced by these texts, except numbers and booleans.
fn reworded(document: &str, texts: &[String]) -> String {
    let mut texts = texts.iter().cycle();
    let mut reworded = String::new();
    for piece in document.split_inclusive('>') {
        let (content, tag) = piece.split_at(piece.rfind('<').unwrap_or(0));
        let is_word = content.contains(|c: char| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit());
        if is_word && !matches!(content, "true" | "false") && !content.contains('<') {
            let text = texts.next().map(String::as_str).unwrap_or_default();
            reworded += &text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
        } else {
            reworded += content;
        }
        reworded += tag;
    }
    reworded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn generated_messages_round_trip(text in sip_message()) {
        prop_assert!(message::read(text.as_bytes()).is_some(), "{text:?}");
        message::holds(text.as_bytes());
    }

    #[test]
    fn splitting_messages_yields_the_same_frames(texts in prop::collection::vec(sip_message(), 1..4), between in "(\r\n){0,3}") {
        frame::holds(texts.join(&between).as_bytes());
    }

    #[test]
    fn header_fields_equal_the_sum_of_their_parts(via in via(), address in address(), uri in uri(), number in any::<u32>()) {
        header::holds(format!("Via: {via}").as_bytes());
        header::holds(format!("Contact: {address}").as_bytes());
        header::holds(format!("Refer-To: {uri}").as_bytes());
        header::holds(format!("Session-Expires: {number};refresher=uas").as_bytes());
        header::holds(format!("CSeq: {number} INFO").as_bytes());
    }

    #[test]
    fn generated_credentials_round_trip(texts in prop::array::uniform5(QUOTED), token in TOKEN, nc in any::<u32>()) {
        let [user, realm, nonce, uri, opaque] = &texts;
        let shared = format!("realm=\"{realm}\", nonce=\"{nonce}\", opaque=\"{opaque}\", algorithm=SHA-256");
        let credentials = format!("Digest username=\"{user}\", uri=\"{uri}\", response={token}, nc={nc:08x}, qop=auth, {shared}");
        prop_assert!(Credentials::parse(&credentials).is_ok(), "{credentials}");
        digest::holds(credentials.as_bytes());
        digest::holds(format!("Digest qop=\"auth,{token}\", {shared}").as_bytes());
    }

    #[test]
    fn text_survives_in_any_document(
        seed in any::<prop::sample::Index>(),
        texts in prop::collection::vec(text(), 1..6),
    ) {
        let seeds = files("corpus", "csta_read");
        let document = String::from_utf8_lossy(&seeds[seed.index(seeds.len())].1).into_owned();
        let document = reworded(&document, &texts);
        csta_read::holds(document.as_bytes());
        csta_relay::holds(document.as_bytes());
    }
}
