//! Phones that are registered and have no CSTA session: they refuse, ring, are silent, or speak something else.

use std::time::Duration;

use super::{until_says, until_well};
use crate::support::{
    csta::element,
    datagrams::Weather,
    fixture::MAC,
    phone::{Phone, Reaction},
    server::Server,
};

/// A phone that reacts so to each INVITE is listed with this reason, and controlled once it has restarted without that.
async fn reacts(reaction: Reaction, code: &str, words: &[&str]) {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.always("INVITE", reaction);
    phone.register().await.expect(200);
    until_says(&server, code, words).await;
    phone.relent("INVITE");
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_that_refuses_csta_is_quoted() {
    let lasting = [
        (488, "488 Not Acceptable Here"),
        (415, "415 Unsupported Media Type"),
    ];
    for (status, words) in lasting {
        reacts(Reaction::Status(status, &[]), "cstaRefused", &[words]).await;
    }
}

#[tokio::test]
async fn csta_error_of_a_refusal_is_quoted() {
    let error = element("operation", "requestIncompatibleWithObject");
    let phone = Server::start().phone(MAC);
    let document = phone.document("CSTAErrorCode", &error);
    let refusal = Reaction::Refusal(488, document);
    reacts(
        refusal,
        "cstaRefused",
        &["488", "requestIncompatibleWithObject"],
    )
    .await;
}

#[tokio::test]
async fn phone_that_refuses_for_now_is_told_apart() {
    reacts(
        Reaction::Status(486, &[]),
        "notReady",
        &["for now", "486 Busy Here"],
    )
    .await;
}

#[tokio::test]
async fn phone_that_does_not_accept_the_servers_credentials_is_told() {
    reacts(Reaction::Status(401, &[]), "serverNotTrusted", &["401"]).await;
}

#[tokio::test]
async fn phone_that_rings_is_told() {
    reacts(Reaction::Ring, "rings", &["rang"]).await;
}

#[tokio::test]
async fn phone_that_accepts_a_call_instead_of_csta_is_told() {
    let sdp = Reaction::Carrying("application/sdp", "v=0\r\n".to_owned());
    reacts(sdp, "noCsta", &["does not speak CSTA"]).await;
}

#[tokio::test]
async fn session_that_is_being_opened_is_told_apart() {
    reacts(Reaction::Silence, "opening", &["is opening"]).await;
}

#[tokio::test]
async fn phone_that_starts_is_told_with_its_status() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.status = ["initializing", "initializing", "normal"].into();
    });
    phone.register().await.expect(200);
    until_says(&server, "phoneOutOfService", &["initializing"]).await;
    until_well(&server).await;
}

/// A phone in its session, whose next one is refused.
async fn in_session(server: &Server) -> Phone {
    let phone = server.phone(MAC);
    phone.start().await;
    until_well(server).await;
    phone
}

#[tokio::test]
async fn phone_that_ends_the_session_is_told_until_the_next_one() {
    let server = Server::start();
    let phone = in_session(&server).await;
    // The next session waits for its answer.
    phone.always("INVITE", Reaction::Silence);
    phone.bye().await.expect(200);
    until_says(&server, "sessionLost", &["BYE"]).await;
    phone.relent("INVITE");
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_that_does_not_answer_is_away() {
    let server = Server::with(|settings| {
        settings.advanced.keep_alive = Duration::from_millis(300);
        settings.advanced.request_timeout = Duration::from_secs(1);
    });
    let phone = in_session(&server).await;
    phone.always("RequestSystemStatus", Reaction::Silence);
    until_says(&server, "noAnswer", &["did not answer the keep-alive."]).await;
    phone.relent("RequestSystemStatus");
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
    phone.always("RequestSystemStatus", Reaction::Status(477, &[]));
    until_says(&server, "noAnswer", &["a proxy did with 477"]).await;
}

#[tokio::test]
async fn invite_that_is_too_large_for_a_datagram_is_told() {
    let server = Server::with(|settings| {
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        settings.phones.udp = any.into();
    });
    let phone = server.phone_as(MAC, |setup| {
        setup.server = server.addresses.phones_udp.unwrap();
        setup.udp = Some(Weather::Fair);
    });
    let path = format!("<sip:{}@127.0.0.1;lr>", "proxy".repeat(250));
    let through = phone.register_as(|request| request.with("Path", &path));
    through.await.expect(200);
    until_says(&server, "requestTooLarge", &["datagram"]).await;
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
}
