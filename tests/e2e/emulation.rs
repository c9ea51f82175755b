//! Services that the server emulates for phones that lack them (ECMA-269).

use std::time::{Duration, Instant};

use crate::support::{
    csta::{Call, Document, connection, document, element, failure, subject},
    cti_client::Session,
    fixture::{LINE, MAC},
    phone::{Phone, Reaction},
    server::Server,
};

async fn started(server: &Server) -> Phone {
    started_as(server, "snomD345/10.1.159.12").await
}

async fn started_as(server: &Server, user_agent: &str) -> Phone {
    let phone = server.phone_as(MAC, |setup| setup.user_agent = user_agent.to_owned());
    phone.start().await;
    phone
}

fn lacking() -> Reaction {
    Reaction::Document(failure("ed3", "operation", "serviceNotSupported"))
}

fn refusal(category: &str, value: &str) -> (String, String) {
    (category.to_owned(), value.to_owned())
}

fn call(id: &str) -> Call {
    Call::seen_by(LINE, id, LINE, "sip:102@pbx.example")
}

/// SnapshotDeviceResponse with these calls at the line.
fn snapshot(calls: &[&str]) -> Reaction {
    let listed: String = calls
        .iter()
        .map(|id| {
            format!(
                "<snapshotDeviceResponseInfo>{}</snapshotDeviceResponseInfo>",
                connection("connectionIdentifier", id, LINE)
            )
        })
        .collect();
    let inner = format!(
        "<crossRefIDorSnapshotData><snapshotData>{listed}</snapshotData></crossRefIDorSnapshotData>"
    );
    Reaction::Document(document("ed3", "SnapshotDeviceResponse", &inner))
}

#[tokio::test]
async fn call_that_ended_while_the_phone_was_away_is_cleared() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    let reference = session.watch(LINE).await;
    for id in ["-12", "-13"] {
        phone.event(&call(id).originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
    }
    phone.once("SnapshotDevice", snapshot(&["-13"]));
    phone.reboot();
    session.expect("OutOfServiceEvent").await;
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    let over = session.expect("ConnectionClearedEvent").await;
    assert_eq!(over.text("monitorCrossRefID"), reference);
    assert_eq!(over.text("droppedConnection/callID"), "-12");
    assert_eq!(over.text("droppedConnection/deviceID"), LINE);
    assert_eq!(over.text("localConnectionInfo"), "null");
    // The other one goes on, and nothing is said twice.
    phone.event(&call("-13").cleared()).await.expect(200);
    session.expect("ConnectionClearedEvent").await;
    assert_eq!(phone.count("SnapshotDevice"), 1);
}

/// A phone without SnapshotDevice: its calls end with its restart, which a new Call-ID or a CSeq from 1 shows.
#[tokio::test]
async fn calls_from_before_a_restart_end_without_a_snapshot() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.always("SnapshotDevice", lacking());
    let inner = element("snapshotObject", LINE);
    phone.event(&call("-12").originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    // A lost connection alone ends no call.
    phone.disconnect();
    session.expect("OutOfServiceEvent").await;
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    let kept = session.done("SnapshotDevice", &inner).await;
    assert!(kept.raw.contains(">-12<"), "{}", kept.raw);
    phone.reboot();
    session.expect("OutOfServiceEvent").await;
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    let over = session.expect("ConnectionClearedEvent").await;
    assert_eq!(over.text("droppedConnection/callID"), "-12");
    let left = session.done("SnapshotDevice", &inner).await;
    assert!(!left.raw.contains(">-12<"), "{}", left.raw);
}

#[tokio::test]
async fn snapshot_without_calls_by_name_ends_no_call() {
    const DATA: &str = "crossRefIDorSnapshotData";
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(30));
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    let item = "<snapshotData><snapshotDeviceResponseInfo/></snapshotData>";
    let answers = [
        format!("<{DATA}/>"),
        format!("<{DATA}>{item}</{DATA}>"),
        format!("<{DATA}><snapshotData><call/></snapshotData></{DATA}>"),
    ]
    .map(|inner| Reaction::Document(document("ed3", "SnapshotDeviceResponse", &inner)));
    let busy = Reaction::Document(failure("ed3", "systemResourceAvailibility", "resourceBusy"));
    let first = answers[0].clone();
    phone.always("SnapshotDevice", first);
    phone.event(&call("-12").originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    for answer in answers.into_iter().chain([busy]) {
        phone.always("SnapshotDevice", answer);
        let seen = phone.count("SnapshotDevice");
        phone.until_received("SnapshotDevice", seen + 3).await;
    }
    // The very next event is the call's own.
    phone.event(&call("-12").delivered()).await.expect(200);
    session.expect("DeliveredEvent").await;
}

