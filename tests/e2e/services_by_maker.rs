//! Each service with each maker's phone: the request, the response, and what is relayed unchanged (ECMA-269, ECMA-323).

use crate::support::{
    csta::connection,
    cti_client::Session,
    maker::{Maker, Style},
    phone::{Phone, Reaction},
    sample::{Names, sample},
    server::Server,
};

/// A service: what is asked, and what the phone answers. The notation is that of [`sample`].
struct Service<'a>(&'a str, &'a str, &'a str);

#[rustfmt::skip]
const SERVICES: &[Service<'static>] = &[
    // Call control (ECMA-269, clause 17.1).
    Service("MakeCall", "<callingDevice>{line}</callingDevice><calledDirectoryNumber>{other}</calledDirectoryNumber><accountCode>3437</accountCode><autoOriginate>doNotPrompt</autoOriginate><subjectOfCall>5 &lt; 6 &amp; 7</subjectOfCall>{6:<reason>newCall</reason>}", "<callingDevice>{call}</callingDevice>{6:<callLinkageData><globalCallData><globalCallLinkageID><globallyUniqueCallLinkageID>4711</globallyUniqueCallLinkageID></globalCallLinkageID></globalCallData></callLinkageData>}"),
    Service("AnswerCall", "<callToBeAnswered>{call}</callToBeAnswered><correlatorData><string>00A5FF</string></correlatorData>", ""),
    Service("ClearConnection", "<connectionToBeCleared>{call}</connectionToBeCleared><reason>normalClearing</reason>", ""),
    Service("HoldCall", "<callToBeHeld>{call}</callToBeHeld><connectionReservation>true</connectionReservation>", ""),
    Service("RetrieveCall", "<callToBeRetrieved>{call}</callToBeRetrieved>", ""),
    Service("AlternateCall", "<heldCall>{call}</heldCall><activeCall>{second}</activeCall>", ""),
    Service("ReconnectCall", "<activeCall>{second}</activeCall><heldCall>{call}</heldCall>", ""),
    Service("ConsultationCall", "<existingCall>{call}</existingCall><consultedDevice>{other}</consultedDevice><userData><string>414243</string></userData>", "<initiatedCall>{second}</initiatedCall>"),
    Service("TransferCall", "<heldCall>{call}</heldCall><activeCall>{second}</activeCall>", "<transferredCall>{third}</transferredCall><connections><connectionListItem><newConnection>{third}</newConnection><oldConnection>{second}</oldConnection><endpoint><deviceID>{other}</deviceID></endpoint></connectionListItem></connections>"),
    Service("ConferenceCall", "<heldCall>{call}</heldCall><activeCall>{second}</activeCall>", "<conferenceCall>{third}</conferenceCall>"),
    Service("SingleStepTransferCall", "<activeCall>{call}</activeCall><transferredTo>{other}</transferredTo><reason>singleStepTransfer</reason>", "<transferredCall>{second}</transferredCall>"),
    Service("SingleStepConferenceCall", "<activeCall>{call}</activeCall><deviceToJoin>{other}</deviceToJoin><participationType>silent</participationType>", "<conferencedCall>{second}</conferencedCall>"),
    Service("DeflectCall", "<callToBeDiverted>{call}</callToBeDiverted><newDestination>{to}</newDestination>", ""),
    Service("DirectedPickupCall", "<callToBePickedUp>{far}</callToBePickedUp><requestingDevice>{line}</requestingDevice>", "<pickedCall>{second}</pickedCall>"),
    Service("DialDigits", "<diallingConnection>{call}</diallingConnection><diallingSequence>030</diallingSequence>", ""),
    Service("ClearCall", "<callToBeCleared>{call}</callToBeCleared>", ""),
    // Call associated services and snapshots (ECMA-269, sections 18.1 and 16).
    Service("GenerateDigits", "<connectionToSendDigits>{call}</connectionToSendDigits><digitMode>dTMF</digitMode><charactersToSend>12#</charactersToSend><toneDuration>120</toneDuration>", ""),
    Service("SnapshotDevice", "<snapshotObject>{line}</snapshotObject>", "<crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo><connectionIdentifier>{call}</connectionIdentifier><endpointDevice><deviceIdentifier>{other}</deviceIdentifier></endpointDevice><localCallState><compoundCallState><localConnectionState>hold</localConnectionState></compoundCallState></localCallState></snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData>"),
    Service("SnapshotCall", "<snapshotObject>{call}</snapshotObject>", "<crossRefIDorSnapshotData><snapshotData><snapshotCallResponseInfo><deviceOnCall><deviceIdentifier>{line}</deviceIdentifier></deviceOnCall><localConnectionInfo>connected</localConnectionInfo></snapshotCallResponseInfo></snapshotData></crossRefIDorSnapshotData>"),
    // Device features (21.1, 22.1).
    Service("GetDoNotDisturb", "<device>{line}</device>", "<doNotDisturbOn>true</doNotDisturbOn>"),
    Service("SetDoNotDisturb", "<device>{line}</device><doNotDisturbOn>true</doNotDisturbOn>", ""),
    Service("GetForwarding", "<device>{line}</device>", "<forwardingList><forwardListItem><forwardingType>forwardNoAns</forwardingType><forwardStatus>true</forwardStatus><forwardDN>{other}</forwardDN><ringCount>3</ringCount>{6:<ringDuration>15</ringDuration>}</forwardListItem></forwardingList>"),
    Service("SetForwarding", "<device>{line}</device><forwardingType>forwardBusyExt</forwardingType><activateForward>true</activateForward><forwardDN>{other}</forwardDN>{6:<ringDuration>15</ringDuration>}", ""),
    Service("GetMessageWaitingIndicator", "<device>{line}</device>", "<messageWaitingOn>true</messageWaitingOn><lampIsPresent>true</lampIsPresent>"),
    Service("SetMessageWaitingIndicator", "<device>{line}</device><messageWaitingOn>true</messageWaitingOn>", ""),
    Service("GetLogicalDeviceInformation", "<device>{line}</device>", "<hasPhysicalElement>true</hasPhysicalElement><appearanceAddressable>false</appearanceAddressable><appearanceType>selectedStandard</appearanceType>"),
    Service("GetPhysicalDeviceInformation", "<device>{line}</device>", "<deviceCategory>station</deviceCategory><hasLogicalElement>true</hasLogicalElement><deviceModelName>{other}</deviceModelName>"),
    Service("GetMicrophoneMute", "<device>{line}</device>", "<microphoneMuteList><microphoneMuteItem><auditoryApparatus>headset</auditoryApparatus><microphoneMuteOn>false</microphoneMuteOn></microphoneMuteItem></microphoneMuteList>"),
    Service("SetMicrophoneMute", "<device>{line}</device><auditoryApparatus>headset</auditoryApparatus><microphoneMuteOn>true</microphoneMuteOn>", ""),
    Service("GetSpeakerMute", "<device>{line}</device>", "<speakerMuteList><speakerMuteItem><speakerMuteOn>true</speakerMuteOn></speakerMuteItem></speakerMuteList>"),
    Service("SetSpeakerMute", "<device>{line}</device><speakerMuteOn>true</speakerMuteOn>", ""),
    Service("GetSpeakerVolume", "<device>{line}</device><auditoryApparatus>handset</auditoryApparatus>", "<speakerVolumeList><speakerVolumeItem><speakerVolAbs>70</speakerVolAbs></speakerVolumeItem></speakerVolumeList>"),
    Service("SetSpeakerVolume", "<device>{line}</device><speakerVolume><volInc>increment</volInc></speakerVolume>", ""),
    // What the server has no type for passes all the same.
    Service("ButtonPress", "<device>{line}</device><button>7</button>", ""),
    Service("GetLampMode", "<device>{line}</device><lamp>1</lamp>", "<lampModeList><lampModeItem><lamp>1</lamp><lampMode>2</lampMode></lampModeItem></lampModeList>"),
    Service("ParkCall", "<parking>{call}</parking><parkTo>{other}</parkTo>", "<parkedTo>{second}</parkedTo>"),
];

