//! Peers that send more requests than the server can process at once: queues are bounded and the surplus is refused.

use std::time::Duration;

use super::{bystander, is_served, metric};
use crate::support::{
    csta::{Document, document, element},
    cti_client::Session,
    digest::Account,
    line::{Line, request},
    phone::Reaction,
    server::{CLIENTS_PASSWORD, Server},
    wire::final_of,
};

/// RFC 3261, sections 17.2.1 and 17.1.1.3 on a stream: nothing is repeated there, so a refused INVITE leaves nothing that a CANCEL would
/// find (9.2: 481), its ACK is absorbed, and a repetition is refused like the first.
#[tokio::test]
async fn rejected_invite_leaves_no_state() {
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
async fn rejected_re_invite_keeps_the_session() {
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
async fn client_that_churns_sessions_is_stopped_without_affecting_others() {
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
async fn pending_requests_of_a_client_are_limited_and_answered_once() {
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

/// A client asks for many lists of a thousand lines and reads none: it is told one of them, a few segments ahead of its answers,
/// so that its connection stands and everybody else is served. When it reads, it gets each list whole and in its turn.
#[tokio::test]
async fn line_lists_are_sent_one_at_a_time_with_flow_control() {
    const LISTS: usize = 30;
    const SEGMENTS: usize = 10;
    let server = Server::with(|settings| {
        settings.limits.client_queue = uacsta_config::ByteSize::new(1 << 18);
    });
    // A thousand lines fit the bound of what is kept of a phone.
    let host = format!("{}.example", "x".repeat(40));
    let phone = server.phone_as("0004130000aa", |setup| {
        setup.segments = 20;
        setup.identities = (0..100 * SEGMENTS)
            .map(|number| format!("sip:{number}@{host}"))
            .collect();
    });
    phone.start().await;
    let client = server.client().await;
    let (mut greedy, mut leaving) = (client.open_server().await, client.open_server().await);
    client.wire.listen(false);
    let list = |session: &Session| session.begin("GetSwitchingFunctionDevices", "");
    let answers: Vec<_> = (0..LISTS).map(|_| list(&greedy)).collect();
    let mut given_up = list(&leaving);

    let mut other = server.client().await.open_server().await;
    let device = element("device", phone.line());
    for _ in 0..20 {
        other.done("GetDoNotDisturb", &device).await;
    }
    final_of(&mut list(&other)).await.unwrap().expect(200);
    is_told(&mut other, SEGMENTS).await;

    client.wire.listen(true);
    for (nth, mut answer) in answers.into_iter().enumerate() {
        final_of(&mut answer).await.unwrap().expect(200);
        if nth == LISTS / 2 {
            // A session that ends is told nothing any more, and the others go on.
            leaving.bye().await;
        }
        is_told(&mut greedy, SEGMENTS).await;
    }
    final_of(&mut given_up).await.unwrap().expect(487);
    assert!(greedy.quiet() && leaving.quiet());
    is_served(&server, &phone).await;
}

/// A client that reads a list and answers nothing is told four segments ahead, and the next one for each answer.
#[tokio::test]
async fn line_list_sends_at_most_four_unanswered_segments() {
    let server = Server::start();
    let phone = server.phone_as("0004130000aa", |setup| {
        setup.segments = 10;
        setup.identities = (0..1000)
            .map(|number| format!("sip:{number}@pbx.example"))
            .collect();
    });
    phone.start().await;
    let mut line = Line::to(server.addresses.clients_tcp.unwrap()).await;
    let account = Account::new("ecsta", CLIENTS_PASSWORD);
    line.log_on(&account).await.expect(200);
    let invite = request("INVITE", "ecsta")
        .set("To", "<sip:127.0.0.1>")
        .with("Contact", "<sip:ecsta@127.0.0.1:9>")
        .csta(document("ed3", "RequestSystemStatus", ""));
    let opened = line.ask(&invite).await.expect(200);
    let list = request("INFO", "ecsta")
        .set("To", opened.must("To"))
        .set("Call-ID", invite.must("Call-ID"))
        .set("CSeq", "2 INFO")
        .csta(document("ed3", "GetSwitchingFunctionDevices", ""));
    line.ask(&list).await.expect(200);
    line.write(request("OPTIONS", "ecsta").bytes()).await;
    let mut ahead = Vec::new();
    loop {
        let message = line.answer().await;
        if message.status() == 200 {
            break;
        }
        ahead.push(message);
    }
    assert_eq!(ahead.len(), 4);
    for (number, told) in ahead.iter().enumerate() {
        line.write(told.answer(200, "OK").bytes()).await;
        let next = Document::read(&line.answer().await.body);
        assert_eq!(next.text("segmentID"), (number + 5).to_string());
    }
}

/// The segments of one list come, in order.
async fn is_told(session: &mut Session, segments: usize) {
    for number in 1..=segments {
        let part = session.expect("SwitchingFunctionDevices").await;
        assert_eq!(part.text("segmentID"), number.to_string());
        let is_last = number == segments;
        assert_eq!(part.text("lastSegment"), is_last.to_string());
    }
}
