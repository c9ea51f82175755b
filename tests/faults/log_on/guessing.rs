//! Rate limits for password guessing, which leave other peers alone (RFC 6585, section 4).

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::io::AsyncReadExt;

use super::MAC;
use crate::support::{
    PATIENCE,
    digest::Account,
    line::Line,
    process::Serving,
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD, Server, http},
};

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
async fn guessing_address_is_rate_limited_and_the_phone_is_not() {
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
async fn misconfigured_phone_does_not_block_others_at_its_address() {
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
async fn guessing_client_is_rate_limited_and_other_addresses_are_not() {
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
async fn authenticated_peer_guesses_no_faster_than_a_stranger() {
    let server = Server::with(|settings| {
        settings.clients.accounts.push(uacsta_config::Account {
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
async fn password_guessing_is_logged_once() {
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

/// What the API answers to a request from one of this machine's addresses.
async fn asked(server: &Serving, source: [u8; 4], request: &str) -> String {
    let mut line = Line::from(source, server.web).await;
    line.write(request.to_owned()).await;
    let mut answer = String::new();
    line.stream().read_to_string(&mut answer).await.unwrap();
    answer
}

/// A request with a token.
fn with_token(token: &str) -> String {
    format!(
        "GET /api/v1/phones HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
}

/// A log-on of the administrator.
fn log_on(password: &str) -> String {
    let body = format!("{{\"name\":\"admin\",\"password\":\"{password}\"}}");
    format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// RFC 6585, section 4: 429 with Retry-After is for who guesses, not for the administrator elsewhere, nor for who has the token.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn api_guessing_is_rate_limited_and_the_administrator_is_not() {
    let settings =
        "[web]\npassword = \"manage-me-7cf1\"\n[limits]\nfailed_log_ons = 5\nlog_on_tries = 1\n";
    let server = Serving::start(tempfile::tempdir().unwrap(), settings);
    let token = std::fs::read_to_string(server.data().join("cli.token")).unwrap();
    let token = with_token(token.trim());
    let (right, wrong) = (log_on("manage-me-7cf1"), log_on("let me in"));
    let [guesser, administrator] = [[127, 0, 0, 2], [127, 0, 0, 3]];
    // A wrong token counts as a wrong password.
    for guess in [&with_token("nonsense"), &wrong, &wrong, &wrong, &wrong] {
        let answer = asked(&server, guesser, guess).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    // Each second one more is looked at, so the right password may be as well; at the same time they are counted, too.
    let mut held_back = Vec::new();
    for _ in 0..5 {
        let twenty = (0..10).flat_map(|_| [&wrong, &right]);
        let asked = twenty.map(|request| asked(&server, guesser, request));
        let answers = join_all(asked).await.into_iter();
        held_back.extend(answers.filter(|answer| answer.starts_with("HTTP/1.1 429 ")));
    }
    assert!(held_back.len() > 50, "{}", held_back.len());
    assert!(
        held_back
            .iter()
            .all(|answer| answer.contains("\r\nretry-after: 5\r\n")),
        "{held_back:?}"
    );
    for (source, request, status) in [
        (guesser, &token, 200),
        (administrator, &right, 201),
        (administrator, &token, 200),
    ] {
        let answer = asked(&server, source, request).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{source:?}: {answer}");
    }
    let (_, page) = http(server.web, "", "GET", "/metrics", "").await;
    let counted = format!(
        "uacsta_log_ons_held_back_total{{limit=\"limits.failed_log_ons\"}} {}\n",
        held_back.len()
    );
    assert!(page.contains(&counted), "{page}");
    let log = server.end();
    let lines = |word: &str| log.lines().filter(|line| line.contains(word)).count();
    assert_eq!(lines("too many failed API log-ons"), 1, "{log}");
    assert!(lines("API log-on failed") <= 5, "{log}");
    assert!(!log.contains("7cf1") && !log.contains("let me in"), "{log}");
}