/// When calls are forwarded (ECMA-269, clause 22.1, forwarding types).
const FORWARDINGS: [&str; 12] = [
    "forwardImmediate",
    "forwardBusy",
    "forwardNoAns",
    "forwardDND",
    "forwardBusyInt",
    "forwardBusyExt",
    "forwardNoAnsInt",
    "forwardNoAnsExt",
    "forwardImmInt",
    "forwardImmExt",
    "forwardDNDInt",
    "forwardDNDExt",
];

#[tokio::test]
async fn forwarding_of_each_maker_is_set_and_reported() {
    let server = Server::start();
    for (serial, maker) in (1..).zip(makers()) {
        let phone = started(&server, &maker, serial).await;
        for style in clients() {
            let session = session(&server, &style, &phone).await;
            for forwarding in FORWARDINGS {
                let set = format!(
                    "<device>{{line}}</device><forwardingType>{forwarding}</forwardingType><activateForward>true</activateForward><forwardDN>{{other}}</forwardDN>"
                );
                let set = Service("SetForwarding", &set, "");
                let told = format!(
                    "<forwardingList><forwardListItem><forwardingType>{forwarding}</forwardingType><forwardStatus>true</forwardStatus><forwardDN>{{other}}</forwardDN></forwardListItem></forwardingList>"
                );
                let get = Service("GetForwarding", "<device>{line}</device>", &told);
                for service in [&set, &get] {
                    relayed(service, &maker, &phone, &style, &session).await;
                }
            }
            session.bye().await;
        }
    }
}

