//! Every root element of ECMA-323 (third to sixth edition): its kind and, for a service, the members that name the device it addresses.

use Place::{Asked, Beside, Connection, Device, Monitored};

/// What a document is, as its root element tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request of a service.
    Request,
    /// The positive response to a request.
    Response,
    /// An event of a monitor, which carries a `monitorCrossRefID`.
    Event,
    /// What is reported outside a monitor and expects no response: `SwitchingFunctionDevices`,
    /// `SwFunctionDevicesChanged`, `SystemRegisterAbort` ...
    Notification,
    /// `CSTAErrorCode`, the negative response to any request.
    Failure,
    /// No root element of ECMA-323.
    Unknown,
}

/// A member of a request that names the addressed device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A device identifier, directly.
    Device(&'static str),
    /// A device identifier whose absence has a meaning ("all devices"), so that none is put there.
    Asked(&'static str),
    /// A connection identifier: its `deviceID`.
    Connection(&'static str),
    /// The connection identifier of a call that the addressed device is brought into: nothing is put there.
    Beside(&'static str),
    /// `monitorObject`: its `deviceObject`, or the `deviceID` of its `callObject`.
    Monitored,
}

/// The kind of the root element `name`.
pub(super) fn kind(name: &str) -> Kind {
    if name == "CSTAErrorCode" {
        return Kind::Failure;
    }
    if name.ends_with("Event") && EVENTS.binary_search(&name).is_ok() {
        return Kind::Event;
    }
    if let Some(service) = name.strip_suffix("Response")
        && (service_places(service).is_some() || ANSWERED_NOTIFICATIONS.contains(&service))
    {
        return Kind::Response;
    }
    if service_places(name).is_some() {
        return Kind::Request;
    }
    if NOTIFICATIONS.binary_search(&name).is_ok() {
        Kind::Notification
    } else {
        Kind::Unknown
    }
}

/// Where the request `name` names the device that it addresses, the first place first; empty for any other root.
pub(super) fn places(name: &str) -> &'static [Place] {
    service_places(name).unwrap_or_default()
}

/// The member of the call control event `name` that says which connection it is about.
pub(super) fn connection(name: &str) -> Option<&'static str> {
    Some(match name {
        "ServiceInitiatedEvent" => "initiatedConnection",
        "DigitsDialedEvent" => "dialingConnection",
        "OriginatedEvent" => "originatedConnection",
        "NetworkReachedEvent" => "outboundConnection",
        "OfferedEvent" => "offeredConnection",
        "DeliveredEvent" | "DivertedEvent" => "connection",
        "EstablishedEvent" => "establishedConnection",
        "HeldEvent" => "heldConnection",
        "RetrievedEvent" => "retrievedConnection",
        "FailedEvent" => "failedConnection",
        "QueuedEvent" => "queuedConnection",
        "ConnectionClearedEvent" => "droppedConnection",
        "CallClearedEvent" => "clearedCall",
        "TransferedEvent" | "ConferencedEvent" => "primaryOldCall",
        _ => return None,
    })
}

/// The members without which the request `name` asks for nothing, but for a device that its session may stand for
/// (ECMA-323). Those of services that every phone is asked for; the phone itself judges the others.
pub(super) fn required(name: &str) -> &'static [&'static str] {
    match name {
        "AlternateCall" | "ConferenceCall" | "ReconnectCall" | "TransferCall" => {
            &["heldCall", "activeCall"]
        }
        "AnswerCall" => &["callToBeAnswered"],
        "ClearConnection" => &["connectionToBeCleared"],
        "ConsultationCall" => &["existingCall", "consultedDevice"],
        "DeflectCall" => &["callToBeDiverted", "newDestination"],
        "DialDigits" => &["diallingConnection", "diallingSequence"],
        "DirectedPickupCall" => &["callToBePickedUp"],
        "GenerateDigits" => &["connectionToSendDigits", "charactersToSend"],
        "HoldCall" => &["callToBeHeld"],
        "MakeCall" => &["calledDirectoryNumber"],
        "RetrieveCall" => &["callToBeRetrieved"],
        "SetDoNotDisturb" => &["doNotDisturbOn"],
        "SetForwarding" => &["activateForward"],
        "SetMessageWaitingIndicator" => &["messageWaitingOn"],
        "SingleStepConferenceCall" => &["activeCall", "deviceToJoin"],
        "SingleStepTransferCall" => &["activeCall", "transferredTo"],
        "SnapshotCall" => &["snapshotObject"],
        _ => &[],
    }
}