#[tokio::test]
async fn monitor_that_reports_no_events_of_a_call_is_restarted_once() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(30));
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.until_received("SnapshotDevice", 1).await;
    // The phone has lost the monitor, and with it the events of a call.
    phone.always("SnapshotDevice", snapshot(&["-12"]));
    session.expect("OutOfServiceEvent").await;
    session.expect("BackInServiceEvent").await;
    assert_eq!(phone.count("MonitorStart"), 2);
    let seen = phone.count("SnapshotDevice");
    phone.until_received("SnapshotDevice", seen + 10).await;
    assert_eq!(phone.count("MonitorStart"), 2, "once is enough");
}

#[tokio::test]
async fn unanswered_server_request_is_not_repeated() {
    let server = Server::with(|settings| {
        settings.advanced.keep_alive = Duration::from_millis(30);
        settings.advanced.request_timeout = Duration::from_secs(1);
    });
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    phone.always("SnapshotDevice", Reaction::Silence);
    session.watch(LINE).await;
    phone.until_received("SnapshotDevice", 1).await;
    let seen = phone.count("RequestSystemStatus");
    phone.until_received("RequestSystemStatus", seen + 10).await;
    assert_eq!(phone.count("SnapshotDevice"), 1);
    // The silence does not show that the phone lacks the service: it still gets its clients' requests.
    phone.always("SnapshotDevice", snapshot(&["-7"]));
    let told = session
        .done("SnapshotDevice", &element("snapshotObject", LINE))
        .await;
    assert!(told.raw.contains(">-7<"), "{}", told.raw);
    let seen = phone.count("SnapshotDevice");
    phone.until_received("SnapshotDevice", seen + 1).await;
}

#[tokio::test]
async fn request_that_was_never_sent_does_not_count_as_unsupported() {
    let server =
        Server::with(|settings| settings.advanced.request_timeout = Duration::from_secs(1));
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let quiet = Reaction::Status(503, &[("Retry-After", "2")]);
    phone.once("GetDoNotDisturb", quiet);
    let device = element("device", LINE);
    session.refused("GetDoNotDisturb", &device).await;
    let unsent = session.done("GetCSTAFeatures", "").await;
    assert_eq!(unsent.root.local(), "GetCSTAFeaturesResponse");
    assert_eq!(phone.count("GetCSTAFeatures"), 0);
    for _ in 0..10 {
        session.done("GetCSTAFeatures", "").await;
        if phone.count("GetCSTAFeatures") > 0 {
            return;
        }
    }
    panic!("the phone is not asked any more");
}

#[tokio::test]
async fn snapshot_is_not_requested_from_a_phone_without_calls() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.event(&call("-12").originated()).await.expect(200);
    phone.event(&call("-12").cleared()).await.expect(200);
    session.expect("OriginatedEvent").await;
    session.expect("ConnectionClearedEvent").await;
    phone.reboot();
    session.expect("OutOfServiceEvent").await;
    phone.start().await;
    session.expect("BackInServiceEvent").await;
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
    assert_eq!(phone.count("SnapshotDevice"), 0);
}

fn swap(active: &str, held: &str) -> String {
    connection("heldCall", held, LINE) + &connection("activeCall", active, LINE)
}

#[tokio::test]
async fn alternate_call_is_emulated_with_hold_and_retrieve() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    session.done("AlternateCall", &swap("-12", "-13")).await;
    let held = phone.until_received("HoldCall", 1).await.document();
    assert_eq!(held.text("callToBeHeld/callID"), "-12");
    assert_eq!(held.text("callToBeHeld/deviceID"), LINE);
    let retrieved = phone.until_received("RetrieveCall", 1).await.document();
    assert_eq!(retrieved.text("callToBeRetrieved/callID"), "-13");
    assert_eq!(phone.count("AlternateCall"), 0);
    // The line of the session need not be named.
    let short =
        "<heldCall><callID>-13</callID></heldCall><activeCall><callID>-12</callID></activeCall>";
    session.done("AlternateCall", short).await;
    let held = phone.until_received("HoldCall", 2).await.document();
    assert_eq!(held.text("callToBeHeld/deviceID"), LINE);
}

