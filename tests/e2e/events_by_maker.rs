//! Events of each maker's phone as clients of every edition receive them: unchanged but for cross reference and namespace (ECMA-323).

use crate::support::{
    csta::{REFERENCE, subject},
    cti_client::Session,
    maker::{Maker, Style},
    phone::Phone,
    sample::{Names, sample},
    server::Server,
};

/// An event, and what follows its cross reference. The notation is that of [`sample`].
struct Event(&'static str, &'static str);

#[rustfmt::skip]
const EVENTS: &[Event] = &[
    // Call control (ECMA-269, clause 17.2).
    Event("ServiceInitiatedEvent", "<initiatedConnection>{call}</initiatedConnection><initiatingDevice><deviceIdentifier>{line}</deviceIdentifier></initiatingDevice>{6:<calledDevice><deviceIdentifier>{other}</deviceIdentifier></calledDevice>}<localConnectionInfo>initiated</localConnectionInfo><cause>makeCall</cause>"),
    Event("DigitsDialedEvent", "<dialingConnection>{call}</dialingConnection><dialingDevice><deviceIdentifier>{line}</deviceIdentifier></dialingDevice><dialingSequence>03</dialingSequence><localConnectionInfo>initiated</localConnectionInfo><cause>normal</cause>"),
    Event("OriginatedEvent", "<originatedConnection>{call}</originatedConnection><callingDevice><deviceIdentifier>{line}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>{other}</deviceIdentifier></calledDevice><localConnectionInfo>connected</localConnectionInfo><correlatorData><string>4142</string></correlatorData><cause>newCall</cause>{6:<locationInfoList/>}"),
    Event("NetworkReachedEvent", "<outboundConnection>{far}</outboundConnection><networkInterfaceUsed><notKnown/></networkInterfaceUsed><callingDevice><deviceIdentifier>{line}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>{other}</deviceIdentifier></calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice><localConnectionInfo>connected</localConnectionInfo><cause>newCall</cause>"),
    Event("NetworkCapabilitiesChangedEvent", "<outboundConnection>{far}</outboundConnection><networkInterfaceUsed><notKnown/></networkInterfaceUsed><calledDevice><deviceIdentifier>{other}</deviceIdentifier></calledDevice><networkCapability><networkType>nonISDNPublic</networkType></networkCapability><cause>normal</cause>"),
    Event("OfferedEvent", "<offeredConnection>{call}</offeredConnection><offeredDevice><deviceIdentifier>{line}</deviceIdentifier></offeredDevice><callingDevice><restricted/></callingDevice><calledDevice><deviceIdentifier>{line}</deviceIdentifier></calledDevice><lastRedirectionDevice><numberDialed>{other}</numberDialed></lastRedirectionDevice><localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause>"),
    Event("DeliveredEvent", "<connection>{call}</connection><alertingDevice><deviceIdentifier>{line}</deviceIdentifier></alertingDevice><callingDevice><deviceIdentifier>{other}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>{line}</deviceIdentifier></calledDevice><lastRedirectionDevice><notKnown/></lastRedirectionDevice><localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause>{6:<locationInfoList/>}"),
    Event("EstablishedEvent", "<establishedConnection>{call}</establishedConnection><answeringDevice><deviceIdentifier>{line}</deviceIdentifier></answeringDevice><callingDevice><deviceIdentifier>{other}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>{line}</deviceIdentifier></calledDevice><lastRedirectionDevice><notSpecified/></lastRedirectionDevice><localConnectionInfo>connected</localConnectionInfo><cause>newCall</cause>"),
    Event("HeldEvent", "<heldConnection>{call}</heldConnection><holdingDevice><deviceIdentifier>{line}</deviceIdentifier></holdingDevice><localConnectionInfo>hold</localConnectionInfo><cause>consultation</cause>"),
    Event("RetrievedEvent", "<retrievedConnection>{call}</retrievedConnection><retrievingDevice><deviceIdentifier>{line}</deviceIdentifier></retrievingDevice><localConnectionInfo>connected</localConnectionInfo><cause>keyOperation</cause>"),
    Event("QueuedEvent", "<queuedConnection>{second}</queuedConnection><queue><deviceIdentifier>{other}</deviceIdentifier></queue><callingDevice><deviceIdentifier>{line}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>{other}</deviceIdentifier></calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice><numberQueued>3</numberQueued><localConnectionInfo>connected</localConnectionInfo><cause>distributed</cause>"),
    Event("FailedEvent", "<failedConnection>{second}</failedConnection><failingDevice><deviceIdentifier>{other}</deviceIdentifier></failingDevice><callingDevice><deviceIdentifier>{line}</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>{other}</deviceIdentifier></calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice><localConnectionInfo>fail</localConnectionInfo><cause>busy</cause>"),
    Event("DivertedEvent", "<connection>{second}</connection><divertingDevice><deviceIdentifier>{line}</deviceIdentifier></divertingDevice><newDestination><deviceIdentifier>{other}</deviceIdentifier></newDestination><lastRedirectionDevice><notRequired/></lastRedirectionDevice><localConnectionInfo>null</localConnectionInfo><cause>redirected</cause>"),
    Event("ConferencedEvent", "<primaryOldCall>{call}</primaryOldCall><secondaryOldCall>{second}</secondaryOldCall><conferencingDevice><deviceIdentifier>{line}</deviceIdentifier></conferencingDevice><addedParty><deviceIdentifier>{other}</deviceIdentifier></addedParty><conferenceConnections><connectionListItem><newConnection>{third}</newConnection><oldConnection>{call}</oldConnection></connectionListItem></conferenceConnections><localConnectionInfo>connected</localConnectionInfo><cause>conference</cause>"),
    Event("TransferedEvent", "<primaryOldCall>{third}</primaryOldCall><transferringDevice><deviceIdentifier>{line}</deviceIdentifier></transferringDevice><transferredToDevice><deviceIdentifier>{other}</deviceIdentifier></transferredToDevice><transferredConnections/><localConnectionInfo>null</localConnectionInfo><cause>singleStepTransfer</cause>"),
    Event("ConnectionClearedEvent", "<droppedConnection>{third}</droppedConnection><releasingDevice><deviceIdentifier>{line}</deviceIdentifier></releasingDevice><localConnectionInfo>null</localConnectionInfo><cause>normalClearing</cause>"),
    Event("CallClearedEvent", "<clearedCall>{third}</clearedCall><cause>normalClearing</cause>"),
    // Call associated, physical and logical device features (ECMA-269, sections 18.2, 21.2 and 22.2).
    Event("DigitsGeneratedEvent", "<connection>{call}</connection><digitGeneratedList>12#</digitGeneratedList>"),
    Event("MessageWaitingEvent", "<targetDevice><deviceIdentifier>{line}</deviceIdentifier></targetDevice><messageWaitingOn>true</messageWaitingOn>"),
    Event("MicrophoneMuteEvent", "<invokingDevice><deviceIdentifier>{line}</deviceIdentifier></invokingDevice><auditoryApparatus>headset</auditoryApparatus><microphoneMuteOn>true</microphoneMuteOn>"),
    Event("SpeakerMuteEvent", "<invokingDevice><deviceIdentifier>{line}</deviceIdentifier></invokingDevice><speakerMuteOn>false</speakerMuteOn>"),
    Event("SpeakerVolumeEvent", "<invokingDevice><deviceIdentifier>{line}</deviceIdentifier></invokingDevice><speakerVolume><volAbs>80</volAbs></speakerVolume>"),
    Event("DoNotDisturbEvent", "<device><deviceIdentifier>{line}</deviceIdentifier></device><doNotDisturbOn>true</doNotDisturbOn>"),
    Event("ForwardingEvent", "<device><deviceIdentifier>{line}</deviceIdentifier></device><forwardingType>forwardImmediate</forwardingType><forwardStatus>true</forwardStatus><forwardTo>{other}</forwardTo>{6:<ringDuration>15</ringDuration>}"),
    // What the phone itself says of its service (ECMA-269, clause 23.2).
    Event("OutOfServiceEvent", "<device><deviceIdentifier>{line}</deviceIdentifier></device><cause>maintenance</cause>"),
    Event("BackInServiceEvent", "<device><deviceIdentifier>{line}</deviceIdentifier></device><cause>normal</cause>"),
    // What the server has no type for passes all the same.
    Event("HookswitchEvent", "<device><deviceIdentifier>{line}</deviceIdentifier></device><hookswitch>1</hookswitch><hookswitchOnHook>true</hookswitchOnHook>"),
];

