//! Phones that ring on the CSTA INVITE or accept it too late: CANCEL, BYE, and no second INVITE meanwhile (RFC 3261, 9.1).

use std::{net::SocketAddr, time::Duration};

use crate::{
    registrar::listed_once,
    support::{
        datagrams::Weather, fixture::MAC, phone::Phone, phone::Reaction, server::Server,
        sip::Message,
    },
};

const LISTED: &str = "00:04:13:00:00:01";

async fn methods(phone: &Phone) -> Vec<String> {
    let all = phone.until("requests", |state| {
        let methods = state.received.iter();
        Some(
            methods
                .map(|it| it.message.method().to_owned())
                .collect::<Vec<_>>(),
        )
    });
    all.await
}

#[tokio::test]
async fn ringing_phone_is_cancelled_and_asked_again_when_it_registers_anew() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.always("INVITE", Reaction::Ring);
    phone.register().await.expect(200);
    let invite = phone.until_received("INVITE", 1).await.message;
    let cancel = phone.until_received("CANCEL", 1).await.message;
    for name in ["Via", "From", "To", "Call-ID", "Max-Forwards"] {
        assert_eq!(cancel.must(name), invite.must(name));
    }
    assert_eq!((cancel.uri(), cancel.cseq()), (invite.uri(), invite.cseq()));
    let rings = |listed: &serde_json::Value| listed["reason"]["code"] == "rings";
    listed_once(&server, LISTED, rings).await;
    // Its back-off would have been a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    phone.register().await.expect(200);
    assert_eq!(methods(&phone).await, ["INVITE", "CANCEL", "ACK"]);
    phone.relent("INVITE");
    phone.reboot();
    phone.start().await;
    assert_eq!(phone.count("INVITE"), 2);
}

#[tokio::test]
async fn invite_that_rings_is_cancelled_when_the_phone_is_switched_off() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once("INVITE", Reaction::Ring);
    phone.register().await.expect(200);
    phone.until_received("INVITE", 1).await;
    // 2 s would be the phone's own time.
    server.switch(LISTED, false).await;
    phone.until_received("CANCEL", 1).await;
    phone.until_received("ACK", 1).await;
    server.switch(LISTED, true).await;
    phone.in_session().await;
    assert_eq!(phone.count("INVITE"), 2);
}

/// Has the phone accept its INVITE late; meanwhile it is switched off, and on again if `again`.
async fn accepts_late(again: bool) {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.once("INVITE", Reaction::Late(Duration::from_millis(500)));
    phone.register().await.expect(200);
    let invite: Message = phone.until_received("INVITE", 1).await.message;
    server.switch(LISTED, false).await;
    if again {
        server.switch(LISTED, true).await;
    }
    let bye = phone.until_received("BYE", 1).await.message;
    assert_eq!(bye.must("Call-ID"), invite.must("Call-ID"));
    assert_eq!(methods(&phone).await[..3], ["INVITE", "ACK", "BYE"]);
    if again {
        phone.in_session().await;
        assert_eq!(phone.count("INVITE"), 2);
    }
}

#[tokio::test]
async fn invite_accepted_after_the_phone_was_switched_off_is_ended() {
    accepts_late(false).await;
}

#[tokio::test]
async fn phone_switched_off_and_on_gets_its_next_invite_after_the_last_one() {
    accepts_late(true).await;
}

/// A phone that reacts so to its first INVITE, and comes back on another connection meanwhile, in a session there; with that
/// INVITE.
async fn comes_back(udp: bool, reaction: Reaction) -> (Server, Phone, Message) {
    let server = Server::with(|settings| {
        if udp {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            settings.phones.udp = uacsta_config::Listen::from(any);
        }
    });
    let phone = server.phone_as(MAC, |setup| {
        if let Some(at) = server.addresses.phones_udp {
            (setup.server, setup.udp) = (at, Some(Weather::Fair));
        }
    });
    phone.once("INVITE", reaction);
    phone.register().await.expect(200);
    let invite = phone.until_received("INVITE", 1).await.message;
    phone.reconnect().await;
    phone.start().await;
    (server, phone, invite)
}

#[tokio::test]
async fn invite_that_rings_on_a_connection_that_was_replaced_is_cancelled_there() {
    for udp in [false, true] {
        let (_server, phone, invite) = comes_back(udp, Reaction::Ring).await;
        let cancel = phone.until_received("CANCEL", 1).await.message;
        assert_eq!(cancel.must("Via"), invite.must("Via"));
        // The ACK of the 487, and that of the other session.
        let acks = phone.until("two ACKs", |state| {
            let acks = state.received.iter().map(|it| &it.message);
            let acks = acks.filter(|message| message.method() == "ACK");
            let vias: Vec<_> = acks.map(|ack| ack.must("Via").to_owned()).collect();
            (vias.len() == 2).then_some(vias)
        });
        assert!(acks.await.contains(&invite.must("Via").to_owned()));
        assert_eq!(phone.count("INVITE"), 2);
    }
}

#[tokio::test]
async fn invite_accepted_on_a_connection_that_was_replaced_is_ended_there() {
    for udp in [false, true] {
        let late = Reaction::Late(Duration::from_millis(500));
        let (_server, phone, invite) = comes_back(udp, late).await;
        for method in ["ACK", "BYE"] {
            let what = format!("{method} of the first INVITE");
            phone
                .until(&what, |state| {
                    let mut all = state.received.iter().map(|it| &it.message);
                    all.find(|message| {
                        message.method() == method
                            && message.must("Call-ID") == invite.must("Call-ID")
                    })
                    .map(drop)
                })
                .await;
        }
    }
}
