//! Unauthenticated peers, and peers that claim another's identity.

use futures_util::future::join_all;
use uacsta_config::Settings;

use super::{bystander, is_served, metric, until_metric};
use crate::support::{
    csta::{document, element},
    digest::Account,
    line::{Line, challenge, register, request},
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD, Server},
    sip::Frame,
};

fn mac(number: usize) -> String {
    format!("00041500{number:04x}")
}

#[tokio::test]
async fn unknown_phones_are_challenged_without_state() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let address = server.addresses.phones_tcp.unwrap();
    let knocking = (0..20).map(|connection| async move {
        let mut line = Line::to(address).await;
        for number in 0..100 {
            let refusal = line.ask(&register(&mac(connection * 100 + number))).await;
            challenge(&refusal);
        }
    });
    join_all(knocking).await;
    let list = server.list().await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn unknown_phones_are_limited_without_affecting_known_ones() {
    let server = Server::with(|settings| settings.limits.unknown_phones = 5);
    let phone = bystander(&server).await;
    let address = server.addresses.phones_tcp.unwrap();
    let mut statuses = Vec::new();
    for number in 0..8 {
        let mut line = Line::to(address).await;
        let account = Account::new(&mac(number), PHONES_PASSWORD);
        let answer = line.log_on(&account).await;
        if answer.status() == 503 {
            answer.must("Retry-After");
        }
        statuses.push(answer.status());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 503, 503, 503]);
    let refused = "uacsta_phones_refused_total{limit=\"limits.unknown_phones\"}";
    assert_eq!(metric(&server, refused).await, 3);
    // One that was let in, and one that tells its lines, are no strangers.
    let mut again = Line::to(address).await;
    again
        .log_on(&Account::new(&mac(0), PHONES_PASSWORD))
        .await
        .expect(200);
    is_served(&server, &phone).await;
    let known = server.phone(&mac(1));
    known.start().await;
    let mut next = Line::to(address).await;
    next.log_on(&Account::new(&mac(9), PHONES_PASSWORD))
        .await
        .expect(200);
}

/// What a phone says of itself is kept for as long as it is listed.
#[tokio::test]
async fn long_phone_descriptions_are_truncated() {
    let server = Server::start();
    let account = Account::new(&mac(0), PHONES_PASSWORD);
    let long = "x".repeat(8_000);
    let uri = format!("sip:{long}@127.0.0.1");
    for (field, value, status) in [
        ("To", format!("<sip:{}@{long}>", mac(0)), 400),
        ("Contact", format!("<{uri}>"), 400),
        ("Call-ID", long.clone(), 400),
        ("User-Agent", format!("snom300/{long}"), 200),
    ] {
        let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
        let of = || register(&account.user).set(field, &value);
        let challenge = challenge(&line.ask(&of()).await);
        let proof = challenge.answer("REGISTER", "sip:127.0.0.1", &account, 1);
        let answer = line.ask(&of().with("Authorization", proof)).await;
        let answer = answer.expect(status).text();
        let said = status == 200 || answer.contains("octets, but may have 512");
        assert!(said, "{field}: {answer}");
    }
    let (_, list) = server.http("GET", "/api/v1/phones", "").await;
    assert!(list.contains("snom"), "{list}");
    assert!(list.len() < 2_000, "{} octets of a list", list.len());
}

/// Phones that never came are not put into operation, and are strangers all the same.
#[tokio::test]
async fn phones_waiting_for_activation_are_limited() {
    let server = Server::with(|settings| {
        settings.limits.unknown_phones = 2;
        settings.advanced.auto_activate = false;
    });
    let address = server.addresses.phones_tcp.unwrap();
    for (number, status) in [(0, 200), (1, 200), (2, 503)] {
        let mut line = Line::to(address).await;
        let account = Account::new(&mac(number), PHONES_PASSWORD);
        line.log_on(&account).await.expect(status);
    }
}

