//! Turns a message of the table into octets: given headers verbatim, missing ones with ordinary values.

use crate::support::{
    digest::{Account, Challenge},
    server::PHONES_PASSWORD,
    sip::{Message, unique},
};

/// What every request has (RFC 3261, section 8.1.1), with its compact form.
const ORDINARY: [(&str, &str); 7] = [
    ("Via", "v"),
    ("From", "f"),
    ("To", "t"),
    ("Call-ID", "i"),
    ("CSeq", ""),
    ("Max-Forwards", ""),
    ("Content-Length", "l"),
];

/// The octets of a message. `text` is a first line and those header fields that make the message what it is; each of the
/// ordinary ones that is not there is added, unless a line `-Name` says that it is to be missing.
pub fn octets(text: &str, body: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&str> = text.lines().collect();
    let missing: Vec<String> = lines
        .extract_if(.., |line| line.starts_with('-'))
        .map(|line| line[1..].to_owned())
        .collect();
    let there = |long: &str, compact: &str| {
        lines.iter().skip(1).any(|line| {
            let name = line.split(':').next().unwrap_or("").trim_end();
            name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(compact)
        })
    };
    let mut message = lines.join("\r\n");
    for (long, compact) in ORDINARY {
        if !there(long, compact) && !missing.iter().any(|name| name == long) {
            let value = ordinary(long, lines[0], body.len());
            message.push_str(&format!("\r\n{long}: {value}"));
        }
    }
    message.push_str("\r\n\r\n");
    let mut octets = message.into_bytes();
    octets.extend_from_slice(body);
    octets
}

/// The Call-ID of a message that has one.
pub fn call_id(octets: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(octets);
    text.split("\r\n").skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim();
        (name.eq_ignore_ascii_case("Call-ID") || name.eq_ignore_ascii_case("i"))
            .then(|| value.trim().to_owned())
    })
}

/// The same octets with the phone's answer to a challenge as their first header field.
pub fn authorized(octets: &[u8], challenged: &Message, mac: &str) -> Vec<u8> {
    let end = octets.windows(2).position(|two| two == b"\r\n").unwrap();
    let (start, rest) = octets.split_at(end);
    let mut words = std::str::from_utf8(start).unwrap().split(' ');
    let (method, uri) = (words.next().unwrap(), words.next().unwrap());
    let challenge = Challenge::read(challenged.must("WWW-Authenticate")).unwrap();
    let answer = challenge.answer(method, uri, &Account::new(mac, PHONES_PASSWORD), 1);
    [start, b"\r\nAuthorization: ", answer.as_bytes(), rest].concat()
}

fn ordinary(name: &str, start: &str, length: usize) -> String {
    match name {
        "Via" => format!("SIP/2.0/TCP host.example.com;branch={}", unique("z9hG4bK")),
        "From" => format!("<sip:caller@example.com>;tag={}", unique("f")),
        "To" => "<sip:callee@example.com>".to_owned(),
        "Call-ID" => unique("torture"),
        "CSeq" => format!("7 {}", start.split(' ').next().unwrap_or("")),
        "Max-Forwards" => "70".to_owned(),
        _ => length.to_string(),
    }
}
