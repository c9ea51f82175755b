//! Phones that are not there: never, not yet again, logged off, lapsed, lost, or two in one place.

use std::time::Duration;

use super::{LISTED, until_reason, until_says, until_well};
use crate::support::{fixture::MAC, phone::Phone, server::Server};

/// This second.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[tokio::test]
async fn phone_that_is_switched_off_says_so_since_then() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    until_well(&server).await;
    let before = now();
    server.switch(LISTED, false).await;
    until_says(&server, "notInOperation", &["An operator"]).await;
    let reason = until_reason(&server, LISTED, Some("notInOperation")).await;
    let since: jiff::Timestamp = reason["since"].as_str().unwrap().parse().unwrap();
    assert!((before..=now()).contains(&since.as_second()), "{reason}");
    let server = server.restart(|_| {});
    let after = until_reason(&server, LISTED, Some("notInOperation")).await;
    assert_eq!(after["since"], reason["since"], "it survives a restart");
    server.switch(LISTED, true).await;
    server.phone(MAC).start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_that_never_registered_says_so_until_it_does() {
    let server = Server::start();
    let body = format!("{{\"id\": \"{MAC}\"}}");
    let (status, added) = server.http("POST", "/api/v1/phones", &body).await;
    assert_eq!(status, 201, "{added}");
    until_says(&server, "neverRegistered", &["never registered"]).await;
    let server = server.restart(|_| {});
    until_says(&server, "neverRegistered", &["never registered"]).await;
    server.phone(MAC).start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_that_is_not_back_since_the_start_says_so() {
    let server = Server::start();
    server.phone(MAC).start().await;
    until_well(&server).await;
    let server = server.restart(|_| {});
    until_says(&server, "notSinceStart", &["since the server started"]).await;
    server.phone(MAC).start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_that_left_says_how() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.start().await;
    phone.unregister().await.expect(200);
    until_says(&server, "loggedOff", &["logged off"]).await;
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
    phone.disconnect();
    until_says(&server, "connectionLost", &["closed the connection"]).await;
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn registration_that_is_not_refreshed_lapses() {
    let server = Server::with(|settings| {
        settings.advanced.min_expires = Duration::from_secs(1);
    });
    let phone = server.phone_as(MAC, |setup| setup.expires = 1);
    phone.start().await;
    // The server waits for 5 s more than the phone asked for.
    until_says(&server, "registrationLapsed", &["did not refresh"]).await;
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
}

/// Registers on a new connection, as soon as the registrar lets it: it refuses another device for a second.
async fn returns(phone: &Phone) {
    phone.reboot();
    while phone.try_register().await.map(|answer| answer.status()) != Ok(200) {
        phone.reboot();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn two_phones_with_one_name_are_told_with_their_addresses() {
    const EXPIRES: Duration = Duration::from_secs(5);
    let server = Server::with(|settings| {
        settings.advanced.min_expires = Duration::from_secs(1);
        settings.advanced.sip_expires = EXPIRES;
    });
    let from = |source: &str| {
        let source = source.parse().unwrap();
        server.phone_as(MAC, |setup| setup.source = Some(source))
    };
    let phones = [from("127.0.0.1"), from("127.0.0.2")];
    for phone in phones.iter().cycle().take(4) {
        returns(phone).await;
    }
    until_says(&server, "sameName", &["127.0.0.1:", "127.0.0.2:"]).await;
    // The one is switched off, and the other alone registers for the time of a registration.
    phones[1].reboot();
    returns(&phones[0]).await;
    while server.listed(LISTED).await["reason"]["code"] == "sameName" {
        phones[0].register().await.expect(200);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    until_well(&server).await;
}

#[tokio::test]
async fn two_phones_with_one_number_name_each_other() {
    let server = Server::start();
    let line = "sip:215@pbx.example";
    let phones = ["000413000001", "000413000002"]
        .map(|mac| server.phone_as(mac, |setup| setup.identities = vec![line.to_owned()]));
    for phone in &phones {
        phone.start().await;
    }
    let reason = until_reason(&server, LISTED, Some("sameNumber")).await;
    let detail = reason["detail"].as_str().unwrap();
    assert!(
        detail.contains(line) && detail.contains("00:04:13:00:00:02"),
        "{reason}"
    );
    until_reason(&server, "00:04:13:00:00:02", Some("sameNumber")).await;
    phones[1].unregister().await.expect(200);
    until_well(&server).await;
}
