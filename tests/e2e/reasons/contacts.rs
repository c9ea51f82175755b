//! Phones that are refused before they are registered: wrong password, wrong interface, wrong name, refused REGISTER.

use std::net::SocketAddr;

use super::{LISTED, until_reason, until_says, until_well};
use crate::support::{
    datagrams::Weather,
    fixture::MAC,
    phone::{Phone, Setup},
    server::{CLIENTS_PASSWORD, Server},
};

/// A phone that is known, and away.
async fn left(server: &Server) -> Phone {
    let phone = server.phone(MAC);
    phone.start().await;
    phone.unregister().await.expect(200);
    until_says(server, "loggedOff", &[]).await;
    phone.reboot();
    phone
}

/// The phone that is made otherwise is refused with this status.
async fn refused(server: &Server, status: u16, change: impl FnOnce(&mut Setup)) {
    let phone = server.phone_as(MAC, change);
    phone.register().await.expect(status);
}

#[tokio::test]
async fn wrong_password_is_counted_with_its_address_until_the_phone_registers() {
    let udp = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::with(|settings| settings.phones.udp = udp.into());
    let phone = left(&server).await;
    let wrong = |setup: &mut Setup| "guess".clone_into(&mut setup.password);
    refused(&server, 401, wrong).await;
    until_says(&server, "wrongPassword", &["once from 127.0.0.1"]).await;
    // Over UDP, and from another address.
    refused(&server, 401, |setup| {
        wrong(setup);
        setup.server = server.addresses.phones_udp.unwrap();
        setup.udp = Some(Weather::Fair);
    })
    .await;
    until_says(&server, "wrongPassword", &["2 times, last from 127.0.0.1"]).await;
    refused(&server, 401, |setup| {
        wrong(setup);
        setup.source = Some([127, 0, 0, 2].into());
    })
    .await;
    until_says(&server, "wrongPassword", &["3 times, last from 127.0.0.2"]).await;
    phone.start().await;
    until_well(&server).await;
    // The guesses of others say nothing about a phone that is here, nor later.
    refused(&server, 401, wrong).await;
    phone.unregister().await.expect(200);
    until_says(&server, "loggedOff", &[]).await;
}

#[tokio::test]
async fn names_that_are_not_listed_leave_no_trace() {
    let server = Server::start();
    left(&server).await;
    for number in 0..50 {
        let phone = server.phone_as(&format!("0004139900{number:02}"), |setup| {
            "guess".clone_into(&mut setup.password);
            // Another address, which is soon limited.
            setup.source = Some([127, 0, 1, number].into());
        });
        assert_ne!(phone.register().await.status(), 200);
    }
    until_reason(&server, LISTED, Some("loggedOff")).await;
    let list = server.list().await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
}

#[tokio::test]
async fn other_wrong_credentials_are_named() {
    let server = Server::with(|settings| {
        settings.advanced.digest = vec![uacsta_config::Digest::Sha256];
    });
    let phone = left(&server).await;
    let wire = phone.wire().await;
    // Credentials for an algorithm that the server does not offer.
    let challenge = wire.transact(&phone.registration(&wire)).await.unwrap();
    let offer = challenge.expect(401);
    let offer = offer.must("WWW-Authenticate");
    let mut challenge = crate::support::digest::Challenge::read(offer).unwrap();
    challenge.algorithm = crate::support::digest::Algorithm::Md5;
    let setup = phone.setup();
    let account = crate::support::digest::Account::new(&setup.user, &setup.password);
    let request = phone.registration(&wire);
    let answer = challenge.answer("REGISTER", request.uri(), &account, 1);
    let request = request.with("Authorization", answer);
    wire.transact(&request).await.unwrap().expect(401);
    until_says(&server, "wrongCredentials", &["algorithm was not offered"]).await;
    phone.reboot();
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn phone_on_the_clients_interface_is_told_so() {
    let server = Server::start();
    let phone = left(&server).await;
    let clients = server.addresses.clients_tcp.unwrap();
    refused(&server, 401, |setup| setup.server = clients).await;
    let words = ["once from 127.0.0.1", "clients' interface"];
    until_says(&server, "clientsInterface", &words).await;
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn name_of_a_client_from_the_phones_address_is_told() {
    let server = Server::start();
    let phone = left(&server).await;
    for (user, words) in [
        ("ecsta", "the name of a client"),
        ("reception", "no name of a phone"),
    ] {
        refused(&server, 403, |setup| {
            user.clone_into(&mut setup.user);
            CLIENTS_PASSWORD.clone_into(&mut setup.password);
        })
        .await;
        let words = [user, words, "127.0.0.1"];
        until_says(&server, "wrongUserName", &words).await;
    }
    phone.start().await;
    until_well(&server).await;
}

#[tokio::test]
async fn name_of_a_client_is_told_also_where_extensions_are_names_of_phones() {
    let server = Server::with(|settings| settings.phones.extensions = true);
    left(&server).await;
    refused(&server, 401, |setup| {
        "ecsta".clone_into(&mut setup.user);
        CLIENTS_PASSWORD.clone_into(&mut setup.password);
    })
    .await;
    let words = ["ecsta", "the name of a client", "127.0.0.1"];
    until_says(&server, "wrongUserName", &words).await;
}

#[tokio::test]
async fn refused_register_is_told() {
    let server = Server::start();
    let phone = left(&server).await;
    let wrong = phone.register_as(|request| request.set("Contact", "*").set("Expires", 300));
    wrong.await.expect(400);
    until_says(&server, "registerRejected", &["Expires: 0"]).await;
    phone.start().await;
    until_well(&server).await;
}
