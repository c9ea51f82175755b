//! Services relayed to the phone, and what becomes of those it does not answer (TR/87, section 7.2).

use std::time::Duration;

use crate::support::{
    csta::{Document, connection, document, element, failure},
    documents::DEVIATION,
    fixture::{LINE, started},
    phone::Reaction,
    server::Server,
    wire::final_of,
};

/// What a client asks, and the ConnectionID or device in it.
fn services() -> Vec<(&'static str, String)> {
    let on_call = |name: &'static str, parameter: &str| (name, connection(parameter, "-12", LINE));
    vec![
        (
            "MakeCall",
            element("callingDevice", LINE)
                + "<calledDirectoryNumber>102</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>",
        ),
        on_call("AnswerCall", "callToBeAnswered"),
        on_call("ClearConnection", "connectionToBeCleared"),
        on_call("HoldCall", "callToBeHeld"),
        on_call("RetrieveCall", "callToBeRetrieved"),
        ("SnapshotDevice", element("snapshotObject", LINE)),
        ("GetDoNotDisturb", element("device", LINE)),
        (
            "SetDoNotDisturb",
            element("device", LINE) + "<doNotDisturbOn>true</doNotDisturbOn>",
        ),
        ("GetForwarding", element("device", LINE)),
        (
            "SetForwarding",
            element("device", LINE)
                + "<forwardingType>forwardImmediate</forwardingType><activateForward>true</activateForward><forwardDN>103</forwardDN>",
        ),
        (
            "ConsultationCall",
            connection("existingCall", "-12", LINE) + "<consultedDevice>104</consultedDevice>",
        ),
        (
            "TransferCall",
            connection("heldCall", "-12", LINE) + &connection("activeCall", "-13", LINE),
        ),
        (
            "GenerateDigits",
            connection("connectionToSendDigits", "-12", LINE)
                + "<charactersToSend>12#</charactersToSend>",
        ),
    ]
}

#[tokio::test]
async fn service_response_follows_the_phone_response() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    for (service, inner) in services() {
        let response = document(
            "ed3",
            &format!("{service}Response"),
            "<extensions><privateData><private><from xmlns=\"urn:test\">the phone</from></private></privateData></extensions>",
        );
        phone.once(service, Reaction::Document(response + DEVIATION));
        let answer = session.done(service, &inner).await;
        assert!(answer.raw.contains("the phone"), "{}", answer.raw);
        let asked = phone.until_received(service, 1).await;
        assert_eq!(
            asked.message.body,
            document("ed3", service, &inner),
            "byte for byte"
        );
        assert_eq!(asked.message.must("Content-Type"), "application/csta+xml");
    }
}

#[tokio::test]
async fn csta_error_of_the_phone_is_relayed_unchanged() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let refusal = failure("ed3", "stateIncompatibility", "invalidConnectionState");
    phone.once("HoldCall", Reaction::Document(refusal.clone()));
    let inner = connection("callToBeHeld", "-12", LINE);
    let answer = session.ask("HoldCall", &inner).await;
    assert_eq!(answer.raw, refusal);
}

/// docs/reference/refusals.md: a phone that refuses by its SIP status alone.
#[tokio::test]
async fn sip_status_of_the_phone_maps_to_a_csta_error() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let inner = connection("callToBeHeld", "-12", LINE);
    for (status, category, value) in [
        (400, "operation", "generic"),
        (403, "operation", "generic"),
        (404, "operation", "invalidDeviceID"),
        (405, "operation", "serviceNotSupported"),
        (415, "operation", "serviceNotSupported"),
        (486, "systemResourceAvailibility", "resourceBusy"),
        (500, "operation", "generic"),
        (501, "operation", "serviceNotSupported"),
        (503, "operation", "generic"),
        (600, "systemResourceAvailibility", "resourceBusy"),
        (603, "operation", "generic"),
    ] {
        phone.once("HoldCall", Reaction::Status(status, &[]));
        let refusal = session.refused("HoldCall", &inner).await;
        assert_eq!(refusal, (category.to_owned(), value.to_owned()), "{status}");
    }
    for unusable in [
        document("ed3", "MakeCallResponse", ""),
        document("ed3", "CSTAErrorCode", ""),
    ] {
        phone.once("HoldCall", Reaction::Document(unusable));
        let refusal = session.refused("HoldCall", &inner).await;
        assert_eq!(refusal, ("operation".to_owned(), "generic".to_owned()));
    }
    session.done("HoldCall", &inner).await;
}

