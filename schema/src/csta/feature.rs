//! The names that capability lists have for services and events (ECMA-323, GetCSTAFeatures), and the lists made of them.

use super::service::Features;

/// A service or event as capability lists name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The list that it stands in, such as `callControlServList`.
    pub group: &'static str,
    /// Its name there, such as `makeCall`.
    pub name: &'static str,
    /// Its root element, such as `MakeCall`.
    pub root: &'static str,
}

/// The services that are known here, in the order of the schema.
pub static SERVICES: &[Feature] = &[
    feature("capExchangeServList", "getCSTAFeatures", "GetCSTAFeatures"),
    feature(
        "capExchangeServList",
        "getLogicalDeviceInformation",
        "GetLogicalDeviceInformation",
    ),
    feature(
        "capExchangeServList",
        "getPhysicalDeviceInformation",
        "GetPhysicalDeviceInformation",
    ),
    feature(
        "capExchangeServList",
        "getSwitchingFunctionDevices",
        "GetSwitchingFunctionDevices",
    ),
    feature(
        "capExchangeServList",
        "switchingFunctionDevices",
        "SwitchingFunctionDevices",
    ),
    feature("systemStatServList", "systemRegister", "SystemRegister"),
    feature(
        "systemStatServList",
        "systemStatusRegisterAbort",
        "SystemRegisterAbort",
    ),
    feature(
        "systemStatServList",
        "systemStatusRegisterCancel",
        "SystemRegisterCancel",
    ),
    feature(
        "systemStatServList",
        "requestSystemStatus",
        "RequestSystemStatus",
    ),
    feature("systemStatServList", "systemStatus", "SystemStatus"),
    feature(
        "systemStatServList",
        "swFunctionDevicesChanged",
        "SwFunctionDevicesChanged",
    ),
    feature(
        "monitoringServList",
        "changeMonitorFilter",
        "ChangeMonitorFilter",
    ),
    feature("monitoringServList", "monitorStart", "MonitorStart"),
    feature("monitoringServList", "monitorStop", "MonitorStop"),
    feature("snapshotServList", "snapshotCall", "SnapshotCall"),
    feature("snapshotServList", "snapshotDevice", "SnapshotDevice"),
    feature("callControlServList", "alternateCall", "AlternateCall"),
    feature("callControlServList", "answerCall", "AnswerCall"),
    feature("callControlServList", "clearCall", "ClearCall"),
    feature("callControlServList", "clearConnection", "ClearConnection"),
    feature("callControlServList", "conferenceCall", "ConferenceCall"),
    feature(
        "callControlServList",
        "consultationCall",
        "ConsultationCall",
    ),
    feature("callControlServList", "deflectCall", "DeflectCall"),
    feature("callControlServList", "dialDigits", "DialDigits"),
    feature(
        "callControlServList",
        "directedPickupCall",
        "DirectedPickupCall",
    ),
    feature("callControlServList", "holdCall", "HoldCall"),
    feature("callControlServList", "makeCall", "MakeCall"),
    feature("callControlServList", "reconnectCall", "ReconnectCall"),
    feature("callControlServList", "retrieveCall", "RetrieveCall"),
    feature(
        "callControlServList",
        "singleStepConference",
        "SingleStepConferenceCall",
    ),
    feature(
        "callControlServList",
        "singleStepTransfer",
        "SingleStepTransferCall",
    ),
    feature("callControlServList", "transferCall", "TransferCall"),
    feature("callAssociatedServList", "generateDigits", "GenerateDigits"),
    feature(
        "physDevServList",
        "getMessageWaitingIndicator",
        "GetMessageWaitingIndicator",
    ),
    feature("physDevServList", "getMicrophoneMute", "GetMicrophoneMute"),
    feature("physDevServList", "getSpeakerMute", "GetSpeakerMute"),
    feature("physDevServList", "getSpeakerVolume", "GetSpeakerVolume"),
    feature(
        "physDevServList",
        "setMessageWaitingIndicator",
        "SetMessageWaitingIndicator",
    ),
    feature("physDevServList", "setMicrophoneMute", "SetMicrophoneMute"),
    feature("physDevServList", "setSpeakerMute", "SetSpeakerMute"),
    feature("physDevServList", "setSpeakerVolume", "SetSpeakerVolume"),
    feature("logicalServList", "getDoNotDisturb", "GetDoNotDisturb"),
    feature("logicalServList", "getForwarding", "GetForwarding"),
    feature("logicalServList", "setDoNotDisturb", "SetDoNotDisturb"),
    feature("logicalServList", "setForwarding", "SetForwarding"),
];