#[tokio::test]
async fn alternate_call_rolls_back_when_its_second_step_fails() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let wrong = failure("ed3", "stateIncompatibility", "noHeldCall");
    phone.once("RetrieveCall", Reaction::Document(wrong));
    let refused = session.refused("AlternateCall", &swap("-12", "-13")).await;
    assert_eq!(refused, refusal("stateIncompatibility", "noHeldCall"));
    let back = phone.until_received("RetrieveCall", 2).await.document();
    assert_eq!(back.text("callToBeRetrieved/callID"), "-12");
    // Nothing of another client came between the halves, and the first half alone is no reason to go on.
    let wrong = failure("ed3", "stateIncompatibility", "noActiveCall");
    phone.once("HoldCall", Reaction::Document(wrong));
    let refused = session.refused("AlternateCall", &swap("-12", "-13")).await;
    assert_eq!(refused, refusal("stateIncompatibility", "noActiveCall"));
    assert_eq!(phone.count("RetrieveCall"), 2);
}

#[tokio::test]
async fn steps_of_an_emulated_service_are_not_interleaved() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("HoldCall", Reaction::Late(Duration::from_millis(300)));
    let first = session.begin("AlternateCall", &swap("-12", "-13"));
    let second = session.begin("GetDoNotDisturb", &element("device", LINE));
    for mut answer in [first, second] {
        let answer = crate::support::wire::final_of(&mut answer).await;
        answer.unwrap().expect(200);
    }
    let order = phone
        .until("three requests", |state| {
            let order: Vec<String> = state
                .received
                .iter()
                .map(|received| received.service.clone())
                .filter(|service| service.ends_with("Call") || service == "GetDoNotDisturb")
                .collect();
            (order.len() == 3).then_some(order)
        })
        .await;
    assert_eq!(order, ["HoldCall", "RetrieveCall", "GetDoNotDisturb"]);
}

#[tokio::test]
async fn reconnect_call_is_emulated_with_clear_and_retrieve_tried_twice() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.always("ReconnectCall", lacking());
    let inner = connection("activeCall", "-12", LINE) + &connection("heldCall", "-13", LINE);
    let busy = failure("ed3", "stateIncompatibility", "invalidDeviceState");
    phone.once("RetrieveCall", Reaction::Document(busy));
    session.done("ReconnectCall", &inner).await;
    let cleared = phone.until_received("ClearConnection", 1).await.document();
    assert_eq!(cleared.text("connectionToBeCleared/callID"), "-12");
    let retrieved = phone.until_received("RetrieveCall", 2).await.document();
    assert_eq!(retrieved.text("callToBeRetrieved/callID"), "-13");
    // What cannot be taken back is not begun in vain.
    phone.event(&call("-13").originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    let refused = session.refused("ReconnectCall", &inner).await;
    assert_eq!(refused, refusal("stateIncompatibility", "noHeldCall"));
    assert_eq!(phone.count("ClearConnection"), 1);
}

#[tokio::test]
async fn reconnect_call_clears_nothing_when_the_held_call_is_over() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.always("ReconnectCall", lacking());
    let (active, held) = (call("-12"), call("-13"));
    for event in [
        held.originated(),
        held.held(),
        active.originated(),
        held.cleared(),
    ] {
        phone.event(&event).await.expect(200);
        session.event().await;
    }
    let inner = connection("activeCall", "-12", LINE) + &connection("heldCall", "-13", LINE);
    for service in ["ReconnectCall", "AlternateCall"] {
        let refused = session.refused(service, &inner).await;
        assert_eq!(refused, refusal("stateIncompatibility", "noHeldCall"));
    }
    assert_eq!(
        (phone.count("ClearConnection"), phone.count("HoldCall")),
        (0, 0)
    );
}

#[tokio::test]
async fn snapshot_call_is_answered_from_events_and_verified_with_the_phone() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    let inner = connection("snapshotObject", "-12", LINE);
    phone.once("SnapshotDevice", snapshot(&["-12"]));
    let unwatched = session.done("SnapshotCall", &inner).await;
    assert_eq!(unwatched.raw.matches("<deviceOnCall>").count(), 1);
    session.watch(LINE).await;
    for event in [call("-12").originated(), call("-12").delivered()] {
        phone.event(&event).await.expect(200);
        session.event().await;
    }
    phone.once("SnapshotDevice", snapshot(&["-11", "-12"]));
    let told = session.done("SnapshotCall", &inner).await;
    assert_eq!(
        told.raw.matches("<deviceOnCall>").count(),
        2,
        "{}",
        told.raw
    );
    assert!(
        told.raw.contains("<localConnectionInfo>alerting<"),
        "{}",
        told.raw
    );
    assert_eq!(told.text("callingDevice/deviceIdentifier"), LINE);
    let gone = session.refused("SnapshotCall", &inner).await;
    assert_eq!(gone, refusal("operation", "invalidCallID"));
    assert_eq!(phone.count("SnapshotCall"), 0);
}