/// How the clients of the table speak.
fn clients() -> Vec<Style> {
    vec![
        Style::of_client(2, ""),
        Style::of_client(3, "csta"),
        Style::of_client(4, ""),
        Style::of_client(5, "x"),
        Style::of_client(6, ""),
    ]
}

/// Every maker, and one that speaks the youngest edition and has what no other has.
fn makers() -> Vec<Maker> {
    let mut makers = Maker::all();
    let mut youngest = makers[0].clone();
    youngest.edition = 6;
    youngest
        .lacks
        .retain(|lacking| lacking != "SingleStepConferenceCall");
    makers.push(youngest);
    makers
}

async fn started(server: &Server, maker: &Maker, serial: u32) -> Phone {
    let phone = server.phone_of(maker, serial);
    phone.start().await;
    assert_eq!(
        server.listed(&maker.address(serial)).await["model"],
        maker.model
    );
    phone
}

#[tokio::test]
async fn services_of_each_maker_are_relayed_unchanged() {
    let server = Server::start();
    for (serial, maker) in (1..).zip(makers()) {
        let phone = started(&server, &maker, serial).await;
        for style in clients() {
            let session = session(&server, &style, &phone).await;
            for service in SERVICES {
                if !maker.lacks.iter().any(|lacking| lacking == service.0) {
                    relayed(service, &maker, &phone, &style, &session).await;
                }
            }
            session.bye().await;
        }
    }
}

async fn session(server: &Server, style: &Style, phone: &Phone) -> Session {
    let client = server.client_as(|setup| {
        setup.edition = ["ed2", "ed3", "ed4", "ed5", "ed6"][usize::from(style.edition) - 2];
    });
    // By its number alone: what the phone calls the line is its own affair.
    client
        .await
        .open(&format!("sip:{}@pbx", phone.number()))
        .await
}

/// One row of the table for one maker and one client.
async fn relayed(
    service: &Service<'_>,
    maker: &Maker,
    phone: &Phone,
    style: &Style,
    session: &Session,
) {
    let Service(name, request, response) = service;
    let what = format!(
        "{name} of {style:?} at {} in edition {}",
        maker.name, maker.edition
    );
    let oldest = style.edition.min(maker.edition);
    let names = |line: &str| Names {
        line: line.to_owned(),
        other: "sip:102@pbx.example".to_owned(),
        calls: [1, 2, 3].map(|serial| maker.call(serial)),
    };
    let (asked, own) = (names(phone.number()), names(phone.line()));

    let answer = maker.style().document(
        &format!("{name}Response"),
        &sample(response, maker.edition, maker.edition, &own),
    );
    phone.once(name, Reaction::Document(answer));
    let before = phone.count(name);
    let document = style.document(name, &sample(request, style.edition, style.edition, &asked));
    let got = session.info(document).await.expect(200);

    let arrived = phone.until_received(name, before + 1).await;
    let expected = sample(request, oldest, maker.edition, &own);
    let expected = style.in_edition(maker.edition).document(name, &expected);
    assert_eq!(arrived.message.body, expected, "asked: {what}");
    let expected = sample(response, oldest, style.edition, &own);
    let expected = maker
        .style()
        .in_edition(style.edition)
        .document(&format!("{name}Response"), &expected);
    assert_eq!(got.body, expected, "answered: {what}");
    assert_eq!(got.must("Content-Type"), "application/csta+xml", "{what}");
}

