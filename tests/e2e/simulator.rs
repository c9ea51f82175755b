//! Simulated phones of every maker: valid documents, and events that arrive in order.

use std::{sync::Arc, time::Duration};

use uacsta_connect::ServerAddress;
use uacsta_simulator::{Button, Fleet, FleetError, FleetOptions, Maker, Phone, Stage};

use crate::support::{
    PATIENCE,
    csta::{between, connection, element},
    cti_client::Session,
    server::Server,
};

const FIRST: u32 = 215;

/// A fleet of phones is a cast of actors, which need a system around them.
fn in_system(test: impl Future<Output = ()>) {
    actix_rt::System::new().block_on(test);
}

/// Three phones of one maker, whose documents are validated with the server's.
async fn fleet(server: &Server, maker: Maker) -> Fleet {
    fleet_of(server, &maker, 3).await
}

async fn fleet_of(server: &Server, maker: &Maker, phones: u32) -> Fleet {
    fleet_from(server, maker, phones, FIRST).await
}

async fn fleet_from(server: &Server, maker: &Maker, phones: u32, first: u32) -> Fleet {
    let documents = Arc::clone(&server.documents);
    let at = ServerAddress::new(&server.addresses.phones_tcp.unwrap().to_string(), None).unwrap();
    let password = server.settings.phones.password.expose();
    let options = FleetOptions::new(at, password)
        .phones(maker, phones, first)
        .recorded()
        .tapped(Arc::new(move |_, document| {
            documents.received(std::str::from_utf8(document).unwrap());
        }));
    let fleet = Fleet::start(options).await.unwrap();
    fleet.ready().await;
    fleet
}

/// Watches the lines of a fleet; the cross references, in the order of its phones.
async fn watch(session: &mut Session, fleet: &Fleet) -> Vec<String> {
    let mut references = Vec::new();
    for phone in fleet.phones() {
        references.push(session.watch(phone.device().as_str()).await);
    }
    references
}

/// The events that a client got of each monitor are those that the phones sent, in their order.
async fn heard(session: &mut Session, fleet: &Fleet, references: &[String]) {
    let mut said: Vec<Vec<String>> = Vec::new();
    for phone in fleet.phones() {
        let events = phone.record().await;
        said.push(
            events
                .iter()
                .map(|sent| shape(std::str::from_utf8(&sent.document).unwrap()))
                .collect(),
        );
    }
    let total: usize = said.iter().map(Vec::len).sum();
    assert!(total > 0, "the phones said nothing");
    let mut got: Vec<Vec<String>> = vec![Vec::new(); references.len()];
    for _ in 0..total {
        let event = session.event().await;
        let monitor = event.text("monitorCrossRefID");
        let of = references
            .iter()
            .position(|reference| reference == monitor)
            .unwrap();
        got[of].push(shape(&event.raw));
    }
    assert_eq!(got, said);
    assert!(session.quiet(), "an event came that no phone sent");
}

/// A document without what is the server's to exchange.
fn shape(document: &str) -> String {
    let (start, end) = between(document, "monitorCrossRefID").unwrap();
    let root = document
        .rsplit_once("?>")
        .map_or(document, |(_, root)| root);
    let (name, _) = root.trim_start().split_once(' ').unwrap();
    assert!(start < end, "{document}");
    format!("{name} {}", &document[end..])
}

async fn calls(phones: &[Phone]) {
    let [one, two, three] = phones else {
        panic!("three phones")
    };
    let until_idle = async || {
        for phone in phones {
            phone.is_idle().await;
        }
    };
    // Basic call, hold and retrieve, digits.
    one.dial("216").await.unwrap();
    two.rings().await;
    two.answer().await.unwrap();
    one.talks().await;
    one.hold().await.unwrap();
    one.retrieve().await.unwrap();
    one.digits("12#").await.unwrap();
    one.hang_up().await.unwrap();
    two.hang_up().await.ok();
    until_idle().await;
    // Consultation and transfer.
    one.dial("216").await.unwrap();
    two.rings().await;
    two.answer().await.unwrap();
    two.press(Button::Consult("217".into())).await.unwrap();
    three.rings().await;
    three.answer().await.unwrap();
    two.press(Button::Transfer).await.unwrap();
    two.is_idle().await;
    one.hang_up().await.unwrap();
    three.hang_up().await.ok();
    until_idle().await;
    // Deflection, do not disturb, a number outside.
    one.dial("216").await.unwrap();
    two.rings().await;
    two.press(Button::Deflect("217".into())).await.unwrap();
    three.rings().await;
    three.answer().await.unwrap();
    three.hang_up().await.unwrap();
    one.hang_up().await.ok();
    until_idle().await;
    two.press(Button::DoNotDisturb(true)).await.unwrap();
    one.dial("216").await.unwrap();
    one.hang_up().await.ok();
    two.press(Button::DoNotDisturb(false)).await.unwrap();
    two.press(Button::MessageWaiting(true)).await.unwrap();
    one.dial("030123456").await.unwrap();
    one.talks().await;
    one.hang_up().await.unwrap();
    until_idle().await;
}