const EDITIONS: [&str; 5] = ["ed2", "ed3", "ed4", "ed5", "ed6"];

#[tokio::test]
async fn events_of_each_maker_reach_clients_of_every_edition() {
    let server = Server::start();
    let mut makers = Maker::all();
    let mut youngest = makers[0].clone();
    youngest.edition = 6;
    makers.push(youngest);
    for (serial, maker) in (1..).zip(makers) {
        let phone = server.phone_of(&maker, serial);
        phone.start().await;
        let mut sessions = Vec::new();
        for edition in EDITIONS {
            let client = server.client_as(|setup| setup.edition = edition).await;
            let mut session = client.open(&format!("sip:{}@pbx", phone.number())).await;
            let reference = session.watch(phone.line()).await;
            sessions.push((session, reference));
        }
        let sent = EVENTS
            .iter()
            .filter(|Event(name, _)| !maker.omits.iter().any(|omitted| omitted == name));
        for event in sent {
            told(event, &maker, &phone, &mut sessions).await;
        }
        for (session, _) in &mut sessions {
            assert!(session.quiet(), "nobody else has sent anything");
            session.bye().await;
        }
    }
}

#[tokio::test]
async fn service_state_events_are_relayed_only_when_the_state_changes() {
    let server = Server::start();
    for (serial, maker) in (1..).zip(Maker::all()) {
        let phone = server.phone_of(&maker, serial);
        phone.start().await;
        let mut session = server
            .client()
            .await
            .open(&format!("sip:{}@pbx", phone.number()))
            .await;
        session.watch(phone.line()).await;
        let device = subject("device", phone.line());
        let says = async |name: &str| {
            let event = phone.document(name, &format!("{REFERENCE}{device}"));
            phone.event(&event).await.expect(200);
        };
        // The server has said so already; and what the phone repeats is no news either.
        for name in [
            "BackInServiceEvent",
            "OutOfServiceEvent",
            "OutOfServiceEvent",
        ] {
            says(name).await;
        }
        session.expect("OutOfServiceEvent").await;
        // Who comes now hears what holds now, and a phone that goes is out of service already.
        let mut late = server
            .client()
            .await
            .open(&format!("sip:{}@pbx", phone.number()))
            .await;
        late.monitor(phone.line()).await;
        late.expect("OutOfServiceEvent").await;
        phone.reboot();
        phone.start().await;
        session.expect("BackInServiceEvent").await;
        late.expect("BackInServiceEvent").await;
    }
}

/// One row of the table for one maker.
async fn told(event: &Event, maker: &Maker, phone: &Phone, sessions: &mut [(Session, String)]) {
    let Event(name, inner) = event;
    let names = Names {
        line: phone.line().to_owned(),
        other: "sip:102@pbx.example".to_owned(),
        calls: [1, 2, 3].map(|serial| maker.call(serial)),
    };
    let inner = format!("{REFERENCE}{inner}");
    let put = |style: &Style, known: u8| {
        style.document(name, &sample(&inner, known, style.edition, &names))
    };
    let style = maker.style();
    phone.event(&put(&style, maker.edition)).await.expect(200);
    for ((session, reference), edition) in sessions.iter_mut().zip(2..) {
        let expected = put(&style.in_edition(edition), maker.edition.min(edition));
        let got = session.event().await;
        assert_eq!(
            got.raw,
            expected.replace("{xref}", reference),
            "{name} of {} in edition {} for edition {edition}",
            maker.name,
            maker.edition
        );
    }
}