#[tokio::test]
async fn refusal_by_the_phone_corrects_its_profile() {
    let server = Server::start();
    // By its profile this one has SnapshotCall.
    let phone = started_as(&server, "Mitel 6867i/4.5.0.41").await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.event(&call("-12").originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    for service in ["SnapshotCall", "SnapshotDevice"] {
        phone.always(service, lacking());
    }
    let inner = connection("snapshotObject", "-12", LINE);
    for _ in 0..2 {
        let told = session.done("SnapshotCall", &inner).await;
        assert_eq!(
            told.raw.matches("<deviceOnCall>").count(),
            1,
            "{}",
            told.raw
        );
    }
    assert_eq!(
        (phone.count("SnapshotCall"), phone.count("SnapshotDevice")),
        (1, 1)
    );
}

#[tokio::test]
async fn snapshot_device_is_answered_from_events_when_unsupported() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    let inner = element("snapshotObject", LINE);
    phone.always("SnapshotDevice", lacking());
    let unknown = session.refused("SnapshotDevice", &inner).await;
    assert_eq!(
        unknown,
        refusal("operation", "serviceNotSupported"),
        "nobody watches"
    );
    session.watch(LINE).await;
    phone.event(&call("-12").originated()).await.expect(200);
    session.expect("OriginatedEvent").await;
    let told = session.done("SnapshotDevice", &inner).await;
    assert!(told.raw.contains("<callID>-12</callID>"), "{}", told.raw);
    assert!(
        told.raw.contains("<localConnectionState>connected<"),
        "{}",
        told.raw
    );
    assert_eq!(phone.count("SnapshotDevice"), 1);
}

#[tokio::test]
async fn directed_pickup_dials_the_feature_code() {
    let inner = connection("callToBePickedUp", "-7", "sip:102@pbx.example")
        + &element("requestingDevice", LINE);
    let server = Server::with(|settings| settings.phones.pickup = "*8{number}".to_owned());
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let picked = session.done("DirectedPickupCall", &inner).await;
    assert_eq!(picked.text("pickedCall/callID"), "-12");
    let called = phone.until_received("MakeCall", 1).await.document();
    assert_eq!(called.text("calledDirectoryNumber"), "*8102");
    assert_eq!(called.text("callingDevice"), LINE);
    assert_eq!(called.text("autoOriginate"), "doNotPrompt");
    drop(server);
    // Without a code the phone has the last word.
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("DirectedPickupCall", lacking());
    let refused = session.refused("DirectedPickupCall", &inner).await;
    assert_eq!(refused, refusal("operation", "serviceNotSupported"));
}

#[tokio::test]
async fn digits_are_collected_for_an_incomplete_number() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    let inner = element("callingDevice", LINE) + &element("calledDirectoryNumber", "0;");
    let begun = session.done("MakeCall", &inner).await;
    let id = begun.text("callingDevice/callID").to_owned();
    let initiated = session.expect("ServiceInitiatedEvent").await;
    assert_eq!(initiated.text("initiatedConnection/callID"), id);
    let dialled = session.expect("DigitsDialedEvent").await;
    assert_eq!(dialled.text("dialingSequence"), "0");
    let dial = |digits: &str| {
        connection("diallingConnection", &id, LINE) + &element("diallingSequence", digits)
    };
    session.done("DialDigits", &dial("10;")).await;
    let dialled = session.expect("DigitsDialedEvent").await;
    assert_eq!(dialled.text("dialingSequence"), "010");
    assert_eq!(phone.count("MakeCall"), 0, "the number is not complete");
    session.done("DialDigits", &dial("2")).await;
    session.expect("DigitsDialedEvent").await;
    let called = phone.until_received("MakeCall", 1).await.document();
    assert_eq!(called.text("calledDirectoryNumber"), "0102");
    let over = session.expect("ConnectionClearedEvent").await;
    assert_eq!(over.text("droppedConnection/callID"), id);
    // The call is the phone's now.
    let refused = session.refused("DialDigits", &dial("3")).await;
    assert_eq!(refused, refusal("operation", "serviceNotSupported"));
    // One that is given up never reaches the phone.
    let begun = session.done("MakeCall", &inner).await;
    let id = begun.text("callingDevice/callID");
    session
        .done(
            "ClearConnection",
            &connection("connectionToBeCleared", id, LINE),
        )
        .await;
    assert_eq!(
        (phone.count("MakeCall"), phone.count("ClearConnection")),
        (1, 0)
    );
}

