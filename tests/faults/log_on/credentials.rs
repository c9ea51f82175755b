//! Scope of digest credentials: one request, user and connection (RFC 7616, section 3.4).

use std::net::SocketAddr;

use tokio::time::timeout;

use super::{MAC, URI, udp_peer::UdpPeer};
use crate::support::{
    PATIENCE,
    digest::{Account, Challenge},
    line::{Line, challenge, register},
    server::{PHONES_PASSWORD, Server},
    sip::Message,
};

/// What a row of the table may change: the challenge as it was given, and who answers it.
type Change = fn(&Challenge, &Account) -> Message;

/// One REGISTER after a fresh challenge on a connection of its own: its status, and whether the nonce alone was wrong. Every
/// 401 has a challenge for each hash, with a nonce that was not there before.
async fn comes_of(line: &mut Line, change: Change) -> (u16, bool) {
    let given = challenge(&line.ask(&register(MAC)).await);
    let answer = line
        .ask(&change(&given, &Account::new(MAC, PHONES_PASSWORD)))
        .await;
    let offers: Vec<Challenge> = answer
        .all("WWW-Authenticate")
        .filter_map(Challenge::read)
        .collect();
    if answer.status() == 401 {
        assert_eq!(offers.len(), 2, "{}", answer.text());
        assert!(
            offers.iter().all(|offer| offer.nonce != given.nonce),
            "{}",
            answer.text()
        );
    }
    (answer.status(), offers.iter().any(|offer| offer.stale))
}

/// The REGISTER with a proof for that method and URI.
fn proved(given: &Challenge, who: &Account, method: &str, uri: &str, count: u32) -> Message {
    register(MAC).with("Authorization", given.answer(method, uri, who, count))
}

/// The REGISTER with a proof that is right.
fn right(given: &Challenge, who: &Account) -> Message {
    proved(given, who, "REGISTER", URI, 1)
}

/// The same, in which something was written otherwise.
fn altered(given: &Challenge, who: &Account, was: &str, is: &str) -> Message {
    let proof = given.answer("REGISTER", URI, who, 1).replace(was, is);
    register(MAC).with("Authorization", proof)
}

const GRANTED: (u16, bool) = (200, false);
const REFUSED: (u16, bool) = (401, false);
/// A log-on with a fresh nonce is all that is asked for (RFC 7616, section 3.3).
const STALE: (u16, bool) = (401, true);

/// What a case says, its change, and what must come of it.
const CASES: [(&str, Change, (u16, bool)); 22] = [
    ("RFC 7616, section 3.4: the proof is right", right, GRANTED),
    (
        "RFC 7616, section 3.4.6: another port and parameters in the uri",
        |given, who| {
            proved(
                given,
                who,
                "REGISTER",
                "sip:127.0.0.1:5060;transport=tcp",
                1,
            )
        },
        GRANTED,
    ),
    (
        "the uri names the user who logs on",
        |given, who| proved(given, who, "REGISTER", "sip:000413000001@127.0.0.1", 1),
        GRANTED,
    ),
    (
        "counts may be left out",
        |given, who| proved(given, who, "REGISTER", URI, 0x0a1b),
        GRANTED,
    ),
    (
        "RFC 2069: no qop",
        |given, who| {
            let given = Challenge {
                qop: false,
                ..given.clone()
            };
            right(&given, who)
        },
        GRANTED,
    ),
    (
        "RFC 7616, section 3.4.6: the uri names another user",
        |given, who| proved(given, who, "REGISTER", "sip:000413000002@127.0.0.1", 1),
        REFUSED,
    ),
    (
        "RFC 7616, section 3.4.6: the uri names another host",
        |given, who| proved(given, who, "REGISTER", "sip:127.0.0.2", 1),
        REFUSED,
    ),
    (
        "the uri is none of SIP",
        |given, who| proved(given, who, "REGISTER", "/", 1),
        REFUSED,
    ),
    (
        "another method",
        |given, who| proved(given, who, "INVITE", URI, 1),
        REFUSED,
    ),
    (
        "another password",
        |given, who| right(given, &Account::new(&who.user, "let me in")),
        REFUSED,
    ),
    (
        "no password",
        |given, who| right(given, &Account::new(&who.user, "")),
        REFUSED,
    ),
    (
        "another user with the right password",
        |given, who| right(given, &Account::new("000413000002", &who.password)),
        REFUSED,
    ),
    (
        "another realm",
        |given, who| {
            let given = Challenge {
                realm: "elsewhere".to_owned(),
                ..given.clone()
            };
            right(&given, who)
        },
        REFUSED,
    ),
    (
        "the proof of another realm under this one's name",
        |given, who| {
            let other = Challenge {
                realm: "elsewhere".to_owned(),
                ..given.clone()
            };
            let proof = other
                .answer("REGISTER", URI, who, 1)
                .replace("elsewhere", &given.realm);
            register(MAC).with("Authorization", proof)
        },
        REFUSED,
    ),
    (
        "RFC 7616, section 3.3: a nonce that was made up: a log-on with a fresh one is all that is asked for",
        |given, who| {
            let given = Challenge {
                nonce: "0".repeat(64),
                ..given.clone()
            };
            right(&given, who)
        },
        STALE,
    ),
    (
        "a nonce whose time was made younger",
        |given, who| {
            let mut digits = given.nonce.clone();
            digits.replace_range(14..16, "ff");
            let given = Challenge {
                nonce: digits,
                ..given.clone()
            };
            right(&given, who)
        },
        STALE,
    ),
    (
        "the nonce is cut off",
        |given, who| {
            let given = Challenge {
                nonce: given.nonce[..20].to_owned(),
                ..given.clone()
            };
            right(&given, who)
        },
        STALE,
    ),
    (
        "the count is none",
        |given, who| altered(given, who, "nc=00000001", "nc=0000000g"),
        REFUSED,
    ),
    (
        "RFC 7616, section 3.4: qop without cnonce",
        |given, who| altered(given, who, ", cnonce=\"0a4f113b\"", ""),
        REFUSED,
    ),
    (
        "a quality of protection that was not offered",
        |given, who| altered(given, who, "qop=auth", "qop=auth-int"),
        REFUSED,
    ),
    (
        "another scheme",
        |_, _| register(MAC).with("Authorization", "Basic MDAwNDEzMDAwMDAxOmxldCBtZSByaW5n"),
        REFUSED,
    ),
    (
        "a response of another length",
        |given, who| altered(given, who, "response=\"", "response=\"0"),
        REFUSED,
    ),
];

