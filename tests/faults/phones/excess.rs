//! A hostile phone with the password: names, lists and changes without bounds.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::{MAC, NEIGHBOUR, phone_of, resident, serving};
use crate::support::{
    PATIENCE,
    csta::{Call, connection, element},
    phone::{Phone, Reaction},
    server::Server,
};

/// A35: names of 60 kB in events are relayed, and none of them is kept with the calls.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn long_names_in_events_are_relayed_and_not_kept() {
    const LENGTH: usize = 60_000;
    let server = serving("");
    let phone = phone_of(&server, MAC, |_| {});
    phone.start().await;
    let mut session = server.client().await.open(phone.line()).await;
    session.watch(phone.line()).await;
    let mut before = 0;
    for number in 0..300 {
        if number == 30 {
            before = resident(&server);
        }
        let party = format!("sip:{number}{}@pbx.example", "x".repeat(LENGTH));
        let id = match number % 10 {
            9 => format!("-{number}{}", "y".repeat(LENGTH)),
            call => format!("-{}", call % 8),
        };
        let event = Call::seen_by(phone.line(), &id, phone.line(), &party).delivered();
        phone.event(&event).await.expect(200);
        let heard = session.expect("DeliveredEvent").await;
        assert_eq!(heard.text("connection/callID"), id);
    }
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} octets more");
    phone.always("SnapshotDevice", Reaction::Status(501, &[]));
    let object = connection("snapshotObject", "-2", phone.line());
    let snapshot = session.done("SnapshotCall", &object).await;
    assert!(snapshot.raw.len() < 4096);
    let log = server.end();
    let said = log.lines().filter(|line| line.contains("name is not kept"));
    assert_eq!(said.count(), 1, "once a minute");
    assert!(log.len() < LENGTH, "the log has {} octets", log.len());
}

/// A35: a phone that reports changes of its lines again and again, and answers no request for them, gets one request at a
/// time; the last change counts.
#[tokio::test]
async fn changes_without_answers_make_one_request_at_a_time() {
    const LIST: &str = "GetSwitchingFunctionDevices";
    let server = Server::with(|settings| {
        settings.advanced.request_timeout = Duration::from_secs(1);
    });
    let phone = server.phone(MAC);
    phone.start().await;
    let session = server.client().await.open(phone.line()).await;
    session.monitor(phone.line()).await;
    phone.always(LIST, Reaction::Silence);
    phone.always("SystemRegister", Reaction::Silence);
    let change = phone.document("SwFunctionDevicesChanged", "");
    let abort = phone.document("SystemRegisterAbort", "");
    let begun = Instant::now();
    phone.burst(&vec![change.clone(); 500]).await;
    phone.burst(&vec![abort; 500]).await;
    phone.until_received(LIST, 2).await;
    phone.until_received("SystemRegister", 2).await;
    phone.burst(&vec![change; 500]).await;
    for request in [LIST, "SystemRegister"] {
        // One at the beginning, and one for each that has failed.
        let (sent, seconds) = (phone.count(request), begun.elapsed().as_secs());
        assert!(
            sent as u64 <= 2 + seconds,
            "{request}: {sent} in {seconds} s"
        );
    }
    phone.relent(LIST);
    // The last changes count, once the request has failed.
    phone.until_received(LIST, 3).await;
}

fn host() -> String {
    "h".repeat(200)
}

/// Lists of hundreds of lines with one user part, each with a long name.
fn lists(phone: &Phone) -> Vec<String> {
    let list = |number: usize| {
        let host = host();
        let devices: String = (0..800)
            .map(|line| element("deviceID", &format!("sip:7@{number}.{line}.{host}")))
            .map(|id| format!("<device>{id}</device>"))
            .collect();
        let head = "<serviceCrossRefID>s1</serviceCrossRefID><segmentID>1</segmentID>\
                    <lastSegment>true</lastSegment>";
        phone.document(
            "SwitchingFunctionDevices",
            &format!("{head}<deviceList>{devices}</deviceList>"),
        )
    };
    (0..2).map(list).collect()
}

/// A35: lists of hundreds of long lines, one after the other, delay no REGISTER of another phone (250 ms at the 99th
/// percentile on a quiet machine; ten times that here): one list a second counts, and 16 of its lines.
#[tokio::test]
async fn lists_of_long_lines_delay_no_other_phone() {
    let server = serving("");
    let (phone, neighbour) = (
        phone_of(&server, MAC, |_| {}),
        phone_of(&server, NEIGHBOUR, |_| {}),
    );
    for phone in [&phone, &neighbour] {
        phone.start().await;
    }
    let before = server.log().len();
    let begun = Instant::now();
    let mut times = Vec::new();
    let storm = tokio::spawn(async move {
        let lists = lists(&phone);
        for _ in 0..10 {
            for answer in join_all(lists.iter().map(|list| phone.info(list))).await {
                answer.expect(200);
            }
        }
    });
    while !storm.is_finished() || times.len() < 20 {
        let asked = Instant::now();
        neighbour.register().await.expect(200);
        times.push(asked.elapsed());
    }
    storm.await.unwrap();
    let slowest = times.iter().max().unwrap();
    assert!(*slowest < Duration::from_millis(2500), "{slowest:?}");
    // The last list counts, when its second is over.
    let first = format!("sip:7@1.0.{}", host());
    let client = server.client().await;
    while client.invite(&first, |invite| invite).await.is_err() {
        assert!(begun.elapsed() < 4 * PATIENCE, "{first} is not listed");
    }
    let seconds = begun.elapsed().as_secs() + 1;
    let log = server.end().split_off(before);
    let counted = log.matches("phone listed its lines").count() as u64;
    assert!(counted <= seconds + 1, "{counted} lists in {seconds} s");
    assert_eq!(counted, log.matches(" lines=16").count() as u64, "{log}");
}