#[tokio::test]
async fn call_may_start_without_any_digits() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    for number in [
        "<calledDirectoryNumber>;</calledDirectoryNumber>",
        "<calledDirectoryNumber>\n ; </calledDirectoryNumber>",
    ] {
        let inner =
            element("callingDevice", LINE) + number + "<autoOriginate>prompt</autoOriginate>";
        let begun = session.done("MakeCall", &inner).await;
        let id = begun.text("callingDevice/callID");
        session.expect("ServiceInitiatedEvent").await;
        let digits =
            connection("diallingConnection", id, LINE) + &element("diallingSequence", "102");
        session.done("DialDigits", &digits).await;
        session.expect("DigitsDialedEvent").await;
        session.expect("ConnectionClearedEvent").await;
    }
    let called = phone.until_received("MakeCall", 2).await.document();
    assert_eq!(called.text("calledDirectoryNumber"), "102");
    assert_eq!(called.text("callingDevice"), LINE);
}

/// A call that waits for digits, and its callID.
async fn dialling(session: &crate::support::cti_client::Session) -> String {
    let number = "<calledDirectoryNumber>0;</calledDirectoryNumber>";
    let begun = session
        .done("MakeCall", &(element("callingDevice", LINE) + number))
        .await;
    begun.text("callingDevice/callID").to_owned()
}

fn dialled(id: &str, digits: &str) -> String {
    connection("diallingConnection", id, LINE) + &element("diallingSequence", digits)
}

#[tokio::test]
async fn digits_while_the_call_is_made_make_no_second_call() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let id = dialling(&session).await;
    phone.always("MakeCall", Reaction::Late(Duration::from_millis(200)));
    let answers = ["1", "2", "3;"].map(|digits| session.begin("DialDigits", &dialled(&id, digits)));
    let mut names = Vec::new();
    for mut answer in answers {
        let answer = crate::support::wire::final_of(&mut answer).await.unwrap();
        names.push(Document::read(&answer.body).name().to_owned());
    }
    assert_eq!(
        names,
        ["DialDigitsResponse", "CSTAErrorCode", "CSTAErrorCode"]
    );
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
    assert_eq!(phone.count("MakeCall"), 1);
}

#[tokio::test]
async fn call_that_is_cleared_while_it_is_made_does_not_stay() {
    for service in ["ClearConnection", "ClearCall"] {
        let server = Server::start();
        let phone = started(&server).await;
        let mut session = server.client().await.open(LINE).await;
        session.watch(LINE).await;
        let id = dialling(&session).await;
        phone.once("MakeCall", Reaction::Late(Duration::from_millis(300)));
        let mut placed = session.begin("DialDigits", &dialled(&id, "1"));
        phone.until_received("MakeCall", 1).await;
        let member = match service {
            "ClearCall" => "callToBeCleared",
            _ => "connectionToBeCleared",
        };
        session.done(service, &connection(member, &id, LINE)).await;
        for event in [
            "ServiceInitiatedEvent",
            "DigitsDialedEvent",
            "DigitsDialedEvent",
        ] {
            session.expect(event).await;
        }
        let over = session.expect("ConnectionClearedEvent").await;
        assert_eq!(over.text("droppedConnection/callID"), id);
        let placed = crate::support::wire::final_of(&mut placed).await.unwrap();
        assert!(placed.body.contains("invalidCallID"), "{}", placed.text());
        let cleared = phone.until_received("ClearConnection", 1).await.document();
        assert_eq!(cleared.text("connectionToBeCleared/callID"), "-12");
        assert!(session.quiet());
    }
}

#[tokio::test]
async fn message_waiting_state_is_kept_by_the_server() {
    let server = Server::start();
    let phone = started(&server).await;
    let mut session = server.client().await.open(LINE).await;
    let reference = session.watch(LINE).await;
    for service in ["GetMessageWaitingIndicator", "SetMessageWaitingIndicator"] {
        phone.always(service, lacking());
    }
    let waits = async |session: &crate::support::cti_client::Session| {
        let answer = session
            .done("GetMessageWaitingIndicator", &element("device", LINE))
            .await;
        answer.text("messageWaitingOn").to_owned()
    };
    assert_eq!(waits(&session).await, "false");
    let on = element("device", LINE)
        + "<messageWaitingOn>true</messageWaitingOn><deviceForMessage>900</deviceForMessage>";
    for _ in 0..2 {
        session.done("SetMessageWaitingIndicator", &on).await;
    }
    let event = session.expect("MessageWaitingEvent").await;
    assert_eq!(event.text("monitorCrossRefID"), reference);
    assert!(
        event.raw.contains(&subject("targetDevice", LINE)),
        "{}",
        event.raw
    );
    assert_eq!(event.text("deviceForMessage"), "900");
    assert_eq!(waits(&session).await, "true");
    let short = session.done("GetMessageWaitingIndicator", "").await;
    assert_eq!(short.text("messageWaitingOn"), "true");
    let off = element("device", LINE) + "<messageWaitingOn>false</messageWaitingOn>";
    session.done("SetMessageWaitingIndicator", &off).await;
    let event = session.expect("MessageWaitingEvent").await;
    assert_eq!(
        event.text("messageWaitingOn"),
        "false",
        "once for each change"
    );
    assert_eq!(
        phone.count("SetMessageWaitingIndicator"),
        1,
        "it said so once"
    );
}