/// The events that are known here, in the order of the schema.
pub static EVENTS: &[Feature] = &[
    feature("callControlEvtsList", "callCleared", "CallClearedEvent"),
    feature("callControlEvtsList", "conferenced", "ConferencedEvent"),
    feature(
        "callControlEvtsList",
        "connectionCleared",
        "ConnectionClearedEvent",
    ),
    feature("callControlEvtsList", "delivered", "DeliveredEvent"),
    feature("callControlEvtsList", "digitsDialed", "DigitsDialedEvent"),
    feature("callControlEvtsList", "diverted", "DivertedEvent"),
    feature("callControlEvtsList", "established", "EstablishedEvent"),
    feature("callControlEvtsList", "failed", "FailedEvent"),
    feature("callControlEvtsList", "held", "HeldEvent"),
    feature(
        "callControlEvtsList",
        "netwCapsChanged",
        "NetworkCapabilitiesChangedEvent",
    ),
    feature("callControlEvtsList", "netwReached", "NetworkReachedEvent"),
    feature("callControlEvtsList", "offered", "OfferedEvent"),
    feature("callControlEvtsList", "originated", "OriginatedEvent"),
    feature("callControlEvtsList", "queued", "QueuedEvent"),
    feature("callControlEvtsList", "retrieved", "RetrievedEvent"),
    feature(
        "callControlEvtsList",
        "serviceInitiated",
        "ServiceInitiatedEvent",
    ),
    feature("callControlEvtsList", "transferred", "TransferedEvent"),
    feature(
        "callAssociatedEvtsList",
        "digitsGenerated",
        "DigitsGeneratedEvent",
    ),
    feature("physDevEvtsList", "messageWaiting", "MessageWaitingEvent"),
    feature("physDevEvtsList", "microphoneMute", "MicrophoneMuteEvent"),
    feature("physDevEvtsList", "speakerMute", "SpeakerMuteEvent"),
    feature("physDevEvtsList", "speakerVolume", "SpeakerVolumeEvent"),
    feature("logicalEvtsList", "doNotDisturb", "DoNotDisturbEvent"),
    feature("logicalEvtsList", "forwarding", "ForwardingEvent"),
    feature("deviceMaintEvtsList", "backInService", "BackInServiceEvent"),
    feature("deviceMaintEvtsList", "outOfService", "OutOfServiceEvent"),
];

impl Features {
    /// Those of `known` whose root element is `wanted`, in its order.
    pub fn of(known: &'static [Feature], wanted: impl Fn(&str) -> bool) -> Self {
        let mut lists = Self::default();
        for group in known.chunk_by(|one, next| one.group == next.group) {
            let names: Vec<&str> = group
                .iter()
                .filter(|feature| wanted(feature.root))
                .map(|feature| feature.name)
                .collect();
            if let (Some(first), false) = (group.first(), names.is_empty()) {
                lists = lists.with(first.group, &names);
            }
        }
        lists
    }

    /// The root elements of those of `known` that are listed.
    pub fn roots<'a>(
        &'a self,
        known: &'static [Feature],
    ) -> impl Iterator<Item = &'static str> + 'a {
        known
            .iter()
            .filter(|feature| self.has(feature.group, feature.name))
            .map(|feature| feature.root)
    }
}

const fn feature(group: &'static str, name: &'static str, root: &'static str) -> Feature {
    Feature { group, name, root }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stand_for_roots_and_roots_for_lists() {
        let held = |root: &str| matches!(root, "HoldCall" | "SetForwarding" | "SetDoNotDisturb");
        let lists = Features::of(SERVICES, held);
        let expected = Features::default()
            .with("callControlServList", &["holdCall"])
            .with("logicalServList", &["setDoNotDisturb", "setForwarding"]);
        assert_eq!(lists, expected);
        let roots: Vec<&str> = lists.roots(SERVICES).collect();
        assert_eq!(roots, ["HoldCall", "SetDoNotDisturb", "SetForwarding"]);
        assert_eq!(lists.roots(EVENTS).count(), 0);
        assert_eq!(Features::of(EVENTS, |_| false), Features::default());
    }
}
