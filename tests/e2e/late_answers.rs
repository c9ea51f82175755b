//! Requests that the phone performs after the client was told of a time-out, or whose reason has gone before their turn.

use std::time::Duration;

use crate::support::{
    csta::{Call, connection, element, failure},
    fixture::{LINE, MAC},
    phone::{Phone, Reaction},
    server::Server,
    wire::final_of,
};

const TIMEOUT: Duration = Duration::from_millis(500);

async fn started(timeout: Duration) -> (Server, Phone) {
    let server = Server::with(|settings| {
        settings.advanced.request_timeout = timeout;
        settings.phones.pickup = "*8{number}".to_owned();
    });
    let phone = server.phone(MAC);
    phone.start().await;
    (server, phone)
}

fn lacking() -> Reaction {
    Reaction::Document(failure("ed3", "operation", "serviceNotSupported"))
}

fn call(id: &str) -> Call {
    Call::seen_by(LINE, id, LINE, "sip:102@pbx.example")
}

#[tokio::test]
async fn call_that_is_placed_after_the_time_out_is_cleared() {
    let (server, phone) = started(TIMEOUT).await;
    let session = server.client().await.open(LINE).await;
    let made = element("callingDevice", LINE) + &element("calledDirectoryNumber", "300");
    let consulted = connection("existingCall", "-11", LINE) + &element("consultedDevice", "300");
    let picked = connection("callToBePickedUp", "-10", "102") + &element("requestingDevice", LINE);
    phone.always("DirectedPickupCall", lacking());
    for (nth, (service, inner, performed)) in [
        ("MakeCall", &made, "MakeCall"),
        ("ConsultationCall", &consulted, "ConsultationCall"),
        ("DirectedPickupCall", &picked, "MakeCall"),
    ]
    .into_iter()
    .enumerate()
    {
        phone.once(performed, Reaction::Late(TIMEOUT * 2));
        session.refused(service, inner).await;
        let cleared = phone.until_received("ClearConnection", nth + 1).await;
        let cleared = cleared.document();
        let id = cleared.text("connectionToBeCleared/callID");
        assert!(id.starts_with('-'), "{service}: {id}");
    }
    // A call that is placed in time stays, and so does one that the phone refuses late.
    session.done("MakeCall", &made).await;
    phone.once("MakeCall", Reaction::Silence);
    session.refused("MakeCall", &made).await;
    session
        .done("GetDoNotDisturb", &element("device", LINE))
        .await;
    assert_eq!(phone.count("ClearConnection"), 3);
}

#[tokio::test]
async fn hold_of_an_alternate_call_that_was_given_up_is_undone() {
    let (server, phone) = started(TIMEOUT).await;
    let session = server.client().await.open(LINE).await;
    phone.always("AlternateCall", lacking());
    phone.once("HoldCall", Reaction::Late(TIMEOUT * 2));
    let inner = connection("heldCall", "-13", LINE) + &connection("activeCall", "-12", LINE);
    session.refused("AlternateCall", &inner).await;
    let back = phone.until_received("RetrieveCall", 1).await.document();
    assert_eq!(back.text("callToBeRetrieved/callID"), "-12");
}

#[tokio::test]
async fn reconnect_call_that_waited_clears_nothing_when_the_held_call_has_gone() {
    let (server, phone) = started(Duration::from_secs(8)).await;
    let mut session = server.client().await.open(LINE).await;
    session.watch(LINE).await;
    phone.always("ReconnectCall", lacking());
    let inner = connection("activeCall", "-12", LINE) + &connection("heldCall", "-13", LINE);
    session.done("ReconnectCall", &inner).await;
    let (active, held) = (call("-12"), call("-13"));
    for event in [held.originated(), held.held(), active.originated()] {
        phone.event(&event).await.expect(200);
        session.event().await;
    }
    // The phone asks for quiet, so that the request waits.
    let quiet = Reaction::Status(503, &[("Retry-After", "1")]);
    phone.once("GetDoNotDisturb", quiet);
    let device = element("device", LINE);
    session.refused("GetDoNotDisturb", &device).await;
    let mut waiting = session.begin("ReconnectCall", &inner);
    // Its answer shows that the request is in the phone's queue.
    session.done("GetSwitchingFunctionDevices", "").await;
    session.expect("SwitchingFunctionDevices").await;
    phone.event(&held.cleared()).await.expect(200);
    session.expect("ConnectionClearedEvent").await;
    let answer = final_of(&mut waiting).await.expect("an answer").expect(200);
    assert!(answer.body.contains("noHeldCall"), "{}", answer.body);
    assert_eq!(phone.count("ClearConnection"), 1);
}
