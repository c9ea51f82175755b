//! Requests that wait for a phone whose session or registration ends: sent in the next session, or refused at once.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::{LISTED, hears, watched};
use crate::support::{
    csta::{Document, element},
    cti_client::Session,
    phone::{Phone, Reaction},
    server::Server,
    sip::Message,
    wire::final_of,
};

/// One request that the phone leaves unanswered, and one that waits behind it.
async fn under_way_and_waiting(
    phone: &Phone,
    session: &Session,
) -> [UnboundedReceiver<Message>; 2] {
    phone.once("GetDoNotDisturb", Reaction::Silence);
    let asked = element("device", phone.line());
    let under_way = session.begin("GetDoNotDisturb", &asked);
    let waiting = session.begin("GetForwarding", &asked);
    phone.until_received("GetDoNotDisturb", 1).await;
    // The client's actor, which refuses this, has passed on what came before.
    let unknown = element("monitorCrossRefID", "unknown");
    session.refused("MonitorStop", &unknown).await;
    [under_way, waiting]
}

async fn answer(responses: &mut UnboundedReceiver<Message>) -> String {
    let answer = final_of(responses).await.unwrap().expect(200);
    Document::read(&answer.body).name().to_owned()
}

#[tokio::test]
async fn waiting_request_is_sent_in_the_next_session() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    let [mut under_way, mut waiting] = under_way_and_waiting(&phone, &session).await;
    phone.bye().await.expect(200);
    assert_eq!(answer(&mut under_way).await, "CSTAErrorCode");
    assert_eq!(answer(&mut waiting).await, "GetForwardingResponse");
    assert_eq!(phone.count("INVITE"), 2);
    hears(
        &mut session,
        &reference,
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
}

#[tokio::test]
async fn waiting_request_is_refused_at_once_when_the_phone_logs_off_or_is_disabled() {
    for logs_off in [true, false] {
        let server = Server::start();
        let (phone, session, _) = watched(&server).await;
        let [mut under_way, mut waiting] = under_way_and_waiting(&phone, &session).await;
        let begun = Instant::now();
        if logs_off {
            phone.unregister().await.expect(200);
        } else {
            server.switch(LISTED, false).await;
        }
        for request in [&mut under_way, &mut waiting] {
            assert_eq!(answer(request).await, "CSTAErrorCode");
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert_eq!(phone.count("GetForwarding"), 0);
    }
}
