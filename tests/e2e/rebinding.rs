//! REGISTERs that replace a binding: after a reboot with the same Call-ID, and through edge proxies (RFC 3327).

use std::{cell::Cell, sync::Mutex};

use crate::{
    support::{
        credentials::{Credentials, log_on},
        datagrams::Weather,
        digest::Account,
        phone::Phone,
        server::{PHONES_PASSWORD, Server},
        sip::Message,
    },
    udp::serving,
};

const MAC: &str = "000413000216";

/// Numbers REGISTERs of one Call-ID from `first` on.
fn counted(first: u32) -> impl Fn(Message) -> Message {
    let next = Cell::new(first);
    move |request| {
        let cseq = next.replace(next.get() + 1);
        request
            .set("Call-ID", "boot-000413000216")
            .set("CSeq", format!("{cseq} REGISTER"))
    }
}

/// C16: the power is cut, so the old connection stays half-open; the phone kept its Call-ID and counts from 1.
#[tokio::test]
async fn phone_that_counts_anew_after_a_power_cut_is_registered_at_once() {
    let server = Server::start();
    let phone = server.phone(MAC);
    phone.register_as(counted(51)).await.expect(200);
    phone.in_session().await;
    let _half_open = phone.power_cut();
    let again = server.phone(MAC);
    again.register_as(counted(1)).await.expect(200);
    again.in_session().await;
    // The next ones count on from there.
    again.register_as(counted(3)).await.expect(200);
    let late = again.register_as(counted(2)).await;
    assert_eq!(late.status(), 500, "the challenge was before: {late:?}");
}

/// C16: a phone behind a proxy or on UDP comes from the same address after a reboot, and so on the same connection.
#[tokio::test]
async fn phone_that_counts_anew_on_the_same_connection_answers_a_new_challenge() {
    let server = serving();
    for (mac, udp) in [
        ("000413000216", None),
        ("000413000218", Some(Weather::Fair)),
    ] {
        let phone = server.phone_as(mac, |setup| {
            setup.udp = udp;
            if udp.is_some() {
                setup.server = server.addresses.phones_udp.unwrap();
            }
        });
        phone.register_as(counted(51)).await.expect(200);
        phone.in_session().await;
        phone.forget();
        let wire = phone.wire().await;
        let (count, account) = (counted(1), Account::new(mac, PHONES_PASSWORD));
        let fresh = || count(phone.registration(&wire));
        let credentials = Mutex::new(Credentials::new(account, None));
        let (_, answer) = log_on(&wire, &credentials, fresh).await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text());
        // It has forgotten its dialog, and gets another one.
        phone
            .until("a new session", |state| {
                (state.dialogs == 2 && state.listed).then_some(())
            })
            .await;
        phone.register_as(counted(3)).await.expect(200);
        let late = phone.register_as(counted(2)).await;
        assert_eq!(late.status(), 500, "{mac}: {}", late.text());
    }
}

const EDGE: &str = "<sip:edge-7@192.0.2.80;transport=tcp;lr>";

fn through(edge: &str) -> impl Fn(Message) -> Message {
    move |request| {
        request
            .with("Supported", "path")
            .with("Path", edge.to_owned())
    }
}

async fn invited(phone: &Phone, nth: usize) -> Vec<String> {
    let invite = phone.until_received("INVITE", nth).await.message;
    invite.all("Route").map(str::to_owned).collect()
}

/// C18: the INVITE to a phone behind an edge proxy has the Path of its registration as Route.
#[tokio::test]
async fn rfc_3327_5_4_path_becomes_the_route_of_the_invite() {
    let server = Server::start();
    let phone = server.phone("000413000217");
    for _ in 0..2 {
        let answer = phone.register_as(through(EDGE)).await;
        assert_eq!(answer.expect(200).must("Path"), EDGE, "also in a refresh");
    }
    phone.in_session().await;
    assert_eq!(invited(&phone, 1).await, [EDGE]);
    // In the dialog its own route set counts (RFC 3261, section 12.1.2).
    let session = server.client().await.open(phone.line()).await;
    session.done("GetDoNotDisturb", "").await;
    let info = phone.until_received("GetDoNotDisturb", 1).await;
    assert_eq!(info.message.all("Route").count(), 0);
    let edges = format!("{EDGE}, <sip:core@192.0.2.81;lr>");
    phone.reboot();
    let answer = phone.register_as(through(&edges)).await;
    assert_eq!(answer.expect(200).must("Path"), edges);
    assert_eq!(
        invited(&phone, 2).await,
        edges.split(", ").collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn rfc_3327_5_3_path_is_taken_from_a_phone_that_does_not_list_it() {
    let server = Server::start();
    let phone = server.phone("000413000217");
    let registered = phone
        .register_as(|request| request.with("Path", EDGE))
        .await
        .expect(200);
    assert_eq!(registered.must("Path"), EDGE);
    assert_eq!(invited(&phone, 1).await, [EDGE]);
}