#[tokio::test]
async fn invites_of_strangers_leave_no_state() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let csta = document("ed3", "RequestSystemStatus", "");
    for (address, status) in [
        (server.addresses.phones_tcp.unwrap(), 403),
        (server.addresses.clients_tcp.unwrap(), 401),
    ] {
        let csta = &csta;
        let floods = (0..10).map(|_| async move {
            let mut line = Line::to(address).await;
            for _ in 0..100 {
                let invite = request("INVITE", "000413000001").csta(csta.as_str());
                line.ask(&invite).await.expect(status);
            }
        });
        join_all(floods).await;
    }
    until_metric(&server, "uacsta_connections_unauthenticated", |open| {
        open == 0
    })
    .await;
    assert_eq!(phone.count("INVITE"), 1);
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn stray_responses_and_acks_are_ignored() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let opened = phone.until_received("INVITE", 1).await;
    let mut line = Line::to(server.addresses.phones_tcp.unwrap()).await;
    for status in [100, 180, 200, 401, 404, 481, 500, 603] {
        // Once with a branch that nobody has, once with that of the session's INVITE.
        line.write(
            request("INVITE", "a")
                .answer(status, "x")
                .tagged("t")
                .bytes(),
        )
        .await;
        line.write(opened.message.answer(status, "x").tagged("t").bytes())
            .await;
    }
    line.write(request("ACK", "a").bytes()).await;
    line.write(request("OPTIONS", "a").bytes()).await;
    let Some(Frame::Message(answer)) = line.frame().await else {
        panic!("the connection of stray responses has ended");
    };
    answer.expect(200);
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn dialog_rejects_requests_of_other_peers() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let thief = server.phone("0004130000bb");
    thief.start().await;
    let session = server.client().await.open(phone.line()).await;
    for method in ["INFO", "BYE", "UPDATE", "INVITE"] {
        let stolen = phone.in_dialog(method).await;
        // A stranger is challenged as the phone; another phone is not that phone, though it has logged on.
        let mut stranger = Line::to(server.addresses.phones_tcp.unwrap()).await;
        let answer = stranger.ask(&stolen).await;
        assert!([401, 481].contains(&answer.status()), "{}", answer.text());
        let wire = thief.wire().await;
        let stolen = stolen.set("Via", wire.via());
        let answer = wire.transact(&stolen).await.unwrap();
        assert!([401, 481].contains(&answer.status()), "{}", answer.text());
        if answer.status() == 401 {
            // Its own name and the right password do not help.
            let offer = challenge(&answer);
            let account = Account::new(&thief.setup().user, PHONES_PASSWORD);
            let proof = offer.answer(method, stolen.uri(), &account, 1);
            let answer = wire
                .transact(&stolen.set("Via", wire.via()).with("Authorization", proof))
                .await
                .unwrap();
            assert!(
                [401, 403, 481].contains(&answer.status()),
                "{}",
                answer.text()
            );
        }
        // The client's dialog from the phones' side, and from another connection of the clients.
        for address in [server.addresses.phones_tcp, server.addresses.clients_tcp] {
            let mut stranger = Line::to(address.unwrap()).await;
            let answer = stranger.ask(&session.next(method)).await;
            assert!([401, 481].contains(&answer.status()), "{}", answer.text());
        }
    }
    session
        .done("GetDoNotDisturb", &element("device", phone.line()))
        .await;
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn phones_cannot_act_as_clients_nor_clients_as_phones() {
    let server = Server::with(|settings: &mut Settings| settings.phones.extensions = true);
    let phone = bystander(&server).await;
    // The names and passwords of one side at the other side's door.
    for (address, user, password) in [
        (server.addresses.phones_tcp, "ecsta", CLIENTS_PASSWORD),
        (
            server.addresses.phones_tcp,
            "000413000001",
            CLIENTS_PASSWORD,
        ),
        (
            server.addresses.clients_tcp,
            "000413000001",
            PHONES_PASSWORD,
        ),
        (server.addresses.clients_tcp, "ecsta", PHONES_PASSWORD),
    ] {
        let mut line = Line::to(address.unwrap()).await;
        line.log_on(&Account::new(user, password)).await.expect(401);
    }
    // A phone that has logged on opens no session, and a client that has is not called.
    let wire = phone.wire().await;
    let csta = document("ed3", "RequestSystemStatus", "");
    let invite = request("INVITE", "0004130000aa")
        .set("Via", wire.via())
        .csta(csta);
    wire.transact(&invite).await.unwrap().expect(403);
    let client = server.client().await;
    client.register().await.expect(200);
    let list = server.list().await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    is_served(&server, &phone).await;
}

#[tokio::test]
async fn phone_cannot_register_another_on_its_connection() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let victim = server.phone("0004130000bb");
    victim.start().await;
    let wire = phone.wire().await;
    let other = || register("0004130000bb").set("Via", wire.via());
    let refusal = wire.transact(&other()).await.unwrap();
    let offer = challenge(&refusal);
    // Its own proof, for the other's To.
    let own = Account::new("0004130000aa", PHONES_PASSWORD);
    let proof = offer.answer("REGISTER", "sip:127.0.0.1", &own, 1);
    wire.transact(&other().with("Authorization", proof))
        .await
        .unwrap()
        .expect(401);
    is_served(&server, &victim).await;
    is_served(&server, &phone).await;
}
