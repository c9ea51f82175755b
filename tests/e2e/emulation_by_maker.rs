//! Emulated services for each maker's phone: what the server sends to the phone and what clients of each edition receive (ECMA-269).

use std::time::Duration;

use crate::support::{
    csta::{Call, Document, connection, element},
    cti_client::Session,
    maker::{Maker, Style},
    phone::{Phone, Reaction},
    sample::{Names, sample},
    server::Server,
};

/// A service that is made of others.
struct Made {
    service: &'static str,
    /// In the notation of [`sample`].
    request: &'static str,
    /// What the phone is asked instead: the service, a member, and what it says.
    instead: &'static [(&'static str, &'static str, &'static str)],
    /// A member of the response, and what it says.
    response: (&'static str, &'static str),
}

const MADE: &[Made] = &[
    Made {
        service: "AlternateCall",
        request: "<heldCall>{call}</heldCall><activeCall>{second}</activeCall>",
        instead: &[
            ("HoldCall", "callToBeHeld/callID", "{2}"),
            ("RetrieveCall", "callToBeRetrieved/callID", "{1}"),
        ],
        response: ("", ""),
    },
    Made {
        service: "DirectedPickupCall",
        request: "<callToBePickedUp>{far}</callToBePickedUp><requestingDevice>{line}</requestingDevice>",
        instead: &[
            ("MakeCall", "calledDirectoryNumber", "*8102"),
            ("MakeCall", "callingDevice", "{line}"),
        ],
        response: ("pickedCall/deviceID", "{line}"),
    },
    Made {
        service: "SnapshotCall",
        request: "<snapshotObject>{call}</snapshotObject>",
        instead: &[("SnapshotDevice", "snapshotObject", "{line}")],
        response: (
            "crossRefIDorSnapshotData/snapshotData/snapshotCallResponseInfo/callIdentifier/callID",
            "{1}",
        ),
    },
    Made {
        service: "ReconnectCall",
        request: "<activeCall>{second}</activeCall><heldCall>{call}</heldCall>",
        instead: &[
            ("ClearConnection", "connectionToBeCleared/callID", "{2}"),
            ("RetrieveCall", "callToBeRetrieved/callID", "{1}"),
        ],
        response: ("", ""),
    },
    Made {
        service: "GetLogicalDeviceInformation",
        request: "<device>{line}</device>",
        instead: &[],
        response: ("hasPhysicalElement", "true"),
    },
    Made {
        service: "GetPhysicalDeviceInformation",
        request: "<device>{line}</device>",
        instead: &[],
        response: ("deviceModelName", "{model}"),
    },
    Made {
        service: "SetMessageWaitingIndicator",
        request: "<device>{line}</device><messageWaitingOn>true</messageWaitingOn>",
        instead: &[],
        response: ("", ""),
    },
    Made {
        service: "GetMessageWaitingIndicator",
        request: "<device>{line}</device>",
        instead: &[],
        response: ("messageWaitingOn", "true"),
    },
];

/// The line's first call, as the phone lists it.
const SNAPSHOT: &str = "<crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo><connectionIdentifier>{call}</connectionIdentifier></snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData>";

fn clients() -> [Style; 5] {
    [(2, ""), (3, "csta"), (4, ""), (5, "c"), (6, "")]
        .map(|(edition, prefix)| Style::of_client(edition, prefix))
}

#[tokio::test]
async fn missing_services_are_emulated_for_each_maker() {
    let server = Server::with(|settings| settings.phones.pickup = "*8{number}".to_owned());
    for (serial, maker) in (1..).zip(makers()) {
        let phone = server.phone_of(&maker, serial);
        phone.start().await;
        for style in clients() {
            let line = format!("sip:{}@pbx.example", phone.number());
            let session = server.client().await.open(&line).await;
            for made in MADE {
                if maker.lacks.iter().any(|lacking| lacking == made.service) {
                    is_made(made, &maker, &phone, &style, &session).await;
                }
            }
            features(&maker, &phone, &style, &session).await;
            digits_are_collected(&maker, &phone, &style, &session).await;
            session.bye().await;
        }
        is_undone(&maker, &phone, &server).await;
    }
}