fn service_places(name: &str) -> Option<&'static [Place]> {
    let found = SERVICES
        .binary_search_by(|(service, _)| (*service).cmp(name))
        .ok()?;
    Some(SERVICES[found].1)
}

/// Requests, each with its places of the addressed device. Sorted.
#[rustfmt::skip]
static SERVICES: &[(&str, &[Place])] = &[
    ("AcceptCall", &[Connection("callToBeAccepted")]),
    ("Activate", &[Connection("overConnection")]),
    ("AlternateCall", &[Connection("heldCall"), Connection("activeCall")]),
    ("AnswerCall", &[Connection("callToBeAnswered")]),
    ("AssociateData", &[Connection("existingCall")]),
    ("AttachMediaService", &[Connection("connection")]),
    ("ButtonPress", &[Device("device")]),
    ("CDRNotification", &[]),
    ("CDRReport", &[]),
    ("CallBack", &[Connection("callbackConnection")]),
    ("CallBackMessage", &[Connection("callbackMessageConnection")]),
    ("CallBackMessageNonCallRelated", &[Device("originatingDevice")]),
    ("CallBackNonCallRelated", &[Device("originatingDevice")]),
    ("CamponCall", &[Connection("camponConnection")]),
    ("CancelCallBack", &[Device("originatingDevice")]),
    ("CancelCallBackMessage", &[Device("originatingDevice")]),
    ("CancelTelephonyTones", &[Connection("connectionToStopTone")]),
    ("ChangeConnectionInformation", &[Connection("connectionToBeChanged")]),
    ("ChangeMonitorFilter", &[]),
    ("ChangeSysStatFilter", &[]),
    ("Clear", &[Connection("overConnection")]),
    ("ClearCall", &[Connection("callToBeCleared")]),
    ("ClearConnection", &[Connection("connectionToBeCleared")]),
    ("ConcatenateMessage", &[]),
    ("ConferenceCall", &[Connection("heldCall"), Connection("activeCall")]),
    ("ConsultationCall", &[Connection("existingCall")]),
    ("DataCollected", &[]),
    ("DataCollectionResumed", &[]),
    ("DataCollectionSuspended", &[]),
    ("DataPathResumed", &[]),
    ("DataPathSuspended", &[]),
    ("Deactivate", &[Connection("overConnection")]),
    ("DeflectCall", &[Connection("callToBeDiverted")]),
    ("DeleteMessage", &[]),
    ("DetachMediaService", &[Connection("connection")]),
    ("DialDigits", &[Connection("diallingConnection")]),
    ("DirectedPickupCall", &[Device("requestingDevice"), Beside("callToBePickedUp")]),
    ("Escape", &[]),
    ("EscapeRegister", &[]),
    ("EscapeRegisterCancel", &[]),
    ("FastData", &[]),
    ("GenerateDigits", &[Connection("connectionToSendDigits")]),
    ("GenerateTelephonyTones", &[Connection("connectionToSendTone")]),
    ("GetAgentState", &[Device("device")]),
    ("GetAuditoryApparatusInformation", &[Device("device")]),
    ("GetAutoAnswer", &[Device("device")]),
    ("GetAutoWorkMode", &[Device("device")]),
    ("GetButtonInformation", &[Device("device")]),
    ("GetCSTAFeatures", &[]),
    ("GetCallBack", &[Device("device")]),
    ("GetCallerIDStatus", &[Device("device")]),
    ("GetDisplay", &[Device("device")]),
    ("GetDoNotDisturb", &[Device("device")]),
    ("GetForwarding", &[Device("device")]),
    ("GetHookswitchStatus", &[Device("device")]),
    ("GetLampInformation", &[Device("device")]),
    ("GetLampMode", &[Device("device")]),
    ("GetLastNumberDialed", &[Device("device")]),
    ("GetLocationInformation", &[Device("device")]),
    ("GetLocationTrackingCapabilities", &[Device("device")]),
    ("GetLocationTrackingSessions", &[]),
    ("GetLogicalDeviceInformation", &[Device("device")]),
    ("GetMessageWaitingIndicator", &[Device("device")]),
    ("GetMicrophoneGain", &[Device("device")]),
    ("GetMicrophoneMute", &[Device("device")]),
    ("GetMonitors", &[]),
    ("GetPhysicalDeviceInformation", &[Device("device")]),
    ("GetRegistrations", &[]),
    ("GetRingerStatus", &[Device("device")]),
    ("GetRouteingMode", &[Device("device")]),
    ("GetSpeakerMute", &[Device("device")]),
    ("GetSpeakerVolume", &[Device("device")]),
    ("GetSwitchingFunctionCaps", &[]),
    ("GetSwitchingFunctionDevices", &[Asked("requestedDeviceID")]),
    ("GroupPickupCall", &[Device("newDestination")]),
    ("HoldCall", &[Connection("callToBeHeld")]),
    ("IORegister", &[Device("ioDevice")]),
    ("IORegisterCancel", &[]),
    ("IntrudeCall", &[Connection("intrude")]),
    ("JoinCall", &[Device("joiningDevice"), Beside("activeCall")]),
    ("LocationInformationReport", &[]),
    ("LocationTrackingSessionResumed", &[]),
    ("LocationTrackingSessionSuspended", &[]),
    ("MakeCall", &[Device("callingDevice")]),
    ("MakeConnection", &[Device("initiatingDevice")]),
    ("MakePredictiveCall", &[Device("callingDevice")]),
    ("MonitorStart", &[Monitored]),
    ("MonitorStop", &[]),
    ("ParkCall", &[Connection("parking")]),
    ("PlayMessage", &[Connection("overConnection")]),
    ("PrivateDataVersionSelection", &[]),
    ("QueryVoiceAttribute", &[Connection("connection")]),
    ("QueueService", &[Connection("overConnection")]),
    ("ReRoute", &[]),
    ("ReconnectCall", &[Connection("activeCall"), Connection("heldCall")]),
    ("RecordMessage", &[Connection("callToBeRecorded")]),
    ("Reposition", &[Connection("connection")]),
    ("RequestSystemStatus", &[]),
    ("Resume", &[Connection("connection")]),
    ("ResumeDataCollection", &[]),
    ("ResumeDataPath", &[]),
    ("ResumeLocationTrackingSession", &[]),
    ("RetrieveCall", &[Connection("callToBeRetrieved")]),
    ("Review", &[Connection("connection")]),
    ("RouteEnd", &[]),
    ("RouteRegister", &[Asked("routeingDevice")]),
    ("RouteRegisterCancel", &[]),
    ("RouteReject", &[]),
    ("RouteRequest", &[]),
    ("RouteSelect", &[]),
    ("RouteUsed", &[]),
    ("SendBroadcastData", &[]),
    ("SendData", &[]),
    ("SendMessage", &[Device("callingDevice")]),
    ("SendMulticastData", &[]),
    ("SendStoredCDR", &[]),
    ("SendUserInformation", &[Connection("existingCall")]),
    ("SetAgentState", &[Device("device")]),
    ("SetAutoAnswer", &[Device("device")]),
    ("SetAutoWorkMode", &[Device("device")]),
    ("SetButtonInformation", &[Device("device")]),
    ("SetCallerIDStatus", &[Device("device")]),
    ("SetDisplay", &[Device("device")]),
    ("SetDoNotDisturb", &[Device("device")]),
    ("SetForwarding", &[Device("device")]),
    ("SetHookswitchStatus", &[Device("device")]),
    ("SetLampMode", &[Device("device")]),
    ("SetLocationInformation", &[Device("device")]),
    ("SetMessageWaitingIndicator", &[Device("device")]),
    ("SetMicrophoneGain", &[Device("device")]),
    ("SetMicrophoneMute", &[Device("device")]),
    ("SetRingerStatus", &[Device("device")]),
    ("SetRouteingMode", &[Device("device")]),
    ("SetSpeakerMute", &[Device("device")]),
    ("SetSpeakerVolume", &[Device("device")]),
    ("SetVoiceAttribute", &[Connection("connection")]),
    ("SingleStepConferenceCall", &[Connection("activeCall")]),
    ("SingleStepTransferCall", &[Connection("activeCall")]),
    ("SnapshotCall", &[Connection("snapshotObject")]),
    ("SnapshotDevice", &[Device("snapshotObject")]),
    ("Start", &[Connection("overConnection")]),
    ("StartCDRTransmission", &[]),
    ("StartDataCollection", &[]),
    ("StartDataPath", &[]),
    ("StartLocationTrackingSession", &[Device("locDevice")]),
    ("Stop", &[Connection("connection")]),
    ("StopCDRTransmission", &[]),
    ("StopDataCollection", &[]),
    ("StopDataPath", &[]),
    ("StopLocationTrackingSession", &[]),
    ("Suspend", &[Connection("connection")]),
    ("SuspendDataCollection", &[]),
    ("SuspendDataPath", &[]),
    ("SuspendLocationTrackingSession", &[]),
    ("SynthesizeMessage", &[]),
    ("SystemRegister", &[]),
    ("SystemRegisterCancel", &[]),
    ("SystemStatus", &[]),
    ("TransferCall", &[Connection("heldCall"), Connection("activeCall")]),
];