async fn a_day_at(maker: &str) {
    let server = Server::start();
    let fleet = fleet(&server, maker.parse().unwrap()).await;
    let client = server.client().await;
    let mut session = client.open_server().await;
    let references = watch(&mut session, &fleet).await;
    calls(fleet.phones()).await;
    heard(&mut session, &fleet, &references).await;
}

#[test]
fn simulated_snom_phones_are_valid_and_events_arrive() {
    in_system(a_day_at("snom"));
}

#[test]
fn simulated_yealink_phones_are_valid_and_events_arrive() {
    in_system(a_day_at("yealink"));
}

#[test]
fn simulated_mitel_phones_are_valid_and_events_arrive() {
    in_system(a_day_at("mitel"));
}

#[test]
fn simulated_auerswald_phones_are_valid_and_events_arrive() {
    in_system(a_day_at("auerswald"));
}

#[test]
fn simulated_fanvil_phones_are_valid_and_events_arrive() {
    in_system(a_day_at("fanvil"));
}

#[test]
fn simulated_phones_of_every_maker_call_and_change_lines() {
    in_system(async {
        let server = Server::start();
        let at = ServerAddress::new(&server.addresses.phones_tcp.unwrap().to_string(), None);
        let mut options = FleetOptions::new(at.unwrap(), server.settings.phones.password.expose());
        for (maker, first) in Maker::shipped().iter().zip([210, 220, 230, 240, 250]) {
            options = options.phones(maker, 2, first);
        }
        let fleet = Fleet::start(options).await.unwrap();
        let flow = async {
            fleet.ready().await;
            for pair in fleet.phones().chunks(2) {
                let [one, other] = pair else { continue };
                one.dial(other.device().user()).await.unwrap();
                other.rings().await;
                other.answer().await.unwrap();
                one.hang_up().await.unwrap();
                other.is_idle().await;
            }
            let phone = fleet.phone(0);
            phone.cut();
            phone.is_away().await;
            phone.is(Stage::Listed).await;
            let twice = Err(FleetError::Twice("211".into()));
            assert_eq!(phone.add_line("211").await, twice);
            phone.add_line("219").await.unwrap();
            fleet.phone(1).dial("219").await.unwrap();
            fleet.line("219").unwrap().rings().await;
            phone.remove_line("219").await.unwrap();
            assert!(fleet.line("219").is_none());
            let none = Err(FleetError::NoLine("219".into()));
            assert_eq!(phone.remove_line("219").await, none);
        };
        tokio::time::timeout(PATIENCE, flow).await.unwrap();
        drop(fleet);
    });
}

#[test]
fn simulated_phones_make_as_many_calls_as_requested() {
    in_system(async {
        let server = Server::start();
        for (phones, first) in [(2, 215), (20, 300)] {
            let fleet = fleet_from(&server, &Maker::snom(), phones, first).await;
            let made = std::sync::atomic::AtomicU64::new(0);
            let time = Duration::from_secs(6);
            let calling = uacsta_simulator::keep_calling(&fleet, 600.0, &made);
            assert!(tokio::time::timeout(time, calling).await.is_err());
            let made = made.into_inner();
            assert!(
                (54..=62).contains(&made),
                "{phones} phones: {made} calls in 6 s"
            );
        }
    });
}