/// Every maker; then every maker without what none of them lacks by its table.
fn makers() -> Vec<Maker> {
    let poorer = Maker::all().into_iter().map(|mut maker| {
        maker.lacks.extend(NEVER_LACKED.map(str::to_owned));
        maker
    });
    Maker::all().into_iter().chain(poorer).collect()
}

const NEVER_LACKED: [&str; 3] = [
    "ReconnectCall",
    "GetLogicalDeviceInformation",
    "GetPhysicalDeviceInformation",
];

/// DialDigits: the phone is asked for one call when the number is complete (ECMA-269, diallable digits format).
async fn digits_are_collected(maker: &Maker, phone: &Phone, style: &Style, session: &Session) {
    let what = format!("DialDigits of {style:?} at {}", maker.name);
    let called = phone.count("MakeCall");
    let make = element("callingDevice", phone.line()) + &element("calledDirectoryNumber", "0;");
    let begun = answered(session, style, "MakeCall", &make).await;
    let call = begun.text("callingDevice/callID");
    for digits in ["10;", "2"] {
        assert_eq!(phone.count("MakeCall"), called, "{what}: not complete");
        let dial = connection("diallingConnection", call, phone.line())
            + &element("diallingSequence", digits);
        let dialled = answered(session, style, "DialDigits", &dial).await;
        assert_eq!(dialled.name(), "DialDigitsResponse", "{what}");
    }
    let made = phone.until_received("MakeCall", called + 1).await;
    let made = made.document();
    assert_eq!(made.text("calledDirectoryNumber"), "0102", "{what}");
    assert_eq!(made.text("callingDevice"), phone.line(), "{what}");
    assert_eq!(made.root.edition(), format!("ed{}", maker.edition));
}

/// The second half is refused: things are as they were, or tried once more where nothing can be taken back, and the client
/// gets that refusal.
async fn is_undone(maker: &Maker, phone: &Phone, server: &Server) {
    let session = server
        .client()
        .await
        .open(&format!("sip:{}@pbx", phone.number()))
        .await;
    let why = "<stateIncompatibility>invalidConnectionState</stateIncompatibility>";
    let refusal = maker.style().document("CSTAErrorCode", why);
    let calls =
        connection("heldCall", "1", phone.line()) + &connection("activeCall", "2", phone.line());
    let swapped =
        connection("activeCall", "2", phone.line()) + &connection("heldCall", "1", phone.line());
    for (service, inner, refusals, retrieved) in [
        ("AlternateCall", &calls, 1, "2"),
        ("ReconnectCall", &swapped, 2, "1"),
    ] {
        if !maker.lacks.iter().any(|lacking| lacking == service) {
            continue;
        }
        for _ in 0..refusals {
            phone.once("RetrieveCall", Reaction::Document(refusal.clone()));
        }
        let before = phone.count("RetrieveCall");
        let (_, value) = session.refused(service, inner).await;
        assert_eq!(value, "invalidConnectionState", "{}", maker.name);
        let last = phone.until_received("RetrieveCall", before + 2).await;
        let last = last.document();
        assert_eq!(last.text("callToBeRetrieved/callID"), retrieved);
        phone.relent("RetrieveCall");
    }
}

#[tokio::test]
async fn phones_without_snapshot_or_monitor_stop_are_monitored() {
    let server = Server::start();
    for (serial, mut maker) in (1..).zip(Maker::all()) {
        maker
            .lacks
            .extend(["SnapshotDevice", "MonitorStop"].map(str::to_owned));
        let phone = server.phone_of(&maker, serial);
        phone.start().await;
        let mut session = server
            .client()
            .await
            .open(&format!("sip:{}@pbx", phone.number()))
            .await;
        let reference = session.watch(phone.line()).await;
        let call = maker.call(1);
        let seen = Call::seen_by(phone.line(), &call, phone.line(), "102");
        phone.event(&seen.originated()).await.expect(200);
        session.expect("OriginatedEvent").await;
        // From the events, once the phone has said that it has no snapshots.
        let line = element("snapshotObject", phone.line());
        let told = session.done("SnapshotDevice", &line).await;
        assert!(told.raw.contains(&element("callID", &call)), "{}", told.raw);
        // The monitor runs on unheard, and ends with a new dialog.
        session.unwatch(&reference).await;
        phone.until_received("BYE", 1).await;
        phone
            .until("a second dialog with all lines", |state| {
                (state.dialogs == 2 && state.listed).then_some(())
            })
            .await;
        session.watch(phone.line()).await;
        assert_eq!(phone.count("MonitorStart"), 2, "{}", maker.name);
    }
}