/// Events of a monitor. Sorted.
#[rustfmt::skip]
static EVENTS: &[&str] = &[
    "AgentBusyEvent", "AgentLoggedOffEvent", "AgentLoggedOnEvent", "AgentNotReadyEvent", "AgentReadyEvent",
    "AgentWorkingAfterCallEvent", "AutoAnswerEvent", "AutoWorkModeEvent", "BackInServiceEvent",
    "BookmarkReachedEvent", "BridgedEvent", "ButtonInformationEvent", "ButtonPressEvent", "CallBackEvent",
    "CallBackMessageEvent", "CallClearedEvent", "CallInformationEvent", "CallerIDStatusEvent",
    "ChargingEvent", "CompletedEvent", "ConferencedEvent", "ConnectionClearedEvent", "DeliveredEvent",
    "DeviceCapsChangedEvent", "DigitsDialedEvent", "DigitsGeneratedEvent", "DisplayUpdatedEvent",
    "DivertedEvent", "DoNotDisturbEvent", "DtmfDetectedEvent", "EmptiedEvent", "EstablishedEvent",
    "FailedEvent", "ForwardingEvent", "HeldEvent", "HookswitchEvent", "InterruptionDetectedEvent",
    "LampModeEvent", "MediaAttachedEvent", "MediaDetachedEvent", "MessageWaitingEvent", "MicrophoneGainEvent",
    "MicrophoneMuteEvent", "NetworkCapabilitiesChangedEvent", "NetworkReachedEvent", "NotRecognizedEvent",
    "OfferedEvent", "OriginatedEvent", "OutOfServiceEvent", "PartiallyInServiceEvent", "PlayEvent",
    "PrivateEvent", "QueuedEvent", "RecognizedEvent", "RecordEvent", "RetrievedEvent", "ReviewEvent",
    "RingerStatusEvent", "RouteingEvent", "ServiceCompletionFailureEvent", "ServiceInitiatedEvent",
    "SilenceTimeoutExpiredEvent", "SpeakerMuteEvent", "SpeakerVolumeEvent", "SpeechDetectedEvent",
    "StartedEvent", "StopEvent", "SuspendPlayEvent", "SuspendRecordEvent", "TelephonyTonesGeneratedEvent",
    "TransferedEvent", "VoiceAttributeChangedEvent", "VoiceErrorOccurredEvent",
];