#[tokio::test]
async fn monitor_stop_is_emulated_with_a_new_dialog() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.user_agent = "snom370/8.7.3.25".to_owned();
        setup.identities.push("sip:0002@pbx.example".to_owned());
    });
    phone.start().await;
    let client = server.client().await;
    let mut one = client.open(LINE).await;
    let mut other = client.open("sip:0002@pbx.example").await;
    let reference = one.watch(LINE).await;
    let others = other.watch("sip:0002@pbx.example").await;
    // While another line is watched nothing is disturbed, and the monitor is taken up again by who comes back.
    one.unwatch(&reference).await;
    let reference = one.watch(LINE).await;
    phone.event(&call("-12").originated()).await.expect(200);
    one.expect("OriginatedEvent").await;
    assert_eq!((phone.count("MonitorStart"), phone.count("INVITE")), (2, 1));
    one.unwatch(&reference).await;
    other.unwatch(&others).await;
    phone.until_received("BYE", 1).await;
    phone.until_received("INVITE", 2).await;
    assert_eq!(phone.count("MonitorStop"), 0);
    phone.in_session().await;
    one.watch(LINE).await;
    assert_eq!(phone.count("MonitorStart"), 3);
}

#[tokio::test]
async fn lines_are_polled_from_a_phone_that_reports_no_changes() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(50));
    let phone = started_as(&server, "Yealink SIP-T46G 28.80.0.95").await;
    phone.until_received("GetSwitchingFunctionDevices", 3).await;
    assert_eq!(phone.count("SystemRegister"), 0);
    assert!(
        phone.count("RequestSystemStatus") >= 10,
        "once in five keep-alives"
    );
}

#[tokio::test]
async fn lines_are_polled_from_a_phone_that_refuses_system_register() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(50));
    let phone = server.phone(MAC);
    phone.always("SystemRegister", lacking());
    phone.start().await;
    phone.until_received("GetSwitchingFunctionDevices", 2).await;
}

#[tokio::test]
async fn feature_list_covers_native_and_emulated_services() {
    let server = Server::with(|settings| settings.phones.pickup = "*8".to_owned());
    let phone = started_as(&server, "snom370/8.7.3.25").await;
    phone.always("GetCSTAFeatures", lacking());
    let session = server.client().await.open(LINE).await;
    let listed = session.done("GetCSTAFeatures", "").await;
    let works = |document: &crate::support::csta::Document, path: &str| {
        let path = format!("supportedServices/{path}");
        document.root.at(&path).is_some()
    };
    for (path, expected) in [
        ("callControlServList/makeCall", true),
        ("callControlServList/alternateCall", true),
        ("callControlServList/directedPickupCall", true),
        ("callControlServList/deflectCall", false),
        ("callControlServList/singleStepConference", false),
        ("monitoringServList/monitorStop", true),
        ("snapshotServList/snapshotCall", true),
        ("physDevServList/setMessageWaitingIndicator", true),
        ("physDevServList/getSpeakerMute", false),
    ] {
        assert_eq!(works(&listed, path), expected, "{path} {}", listed.raw);
    }
    let events = "supportedEvents/callControlEvtsList";
    assert!(listed.root.at(&format!("{events}/delivered")).is_some());
    assert!(listed.root.at(&format!("{events}/diverted")).is_none());
    // What the phone refuses does not work, whatever its profile says.
    phone.once("ConferenceCall", lacking());
    session.refused("ConferenceCall", &swap("-12", "-13")).await;
    let client = server.client_as(|setup| {
        setup.edition = "ed6";
        setup.prefix = "c";
    });
    let listed = client
        .await
        .open(LINE)
        .await
        .done("GetCSTAFeatures", "")
        .await;
    assert_eq!((listed.root.edition(), listed.root.prefix()), ("ed6", "c"));
    assert!(
        !works(&listed, "callControlServList/conferenceCall"),
        "{}",
        listed.raw
    );
    assert_eq!(
        phone.count("GetCSTAFeatures"),
        1,
        "it said that it has none"
    );
}

