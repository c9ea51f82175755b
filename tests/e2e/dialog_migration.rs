//! Dialogs that move to another connection: only the authenticated party may continue one (RFC 3261, section 12.2.2).

use std::time::{Duration, Instant};

use crate::support::{
    csta::{Call, Document, element},
    phone::{Phone, Reaction},
    server::Server,
    wire::final_of,
};

fn call(phone: &Phone) -> Call {
    Call::seen_by(phone.line(), "-12", phone.line(), "sip:300@pbx.example")
}

async fn goes_on(server: &Server) {
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let reference = phone.monitored().await;
    let former = phone.wire().await;
    let wire = phone.reconnect().await;
    assert_ne!(former.local, wire.local);
    let event = call(&phone).originated().replace("{xref}", &reference);
    phone.prove("INFO", &event).await.expect(200);
    session.expect("OriginatedEvent").await;
    // The server's requests go where the phone is now, and so do its own, without another proof.
    session.done("GetDoNotDisturb", "").await;
    phone.event(&call(&phone).delivered()).await.expect(200);
    session.expect("DeliveredEvent").await;
    phone.register().await.expect(200);
    assert!(session.quiet());
    assert_eq!((phone.count("INVITE"), phone.count("MonitorStart")), (1, 1));
}

#[tokio::test]
async fn phone_continues_its_session_on_another_connection() {
    goes_on(&Server::start()).await;
}

#[tokio::test]
async fn phone_continues_its_session_across_threads() {
    for _ in 0..4 {
        goes_on(&Server::with(|settings| settings.advanced.arbiters = 2)).await;
    }
}

#[tokio::test]
async fn other_peers_cannot_continue_the_session() {
    let server = Server::start();
    let (phone, other) = (server.phone("000413000001"), server.phone("000413000002"));
    phone.start().await;
    other.start().await;
    let event = call(&phone).originated().replace("{xref}", "x1");
    let stolen = phone.in_dialog("INFO").await.csta(event);
    let wire = other.wire().await;
    let via = || stolen.clone().set("Via", wire.via());
    // Whoever says to be the phone is asked to prove it; the other phone's proof is none.
    wire.transact(&via()).await.unwrap().expect(401);
    // By its own name the other phone has no such dialog, and under no name is there another one.
    let own = stolen.must("From").replace("000413000001", "000413000002");
    let tag = stolen.must("From").replace(";tag=", ";tag=x");
    let unknown = stolen.must("From").replace("000413000001", "000413000009");
    for from in [own, tag, unknown] {
        let stray = via().set("From", from);
        wire.transact(&stray).await.unwrap().expect(481);
    }
    let elsewhere = via().set("Call-ID", "another");
    wire.transact(&elsewhere).await.unwrap().expect(481);
    // The session is where it was.
    let session = server.client().await.open(phone.line()).await;
    session.done("GetDoNotDisturb", "").await;
    assert_eq!(
        (phone.count("INVITE"), other.count("GetDoNotDisturb")),
        (1, 0)
    );
}

#[tokio::test]
async fn waiting_requests_follow_the_session() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_secs(2));
    let phone = server.phone("000413000001");
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let reference = phone.monitored().await;
    phone.once("GetDoNotDisturb", Reaction::Silence);
    let ask = |service| session.begin(service, &element("device", phone.line()));
    let mut under_way = ask("GetDoNotDisturb");
    phone.until_received("GetDoNotDisturb", 1).await;
    let mut waiting = [ask("GetForwarding"), ask("GetForwarding")];
    // The keep-alive waits as well.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    phone.reconnect().await;
    let moved = Instant::now();
    let event = call(&phone).originated().replace("{xref}", &reference);
    phone.prove("INFO", &event).await.expect(200);
    // Whether the phone performed the first is not known.
    let answer = final_of(&mut under_way).await.unwrap().expect(200);
    assert_eq!(Document::read(&answer.body).name(), "CSTAErrorCode");
    for answer in &mut waiting {
        let answer = final_of(answer).await.unwrap().expect(200);
        assert_eq!(Document::read(&answer.body).name(), "GetForwardingResponse");
    }
    assert!(moved.elapsed() < Duration::from_secs(2));
    // So do this one and the next.
    phone.until_received("RequestSystemStatus", 3).await;
    session.expect("OriginatedEvent").await;
    assert!(session.quiet() && phone.count("INVITE") == 1);
}
