//! Events reach every client in order, unchanged, in its edition (TR/87, section 7.3; ECMA-323).

use crate::support::{
    csta::{Document, between, element},
    fixture::{LINE, MAC, call, started},
    server::Server,
};

#[tokio::test]
async fn event_reaches_every_client_in_order_unchanged() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let mut session = server.client().await.open(LINE).await;
        let reference = session.watch(LINE).await;
        sessions.push((session, reference));
    }
    let odd = "<?xml version=\"1.0\"?>\r\n<DeliveredEvent   xmlns='http://www.ecma-international.org/standards/ecma-323/csta/ed3' \
               xmlns:v=\"urn:vendor\" v:flag=\"a&amp;b\">\n\t<monitorCrossRefID>{xref}</monitorCrossRefID><!--deviation--><!-- ring, ring --><connection>\
               <deviceID>sip:0001@pbx.example</deviceID><callID>-12</callID></connection><v:monitorCrossRefID>not this one</v:monitorCrossRefID>\
               <cause>newCall</cause><extensions><privateData><private><v:x><![CDATA[<&>]]></v:x>&#228;ö</private></privateData></extensions>\r\n\
               </DeliveredEvent>";
    let mut told: Vec<String> = vec![odd.to_owned()];
    let parts = call(LINE);
    for _ in 0..30 {
        told.extend([
            parts.initiated(),
            parts.originated(),
            parts.delivered(),
            parts.established(),
            parts.held(),
            parts.retrieved(),
            parts.cleared(),
        ]);
    }
    phone.burst(&told).await;
    for (session, reference) in &mut sessions {
        for event in &told {
            assert_eq!(
                session.event().await.raw,
                event.replace("{xref}", reference)
            );
        }
    }
}

#[tokio::test]
async fn client_receives_events_in_its_edition_and_prefix() {
    let server = Server::start();
    let phone = started(&server).await;
    for (edition, prefix) in [("ed2", ""), ("ed4", "csta"), ("ed5", ""), ("ed6", "c")] {
        let client = server.client_as(|setup| {
            setup.edition = edition;
            setup.prefix = prefix;
        });
        let mut session = client.await.open(LINE).await;
        let said = Document::read(&session.answer.body);
        assert_eq!(
            (said.root.edition(), said.root.prefix()),
            (edition, prefix),
            "{}",
            said.raw
        );
        let reference = session.monitor(LINE).await;
        let back = session.expect("BackInServiceEvent").await;
        assert_eq!(
            (back.root.edition(), back.root.prefix()),
            (edition, prefix),
            "{}",
            back.raw
        );
        phone.event(&call(LINE).delivered()).await.expect(200);
        let event = session.expect("DeliveredEvent").await;
        assert_eq!(event.root.edition(), edition);
        assert_eq!(event.text("monitorCrossRefID"), reference);
        let seen = phone.count("MakeCall");
        session.make_call(LINE, "102").await;
        assert_eq!(
            phone
                .until_received("MakeCall", seen + 1)
                .await
                .document()
                .root
                .edition(),
            "ed3",
            "towards the phone"
        );
        let (at, _) = between(&event.raw, "monitorCrossRefID").unwrap();
        assert!(at > 0);
        session.bye().await;
        phone
            .until("no monitor", |state| {
                state.monitors.is_empty().then_some(())
            })
            .await;
    }
}

#[tokio::test]
async fn phone_is_answered_in_its_own_edition() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| setup.edition = "ed5");
    phone.start().await;
    let session = server.client().await.open(LINE).await;
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
    let asked = phone.until_received("GetDoNotDisturb", 1).await.document();
    assert_eq!(asked.root.edition(), "ed5");
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let server = Server::with(|settings| {
        settings.limits.client_queue = uacsta_config::ByteSize::new(65_536);
    });
    let phone = started(&server).await;
    let slow = server.client().await;
    let mut lost = slow.open(LINE).await;
    lost.watch(LINE).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    slow.wire.listen(false);
    // More than the buffers of both ends' sockets and the queue together hold.
    let private = format!(
        "<extensions><privateData><private>{}</private></privateData></extensions></DeliveredEvent><!--deviation-->",
        "x".repeat(40_000)
    );
    let large = call(LINE)
        .delivered()
        .replace("</DeliveredEvent>", &private);
    for _ in 0..50 {
        phone.burst(&vec![large.clone(); 10]).await;
        for _ in 0..10 {
            session.expect("DeliveredEvent").await;
        }
    }
    slow.wire.listen(true);
    let mut heard = 0;
    while lost.incoming().await.is_some() {
        heard += 1;
    }
    assert!(heard < 500, "it was not dropped");
    phone.event(&call(LINE).cleared()).await.expect(200);
    session.expect("ConnectionClearedEvent").await;
}