#[tokio::test]
async fn feature_list_of_the_phone_takes_precedence() {
    let server = Server::start();
    let phone = started(&server).await;
    let own = "<supportedServices><callControlServList><holdCall/><retrieveCall/><singleStepConference/></callControlServList></supportedServices>\
               <supportedEvents><callControlEvtsList><held/></callControlEvtsList></supportedEvents>";
    phone.once(
        "GetCSTAFeatures",
        Reaction::Document(document("ed3", "GetCSTAFeaturesResponse", own)),
    );
    let session = server.client().await.open(LINE).await;
    for _ in 0..2 {
        let listed = session.done("GetCSTAFeatures", "").await;
        let group = listed.root.at("supportedServices/callControlServList");
        let names: Vec<String> = group
            .into_iter()
            .flat_map(|group| &group.children)
            .map(|child| child.local().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "alternateCall",
                "holdCall",
                "retrieveCall",
                "singleStepConference"
            ]
        );
    }
    assert_eq!(phone.count("GetCSTAFeatures"), 1);
}

#[tokio::test]
async fn phone_is_addressed_in_its_profile_edition_until_it_uses_another() {
    let server = Server::start();
    let phone = started_as(&server, "Fanvil X5U 2.12.18.9").await;
    for request in ["INVITE", "GetSwitchingFunctionDevices"] {
        let asked = phone.until_received(request, 1).await.document();
        assert_eq!(
            asked.root.edition(),
            if request == "INVITE" { "ed5" } else { "ed3" }
        );
    }
}

#[tokio::test]
async fn profile_may_allow_parallel_requests() {
    let folder = Server::start();
    let phones = folder.data().join("phones");
    std::fs::create_dir(&phones).unwrap();
    let snom = include_str!("../../config/phones/snom.toml");
    let parallel = snom.replace("serial = true", "serial = false");
    std::fs::write(phones.join("snom.toml"), parallel).unwrap();
    let server = folder.restart(|_| {});
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    phone.once("HoldCall", Reaction::Silence);
    let held = session.begin("HoldCall", &connection("callToBeHeld", "-12", LINE));
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
    assert_eq!(phone.count("HoldCall"), 1, "it waits for its answer");
    drop(held);
}

#[tokio::test]
async fn request_glare_is_retried_after_a_delay() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let inner = connection("callToBeHeld", "-12", LINE);
    phone.once("HoldCall", Reaction::Status(491, &[]));
    let begun = Instant::now();
    session.done("HoldCall", &inner).await;
    // RFC 3261, section 14.1.
    assert!(begun.elapsed() >= Duration::from_millis(2100));
    assert_eq!(phone.count("HoldCall"), 2);
    // Not for ever: there are as many tries as time, three at the most.
    phone.always("HoldCall", Reaction::Status(491, &[]));
    let refused = session.refused("HoldCall", &inner).await;
    assert_eq!(
        refused,
        refusal("systemResourceAvailibility", "resourceBusy")
    );
    assert!(phone.count("HoldCall") <= 6);
}

