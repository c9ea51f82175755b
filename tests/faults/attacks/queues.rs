//! Peers that ask for more than can be done at once: what waits has a bound, and what finds no room is told so.

use std::time::Duration;

use super::{bystander, is_served, metric};
use crate::support::csta::{Document, element};
use crate::support::line::{Line, request};
use crate::support::phone::Reaction;
use crate::support::server::Server;
use crate::support::wire::final_of;

/// RFC 3261 17.2.1 and 17.1.1.3 on a stream: nothing is repeated there, so a refused INVITE leaves nothing that a CANCEL would
/// find (9.2: 481), its ACK is absorbed, and a repetition is refused like the first.
#[tokio::test]
async fn a_refused_invite_is_forgotten_on_a_connection() {
    let server = Server::start();
    let phone = bystander(&server).await;
    for (address, status) in [
        (server.addresses.phones_tcp.unwrap(), 403),
        (server.addresses.clients_tcp.unwrap(), 401),
    ] {
        let mut line = Line::to(address).await;
        for _ in 0..500 {
            let invite = request("INVITE", "000413000001");
            line.ask(&invite).await.expect(status);
            let same = |method: &str| {
                let mut other = request(method, "000413000001");
                for name in ["Via", "Call-ID"] {
                    other = other.set(name, invite.must(name));
                }
                other
            };
            line.ask(&same("CANCEL")).await.expect(481);
            line.ask(&invite).await.expect(status);
            line.write(same("ACK").bytes()).await;
        }
        line.ask(&request("OPTIONS", "a")).await.expect(200);
    }
    is_served(&server, &phone).await;
}

/// The same within a session: the refusal of a re-INVITE, and its ACK, change nothing of it.
#[tokio::test]
async fn a_refused_re_invite_leaves_its_session_as_it_was() {
    let server = Server::start();
    let phone = bystander(&server).await;
    let session = server.client().await.open(phone.line()).await;
    for _ in 0..3 {
        let refused = session
            .send(|invite| invite.carrying("text/plain", "ring"), "INVITE")
            .await;
        refused.expect(415);
        session.acknowledge();
        session
            .done("GetDoNotDisturb", &element("device", phone.line()))
            .await;
    }
}

/// Accepted INVITEs are remembered for 64*T1 (RFC 6026 timer L), so a client that opens sessions without end is stopped.
#[tokio::test]
async fn a_client_that_opens_and_closes_sessions_without_end_is_stopped_alone() {
    let server = Server::with(|settings| {
        settings.limits.pending_requests_per_client = 4;
        settings.limits.sessions_per_connection = 4;
    });
    let phone = bystander(&server).await;
    let client = server.client().await;
    let mut opened = 0;
    let refusal = loop {
        match client.invite(phone.line(), |invite| invite).await {
            Ok(session) => session.send(|bye| bye, "BYE").await,
            Err(refusal) => break refusal,
        };
        opened += 1;
        assert!(opened <= 8, "nothing stops it");
    };
    assert_eq!(opened, 8);
    refusal.expect(503).must("Retry-After");
    is_served(&server, &phone).await;
}

/// `limits.pending_requests_per_client`, driven to its end by a client that does not wait.
#[tokio::test]
async fn a_client_has_so_many_requests_that_wait_and_each_is_answered_once() {
    const MOST: usize = 5;
    let server = Server::with(|settings| {
        settings.limits.pending_requests_per_client = MOST;
        settings.advanced.request_timeout = Duration::from_secs(4);
    });
    let phone = bystander(&server).await;
    let neighbour = server.phone("0004130000bb");
    neighbour.start().await;
    phone.always("GetDoNotDisturb", Reaction::Silence);
    let busy = server.client().await.open_server().await;
    let other = server.client().await.open_server().await;
    let ask = |line| busy.begin("GetDoNotDisturb", &element("device", line));
    let mut waiting: Vec<_> = (0..MOST).map(|_| ask(phone.line())).collect();
    // What would be done at once finds no room either: it is the client that has too much, not the phone.
    let mut more: Vec<_> = (0..200)
        .map(|number| match number % 2 {
            0 => ask(phone.line()),
            _ => ask(neighbour.line()),
        })
        .collect();
    for answer in &mut more {
        let answer = final_of(answer).await.unwrap().expect(200);
        let error = Document::read(&answer.body);
        assert_eq!(
            error.text("systemResourceAvailibility"),
            "resourceBusy",
            "{}",
            error.raw
        );
    }
    assert!(waiting.iter_mut().all(|answer| answer.try_recv().is_err()));
    let refused = "uacsta_requests_refused_total{limit=\"limits.pending_requests_per_client\"}";
    assert_eq!(metric(&server, refused).await, 200);
    let device = element("device", neighbour.line());
    other.done("GetDoNotDisturb", &device).await;
    for answer in &mut waiting {
        let answer = final_of(answer).await.unwrap().expect(200);
        let error = Document::read(&answer.body);
        assert_eq!(
            error.text("systemResourceAvailibility"),
            "deviceOutOfService",
            "{}",
            error.raw
        );
    }
    // There is room again, and no answer came twice.
    phone.relent("GetDoNotDisturb");
    busy.done("GetDoNotDisturb", &device).await;
    for answer in waiting.iter_mut().chain(&mut more) {
        assert!(answer.try_recv().is_err());
    }
    assert_eq!(neighbour.count("GetDoNotDisturb"), 2);
}