#[tokio::test]
async fn lines_are_polled_from_makers_that_report_no_changes() {
    let server = Server::with(|settings| settings.advanced.keep_alive = Duration::from_millis(50));
    let lacks = |maker: &Maker| maker.lacks.iter().any(|name| name == "SystemRegister");
    for (serial, maker) in (1..).zip(Maker::all().into_iter().filter(lacks)) {
        let phone = server.phone_of(&maker, serial);
        phone.start().await;
        phone.until_received("GetSwitchingFunctionDevices", 3).await;
        assert_eq!(phone.count("SystemRegister"), 0, "{}", maker.name);
    }
}

/// One row of the table for one maker and one client.
async fn is_made(made: &Made, maker: &Maker, phone: &Phone, style: &Style, session: &Session) {
    let what = format!("{} of {style:?} at {}", made.service, maker.name);
    let names = Names {
        line: phone.line().to_owned(),
        other: "sip:102@pbx.example".to_owned(),
        calls: [1, 2, 3].map(|serial| maker.call(serial)),
    };
    let spelled = |text: &str| {
        let text = text.replace("{1}", &names.calls[0]);
        text.replace("{2}", &names.calls[1])
            .replace("{line}", &names.line)
            .replace("{model}", &format!("{} {}", maker.name, maker.model))
    };
    let snapshot = sample(SNAPSHOT, maker.edition, maker.edition, &names);
    let snapshot = maker.style().document("SnapshotDeviceResponse", &snapshot);
    phone.once("SnapshotDevice", Reaction::Document(snapshot));
    let before: Vec<usize> = made
        .instead
        .iter()
        .map(|(service, ..)| phone.count(service))
        .collect();

    let request = sample(made.request, style.edition, style.edition, &names);
    let got = answered(session, style, made.service, &request).await;
    assert_eq!(
        got.name(),
        format!("{}Response", made.service),
        "{what}: {}",
        got.raw
    );
    let (path, text) = made.response;
    if !path.is_empty() {
        // The name by which the client opened its session.
        let own = format!("sip:{}@pbx.example", phone.number());
        let expected = spelled(&text.replace("{line}", &own));
        assert_eq!(got.text(path), expected, "{what}: {}", got.raw);
    }
    for ((service, path, text), before) in made.instead.iter().zip(before) {
        let asked = phone.until_received(service, before + 1).await.document();
        assert_eq!(asked.text(path), spelled(text), "{what}: {}", asked.raw);
        assert_eq!(
            asked.root.edition(),
            format!("ed{}", maker.edition),
            "{what}"
        );
    }
    phone.relent("SnapshotDevice");
}

/// GetCSTAFeatures tells what is made too, and nothing that nobody does.
async fn features(maker: &Maker, phone: &Phone, style: &Style, session: &Session) {
    let listed = answered(session, style, "GetCSTAFeatures", "").await;
    let works = |path: &str| {
        let path = format!("supportedServices/{path}");
        listed.root.at(&path).is_some()
    };
    for (path, expected) in [
        ("callControlServList/makeCall", true),
        ("callControlServList/alternateCall", true),
        ("callControlServList/directedPickupCall", true),
        ("snapshotServList/snapshotCall", true),
        ("physDevServList/getMessageWaitingIndicator", true),
        ("callControlServList/singleStepConference", false),
    ] {
        assert_eq!(
            works(path),
            expected,
            "{path} at {}: {}",
            maker.name,
            listed.raw
        );
    }
    if maker
        .lacks
        .iter()
        .any(|lacking| lacking == "GetCSTAFeatures")
    {
        assert_eq!(
            phone.count("GetCSTAFeatures"),
            1,
            "it said that it has none"
        );
    }
}

/// The answer to a service, which is spoken as the client speaks.
async fn answered(session: &Session, style: &Style, service: &str, inner: &str) -> Document {
    let got = session.info(style.document(service, inner)).await;
    let got = Document::read(&got.expect(200).body);
    let dialect = (format!("ed{}", style.edition), style.prefix.as_str());
    assert_eq!((got.root.edition().to_owned(), got.root.prefix()), dialect);
    got
}