#[test]
fn client_controls_simulated_phones() {
    in_system(async {
        let server = Server::start();
        let fleet = fleet(&server, Maker::snom()).await;
        let line = fleet.phone(0).device().as_str().to_owned();
        let other = fleet.phone(1).device().as_str().to_owned();
        let client = server.client().await;
        let session = client.open_server().await;

        let made = session.make_call(&line, "216").await;
        let call = made.text("callingDevice/callID").to_owned();
        fleet.phone(1).rings().await;
        let snapshot = session
            .done("SnapshotDevice", &element("snapshotObject", &other))
            .await;
        assert!(
            snapshot
                .raw
                .contains("<localConnectionState>alerting</localConnectionState>"),
            "{}",
            snapshot.raw
        );
        let ringing = snapshot.text("crossRefIDorSnapshotData/snapshotData/snapshotDeviceResponseInfo/connectionIdentifier/callID").to_owned();
        session
            .done(
                "AnswerCall",
                &connection("callToBeAnswered", &ringing, &other),
            )
            .await;
        fleet.phone(0).talks().await;
        session
            .done("HoldCall", &connection("callToBeHeld", &call, &line))
            .await;
        assert_eq!(
            session
                .refused("HoldCall", &connection("callToBeHeld", &call, &line))
                .await
                .0,
            "stateIncompatibility",
            "a call that is held cannot be held"
        );
        session
            .done(
                "RetrieveCall",
                &connection("callToBeRetrieved", &call, &line),
            )
            .await;
        session
            .done(
                "ClearConnection",
                &connection("connectionToBeCleared", &call, &line),
            )
            .await;
        fleet.phone(0).is_idle().await;
    });
}

#[test]
fn simulated_phones_return_to_service_after_an_absence() {
    in_system(async {
        let server = Server::start();
        let fleet = fleet(&server, Maker::yealink()).await;
        let client = server.client().await;
        let mut session = client.open_server().await;
        session.watch(fleet.phone(0).device().as_str()).await;
        fleet.phone(0).go_away();
        session.expect("OutOfServiceEvent").await;
        fleet.phone(0).come_back();
        session.expect("BackInServiceEvent").await;
    });
}

/// Whether the phone tells the server that its lines have changed, or is asked for them.
#[test]
fn line_added_at_run_time_is_controllable_until_removed() {
    in_system(async {
        let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_secs(1));
        for (maker, first) in [(Maker::snom(), 215), (Maker::yealink(), 225)] {
            let fleet = fleet_from(&server, &maker, 2, first).await;
            let (line, other, more) = (first, first + 1, first + 5);
            let mac = fleet.phone(0).mac().to_string();
            let listed = async |lines: &[u32]| {
                let wait = async {
                    loop {
                        let phone = server.listed(&mac).await;
                        let users = phone["lines"].as_array().unwrap().iter().map(|line| {
                            let line = line.as_str().unwrap().trim_start_matches("sip:");
                            line.split('@').next().unwrap().parse::<u32>().unwrap()
                        });
                        if users.eq(lines.iter().copied()) {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                };
                tokio::time::timeout(crate::support::PATIENCE, wait)
                    .await
                    .unwrap_or_else(|_| panic!("{}: not {lines:?}", maker.name()));
            };
            listed(&[line]).await;
            fleet.phone(0).add_line(&more.to_string()).await.unwrap();
            listed(&[line, more]).await;
            let session = server.client().await.open_server().await;
            session
                .make_call(&format!("sip:{more}@pbx.example"), &other.to_string())
                .await;
            fleet.phone(1).rings().await;
            fleet.phone(0).remove_line(&more.to_string()).await.unwrap();
            fleet.phone(1).is_idle().await;
            // One poll shows enough, and takes seconds.
            if maker.has(uacsta_schema::csta::ServiceId::SystemRegister) {
                listed(&[line]).await;
            }
        }
    });
}

/// Whoever reads is not slow, however much the phones have to say at once.
#[test]
fn burst_of_hundreds_of_phones_disconnects_no_client() {
    in_system(async {
        let server = Server::start();
        let fleet = fleet_of(&server, &Maker::snom(), 400).await;
        let client = server.client().await;
        let mut session = client.open_server().await;
        let references = watch(&mut session, &fleet).await;
        for _ in 0..3 {
            let pairs = fleet.phones().chunks_exact(2);
            let calls = pairs.map(|pair| async move {
                pair[0].dial(pair[1].device().user()).await.unwrap();
                pair[1].rings().await;
                pair[1].answer().await.unwrap();
                pair[0].hang_up().await.unwrap();
                pair[1].hang_up().await.ok();
                pair[1].is_idle().await;
            });
            futures_util::future::join_all(calls).await;
        }
        heard(&mut session, &fleet, &references).await;
    });
}