#[tokio::test]
async fn credentials_are_valid_for_one_request_user_and_connection() {
    let server = Server::with(|settings| settings.limits.failed_log_ons = 1000);
    let address = server.addresses.phones_tcp.unwrap();
    for (what, change, expected) in CASES {
        let mut line = Line::to(address).await;
        assert_eq!(comes_of(&mut line, change).await, expected, "{what}");
    }
}

#[tokio::test]
async fn replayed_credentials_are_rejected() {
    let server = Server::start();
    let address = server.addresses.phones_tcp.unwrap();
    let who = Account::new(MAC, PHONES_PASSWORD);
    let mut line = Line::to(address).await;
    let given = challenge(&line.ask(&register(MAC)).await);
    let heard = proved(&given, &who, "REGISTER", URI, 5);
    line.ask(&heard).await.expect(200);
    let stale = |refusal: &Message| challenge(refusal).stale;
    assert!(
        stale(&line.ask(&heard).await),
        "the same proof on the same connection"
    );
    let before = line
        .ask(&proved(&given, &who, "REGISTER", URI, 4))
        .await
        .expect(401);
    assert!(
        stale(&before),
        "a count below the highest, though nobody used it"
    );
    // The Call-ID differs, so nothing but the nonce says that it is not new.
    line.ask(&proved(&given, &who, "REGISTER", URI, 6))
        .await
        .expect(200);
    let mut other = Line::to(address).await;
    let unseen = proved(&given, &who, "REGISTER", URI, 7);
    assert!(
        stale(&other.ask(&unseen).await),
        "a proof that was never used, on another connection"
    );
    // Nine nonces later the first is too old.
    for _ in 0..9 {
        line.ask(&register(MAC)).await.expect(401);
    }
    let old = line.ask(&proved(&given, &who, "REGISTER", URI, 8)).await;
    assert!(stale(&old), "a nonce that is too old");
}

/// The same on UDP, where the address of a phone stands for its connection: a proof dies with the phone's link, and not the
/// phone's own next log-on from there.
#[tokio::test]
async fn replayed_udp_credentials_are_rejected_after_the_association_ends() {
    let server = Server::with(|settings| {
        settings.phones.udp = uacsta_config::Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    let who = Account::new(MAC, PHONES_PASSWORD);
    let peer = UdpPeer::of(server.addresses.phones_udp.unwrap()).await;
    let strangers = peer.tag().await;
    let given = challenge(&peer.ask(register(MAC)).await);
    let heard = |count| proved(&given, &who, "REGISTER", URI, count);
    peer.ask(heard(1)).await.expect(200);
    let refusal = peer.ask(heard(1)).await;
    assert!(challenge(&refusal).stale, "while the link stands");
    // A challenge on the link does not bring the first proof back.
    peer.ask(register(MAC)).await.expect(401);
    let refusal = peer.ask(heard(1)).await;
    assert!(challenge(&refusal).stale, "after the link's own challenge");
    // The phone logs on from elsewhere, which ends the link.
    let mut elsewhere = Line::to(server.addresses.phones_tcp.unwrap()).await;
    elsewhere.log_on(&who).await.expect(200);
    let ended = async { while peer.tag().await != strangers {} };
    timeout(PATIENCE, ended).await.expect("the end of the link");
    for count in [1, 2] {
        let refusal = peer.ask(heard(count)).await;
        let fresh = challenge(&refusal);
        assert!(fresh.stale, "count {count} after the link's end");
        if count == 2 {
            // RFC 7616, section 3.3: stale, so the phone tries again by itself.
            let again = proved(&fresh, &who, "REGISTER", URI, 1);
            peer.ask(again).await.expect(200);
        }
    }
}
