//! Which thread a connection belongs to: told by the user of its first request, which is looked at and left unread.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    time::Duration,
};

use tokio::net::TcpStream;
use uacsta_schema::{phone_id::PhoneId, sip::header::NameAddr};

/// How long the first request is waited for; who takes longer is served by any thread, which costs a hop and nothing else.
/// Its time for a message begins only then.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause before more of the request is looked for, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(500)];

/// The key of the phone whose REGISTER comes first; none if that does not show soon.
pub(super) async fn key_of_user(stream: &TcpStream) -> Option<u64> {
    tokio::time::timeout(PATIENCE, async {
        let [mut pause, longest] = PAUSES;
        let mut head = [0; 2048];
        loop {
            stream.readable().await.ok()?;
            let length = stream.peek(&mut head).await.ok()?;
            if let Some(phone) = user(&head[..length]) {
                return Some(key_of_phone(phone));
            }
            if length == 0 || length == head.len() || is_whole(&head[..length]) {
                return None;
            }
            // What is peeked at stays readable, so readiness says nothing of what is still to come.
            tokio::time::sleep(pause).await;
            pause = longest.min(2 * pause);
        }
    })
    .await
    .ok()?
}

/// The key of a phone.
pub(super) fn key_of_phone(phone: PhoneId) -> u64 {
    key(phone)
}

/// The key of a peer that does not tell who it is before its thread must be known.
pub(super) fn key_of_address(address: IpAddr) -> u64 {
    key(address)
}

fn key(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n")
}

/// The phone in the To of a request that may not be here whole.
fn user(head: &[u8]) -> Option<PhoneId> {
    let lines = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok());
    let mut values = lines.filter_map(|line| {
        let (name, value) = line.trim_end_matches('\r').split_once(':')?;
        let name = name.trim();
        (name.eq_ignore_ascii_case("to") || name.eq_ignore_ascii_case("t")).then_some(value.trim())
    });
    NameAddr::parse(values.next()?)
        .ok()?
        .uri()
        .user_decoded()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_first_request_tells_the_phone() {
        let check = |head: &str, phone: Option<&str>| {
            assert_eq!(
                user(head.as_bytes()),
                phone.map(|phone| phone.parse().unwrap()),
                "{head}"
            );
        };
        check(
            "REGISTER sip:a SIP/2.0\r\nTo: <sip:000413aabbcc@a>\r\n",
            Some("000413aabbcc"),
        );
        check(
            "REGISTER sip:a SIP/2.0\r\nt : \"x\" <sip:00-04-13-AA-BB-CC@a>;tag=1\r\n",
            Some("000413aabbcc"),
        );
        check("REGISTER sip:a SIP/2.0\r\nTo: <sip:0004", None);
        check("REGISTER sip:a SIP/2.0\r\nTo: <sip:215@a>\r\n", Some("215"));
        check("OPTIONS sip:a SIP/2.0\r\nTo: <sip:a>\r\n", None);
        check("", None);
    }
}
