//! Properties: a header field value, reassembled from its parts, has the same parts (RFC 3261, section 20).

use std::net::SocketAddr;

use bytes::BytesMut;
use uacsta_schema::{
    mac::Mac,
    phone_id::PhoneId,
    sip::{
        CSeq, HeaderName, MediaType, Method, NameAddr, Params, SessionExpires, Transport, Uri, Via,
        via_response::{answer_address, stamp},
    },
};

/// Input: a line `Name: value`; the name selects the parser.
pub(crate) fn holds(line: &[u8]) {
    let Ok(line) = str::from_utf8(line) else {
        return;
    };
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.trim_ascii();
    match HeaderName::parse(name.trim_ascii()) {
        HeaderName::Via => via(value),
        HeaderName::From | HeaderName::To | HeaderName::Contact | HeaderName::Route => {
            address(value);
        }
        HeaderName::CSeq => cseq(value),
        HeaderName::SessionExpires => session_expires(value),
        HeaderName::ContentType => media_type(value),
        HeaderName::UserAgent => phone(value),
        known => name_of(name, known),
    }
    uri(value);
}

fn name_of(name: &str, known: HeaderName) {
    if known != HeaderName::Other {
        assert_eq!(HeaderName::parse(known.as_str()), known, "{name:?}");
    }
    assert_eq!(Method::parse(name).as_str(), name);
    if let Some(transport) = Transport::parse(name) {
        assert_eq!(Transport::parse(transport.as_str()), Some(transport));
        assert!(transport.default_port() > 0);
    }
}

fn via(value: &str) {
    let Ok(via) = Via::parse(value) else {
        return;
    };
    let _ = via.branch();
    params(via.params());
    if let Some(transport) = via.transport() {
        let port = via
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        let (host, params) = (via.host(), via.params().as_str());
        let again = format!("SIP/2.0/{transport} {host}{port}{params}");
        let read = Via::parse(&again).expect("reassembled from valid parts");
        assert_eq!(
            (read.transport(), read.host(), read.port(), read.params()),
            (via.transport(), host, via.port(), via.params())
        );
    }
    received(value, &via);
}

/// Adding the source address to a Via is idempotent (RFC 3581, section 4).
fn received(value: &str, via: &Via<'_>) {
    // A comma may start the next Via.
    if value.contains(['\r', '\n', ',']) {
        return;
    }
    let source = SocketAddr::from(([192, 0, 2, 7], 40_000));
    assert_eq!(answer_address(Some(via), source).ip(), source.ip());
    let answer = format!("SIP/2.0 200 OK\r\nVia: {value}\r\n\r\n");
    let mut stamped = BytesMut::from(answer.as_str());
    stamp(&mut stamped, source);
    let once = stamped.clone();
    stamp(&mut stamped, source);
    assert_eq!(stamped, once);
    let text = String::from_utf8_lossy(&once);
    let line = text
        .lines()
        .nth(1)
        .and_then(|line| line.strip_prefix("Via: "));
    let told = Via::parse(line.expect("the Via is still there")).expect("the Via can be read");
    assert_eq!((told.host(), told.port()), (via.host(), via.port()));
    if via.params().has("rport") {
        assert_eq!(told.params().get("rport"), Some("40000"));
        assert_eq!(told.params().get("received"), Some("192.0.2.7"));
    }
}

fn address(value: &str) {
    let Ok(address) = NameAddr::parse(value) else {
        return;
    };
    assert_eq!(NameAddr::parse(address.as_str()), Ok(address));
    let _ = (
        address.tag(),
        address.expires(),
        address.instance(),
        address.reg_id(),
    );
    assert!(address.q() <= 1000);
    params(address.params());
    let display = address.display();
    let quoted = display.replace('\\', "\\\\").replace('"', "\\\"");
    let (uri, params) = (address.uri(), address.params().as_str());
    let again = format!("\"{quoted}\" <{uri}>{params}");
    let read = NameAddr::parse(&again).expect("reassembled from valid parts");
    assert_eq!(read.display(), display);
    assert_eq!(read.uri().as_str(), uri.as_str());
    assert_eq!(
        (read.params(), read.tag()),
        (address.params(), address.tag())
    );
}

fn uri(value: &str) {
    let Ok(uri) = Uri::parse(value) else {
        return;
    };
    assert_eq!(uri.as_str(), value);
    assert_eq!(Uri::parse(&uri.to_string()), Ok(uri));
    let _ = (uri.user_decoded(), uri.address(), uri.transport());
    params(uri.params());
    assert!(
        !uri.is_sip()
            || Uri::parse(uri.without_headers()).is_ok_and(|uri| uri.headers().is_empty())
    );
    if !uri.is_sip() {
        return;
    }
    let password = uri.password().map(|password| format!(":{password}"));
    let userinfo = uri.user().unwrap_or_default().to_owned() + &password.unwrap_or_default();
    // Without a user, the headers may contain an `@`.
    let at = if value.contains('@') { "@" } else { "" };
    let port = uri
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let question = if uri.headers().is_empty() { "" } else { "?" };
    let again = format!(
        "{}:{userinfo}{at}{}{port}{}{question}{}",
        uri.scheme(),
        uri.host(),
        uri.params().as_str(),
        uri.headers()
    );
    let read = Uri::parse(&again).expect("reassembled from valid parts");
    assert_eq!((read.user(), read.password()), (uri.user(), uri.password()));
    assert_eq!((read.host(), read.port()), (uri.host(), uri.port()));
    assert_eq!(
        (read.params(), read.headers()),
        (uri.params(), uri.headers())
    );
}

fn params(params: Params<'_>) {
    for (name, _) in params.iter() {
        let first = params
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        assert_eq!(
            params.get(&name.to_ascii_uppercase()),
            first.map(|(_, value)| value)
        );
    }
}

fn cseq(value: &str) {
    if let Ok(cseq) = CSeq::parse(value) {
        assert_eq!(CSeq::parse(&cseq.to_string()), Ok(cseq));
    }
}

fn session_expires(value: &str) {
    if let Some(interval) = SessionExpires::parse(value) {
        assert_eq!(SessionExpires::parse(&interval.to_string()), Some(interval));
    }
}

fn media_type(value: &str) {
    let media_type = MediaType::parse(value);
    params(media_type.params());
    let again = media_type.to_string();
    assert_eq!(MediaType::parse(&again), media_type);
    let plain = !media_type
        .essence()
        .contains(|c: char| c.is_ascii_whitespace());
    if plain && media_type.essence().contains('/') {
        assert!(media_type.is(&media_type.essence().to_ascii_uppercase()));
    }
}

fn phone(value: &str) {
    if let Ok(mac) = value.parse::<Mac>() {
        assert_eq!(
            (mac.to_string().parse(), mac.bare().parse()),
            (Ok(mac), Ok(mac))
        );
    }
    if let Ok(phone) = value.parse::<PhoneId>() {
        assert_eq!(
            (phone.to_string().parse(), phone.bare().parse()),
            (Ok(phone), Ok(phone))
        );
    }
}