/// Sorted.
static NOTIFICATIONS: &[&str] = &[
    "EscapeRegisterAbort",
    "IORegisterAbort",
    "LocationSessionInfo",
    "MonitorInfo",
    "RegistrationInfo",
    "RouteRegisterAbort",
    "SnapshotCallData",
    "SnapshotDeviceData",
    "SwFunctionCapsChanged",
    "SwFunctionDevicesChanged",
    "SwitchingFunctionDevices",
    "SystemRegisterAbort",
];

/// Notifications that have a response all the same.
static ANSWERED_NOTIFICATIONS: &[&str] = &["SwFunctionCapsChanged", "SwFunctionDevicesChanged"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(SERVICES.is_sorted_by(|one, other| one.0 < other.0));
        assert!(EVENTS.is_sorted_by(|one, other| one < other));
        assert!(NOTIFICATIONS.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn a_root_tells_its_kind() {
        for (name, expected) in [
            ("MakeCall", Kind::Request),
            ("MakeCallResponse", Kind::Response),
            ("SystemStatus", Kind::Request),
            ("SystemStatusResponse", Kind::Response),
            ("TransferedEvent", Kind::Event),
            ("TransferredEvent", Kind::Unknown),
            ("SwitchingFunctionDevices", Kind::Notification),
            ("SwFunctionDevicesChangedResponse", Kind::Response),
            ("CSTAErrorCode", Kind::Failure),
            ("makeCall", Kind::Unknown),
            ("Response", Kind::Unknown),
            ("", Kind::Unknown),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
