//! Who may log on, and what becomes of those who guess (RFC 7616 section 3.4; RFC 3261 section 22).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::digest::{Account, Challenge};
use crate::support::line::{Line, challenge, register, request};
use crate::support::process::{Serving, run};
use crate::support::server::{CLIENTS_PASSWORD, PHONES_PASSWORD, Server, http};
use crate::support::sip::{self, Frame, Message, unique};

const MAC: &str = "000413000001";
const URI: &str = "sip:127.0.0.1";

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

#[tokio::test]
async fn credentials_are_good_for_one_request_of_their_user_on_their_connection() {
    let server = Server::with(|settings| settings.limits.failed_log_ons = 1000);
    let address = server.addresses.phones_tcp.unwrap();
    let table: [(&str, Change, (u16, bool)); 22] = [
        (
            "RFC 7616 3.4: the proof is right",
            |given, who| proved(given, who, "REGISTER", URI, 1),
            (200, false),
        ),
        (
            "RFC 7616 3.4.6: another port and parameters in the uri",
            |given, who| {
                proved(
                    given,
                    who,
                    "REGISTER",
                    "sip:127.0.0.1:5060;transport=tcp",
                    1,
                )
            },
            (200, false),
        ),
        (
            "the uri names the user who logs on",
            |given, who| proved(given, who, "REGISTER", "sip:000413000001@127.0.0.1", 1),
            (200, false),
        ),
        (
            "counts may be left out",
            |given, who| proved(given, who, "REGISTER", URI, 0x0a1b),
            (200, false),
        ),
        (
            "RFC 2069: no qop",
            |given, who| {
                let given = Challenge {
                    qop: false,
                    ..given.clone()
                };
                proved(&given, who, "REGISTER", URI, 1)
            },
            (200, false),
        ),
        (
            "RFC 7616 3.4.6: the uri names another user",
            |given, who| proved(given, who, "REGISTER", "sip:000413000002@127.0.0.1", 1),
            (401, false),
        ),
        (
            "RFC 7616 3.4.6: the uri names another host",
            |given, who| proved(given, who, "REGISTER", "sip:127.0.0.2", 1),
            (401, false),
        ),
        (
            "the uri is none of SIP",
            |given, who| proved(given, who, "REGISTER", "/", 1),
            (401, false),
        ),
        (
            "another method",
            |given, who| proved(given, who, "INVITE", URI, 1),
            (401, false),
        ),
        (
            "another password",
            |given, who| {
                proved(
                    given,
                    &Account::new(&who.user, "let me in"),
                    "REGISTER",
                    URI,
                    1,
                )
            },
            (401, false),
        ),
        (
            "no password",
            |given, who| proved(given, &Account::new(&who.user, ""), "REGISTER", URI, 1),
            (401, false),
        ),
        (
            "another user with the right password",
            |given, who| {
                proved(
                    given,
                    &Account::new("000413000002", &who.password),
                    "REGISTER",
                    URI,
                    1,
                )
            },
            (401, false),
        ),
        (
            "another realm",
            |given, who| {
                let given = Challenge {
                    realm: "elsewhere".to_owned(),
                    ..given.clone()
                };
                proved(&given, who, "REGISTER", URI, 1)
            },
            (401, false),
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
            (401, false),
        ),
        (
            "RFC 7616 3.3: a nonce that was made up: a log-on with a fresh one is all that is asked for",
            |given, who| {
                let given = Challenge {
                    nonce: "0".repeat(64),
                    ..given.clone()
                };
                proved(&given, who, "REGISTER", URI, 1)
            },
            (401, true),
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
                proved(&given, who, "REGISTER", URI, 1)
            },
            (401, true),
        ),
        (
            "the nonce is cut off",
            |given, who| {
                let given = Challenge {
                    nonce: given.nonce[..20].to_owned(),
                    ..given.clone()
                };
                proved(&given, who, "REGISTER", URI, 1)
            },
            (401, true),
        ),
        (
            "the count is none",
            |given, who| {
                let proof = given
                    .answer("REGISTER", URI, who, 1)
                    .replace("nc=00000001", "nc=0000000g");
                register(MAC).with("Authorization", proof)
            },
            (401, false),
        ),
        (
            "RFC 7616 3.4: qop without cnonce",
            |given, who| {
                let proof = given
                    .answer("REGISTER", URI, who, 1)
                    .replace(", cnonce=\"0a4f113b\"", "");
                register(MAC).with("Authorization", proof)
            },
            (401, false),
        ),
        (
            "a quality of protection that was not offered",
            |given, who| {
                let proof = given
                    .answer("REGISTER", URI, who, 1)
                    .replace("qop=auth", "qop=auth-int");
                register(MAC).with("Authorization", proof)
            },
            (401, false),
        ),
        (
            "another scheme",
            |_, _| register(MAC).with("Authorization", "Basic MDAwNDEzMDAwMDAxOmxldCBtZSByaW5n"),
            (401, false),
        ),
        (
            "a response of another length",
            |given, who| {
                let proof = given
                    .answer("REGISTER", URI, who, 1)
                    .replace("response=\"", "response=\"0");
                register(MAC).with("Authorization", proof)
            },
            (401, false),
        ),
    ];
    for (what, change, expected) in table {
        let mut line = Line::to(address).await;
        assert_eq!(comes_of(&mut line, change).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_proof_that_was_heard_opens_nothing() {
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
async fn a_proof_that_was_heard_on_udp_opens_nothing_once_its_link_has_ended() {
    let server = Server::with(|settings| {
        settings.phones.udp = settings::Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    let who = Account::new(MAC, PHONES_PASSWORD);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = server.addresses.phones_udp.unwrap();
    socket.connect(to).await.unwrap();
    let via = || {
        let own = socket.local_addr().unwrap();
        format!("SIP/2.0/UDP {own};branch={}", unique("z9hG4bK"))
    };
    // Who answers tells its tag: one for all strangers, and each link its own.
    let tag = async || {
        let request = request("OPTIONS", MAC).set("Via", via());
        let answer = ask(&socket, &request).await.expect(200);
        answer.must("To").to_owned()
    };
    let strangers = tag().await;
    let given = challenge(&ask(&socket, &register(MAC).set("Via", via())).await);
    let heard = |count| proved(&given, &who, "REGISTER", URI, count).set("Via", via());
    ask(&socket, &heard(1)).await.expect(200);
    let refusal = ask(&socket, &heard(1)).await;
    assert!(challenge(&refusal).stale, "while the link stands");
    // A challenge on the link does not bring the first proof back.
    ask(&socket, &register(MAC).set("Via", via()))
        .await
        .expect(401);
    let refusal = ask(&socket, &heard(1)).await;
    assert!(challenge(&refusal).stale, "after the link's own challenge");
    // The phone logs on from elsewhere, which ends the link.
    let mut elsewhere = Line::to(server.addresses.phones_tcp.unwrap()).await;
    elsewhere.log_on(&who).await.expect(200);
    let ended = async { while tag().await != strangers {} };
    timeout(PATIENCE, ended).await.expect("the end of the link");
    for count in [1, 2] {
        let refusal = ask(&socket, &heard(count)).await;
        let fresh = challenge(&refusal);
        assert!(fresh.stale, "count {count} after the link's end");
        if count == 2 {
            // RFC 7616 3.3: stale, so the phone tries again by itself.
            let again = proved(&fresh, &who, "REGISTER", URI, 1).set("Via", via());
            ask(&socket, &again).await.expect(200);
        }
    }
}

/// The final answer to a datagram; what the server asks meanwhile is left alone.
async fn ask(socket: &UdpSocket, request: &Message) -> Message {
    socket.send(&request.bytes()).await.unwrap();
    let mut datagram = vec![0; 1 << 16];
    loop {
        let length = timeout(PATIENCE, socket.recv(&mut datagram))
            .await
            .expect("an answer")
            .unwrap();
        let mut octets = BytesMut::from(&datagram[..length]);
        if let Ok(Some(Frame::Message(answer))) = sip::frame(&mut octets)
            && answer.status() >= 200
            && answer.must("Via").contains(branch(request))
        {
            return answer;
        }
    }
}

fn branch(request: &Message) -> &str {
    let via = request.must("Via");
    via.split("branch=").nth(1).expect("a branch")
}

/// Tries that password until it is held back; how often it was looked at.
async fn guess(line: &mut Line, account: &Account) -> usize {
    for tries in 0..200 {
        let answer = line.log_on(account).await;
        if answer.status() != 401 {
            answer.expect(503).must("Retry-After");
            return tries;
        }
    }
    panic!("200 wrong passwords were looked at");
}

#[tokio::test]
async fn who_guesses_is_slowed_down_and_the_phone_is_not() {
    let server = Server::start();
    let address = server.addresses.phones_tcp.unwrap();
    let wrong = Account::new(MAC, "let me in");
    let phone = server.phone(MAC);
    phone.start().await;
    let neighbour = server.phone("000413000002");
    neighbour.start().await;

    let mut guesser = Line::to(address).await;
    let begun = Instant::now();
    let tries = guess(&mut guesser, &wrong).await;
    let most = 20 + (10 * begun.elapsed()).as_secs() as usize + 1;
    assert!((20..=most).contains(&tries), "{tries} of at most {most}");
    // A second of guessing: ten more, whatever is tried, on whatever connection.
    let begun = Instant::now();
    let mut tried = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        let mut other = Line::to(address).await;
        tried += usize::from(other.log_on(&wrong).await.status() == 401);
    }
    let most = (10 * begun.elapsed()).as_secs() as usize + 2;
    assert!(tried <= most, "{tried} of at most {most}");

    // The phone on its connection, and from elsewhere.
    phone.register().await.expect(200);
    let mut elsewhere = Line::from(Ipv4Addr::new(127, 0, 0, 2), address).await;
    elsewhere
        .log_on(&Account::new(MAC, PHONES_PASSWORD))
        .await
        .expect(200);
    // Another phone behind the address from which somebody guesses, after a reboot.
    guess(&mut guesser, &wrong).await;
    neighbour.reboot();
    neighbour.start().await;
}

#[tokio::test]
async fn one_wrong_phone_shuts_out_no_other_of_its_address() {
    let server = Server::start();
    let address = server.addresses.phones_tcp.unwrap();
    let mut wrong = Line::to(address).await;
    for number in 0..15 {
        let account = Account::new("000413000099", "of another server");
        wrong.log_on(&account).await.expect(401);
        let mac = format!("0004130000{number:02}");
        let mut right = Line::to(address).await;
        right
            .log_on(&Account::new(&mac, PHONES_PASSWORD))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_client_that_guesses_is_slowed_down_and_another_address_is_not() {
    let server = Server::start();
    let address = server.addresses.clients_tcp.unwrap();
    let mut guesser = Line::to(address).await;
    guess(&mut guesser, &Account::new("ecsta", "let me in")).await;
    // An unknown user counts as well, and so does a name for each try.
    let mut names = Line::from(Ipv4Addr::new(127, 0, 0, 3), address).await;
    for number in 0..20 {
        names
            .log_on(&Account::new(&format!("user{number}"), "x"))
            .await
            .expect(401);
    }
    guess(&mut names, &Account::new("user", "x")).await;
    let mut right = Line::from(Ipv4Addr::new(127, 0, 0, 4), address).await;
    right
        .log_on(&Account::new("ecsta", CLIENTS_PASSWORD))
        .await
        .expect(200);
}

/// Who has logged on has no more tries at the passwords of others than a stranger has, and keeps its own log-on meanwhile.
#[tokio::test]
async fn who_is_logged_on_guesses_no_faster_than_a_stranger() {
    let server = Server::with(|settings| {
        settings.clients.accounts.push(settings::Account {
            user: "board".to_owned(),
            password: "board-password-1".into(),
            lines: Vec::new(),
            control: true,
            numbers: Vec::new(),
        });
    });
    for (host, address, own, password, other) in [
        (
            2,
            server.addresses.clients_tcp,
            "ecsta",
            CLIENTS_PASSWORD,
            "board",
        ),
        (
            3,
            server.addresses.phones_tcp,
            MAC,
            PHONES_PASSWORD,
            "000413000002",
        ),
    ] {
        let own = Account::new(own, password);
        let mut line = Line::from(Ipv4Addr::new(127, 0, 0, host), address.unwrap()).await;
        line.log_on(&own).await.expect(200);
        let begun = Instant::now();
        let tries = guess(&mut line, &Account::new(other, "let me in")).await;
        let most = 20 + (10 * begun.elapsed()).as_secs() as usize + 1;
        assert!(tries <= most, "{tries} of at most {most}");
        line.log_on(&own).await.expect(200);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_says_once_that_somebody_guesses() {
    let server = Serving::start(tempfile::tempdir().unwrap(), "");
    let mut line = Line::to(server.phones).await;
    let wrong = Account::new(MAC, "let me in");
    let mut held_back = 0;
    let begun = Instant::now();
    while held_back < 100 && begun.elapsed() < PATIENCE {
        held_back += usize::from(line.log_on(&wrong).await.status() == 503);
    }
    assert_eq!(held_back, 100);
    let log = server.end();
    let lines = |word: &str| log.lines().filter(|line| line.contains(word)).count();
    assert_eq!(lines("too many log-ons failed"), 1, "{log}");
    assert!(lines("log-on refused") < 30, "{log}");
    assert!(!log.contains("let me in"));
}

/// What the API answers to credentials that come from one of this machine's addresses.
async fn administered(server: &Serving, source: [u8; 4], authorization: &str) -> String {
    let mut line = Line::from(source, server.web).await;
    let request = format!(
        "GET /api/phones HTTP/1.1\r\nHost: uacsta\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n"
    );
    line.write(request).await;
    let mut answer = String::new();
    line.stream().read_to_string(&mut answer).await.unwrap();
    answer
}

/// RFC 6585 4: 429 with Retry-After is for who guesses, not for the administrator elsewhere, nor for who has the token.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_guesses_at_the_api_is_held_back_and_the_administrator_is_not() {
    let settings =
        "[web]\npassword = \"manage-me-7cf1\"\n[limits]\nfailed_log_ons = 5\nlog_on_tries = 1\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let token = format!("Bearer {}", token.trim());
    let basic = |password: &str| {
        format!(
            "Basic {}",
            BASE64_STANDARD.encode(format!("admin:{password}"))
        )
    };
    let (right, wrong) = (basic("manage-me-7cf1"), basic("let me in"));
    let [guesser, administrator] = [[127, 0, 0, 2], [127, 0, 0, 3]];
    for number in 0..5 {
        // A wrong token is as wrong as a password.
        let guess = if number == 0 {
            "Bearer nonsense"
        } else {
            &wrong
        };
        let answer = administered(&server, guesser, guess).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    // Each second one more is looked at, so the right password may be as well.
    let mut held_back = Vec::new();
    for _ in 0..50 {
        let guess = administered(&server, guesser, &wrong).await;
        let right = administered(&server, guesser, &right).await;
        held_back.extend(
            [guess, right]
                .into_iter()
                .filter(|answer| answer.starts_with("HTTP/1.1 429 ")),
        );
    }
    assert!(held_back.len() > 50, "{}", held_back.len());
    assert!(
        held_back
            .iter()
            .all(|answer| answer.contains("\r\nretry-after: 5\r\n")),
        "{held_back:?}"
    );
    for (source, authorization) in [
        (guesser, &token),
        (administrator, &right),
        (administrator, &token),
    ] {
        let answer = administered(&server, source, authorization).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{source:?}: {answer}");
    }
    let (_, page) = http(server.web, "", "GET", "/metrics", "").await;
    let counted = format!(
        "uacsta_log_ons_held_back_total{{limit=\"limits.failed_log_ons\"}} {}\n",
        held_back.len()
    );
    assert!(page.contains(&counted), "{page}");
    let log = server.end();
    let lines = |word: &str| log.lines().filter(|line| line.contains(word)).count();
    assert_eq!(lines("the API was asked with too many wrong"), 1, "{log}");
    assert!(lines("the API was asked with a wrong") <= 5, "{log}");
    assert!(!log.contains("7cf1") && !log.contains("let me in"), "{log}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn secrets_are_in_no_log_answer_or_list_of_processes() {
    let secrets = [
        "ring-me-7cf1",
        "dial-me-7cf1",
        "manage-me-7cf1",
        "board-me-7cf1",
    ];
    let [phones, clients, web, board] = secrets;
    let settings = format!(
        "[phones]\npassword = \"{phones}\"\n[clients]\npassword = \"{clients}\"\n[[clients.accounts]]\nuser = \"board\"\npassword = \"{board}\"\n\
         [web]\npassword = \"{web}\"\n[logs]\nlevel = \"trace\"\n"
    );
    let server = Serving::start(tempfile::tempdir().unwrap(), &settings);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    for (address, user, password) in [
        (server.phones, MAC, phones),
        (server.phones, MAC, clients),
        (server.clients, "ecsta", clients),
        (server.clients, "board", board),
        (server.clients, "nobody", web),
    ] {
        let mut line = Line::to(address).await;
        line.log_on(&Account::new(user, password)).await;
    }
    let mut told = String::new();
    for (token, path) in [
        (token.trim(), "/api/phones"),
        (web, "/api/phones"),
        ("", "/metrics"),
    ] {
        told += &http(server.web, token, "GET", path, "").await.1;
    }
    // A file that is refused is quoted without its secrets.
    let file = server.data().join("bad.toml");
    std::fs::write(&file, "[web]\npassword = \"7cf1\"\n").unwrap();
    let output = run(&["check-config", file.to_str().unwrap()]);
    assert_ne!(output.status.code(), Some(0));
    told += &String::from_utf8_lossy(&[output.stdout, output.stderr].concat());
    let process = std::path::PathBuf::from(format!("/proc/{}", server.id()));
    told += &String::from_utf8_lossy(&std::fs::read(process.join("cmdline")).unwrap());
    let log = server.end();
    assert!(log.contains("REGISTER sip:"), "the log has the traffic");
    for text in [&told, &log] {
        assert!(!text.contains("7cf1"), "a password in:\n{text}");
        assert!(!text.contains(token.trim()), "the token in:\n{text}");
        assert!(!text.contains("response=\""), "a proof in:\n{text}");
    }
}

#[tokio::test]
async fn nothing_but_register_and_options_is_done_for_a_stranger() {
    let server = Server::start();
    let phones = server.addresses.phones_tcp.unwrap();
    let clients = server.addresses.clients_tcp.unwrap();
    for (address, method, statuses) in [
        (phones, "OPTIONS", [200, 200]),
        (clients, "OPTIONS", [200, 200]),
        (phones, "REGISTER", [401, 401]),
        (clients, "REGISTER", [401, 401]),
        (clients, "INVITE", [401, 401]),
        (phones, "INVITE", [403, 403]),
        (phones, "INFO", [481, 405]),
        (clients, "INFO", [481, 405]),
        (phones, "UPDATE", [481, 405]),
        (clients, "BYE", [481, 405]),
        (phones, "SUBSCRIBE", [489, 489]),
        (phones, "MESSAGE", [405, 405]),
    ] {
        let mut line = Line::to(address).await;
        let answer = line.ask(&request(method, MAC)).await;
        assert!(
            statuses.contains(&answer.status()),
            "{method} to {address}: {}",
            answer.text()
        );
    }
}
