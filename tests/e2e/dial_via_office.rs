//! Dial via the office: a MakeCall from the user's own number becomes two calls of the desk phone.

use std::time::Duration;

use crate::support::{
    csta::{Call, Document, element, failure},
    cti_client::{CtiClient, Session},
    digest::Account,
    fixture::LINE,
    phone::{Phone, Reaction},
    server::Server,
};

const DESTINATION: &str = "sip:300@pbx.example";

/// A server with an account of one line and one number, its desk phone, and its client.
async fn office() -> (Server, Phone, CtiClient) {
    office_of(&["0001"]).await
}

async fn office_of(lines: &[&str]) -> (Server, Phone, CtiClient) {
    let server = Server::with(|settings| {
        settings.clients.accounts.push(uacsta_config::Account {
            user: "mobile".to_owned(),
            password: "on the road".into(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            control: true,
            numbers: vec!["+49 170 123456".to_owned()],
        });
    });
    let phone = server.phone("000413000001");
    phone.start().await;
    let client = server
        .client_as(|setup| {
            setup.account.user = "mobile".to_owned();
            setup.account.password = "on the road".to_owned();
        })
        .await;
    (server, phone, client)
}

/// The desk phone's call to the user, and the one to the destination.
fn legs() -> [Call; 2] {
    [
        ("-12", "sip:+49170123456@pbx.example"),
        ("-13", DESTINATION),
    ]
    .map(|(id, called)| Call::seen_by(LINE, id, LINE, called))
}

fn request() -> String {
    element("callingDevice", "tel:+49-170-123456") + &element("calledDirectoryNumber", DESTINATION)
}

async fn received(phone: &Phone, service: &str) -> Document {
    phone.until_received(service, 1).await.document()
}

/// The desk phone has called the user, who has answered.
async fn user_answers(phone: &Phone, session: &mut Session) {
    let begun = session.done("MakeCall", &request()).await;
    assert_eq!(begun.text("callingDevice/callID"), "-12");
    let made = received(phone, "MakeCall").await;
    assert_eq!(made.text("callingDevice"), LINE);
    assert_eq!(made.text("calledDirectoryNumber"), "+49170123456");
    assert_eq!(made.text("autoOriginate"), "doNotPrompt");
    let [user, _] = legs();
    phone.event(&user.originated()).await.expect(200);
    phone.event(&user.delivered()).await.expect(200);
    assert_eq!(phone.count("ConsultationCall"), 0);
    phone.event(&user.established()).await.expect(200);
    for name in ["OriginatedEvent", "DeliveredEvent", "EstablishedEvent"] {
        session.expect(name).await;
    }
}

async fn cleared(phone: &Phone, calls: &[&str]) {
    for (nth, call) in calls.iter().enumerate() {
        let clear = phone.until_received("ClearConnection", nth + 1).await;
        assert_eq!(clear.document().text("connectionToBeCleared/callID"), *call);
    }
}

/// The server's own FailedEvent, which tells why.
async fn told(session: &mut Session, call: &str, cause: &str) {
    let failed = session.expect("FailedEvent").await;
    assert_eq!(failed.text("failedConnection/callID"), call);
    assert_eq!(failed.text("cause"), cause);
}

#[tokio::test]
async fn user_and_destination_are_connected() {
    let (_server, phone, client) = office().await;
    // The session of the server will do where the account has one line.
    let mut session = client.open_server().await;
    session.watch(LINE).await;
    user_answers(&phone, &mut session).await;
    let consulted = received(&phone, "ConsultationCall").await;
    assert_eq!(consulted.text("existingCall/callID"), "-12");
    assert_eq!(consulted.text("consultedDevice"), DESTINATION);
    let [_, destination] = legs();
    phone.event(&destination.delivered()).await.expect(200);
    assert_eq!(phone.count("TransferCall"), 0);
    phone.event(&destination.established()).await.expect(200);
    let transferred = received(&phone, "TransferCall").await;
    assert_eq!(transferred.text("heldCall/callID"), "-12");
    assert_eq!(transferred.text("activeCall/callID"), "-13");
    for call in legs() {
        phone.event(&call.cleared()).await.expect(200);
    }
    assert_eq!(phone.count("ClearConnection"), 0);
    // The client's monitor stays when the server has no more use for the line.
    phone.event(&legs()[0].originated()).await.expect(200);
    for name in [
        "DeliveredEvent",
        "EstablishedEvent",
        "ConnectionClearedEvent",
        "ConnectionClearedEvent",
        "OriginatedEvent",
    ] {
        session.expect(name).await;
    }
    assert_eq!(phone.count("MonitorStart"), 1);
}

#[tokio::test]
async fn declined_first_call_ends_the_attempt() {
    let (_server, phone, client) = office().await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    session.done("MakeCall", &request()).await;
    phone.event(&legs()[0].cleared()).await.expect(200);
    cleared(&phone, &["-12"]).await;
    session.expect("ConnectionClearedEvent").await;
    told(&mut session, "-12", "callCancelled").await;
    assert_eq!(phone.count("ConsultationCall"), 0);
}

#[tokio::test]
async fn phone_without_consultation_releases_the_user() {
    let (_server, phone, client) = office().await;
    phone.always(
        "ConsultationCall",
        Reaction::Document(failure("ed3", "operation", "serviceNotSupported")),
    );
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    user_answers(&phone, &mut session).await;
    cleared(&phone, &["-12"]).await;
    told(&mut session, "-12", "resourcesNotAvailable").await;
}

/// What the phone begins after the user has left is taken back too.
#[tokio::test]
async fn hang_up_during_consultation_clears_both_calls() {
    let (_server, phone, client) = office().await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    phone.once(
        "ConsultationCall",
        Reaction::Late(Duration::from_millis(300)),
    );
    user_answers(&phone, &mut session).await;
    received(&phone, "ConsultationCall").await;
    phone.event(&legs()[0].cleared()).await.expect(200);
    cleared(&phone, &["-12", "-13"]).await;
    session.expect("ConnectionClearedEvent").await;
    told(&mut session, "-12", "callCancelled").await;
}

#[tokio::test]
async fn destination_hang_up_is_reported_and_releases_the_user() {
    let (_server, phone, client) = office().await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    user_answers(&phone, &mut session).await;
    received(&phone, "ConsultationCall").await;
    phone.event(&legs()[1].cleared()).await.expect(200);
    cleared(&phone, &["-13", "-12"]).await;
    session.expect("ConnectionClearedEvent").await;
    told(&mut session, "-13", "callCancelled").await;
}

#[tokio::test]
async fn failed_transfer_clears_both_calls() {
    let (_server, phone, client) = office().await;
    phone.always(
        "TransferCall",
        Reaction::Document(failure("ed3", "stateIncompatibility", "noHeldCall")),
    );
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    user_answers(&phone, &mut session).await;
    received(&phone, "ConsultationCall").await;
    phone.event(&legs()[1].established()).await.expect(200);
    cleared(&phone, &["-13", "-12"]).await;
    session.expect("EstablishedEvent").await;
    told(&mut session, "-13", "resourcesNotAvailable").await;
}

/// Nothing can be cleared at a phone that is gone; who watches its line is told.
#[tokio::test]
async fn lost_phone_ends_the_attempt() {
    for consulting in [false, true] {
        let (_server, phone, client) = office().await;
        let mut session = client.open(LINE).await;
        session.watch(LINE).await;
        if consulting {
            user_answers(&phone, &mut session).await;
            received(&phone, "ConsultationCall").await;
        } else {
            session.done("MakeCall", &request()).await;
        }
        phone.disconnect();
        let mut told = [session.event().await, session.event().await];
        told.sort_by(|one, other| one.name().cmp(other.name()));
        let [failed, away] = told;
        assert_eq!(away.name(), "OutOfServiceEvent");
        assert_eq!(failed.name(), "FailedEvent");
        assert_eq!(failed.text("cause"), "resourcesNotAvailable");
        phone.start().await;
        session.expect("BackInServiceEvent").await;
        assert_eq!(phone.count("ClearConnection"), 0);
    }
}

#[tokio::test]
async fn unanswered_first_call_ends_after_a_minute() {
    let (_server, phone, client) = office().await;
    let mut session = client.open(LINE).await;
    session.watch(LINE).await;
    session.done("MakeCall", &request()).await;
    let failed = session.incoming_within(Duration::from_secs(70)).await;
    let failed = Document::read(&failed.expect("a connection that stands").body);
    assert_eq!(failed.name(), "FailedEvent");
    assert_eq!(failed.text("cause"), "callNotAnswered");
    cleared(&phone, &["-12"]).await;
}

/// In the server's session of an account with more than one line nothing says by which desk phone.
#[tokio::test]
async fn number_without_a_line_cannot_dial() {
    for lines in [&[][..], &["0001", "0002"]] {
        let (_server, phone, client) = office_of(lines).await;
        let session = client.open_server().await;
        assert_eq!(
            session.refused("MakeCall", &request()).await,
            ("operation".to_owned(), "invalidCallingDeviceID".to_owned())
        );
        assert_eq!(phone.count("MakeCall"), 0);
    }
}

#[tokio::test]
async fn attempt_that_cannot_start_is_refused() {
    let (server, phone, client) = office().await;
    let session = client.open(LINE).await;
    phone.once(
        "MakeCall",
        Reaction::Document(failure(
            "ed3",
            "stateIncompatibility",
            "invalidCallingDeviceState",
        )),
    );
    assert_eq!(
        session.refused("MakeCall", &request()).await,
        (
            "stateIncompatibility".to_owned(),
            "invalidCallingDeviceState".to_owned()
        )
    );
    assert_eq!(phone.count("ClearConnection"), 0);
    phone.disconnect();
    assert_eq!(
        session.refused("MakeCall", &request()).await,
        (
            "systemResourceAvailibility".to_owned(),
            "deviceOutOfService".to_owned()
        )
    );
    // The number is this account's; for another it is no device at all.
    let other = server.client().await.open_server().await;
    assert_eq!(
        other.refused("MakeCall", &request()).await,
        ("operation".to_owned(), "invalidDeviceID".to_owned())
    );
}

#[tokio::test]
async fn desk_phone_dials_global_numbers_by_the_rules_of_the_office() {
    let (server, phone, _) = office().await;
    let server = server.restart(|settings| {
        settings.numbers.country = "49".to_owned();
        settings.numbers.area = "30".to_owned();
        settings.numbers.outside = "0".to_owned();
    });
    let phone = server.phone_as(&phone.setup().user, |_| {});
    phone.start().await;
    let client = server.client_as(|setup| {
        setup.account = Account::new("mobile", "on the road");
    });
    let session = client.await.open_server().await;
    let call = element("callingDevice", "0170 123456") + &element("calledDirectoryNumber", "102");
    session.done("MakeCall", &call).await;
    let made = received(&phone, "MakeCall").await;
    assert_eq!(made.text("calledDirectoryNumber"), "00170123456");
}
