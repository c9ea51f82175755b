//! Phones and clients over IPv6: every address that the server writes is reachable for the peer (RFC 5118).

use std::{
    net::{Ipv6Addr, SocketAddr, TcpListener},
    process::Command,
};

use crate::support::{
    csta::Call,
    cti_client::{CtiClient, Setup},
    datagrams::Weather,
    phone::{self, Phone},
    process::{PASSWORDS, Serving, run},
    programs,
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD},
    sip::Message,
};

/// Whether this machine has the loopback address of IPv6; a test that wants it is skipped otherwise.
fn has_ipv6() -> bool {
    let bound = TcpListener::bind((Ipv6Addr::LOCALHOST, 0));
    if let Err(error) = &bound {
        programs::skipped(&format!("nobody can listen on [::1] here: {error}"));
    }
    bound.is_ok()
}

/// A server whose every interface listens on this address, UDP too.
fn serving_on(address: &str) -> Serving {
    let on = |command: &mut Command| {
        for interface in [
            "PHONES__LAN__TCP",
            "PHONES__LAN__TLS",
            "PHONES__UDP",
            "CLIENTS__LAN__TCP",
            "CLIENTS__LAN__TLS",
        ] {
            command.env(format!("UACSTA__{interface}"), format!("{address}:0"));
        }
        // Off loopback it would need TLS.
        command.env("UACSTA__WEB__LISTEN", "[::1]:0");
    };
    Serving::start_as(tempfile::tempdir().unwrap(), PASSWORDS, on)
}

fn phone_at(server: SocketAddr, number: u32, change: impl FnOnce(&mut phone::Setup)) -> Phone {
    let (mac, line) = (
        format!("00041300000{number}"),
        format!("sip:20{number}@pbx.example"),
    );
    let mut setup = phone::Setup::new(server, &mac, PHONES_PASSWORD, &line);
    change(&mut setup);
    Phone::new(setup, std::sync::Arc::default())
}

/// What `uacsta phones` prints.
fn printed(server: &Serving) -> String {
    let output = run(&["phones", "--data", server.data().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

const ROUTES: [&str; 2] = ["<sip:[2001:db8::5]:5060;lr>", "<sip:[2001:db8::6];lr>"];

/// A session whose INVITE came through two proxies: the server's Contact, Via and Route have addresses of IPv6.
async fn is_served_through_proxies(client: &CtiClient, at: SocketAddr, phone: &Phone) {
    let through = |invite: Message| {
        let [last, first] = ROUTES;
        invite
            .with("Record-Route", last)
            .with("Record-Route", first)
    };
    let session = client.invite(phone.line(), through);
    let mut session = session.await.unwrap_or_else(|no| panic!("{}", no.text()));
    let answer = &session.answer;
    // RFC 3261, section 12.1.1, and 12.2.1.1 for what we ask.
    let routes: Vec<&str> = answer.all("Record-Route").collect();
    assert_eq!(routes, ROUTES, "{}", answer.text());
    let contact = answer.must("Contact").contains(&format!("@{at}"))
        || answer.must("Contact").contains(&format!("<sip:{at}"));
    assert!(contact, "{}", answer.text());
    session.done("GetDoNotDisturb", "").await;
    session.monitor(phone.line()).await;
    let told = session.incoming().await.unwrap();
    let via = format!("SIP/2.0/{} {at};branch=", client.wire.transport);
    assert!(told.must("Via").starts_with(&via), "{}", told.text());
    let routes: Vec<&str> = told.all("Route").collect();
    assert_eq!(routes, ROUTES, "{}", told.text());
    let call = Call::seen_by(phone.line(), "7", phone.line(), "sip:300@pbx.example");
    phone.event(&call.initiated()).await.expect(200);
    session.expect("ServiceInitiatedEvent").await;
    session.bye().await;
}

/// Via and Contact of the server's INVITE contain the address that the phone knows, in brackets.
async fn is_invited_from_its_server(phone: &Phone, transport: &str) {
    let invite = phone.until_received("INVITE", 1).await.message;
    let at = phone.setup().server;
    assert!(at.to_string().starts_with("[::1]:"), "{at}");
    let via = format!("SIP/2.0/{transport} {at};branch=");
    assert!(invite.must("Via").starts_with(&via), "{}", invite.text());
    let contact = invite.must("Contact").contains(&format!("@{at}"));
    assert!(contact, "{}", invite.text());
    assert!(!invite.text().contains("@::1"), "{}", invite.text());
}

#[tokio::test]
async fn phones_and_clients_are_served_over_ipv6_on_every_transport() {
    if !has_ipv6() {
        return;
    }
    let server = serving_on("[::1]");
    let certificate = server.data().join("certificate.pem");
    let (udp, tls) = (server.phones_udp.unwrap(), server.phones_tls);
    let phones = [
        ("TCP", phone_at(server.phones, 1, |_| {})),
        (
            "TLS",
            phone_at(tls, 2, |setup| {
                setup.certificate = Some(certificate.clone());
            }),
        ),
        (
            "UDP",
            phone_at(udp, 3, |setup| setup.udp = Some(Weather::Fair)),
        ),
    ];
    for (transport, phone) in &phones {
        phone.start().await;
        is_invited_from_its_server(phone, transport).await;
    }

    for (at, certificate) in [
        (server.clients, None),
        (server.clients_tls, Some(certificate)),
    ] {
        let setup = Setup {
            certificate,
            ..Setup::new(at, "ecsta", CLIENTS_PASSWORD)
        };
        let client = CtiClient::connect(setup, std::sync::Arc::default()).await;
        for (_, phone) in &phones {
            is_served_through_proxies(&client, at, phone).await;
        }
    }

    let list = server.list().await;
    assert_eq!(list.matches("\"address\":\"::1\"").count(), 3, "{list}");
    let table = printed(&server);
    assert_eq!(table.matches("  ::1  ").count(), 3, "{table}");
    let log = server.log();
    for (_, phone) in &phones {
        let local = phone.wire().await.local;
        assert!(log.contains(&local.to_string()), "{local}:\n{log}");
    }
}

#[tokio::test]
async fn ipv4_peer_on_an_ipv6_interface_has_an_ipv4_address() {
    if !has_ipv6() {
        return;
    }
    // RFC 4291, section 2.5.5.2: the system shows such a peer as ::ffff:127.0.0.1.
    let server = serving_on("[::]");
    let by_ipv4 = |at: SocketAddr| SocketAddr::from(([127, 0, 0, 1], at.port()));
    let udp = by_ipv4(server.phones_udp.unwrap());
    let phones = [
        phone_at(by_ipv4(server.phones), 1, |_| {}),
        phone_at(udp, 2, |setup| setup.udp = Some(Weather::Fair)),
    ];
    for phone in &phones {
        phone.start().await;
        let invite = phone.until_received("INVITE", 1).await.message;
        let at = format!(" {};branch=", phone.setup().server);
        assert!(invite.must("Via").contains(&at), "{}", invite.text());
    }
    let guess = phone_at(by_ipv4(server.phones), 3, |setup| {
        setup.password = "let me guess".to_owned();
    });
    guess.register().await.expect(401);
    let table = printed(&server);
    assert_eq!(table.matches("  127.0.0.1  ").count(), 2, "{table}");
    let log = server.log();
    assert!(log.contains("127.0.0.1:") && !log.contains("ffff"), "{log}");
}