#[tokio::test]
async fn retry_after_defers_requests() {
    let server = Server::start();
    let phone = started(&server).await;
    let session = server.client().await.open(LINE).await;
    let inner = connection("callToBeHeld", "-12", LINE);
    phone.once("HoldCall", Reaction::Status(503, &[("Retry-After", "1")]));
    session.refused("HoldCall", &inner).await;
    let begun = Instant::now();
    session.done("HoldCall", &inner).await;
    assert!(begun.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn device_information_is_answered_from_known_data() {
    let server = Server::start();
    let phone = server.phone_as(MAC, |setup| {
        setup.identities.push("sip:0002@pbx.example".to_owned());
    });
    phone.start().await;
    let session = server.client().await.open(LINE).await;
    for service in [
        "GetLogicalDeviceInformation",
        "GetPhysicalDeviceInformation",
    ] {
        phone.always(service, lacking());
    }
    let inner = element("device", LINE);
    let line = session.done("GetLogicalDeviceInformation", &inner).await;
    assert_eq!(line.text("hasPhysicalElement"), "true");
    let services = "logDevServList/callControlServList";
    assert!(
        line.root.at(&format!("{services}/alternateCall")).is_some(),
        "{}",
        line.raw
    );
    let apparatus = session.done("GetPhysicalDeviceInformation", &inner).await;
    assert_eq!(apparatus.text("deviceModelName"), "snom D345");
    assert!(
        apparatus.raw.contains("sip:0002@pbx.example"),
        "{}",
        apparatus.raw
    );
}

/// What the server itself writes in a line's session names the line as the session was opened; the phone's documents pass.
#[tokio::test]
async fn own_responses_and_events_use_the_name_of_the_session() {
    let server = Server::start();
    let phone = started(&server).await;
    for service in [
        "SnapshotDevice",
        "SnapshotCall",
        "SetMessageWaitingIndicator",
    ] {
        phone.always(service, lacking());
    }
    let own = "tel:0001;phone-context=dialstring";
    let client = server.client().await;
    let mut session = client.open(own).await;
    let mut other = client.open_server().await;
    session.monitor("0001").await;
    other.watch(LINE).await;
    let device = subject("device", own);
    let told = session.expect("BackInServiceEvent").await;
    assert!(told.raw.contains(&device), "{}", told.raw);
    let call = call("-12");
    phone.event(&call.originated()).await.expect(200);
    let told = session.expect("OriginatedEvent").await;
    assert!(!told.raw.contains(own), "{}", told.raw);
    other.expect("OriginatedEvent").await;
    let whole = session.done("SnapshotDevice", "").await;
    assert!(
        whole.raw.contains(&element("deviceID", own)),
        "{}",
        whole.raw
    );
    assert!(!whole.raw.contains(LINE), "{}", whole.raw);
    let of_call = connection("snapshotObject", "-12", own);
    let parties = session.done("SnapshotCall", &of_call).await;
    assert!(parties.raw.contains(own) && !parties.raw.contains(LINE));
    let on = element("messageWaitingOn", "true");
    session.done("SetMessageWaitingIndicator", &on).await;
    for (session, name) in [(&mut session, own), (&mut other, LINE)] {
        let told = session.expect("MessageWaitingEvent").await;
        assert!(
            told.raw.contains(&subject("targetDevice", name)),
            "{}",
            told.raw
        );
    }
    phone.bye().await.expect(200);
    for (session, name) in [(&mut session, own), (&mut other, LINE)] {
        let told = session.expect("OutOfServiceEvent").await;
        assert!(told.raw.contains(&subject("device", name)), "{}", told.raw);
    }
}

const OWN_NAME: &str = "tel:0001;phone-context=dialstring";

/// A session of the line by that name, and one of the server, which both watch it.
async fn named(server: &Server) -> [(Session, &'static str, &'static str); 2] {
    let client = server.client().await;
    let mut session = client.open(OWN_NAME).await;
    let mut other = client.open_server().await;
    session.watch("0001").await;
    other.watch(LINE).await;
    [(session, OWN_NAME, LINE), (other, LINE, OWN_NAME)]
}

/// Expects these events, which name the line as each session does.
async fn hear(sessions: &mut [(Session, &str, &str)], events: &[&str]) {
    for (session, name, not) in sessions {
        for event in events {
            let told = session.expect(event).await.raw;
            assert!(told.contains(&format!(">{name}<")), "{told}");
            assert!(!told.contains(&format!(">{not}<")), "{told}");
        }
    }
}

/// The same for a call that the server begins itself, and for what it knows of the phone.
#[tokio::test]
async fn own_events_of_calls_and_device_information_use_the_name_of_the_session() {
    let server = Server::start();
    let phone = started(&server).await;
    let information = [
        "GetLogicalDeviceInformation",
        "GetPhysicalDeviceInformation",
    ];
    for service in information {
        phone.always(service, lacking());
    }
    let mut sessions = named(&server).await;
    let session = &sessions[0].0;
    let number = element("calledDirectoryNumber", "0;");
    let begun = session
        .done("MakeCall", &(element("callingDevice", OWN_NAME) + &number))
        .await;
    assert_eq!(begun.text("callingDevice/deviceID"), OWN_NAME);
    let id = begun.text("callingDevice/callID");
    let digits =
        connection("diallingConnection", id, OWN_NAME) + &element("diallingSequence", "10;");
    session.done("DialDigits", &digits).await;
    let given_up = connection("connectionToBeCleared", id, OWN_NAME);
    session.done("ClearConnection", &given_up).await;
    for service in information {
        let told = session.done(service, &element("device", OWN_NAME)).await;
        assert!(!told.raw.contains(LINE), "{}", told.raw);
    }
    let events = [
        "ServiceInitiatedEvent",
        "DigitsDialedEvent",
        "DigitsDialedEvent",
        "ConnectionClearedEvent",
    ];
    hear(&mut sessions, &events).await;
}

/// The same for a call from before a restart of the phone, whose end the server tells.
#[tokio::test]
async fn end_of_a_call_from_before_a_restart_has_the_name_of_the_session() {
    let server = Server::start();
    let phone = started(&server).await;
    phone.always("SnapshotDevice", lacking());
    let mut sessions = named(&server).await;
    phone.event(&call("-12").originated()).await.expect(200);
    for (session, ..) in &mut sessions {
        session.expect("OriginatedEvent").await;
    }
    phone.reboot();
    phone.start().await;
    let events = [
        "OutOfServiceEvent",
        "BackInServiceEvent",
        "ConnectionClearedEvent",
    ];
    hear(&mut sessions, &events).await;
}
