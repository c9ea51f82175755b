//! Firmware quirks that no standard describes but that have only one meaning.

use super::{MAC, call, hears, watched};
use crate::support::{csta::namespace, server::Server, sip::Message};

/// A CSeq that begins anywhere below 2^31 (RFC 3261, section 8.1.1.5): some phones take the time.
#[tokio::test]
async fn initial_cseq_of_a_phone_is_arbitrary() {
    let server = Server::start();
    let phone = server.phone(MAC);
    let late = |request: Message| {
        let cseq = request.cseq() + 1_549_271_124;
        request.set("CSeq", format!("{cseq} REGISTER"))
    };
    phone.register_as(late).await.expect(200);
    phone.register_as(late).await.expect(200);
    phone.in_session().await;
    let wire = phone.wire().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    for number in [1_549_271_125_u32, 1_549_271_126, 2_147_483_647] {
        let info = phone
            .in_dialog("INFO")
            .await
            .set("CSeq", format!("{number} INFO"))
            .csta(
                call(&phone)
                    .originated()
                    .replace("{xref}", &phone.monitored().await),
            );
        wire.transact(&info).await.unwrap().expect(200);
        session.expect("OriginatedEvent").await;
    }
}

/// Compact and folded header fields in any case, and bodies in ISO-8859-1 and in each edition.
#[tokio::test]
async fn events_are_parsed_in_every_notation() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    let wire = phone.wire().await;
    let monitor = phone.monitored().await;
    let event = call(&phone).delivered().replace("{xref}", &monitor);
    for edition in ["ed3", "ed4", "ed5", "ed6"] {
        let event = event.replace(&namespace("ed3"), &namespace(edition));
        phone.info(&event).await.expect(200);
        hears(&mut session, &reference, &["DeliveredEvent"]).await;
    }

    let compact = phone.in_dialog("INFO").await.csta(&event);
    let text = String::from_utf8(compact.bytes()).unwrap();
    let text = text
        .replacen("\r\nVia: ", "\r\nv: ", 1)
        .replacen("\r\nFrom: ", "\r\nF:\r\n ", 1)
        .replacen("\r\nTo: ", "\r\nt : ", 1)
        .replacen("\r\nCall-ID: ", "\r\nI:   ", 1)
        .replacen("\r\nContent-Type: ", "\r\nc:\t", 1)
        .replacen("\r\nContent-Length: ", "\r\nL: ", 1);
    assert!(!text.contains("Call-ID"));
    let mut answer = wire.expecting(&compact);
    wire.send_bytes(text);
    crate::support::wire::final_of(&mut answer)
        .await
        .unwrap()
        .expect(200);
    hears(&mut session, &reference, &["DeliveredEvent"]).await;

    let latin = event
        .replace("encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\"")
        .replace(
            "</callingDevice>",
            "</callingDevice><!--deviation--><!--Gespr\u{e4}ch-->",
        );
    let info = phone.in_dialog("INFO").await.csta(&latin);
    let text = String::from_utf8(info.bytes()).unwrap();
    let length = latin.chars().count();
    let octets: Vec<u8> = text
        .replace(
            &format!("Content-Length: {}", latin.len()),
            &format!("Content-Length: {length}"),
        )
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let mut answer = wire.expecting(&info);
    wire.send_bytes(octets);
    crate::support::wire::final_of(&mut answer)
        .await
        .unwrap()
        .expect(200);
    let event = session.expect("DeliveredEvent").await;
    assert!(event.raw.contains("Gespr\u{e4}ch"), "{}", event.raw);
}
