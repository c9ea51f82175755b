//! Events out of order, in excess, or without a monitor.

use std::time::{Duration, Instant};

use super::{MAC, NEIGHBOUR, call, hears, phone_of, resident, serving, watched};
use crate::support::{
    csta::{Call, document, element, failure},
    phone::Reaction,
    server::Server,
};

/// A17: what the phone tells is relayed in the order in which it came, whatever a call should look like; a CSeq may leave
/// numbers out (RFC 3261, section 12.2.2), and one that is too low is refused with 500 and relayed to nobody.
#[tokio::test]
async fn events_are_relayed_in_arrival_order() {
    let server = Server::start();
    let (phone, mut session, reference) = watched(&server).await;
    let seen = call(&phone);
    let wire = phone.wire().await;
    let mut cseq = phone.in_dialog("INFO").await.cseq();
    for (step, event, name, status) in [
        (1, seen.established(), "EstablishedEvent", 200),
        (1000, seen.delivered(), "DeliveredEvent", 200),
        (70_000, seen.cleared(), "ConnectionClearedEvent", 200),
        (1, seen.established(), "EstablishedEvent", 200),
        (-5, seen.held(), "", 500),
        (-70_000, seen.retrieved(), "", 500),
        (1, seen.cleared(), "ConnectionClearedEvent", 200),
    ] {
        let number = cseq.saturating_add_signed(step);
        cseq = cseq.max(number);
        let monitor = phone.monitored().await;
        let info = phone
            .in_dialog("INFO")
            .await
            .set("CSeq", format!("{number} INFO"))
            .csta(event.replace("{xref}", &monitor));
        let answer = wire.transact(&info).await.unwrap();
        assert_eq!(answer.status(), status, "CSeq {number} after {cseq}");
        if !name.is_empty() {
            hears(&mut session, &reference, &[name]).await;
        }
    }
    assert!(session.quiet());
}

/// A20: one phone tells without end; each of its events is answered and relayed in order, another phone's client is
/// served meanwhile (within 2.5 s here, ten times what is promised on a quiet machine), and nothing piles up.
#[tokio::test]
async fn event_storm_of_one_phone_is_bounded_and_delays_no_other() {
    const ROUNDS: usize = 40;
    const PAIRS: usize = 50;
    let server = serving("[limits]\nladder = 0\n");
    let (phone, neighbour) = (
        phone_of(&server, MAC, |_| {}),
        phone_of(&server, NEIGHBOUR, |_| {}),
    );
    for phone in [&phone, &neighbour] {
        phone.start().await;
    }
    let other = server.client().await.open(neighbour.line()).await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let (first, last) = (call(&phone).originated(), call(&phone).cleared());
    let round: Vec<String> = (0..PAIRS)
        .flat_map(|_| [first.clone(), last.clone()])
        .collect();
    phone.burst(&round).await;
    let before = resident(&server);
    let storm = tokio::spawn(async move {
        for _ in 1..ROUNDS {
            // Expects a 200 for each.
            phone.burst(&round).await;
        }
    });
    let heard = tokio::spawn(async move {
        for _ in 0..ROUNDS * PAIRS {
            session.expect("OriginatedEvent").await;
            session.expect("ConnectionClearedEvent").await;
        }
    });
    let mut slowest = Duration::ZERO;
    let mut asked = 0;
    while !storm.is_finished() || asked < 20 {
        let begun = Instant::now();
        other
            .done("GetDoNotDisturb", &element("device", neighbour.line()))
            .await;
        slowest = slowest.max(begun.elapsed());
        asked += 1;
    }
    storm.await.unwrap();
    heard.await.unwrap();
    assert!(slowest < Duration::from_millis(2500), "{slowest:?}");
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} octets more");
}

/// A21: of two monitors the phone loses one, which shows when a call that it lists was never told of: that one is started
/// again and its client told so, the other goes on. A MonitorStop for a monitor that is lost is refused and over.
#[tokio::test]
async fn lost_monitor_of_one_line_is_restarted() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(50));
    let lines = ["sip:201@pbx.example", "sip:202@pbx.example"];
    let phone = server.phone_as(MAC, |setup| {
        setup.identities = lines.map(str::to_owned).to_vec();
    });
    phone.start().await;
    let client = server.client().await;
    let mut sessions = Vec::new();
    let mut references = Vec::new();
    for line in lines {
        let mut session = client.open(line).await;
        references.push(session.watch(line).await);
        sessions.push(session);
    }
    phone.until_received("SnapshotDevice", 2).await;
    let lost = "<snapshotDeviceResponseInfo><connectionIdentifier><callID>-9</callID><deviceID>sip:202@pbx.example</deviceID></connectionIdentifier>\
        <localCallState><compoundCallState><localConnectionState>connected</localConnectionState></compoundCallState></localCallState></snapshotDeviceResponseInfo>";
    // The phone answers for both lines alike; the call at the first one is told of.
    let told = Call::seen_by(lines[0], "-9", lines[0], "sip:102@pbx.example");
    phone.event(&told.originated()).await.expect(200);
    let answer = format!(
        "<crossRefIDorSnapshotData><snapshotData>{lost}</snapshotData></crossRefIDorSnapshotData>"
    );
    let answer = document("ed3", "SnapshotDeviceResponse", &answer);
    phone.always("SnapshotDevice", Reaction::Document(answer));
    let former = failure("ed3", "operation", "invalidMonitorCrossRefID");
    phone.once("MonitorStop", Reaction::Document(former));
    let (one, two) = sessions.split_at_mut(1);
    hears(
        &mut two[0],
        &references[1],
        &["OutOfServiceEvent", "BackInServiceEvent"],
    )
    .await;
    hears(&mut one[0], &references[0], &["OriginatedEvent"]).await;
    assert!(one[0].quiet(), "the other monitor goes on");
    assert_eq!(
        (phone.count("MonitorStart"), phone.count("MonitorStop")),
        (3, 1)
    );
}
