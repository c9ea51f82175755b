//! Whether a phone is there: keep-alives that a proxy answers, and new registrations on the connection of the old one.

use std::time::{Duration, Instant};

use super::{LISTED, MAC, hears, until_status, watched};
use crate::support::{
    csta::element,
    phone::{Phone, Reaction},
    server::Server,
};

/// Registers on the same connection with a Call-ID of its own, as a phone behind a proxy does after a reboot.
async fn register_by(phone: &Phone, call_id: &str) {
    let request = phone.register_as(|request| request.set("Call-ID", call_id));
    request.await.expect(200);
}

#[tokio::test]
async fn proxy_that_answers_the_keep_alive_does_not_keep_a_dead_phone() {
    for status in [477, 404, 408, 503] {
        let server =
            Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(300));
        let (phone, mut session, reference) = watched(&server).await;
        phone.always("RequestSystemStatus", Reaction::Status(status, &[]));
        hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
        until_status(&server, "away").await;
        let reason = server.listed(LISTED).await["reason"].to_string();
        assert!(reason.contains(&status.to_string()), "{reason}");
    }
}

#[tokio::test]
async fn phone_without_system_status_is_alive() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(100));
    let (phone, mut session, _) = watched(&server).await;
    let before = phone.count("RequestSystemStatus");
    for reaction in [
        Reaction::Status(501, &[]),
        Reaction::Status(489, &[]),
        Reaction::Status(200, &[]),
        Reaction::Status(503, &[("Retry-After", "1")]),
    ] {
        phone.once("RequestSystemStatus", reaction);
    }
    phone
        .until_received("RequestSystemStatus", before + 6)
        .await;
    assert!(session.quiet() && phone.count("INVITE") == 1);
}

#[tokio::test]
async fn new_call_id_opens_the_session_of_a_restarted_phone_anew() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.forget();
    let begun = Instant::now();
    register_by(&phone, "after-the-reboot").await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    // A phone that is silent in the old dialog gets another one as well, even while it owes an answer.
    phone.once("RequestSystemStatus", Reaction::Silence);
    register_by(&phone, "after-the-next").await;
    phone.until_received("INVITE", 3).await;
    phone.until_received("BYE", 1).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn new_call_id_leaves_the_session_of_a_phone_that_knows_it() {
    let server = Server::start();
    let (phone, mut session, _) = watched(&server).await;
    let before = phone.count("RequestSystemStatus");
    register_by(&phone, "after-the-reboot").await;
    phone
        .until_received("RequestSystemStatus", before + 1)
        .await;
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    assert!(session.quiet() && phone.count("INVITE") == 1);
    // A refresh probes nothing.
    register_by(&phone, "after-the-reboot").await;
    assert_eq!(phone.count("RequestSystemStatus"), before + 1);
}

#[tokio::test]
async fn lasting_refusal_is_shown_until_the_phone_registers_anew() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.always("INVITE", Reaction::Status(488, &[]));
    phone.register().await.expect(200);
    phone.until_received("INVITE", 3).await;
    until_status(&server, "registered").await;
    let reason = server.listed(LISTED).await["reason"].to_string();
    assert!(
        reason.contains("488") && reason.contains("once an hour"),
        "{reason}"
    );
    phone.relent("INVITE");
    let begun = Instant::now();
    register_by(&phone, "after-the-reboot").await;
    phone.in_session().await;
    // The next INVITE was due after 4 s.
    assert!(begun.elapsed() < Duration::from_secs(3));
    until_status(&server, "controlled").await;
    assert_eq!(phone.count("INVITE"), 4);
}

#[tokio::test]
async fn phone_that_registers_anew_while_it_rings_is_asked_again() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once("INVITE", Reaction::Ring);
    phone.register().await.expect(200);
    phone.until_received("INVITE", 1).await;
    register_by(&phone, "after-the-reboot").await;
    // The first INVITE is cancelled, and the next one follows then instead of an hour later.
    phone.in_session().await;
    until_status(&server, "controlled").await;
    assert_eq!((phone.count("INVITE"), phone.count("CANCEL")), (2, 1));
}
