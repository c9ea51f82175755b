//! The phone's later system status: out of service, in service again, events lost (ECMA-269, System Status service).

use std::time::Duration;

use super::{LISTED, MAC, call, hears, until_status, watched};
use crate::support::{
    csta::{Document, element},
    phone::Phone,
    server::Server,
};

/// The phone tells its status; the server answers with SystemStatusResponse.
async fn tell(phone: &Phone, status: &str) {
    let told = phone.document("SystemStatus", &element("systemStatus", status));
    let answer = phone.info(&told).await.expect(200);
    let response = Document::read(&answer.body);
    assert_eq!(response.name(), "SystemStatusResponse");
}

#[tokio::test]
async fn disabled_phone_is_out_of_service_until_it_is_normal() {
    for well in ["normal", "enabled"] {
        let server = Server::start();
        let (phone, mut session, reference) = watched(&server).await;
        tell(&phone, "disabled").await;
        hears(&mut session, &reference, &["OutOfServiceEvent"]).await;
        until_status(&server, "registered").await;
        let reason = server.listed(LISTED).await["reason"].to_string();
        assert!(reason.contains("disabled"), "{reason}");
        let asked = element("device", phone.line());
        let refused = session.refused("GetDoNotDisturb", &asked).await;
        assert_eq!(refused.1, "deviceOutOfService");
        assert_eq!(phone.count("GetDoNotDisturb"), 0);
        tell(&phone, well).await;
        hears(&mut session, &reference, &["BackInServiceEvent"]).await;
        until_status(&server, "controlled").await;
        session.done("GetDoNotDisturb", &asked).await;
        phone.event(&call(&phone).originated()).await.expect(200);
        let counts = (phone.count("INVITE"), phone.count("MonitorStart"));
        assert_eq!(counts, (1, 2));
    }
}

#[tokio::test]
async fn enabled_phone_gets_its_monitors_again() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    tell(&phone, "overloadReached").await;
    tell(&phone, "enabled").await;
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    assert_eq!(phone.count("MonitorStart"), 2);
}

#[tokio::test]
async fn lost_messages_are_made_up_for_by_a_snapshot() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    phone.event(&call(&phone).originated()).await.expect(200);
    hears(&mut session, &reference, &["OriginatedEvent"]).await;
    // The call is over, as the phone's snapshot shows.
    tell(&phone, "messagesLost").await;
    hears(&mut session, &reference, &["ConnectionClearedEvent"]).await;
    assert_eq!((phone.count("INVITE"), phone.count("MonitorStart")), (1, 1));
}

#[tokio::test]
async fn status_in_the_answer_to_a_keep_alive_counts() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(500));
    let phone = server.phone_as(MAC, |setup| {
        setup.status = ["normal", "disabled", "disabled", "normal"].into();
    });
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    let reference = session.monitor(phone.line()).await;
    // Where the monitor starts before the first keep-alive, the line is in service first.
    while session.event().await.name() != "OutOfServiceEvent" {}
    hears(&mut session, &reference, &["BackInServiceEvent"]).await;
    until_status(&server, "controlled").await;
    assert_eq!(phone.count("INVITE"), 1);
}