/// What a CSTAErrorCode holds, and the SIP status that it comes with: each category (ECMA-269, universal failure), and what a
/// later edition, or a careless maker, may send.
#[rustfmt::skip]
const ERRORS: &[(&str, u16)] = &[
    ("<operation>invalidForwardingDestination</operation>", 200),
    ("<security>sequenceNumberViolated</security>", 403),
    ("<stateIncompatibility>noActiveCall</stateIncompatibility>", 486),
    ("<systemResourceAvailibility>resourceBusy</systemResourceAvailibility>", 503),
    ("<subscribedResourceAvailability>objectMonitorLimitExceeded</subscribedResourceAvailability>", 488),
    ("<performanceManagement>performanceLimitExceeded</performanceManagement>", 500),
    ("<privateData>cSTAPrivateDataInfoError</privateData>", 400),
    ("<privateErrorCode>4711</privateErrorCode>", 603),
    ("<unspecified/>", 200),
    ("<operation>invalidThought</operation><!--deviation-->", 400),
    ("<systemResourceAvailability>deviceOutOfService</systemResourceAvailability><!--deviation-->", 404),
];

#[tokio::test]
async fn errors_of_each_maker_are_relayed_unchanged() {
    let server = Server::start();
    for (serial, maker) in (1..).zip(makers()) {
        let phone = started(&server, &maker, serial).await;
        for style in clients() {
            let session = session(&server, &style, &phone).await;
            for (error, status) in ERRORS {
                let said = maker.style().document("CSTAErrorCode", error);
                phone.once("HoldCall", Reaction::Refusal(*status, said));
                let hold = connection("callToBeHeld", "1", phone.line());
                let got = session.info(style.document("HoldCall", &hold)).await;
                let expected = maker.style().in_edition(style.edition);
                assert_eq!(
                    got.expect(200).body,
                    expected.document("CSTAErrorCode", error),
                    "{error} with {status} from {}",
                    maker.name
                );
            }
            session.bye().await;
        }
    }
}

/// What the server makes of other services, keeps or answers itself where a phone lacks it: shown in `emulation_by_maker.rs`
/// and `emulation.rs`.
const MADE_OTHERWISE: &[&str] = &[
    "AlternateCall",
    "DialDigits",
    "DirectedPickupCall",
    "GetCSTAFeatures",
    "GetMessageWaitingIndicator",
    "SetMessageWaitingIndicator",
    "SnapshotCall",
    "SystemRegister",
    "SystemRegisterCancel",
];

#[tokio::test]
async fn missing_service_is_refused_for_each_makers_style_of_refusal() {
    let server = Server::start();
    for (serial, maker) in (1..).zip(makers()) {
        let phone = started(&server, &maker, serial).await;
        let session = session(&server, &Style::of_client(3, ""), &phone).await;
        let names = Names {
            line: phone.line().to_owned(),
            other: "102".to_owned(),
            calls: [1, 2, 3].map(|serial| maker.call(serial)),
        };
        for Service(name, request, _) in SERVICES {
            let lacks = maker.lacks.iter().any(|lacking| lacking == name);
            if lacks && !MADE_OTHERWISE.contains(name) {
                let refusal = session.refused(name, &sample(request, 3, 3, &names)).await;
                let expected = ("operation".to_owned(), "serviceNotSupported".to_owned());
                assert_eq!(refusal, expected, "{name} at {}", maker.name);
            }
        }
    }
}

#[test]
fn every_gap_of_a_maker_is_tested() {
    for maker in Maker::all() {
        for lacking in &maker.lacks {
            let tried = SERVICES.iter().any(|Service(name, ..)| name == lacking);
            assert!(
                tried || MADE_OTHERWISE.contains(&lacking.as_str()),
                "{}: {lacking}",
                maker.name
            );
        }
    }
}
