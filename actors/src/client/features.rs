//! What GetCSTAFeatures tells in the server's session (ECMA-269 capability exchange): all that any line may have.

use uacsta_schema::csta::{Features, GetCSTAFeaturesResponse};

/// The services that the server does or carries, and the events that it tells; which of them a line has, its own session says.
pub(super) fn of_server() -> GetCSTAFeaturesResponse {
    let of = |groups: &[(&str, &[&str])]| {
        groups
            .iter()
            .fold(Features::default(), |all, (group, names)| {
                all.with(group, names)
            })
    };
    GetCSTAFeaturesResponse {
        supported_services: Some(of(SERVICES)),
        supported_events: Some(of(EVENTS)),
    }
}

const SERVICES: &[(&str, &[&str])] = &[
    (
        "capExchangeServList",
        &[
            "getCSTAFeatures",
            "getLogicalDeviceInformation",
            "getPhysicalDeviceInformation",
            "getSwitchingFunctionDevices",
            "switchingFunctionDevices",
        ],
    ),
    (
        "systemStatServList",
        &[
            "systemRegister",
            "systemStatusRegisterAbort",
            "systemStatusRegisterCancel",
            "requestSystemStatus",
            "systemStatus",
            "swFunctionDevicesChanged",
        ],
    ),
    (
        "monitoringServList",
        &["changeMonitorFilter", "monitorStart", "monitorStop"],
    ),
    ("snapshotServList", &["snapshotCall", "snapshotDevice"]),
    (
        "callControlServList",
        &[
            "alternateCall",
            "answerCall",
            "clearConnection",
            "conferenceCall",
            "consultationCall",
            "deflectCall",
            "dialDigits",
            "directedPickupCall",
            "holdCall",
            "makeCall",
            "reconnectCall",
            "retrieveCall",
            "singleStepConference",
            "singleStepTransfer",
            "transferCall",
        ],
    ),
    ("callAssociatedServList", &["generateDigits"]),
    (
        "physDevServList",
        &[
            "getMessageWaitingIndicator",
            "getMicrophoneMute",
            "getSpeakerMute",
            "getSpeakerVolume",
            "setMessageWaitingIndicator",
            "setMicrophoneMute",
            "setSpeakerMute",
            "setSpeakerVolume",
        ],
    ),
    (
        "logicalServList",
        &[
            "getDoNotDisturb",
            "getForwarding",
            "setDoNotDisturb",
            "setForwarding",
        ],
    ),
];

const EVENTS: &[(&str, &[&str])] = &[
    (
        "callControlEvtsList",
        &[
            "callCleared",
            "conferenced",
            "connectionCleared",
            "delivered",
            "digitsDialed",
            "diverted",
            "established",
            "failed",
            "held",
            "netwCapsChanged",
            "netwReached",
            "offered",
            "originated",
            "queued",
            "retrieved",
            "serviceInitiated",
            "transferred",
        ],
    ),
    ("callAssociatedEvtsList", &["digitsGenerated"]),
    (
        "physDevEvtsList",
        &[
            "messageWaiting",
            "microphoneMute",
            "speakerMute",
            "speakerVolume",
        ],
    ),
    ("logicalEvtsList", &["doNotDisturb", "forwarding"]),
    ("deviceMaintEvtsList", &["backInService", "outOfService"]),
];
