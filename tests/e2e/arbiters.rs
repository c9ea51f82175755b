//! Phones and clients spread over two event-loop threads (`advanced.arbiters`).

use std::net::SocketAddr;

use crate::support::{
    csta::{Call, element},
    cti_client::Session,
    datagrams::Weather,
    phone::Phone,
    server::Server,
};

/// Enough phones that both threads have some: all on one is less likely than one in a hundred thousand.
const PHONES: usize = 18;

fn serving() -> Server {
    Server::with(|settings| {
        settings.advanced.arbiters = 2;
        settings.phones.udp = uacsta_config::Listen::from(SocketAddr::from(([127, 0, 0, 1], 0)));
    })
}

/// Phones, every third of them on UDP.
async fn context(server: &Server) -> Vec<Phone> {
    let mut phones = Vec::new();
    for number in 0..PHONES {
        let phone = server.phone_as(&format!("0004130000{number:02x}"), |setup| {
            if number % 3 == 2 {
                setup.server = server.addresses.phones_udp.unwrap();
                setup.udp = Some(Weather::Fair);
            }
        });
        phone.start().await;
        phones.push(phone);
    }
    phones
}

fn call(phone: &Phone) -> Call {
    Call::seen_by(phone.line(), "-12", phone.line(), "sip:300@pbx.example")
}

/// A client on a connection of its own that watches all lines, and its cross references.
async fn watcher(server: &Server, phones: &[Phone]) -> (Session, Vec<String>) {
    let mut session = server.client().await.open_server().await;
    let mut references = Vec::new();
    for phone in phones {
        references.push(session.watch(phone.line()).await);
    }
    (session, references)
}

#[tokio::test]
async fn requests_and_events_cross_threads_in_order() {
    let server = serving();
    let phones = context(&server).await;
    let mut watchers = Vec::new();
    for _ in 0..4 {
        watchers.push(watcher(&server, &phones).await);
    }
    for (index, phone) in phones.iter().enumerate() {
        let (session, _) = &watchers[index % 4];
        session.make_call(phone.line(), "300").await;
        assert_eq!(phone.count("MakeCall"), 1);
        for event in [call(phone).initiated(), call(phone).delivered()] {
            phone.event(&event).await.expect(200);
        }
        for (session, references) in &mut watchers {
            for name in ["ServiceInitiatedEvent", "DeliveredEvent"] {
                let event = session.expect(name).await;
                assert_eq!(event.text("monitorCrossRefID"), references[index]);
            }
        }
    }
    assert!(phones.iter().all(|phone| phone.count("MonitorStart") == 1));
}

#[tokio::test]
async fn phone_reconnecting_on_another_thread_stays_reachable() {
    let server = serving();
    let phones = context(&server).await;
    let (mut session, references) = watcher(&server, &phones).await;
    for (phone, reference) in phones.iter().zip(&references) {
        phone.reboot();
        phone.start().await;
        for name in ["OutOfServiceEvent", "BackInServiceEvent"] {
            let event = session.expect(name).await;
            assert_eq!(event.text("monitorCrossRefID"), *reference);
        }
        session
            .done("GetDoNotDisturb", &element("device", phone.line()))
            .await;
        phone.event(&call(phone).originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
    }
    let listed = server.list().await;
    assert_eq!(listed["connectedPhones"], PHONES);
}
