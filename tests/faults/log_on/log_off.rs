//! After its log-off a connection is a stranger's again (RFC 3261, section 10.2.2).

use std::{net::SocketAddr, time::Duration};

use tempfile::tempdir;
use tokio::time::timeout;

use super::{MAC, URI, udp_peer::UdpPeer};
use crate::support::{
    PATIENCE,
    digest::Account,
    line::{Line, challenge, register, request},
    process::Serving,
    server::{CLIENTS_PASSWORD, PHONES_PASSWORD, Server},
    sip::Message,
};

const SETTINGS: &str = "[phones]\npassword = \"let me ring\"\n[clients]\npassword = \"let me dial\"\n[limits]\nunauthenticated_time = 2\n";

/// Makes the removal of a binding from its REGISTER.
type Removal = fn(Message) -> Message;

/// Both ways to remove a binding: all of the user's, or the one of a Contact.
const REMOVALS: [Removal; 2] = [
    |register| register.set("Contact", "*").set("Expires", 0),
    |register| {
        let contact = format!("{};expires=0", register.must("Contact"));
        register.set("Contact", contact)
    },
];

/// Removes the registration of a user whose REGISTERs are challenged anew.
async fn log_off(line: &mut Line, account: &Account, removal: Removal, call_id: &str) -> Message {
    let removal = |cseq: u32| {
        removal(register(&account.user))
            .set("Call-ID", call_id)
            .set("CSeq", format!("{cseq} REGISTER"))
    };
    let given = challenge(&line.ask(&removal(8)).await);
    let proof = given.answer("REGISTER", URI, account, 1);
    line.ask(&removal(9).with("Authorization", proof)).await
}

/// Waits until so many open connections are without log-on.
async fn until_strangers(server: &Serving, number: u64) {
    let reached =
        async { while server.metric("uacsta_connections_unauthenticated").await != number {} };
    let reached = timeout(PATIENCE, reached).await;
    reached.unwrap_or_else(|_| panic!("never {number} connections without log-on"));
}

#[tokio::test]
async fn connection_is_a_strangers_again_after_log_off() {
    let server = Serving::start(tempdir().unwrap(), SETTINGS);
    for (address, user, password, removal) in REMOVALS.into_iter().flat_map(|removal| {
        [
            (server.phones, MAC, PHONES_PASSWORD, removal),
            (server.clients, "ecsta", CLIENTS_PASSWORD, removal),
        ]
    }) {
        let account = Account::new(user, password);
        let mut line = Line::to(address).await;
        line.log_on(&account).await.expect(200);
        until_strangers(&server, 0).await;
        let answer = log_off(&mut line, &account, removal, "another").await;
        answer.expect(200);
        until_strangers(&server, 1).await;
        // It is challenged, as at first.
        let invite = request("INVITE", user).with("Contact", "<sip:a@127.0.0.1>");
        let expected = if user == "ecsta" { 401 } else { 403 };
        assert_eq!(line.ask(&invite).await.status(), expected, "{user}");
        // It may log on again, and is then known.
        line.log_on(&account).await.expect(200);
        until_strangers(&server, 0).await;
        let answer = log_off(&mut line, &account, removal, "third").await;
        answer.expect(200);
        // It has limits.unauthenticated_time for it.
        while line.frame().await.is_some() {}
        until_strangers(&server, 0).await;
    }
    let log = server.end();
    assert!(log.contains("no log-on within"), "{log}");
}

#[tokio::test]
async fn phone_on_udp_is_a_stranger_again_after_log_off() {
    let server = Server::with(|settings| {
        settings.phones.udp = uacsta_config::Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
        settings.limits.unauthenticated_time = Duration::from_secs(2);
    });
    let who = Account::new(MAC, PHONES_PASSWORD);
    let peer = UdpPeer::of(server.addresses.phones_udp.unwrap()).await;
    let strangers = peer.tag().await;
    for removal in REMOVALS {
        let given = challenge(&peer.ask(register(MAC)).await);
        let proved = |request: Message, count: u32| {
            let proof = given.answer("REGISTER", URI, &who, count);
            request.with("Authorization", proof)
        };
        peer.ask(proved(register(MAC), 1)).await.expect(200);
        assert_ne!(peer.tag().await, strangers);
        let log_off = proved(removal(register(MAC)), 2);
        peer.ask(log_off).await.expect(200);
        let invite = request("INVITE", MAC).with("Contact", "<sip:a@127.0.0.1>");
        assert_eq!(peer.ask(invite).await.status(), 403);
        // It has limits.unauthenticated_time for another log-on.
        let ended = async { while peer.tag().await != strangers {} };
        timeout(PATIENCE, ended)
            .await
            .expect("the connection's end");
    }
}

/// E8: a session that is being opened as its client logs off ends as the others do.
#[tokio::test]
async fn session_that_is_being_opened_ends_with_the_log_off() {
    let server = Serving::start(tempdir().unwrap(), SETTINGS);
    let account = Account::new("ecsta", CLIENTS_PASSWORD);
    let mut line = Line::to(server.clients).await;
    line.log_on(&account).await.expect(200);
    let off = |cseq: u32| {
        register("ecsta")
            .set("Call-ID", "off")
            .set("CSeq", format!("{cseq} REGISTER"))
            .set("Expires", 0)
    };
    let given = challenge(&line.ask(&off(1)).await);
    let proof = given.answer("REGISTER", URI, &account, 1);
    let invite = request("INVITE", "ecsta")
        .set("To", "<sip:127.0.0.1>")
        .with("Contact", "<sip:ecsta@127.0.0.1>");
    let off = off(2).with("Authorization", proof);
    line.write([invite.bytes(), off.bytes()].concat()).await;
    let (mut accepted, mut logged_off) = (false, false);
    loop {
        let message = line.answer().await;
        match message.must("CSeq") {
            "2 REGISTER" => logged_off = message.status() == 200,
            "1 INVITE" => accepted = message.status() == 200,
            _ if message.status() == 0 => {
                assert_eq!(message.method(), "BYE");
                assert_eq!(message.must("Call-ID"), invite.must("Call-ID"));
                break;
            }
            other => panic!("{other}"),
        }
    }
    assert!(accepted && logged_off);
    let log = server.end();
    assert!(!log.contains("panicked"), "{log}");
}