#[tokio::test]
async fn requests_beyond_the_queue_limit_are_refused_at_once() {
    let server = Server::with(|settings| settings.limits.pending_requests_per_phone = 1);
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("HoldCall", Reaction::Late(Duration::from_millis(500)));
    let running = session.begin("HoldCall", &connection("callToBeHeld", "-12", LINE));
    phone.until_received("HoldCall", 1).await;
    let waiting = session.begin("GetForwarding", &element("device", LINE));
    let busy = session
        .refused("GetDoNotDisturb", &element("device", LINE))
        .await;
    let expected = ("systemResourceAvailibility", "resourceBusy");
    assert_eq!((busy.0.as_str(), busy.1.as_str()), expected);
    for mut answer in [running, waiting] {
        let answer = final_of(&mut answer).await.unwrap().expect(200);
        assert!(answer.body.contains("Response"), "{}", answer.body);
    }
    assert_eq!(phone.count("GetDoNotDisturb"), 0);
}

#[tokio::test]
async fn silent_or_slow_phone_times_out_for_the_client() {
    let server =
        Server::with(|settings| settings.advanced.request_timeout = Duration::from_secs(3));
    let phone = started(&server).await;
    let neighbour = server.phone("000413000002");
    neighbour.start().await;
    let session = server.client().await.open_server().await;
    phone.once("HoldCall", Reaction::Late(Duration::from_secs(6)));
    let mut waiting = session.begin("HoldCall", &connection("callToBeHeld", "-12", LINE));
    // Nobody else waits meanwhile.
    session
        .done("GetDoNotDisturb", &element("device", neighbour.line()))
        .await;
    assert!(waiting.is_empty());
    let answer = tokio::time::timeout(Duration::from_secs(5), final_of(&mut waiting))
        .await
        .expect("an answer at request_timeout");
    let answer = Document::read(&answer.unwrap().expect(200).body);
    assert_eq!(
        answer.text("systemResourceAvailibility"),
        "deviceOutOfService",
        "{}",
        answer.raw
    );
    // The late answer is absorbed, and the phone serves on.
    tokio::time::timeout(
        crate::support::PATIENCE,
        session.done("GetDoNotDisturb", &element("device", LINE)),
    )
    .await
    .expect("an answer");
}

#[tokio::test]
async fn request_is_not_repeated_when_the_phone_disconnects() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("MakeCall", Reaction::Reset);
    let refusal = session.refused("MakeCall", &services()[0].1).await;
    assert_eq!(
        refusal,
        (
            "systemResourceAvailibility".to_owned(),
            "deviceOutOfService".to_owned()
        )
    );
    phone.reboot();
    phone.start().await;
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
    assert_eq!(phone.count("MakeCall"), 1, "it may have been done");
}

#[tokio::test]
async fn requests_to_one_phone_are_serialised_in_order() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("GenerateDigits", Reaction::Late(Duration::from_millis(300)));
    let mut answers = Vec::new();
    for digit in 0..10 {
        let inner = connection("connectionToSendDigits", "-12", LINE)
            + &element("charactersToSend", &digit.to_string());
        answers.push(session.begin("GenerateDigits", &inner));
    }
    phone.until_received("GenerateDigits", 1).await;
    session.send(|options| options, "OPTIONS").await.expect(200);
    assert_eq!(
        phone.count("GenerateDigits"),
        1,
        "the second waits for the answer to the first"
    );
    for mut answer in answers {
        final_of(&mut answer).await.unwrap().expect(200);
    }
    for digit in 0..10 {
        let asked = phone
            .until_received("GenerateDigits", digit + 1)
            .await
            .document();
        assert_eq!(asked.text("charactersToSend"), digit.to_string());
    }
}

#[tokio::test]
async fn service_without_mandatory_arguments_gets_a_csta_error() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let (category, _) = session
        .refused("MakeCall", &element("callingDevice", LINE))
        .await;
    assert_eq!(category, "operation");
    assert_eq!(phone.count("MakeCall"), 0);
}
