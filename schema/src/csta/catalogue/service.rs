//! The services of ECMA-269 by group. Rows with a capability entry follow the order of the schema.

use Place::{Beside, Connection, Device, MonitorObject, Optional};
use ServiceId::{ClearConnection, GetSwitchingFunctionDevices, HoldCall, MakeCall, RetrieveCall};

use super::{Capability, catalogue};

/// A member of a request that identifies the addressed device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::csta) enum Place {
    /// A device identifier.
    Device(&'static str),
    /// A device identifier whose absence has a meaning ("all devices"); the server never fills it in.
    Optional(&'static str),
    /// The `deviceID` of a connection identifier.
    Connection(&'static str),
    /// The connection identifier of a call that the addressed device joins; the server never fills it in.
    Beside(&'static str),
    /// The `deviceObject` of `monitorObject`, or the `deviceID` of its `callObject`.
    MonitorObject,
}

/// The properties of a service.
struct ServiceRow {
    direction: Direction,
    /// Whether the service is read-only.
    observes: bool,
    places: &'static [Place],
    required: &'static [&'static str],
    capability: Option<Capability>,
    made_of: Option<&'static [ServiceId]>,
    by_server: bool,
}

enum Direction {
    /// A request with a response.
    Request,
    /// A one-way message without a response.
    Notification,
    /// A notification with a response.
    AnsweredNotification,
}

impl ServiceId {
    /// Whether the service starts with a request; false for notifications.
    pub const fn is_request(self) -> bool {
        matches!(self.row().direction, Direction::Request)
    }

    pub(super) fn has_response(self) -> bool {
        !matches!(self.row().direction, Direction::Notification)
    }

    /// Whether the service is read-only, so that the right to observe suffices.
    pub fn observes(self) -> bool {
        self.row().observes
    }

    /// Whether the server itself answers the request, for every phone.
    pub fn is_by_server(self) -> bool {
        self.row().by_server
    }

    /// The services that the server needs to emulate this one at a phone; empty if the server's own state suffices.
    /// `None` if the server cannot emulate it.
    pub fn made_of(self) -> Option<&'static [Self]> {
        self.row().made_of
    }

    /// The service's entry in capability lists; `None` if they have none.
    pub fn capability(self) -> Option<Capability> {
        self.row().capability
    }

    /// Whether the request must name the addressed device, unless the session implies it.
    pub fn needs_device(self) -> bool {
        let mut places = self.places().iter();
        places.any(|place| !matches!(place, Place::Optional(_)))
    }

    /// Whether the server reads the request's members, since it answers or emulates the service.
    pub(in crate::csta) const fn needs_typed_request(self) -> bool {
        self.is_request() && (self.row().by_server || self.row().made_of.is_some())
    }

    /// Whether the server reads the notification's members.
    pub(in crate::csta) const fn needs_typed_notification(self) -> bool {
        !self.is_request() && self.row().by_server
    }

    /// The members of the request that identify the addressed device, in order of precedence.
    pub(in crate::csta) fn places(self) -> &'static [Place] {
        self.row().places
    }

    /// The mandatory members of the request (ECMA-323), except a device that the session may imply.
    /// Empty where the phone itself checks the request.
    pub(in crate::csta) fn required(self) -> &'static [&'static str] {
        self.row().required
    }
}

/// A service that changes the state of a device or of the server.
const fn control(places: &'static [Place]) -> ServiceRow {
    ServiceRow {
        direction: Direction::Request,
        observes: false,
        places,
        required: &[],
        capability: None,
        made_of: None,
        by_server: false,
    }
}

/// A read-only service.
const fn observe(places: &'static [Place]) -> ServiceRow {
    ServiceRow {
        observes: true,
        ..control(places)
    }
}

const fn notification() -> ServiceRow {
    ServiceRow {
        direction: Direction::Notification,
        ..control(&[])
    }
}

impl ServiceRow {
    const fn answered(self) -> Self {
        Self {
            direction: Direction::AnsweredNotification,
            ..self
        }
    }

    const fn required(self, required: &'static [&'static str]) -> Self {
        Self { required, ..self }
    }

    const fn listed(self, list: &'static str, name: &'static str) -> Self {
        Self {
            capability: Some(Capability { list, name }),
            ..self
        }
    }

    const fn made_of(self, services: &'static [ServiceId]) -> Self {
        Self {
            made_of: Some(services),
            ..self
        }
    }

    const fn by_server(self) -> Self {
        Self {
            by_server: true,
            ..self
        }
    }
}

const EXCHANGE: &str = "capExchangeServList";
const SYSTEM: &str = "systemStatServList";
const MONITORING: &str = "monitoringServList";
const SNAPSHOT: &str = "snapshotServList";
const CALL_CONTROL: &str = "callControlServList";
const CALL_ASSOCIATED: &str = "callAssociatedServList";
const PHYSICAL: &str = "physDevServList";
const LOGICAL: &str = "logicalServList";

catalogue! {
    /// A service, identified by its request, or by its notification if it is one-way.
    ServiceId: ServiceRow, "a service of ECMA-323; services are named by their requests, such as \"MakeCall\"" {
        // Capability exchange.
        GetCSTAFeatures = observe(&[]).listed(EXCHANGE, "getCSTAFeatures").by_server(),
        GetLogicalDeviceInformation = observe(&[Device("device")]).listed(EXCHANGE, "getLogicalDeviceInformation").made_of(&[]),
        GetPhysicalDeviceInformation = observe(&[Device("device")]).listed(EXCHANGE, "getPhysicalDeviceInformation").made_of(&[]),
        GetSwitchingFunctionCaps = observe(&[]),
        GetSwitchingFunctionDevices = observe(&[Optional("requestedDeviceID")]).listed(EXCHANGE, "getSwitchingFunctionDevices").by_server(),
        SwitchingFunctionDevices = notification().listed(EXCHANGE, "switchingFunctionDevices").by_server(),

        // System registration and status.
        ChangeSysStatFilter = control(&[]),
        SystemRegister = observe(&[]).listed(SYSTEM, "systemRegister").by_server().made_of(&[GetSwitchingFunctionDevices]),
        SystemRegisterAbort = notification().listed(SYSTEM, "systemStatusRegisterAbort").by_server(),
        SystemRegisterCancel = observe(&[]).listed(SYSTEM, "systemStatusRegisterCancel").by_server(),
        RequestSystemStatus = observe(&[]).listed(SYSTEM, "requestSystemStatus").by_server(),
        SystemStatus = observe(&[]).listed(SYSTEM, "systemStatus").by_server(),
        SwFunctionCapsChanged = notification().answered(),
        SwFunctionDevicesChanged = notification().answered().listed(SYSTEM, "swFunctionDevicesChanged").by_server(),
        GetRegistrations = observe(&[]),
        RegistrationInfo = notification(),

        // Monitoring.
        ChangeMonitorFilter = observe(&[]).listed(MONITORING, "changeMonitorFilter").by_server(),
        MonitorStart = observe(&[MonitorObject]).listed(MONITORING, "monitorStart"),
        MonitorStop = observe(&[]).listed(MONITORING, "monitorStop").made_of(&[]),
        GetMonitors = observe(&[]),
        MonitorInfo = notification(),

        // Snapshot.
        SnapshotCall = observe(&[Connection("snapshotObject")]).required(&["snapshotObject"]).listed(SNAPSHOT, "snapshotCall").made_of(&[]),
        SnapshotDevice = observe(&[Device("snapshotObject")]).listed(SNAPSHOT, "snapshotDevice").made_of(&[]),
        SnapshotCallData = notification(),
        SnapshotDeviceData = notification(),

        // Call control.
        AcceptCall = control(&[Connection("callToBeAccepted")]),
        AlternateCall = control(&[Connection("heldCall"), Connection("activeCall")]).required(&["heldCall", "activeCall"])
            .listed(CALL_CONTROL, "alternateCall").made_of(&[HoldCall, RetrieveCall]),
        AnswerCall = control(&[Connection("callToBeAnswered")]).required(&["callToBeAnswered"]).listed(CALL_CONTROL, "answerCall"),
        CallBack = control(&[Connection("callbackConnection")]),
        CallBackMessage = control(&[Connection("callbackMessageConnection")]),
        CamponCall = control(&[Connection("camponConnection")]),
        ClearCall = control(&[Connection("callToBeCleared")]).listed(CALL_CONTROL, "clearCall"),
        ClearConnection = control(&[Connection("connectionToBeCleared")]).required(&["connectionToBeCleared"])
            .listed(CALL_CONTROL, "clearConnection"),
        ConferenceCall = control(&[Connection("heldCall"), Connection("activeCall")]).required(&["heldCall", "activeCall"])
            .listed(CALL_CONTROL, "conferenceCall"),
        ConsultationCall = control(&[Connection("existingCall")]).required(&["existingCall", "consultedDevice"])
            .listed(CALL_CONTROL, "consultationCall"),
        DeflectCall = control(&[Connection("callToBeDiverted")]).required(&["callToBeDiverted", "newDestination"])
            .listed(CALL_CONTROL, "deflectCall"),
        DialDigits = control(&[Connection("diallingConnection")]).required(&["diallingConnection", "diallingSequence"])
            .listed(CALL_CONTROL, "dialDigits").made_of(&[MakeCall]),
        DirectedPickupCall = control(&[Device("requestingDevice"), Beside("callToBePickedUp")]).required(&["callToBePickedUp"])
            .listed(CALL_CONTROL, "directedPickupCall").made_of(&[MakeCall]),
        GroupPickupCall = control(&[Device("newDestination")]),
        HoldCall = control(&[Connection("callToBeHeld")]).required(&["callToBeHeld"]).listed(CALL_CONTROL, "holdCall"),
        IntrudeCall = control(&[Connection("intrude")]),
        JoinCall = control(&[Device("joiningDevice"), Beside("activeCall")]),
        MakeCall = control(&[Device("callingDevice")]).required(&["calledDirectoryNumber"]).listed(CALL_CONTROL, "makeCall"),
        MakeConnection = control(&[Device("initiatingDevice")]),
        MakePredictiveCall = control(&[Device("callingDevice")]),
        ParkCall = control(&[Connection("parking")]),
        ReconnectCall = control(&[Connection("activeCall"), Connection("heldCall")]).required(&["heldCall", "activeCall"])
            .listed(CALL_CONTROL, "reconnectCall").made_of(&[ClearConnection, RetrieveCall]),
        RetrieveCall = control(&[Connection("callToBeRetrieved")]).required(&["callToBeRetrieved"])
            .listed(CALL_CONTROL, "retrieveCall"),
        SendMessage = control(&[Device("callingDevice")]),
        SingleStepConferenceCall = control(&[Connection("activeCall")]).required(&["activeCall", "deviceToJoin"])
            .listed(CALL_CONTROL, "singleStepConference"),
        SingleStepTransferCall = control(&[Connection("activeCall")]).required(&["activeCall", "transferredTo"])
            .listed(CALL_CONTROL, "singleStepTransfer"),
        TransferCall = control(&[Connection("heldCall"), Connection("activeCall")]).required(&["heldCall", "activeCall"])
            .listed(CALL_CONTROL, "transferCall"),

        // Call associated.
        AssociateData = control(&[Connection("existingCall")]),
        CancelTelephonyTones = control(&[Connection("connectionToStopTone")]),
        ChangeConnectionInformation = control(&[Connection("connectionToBeChanged")]),
        GenerateDigits = control(&[Connection("connectionToSendDigits")]).required(&["connectionToSendDigits", "charactersToSend"])
            .listed(CALL_ASSOCIATED, "generateDigits"),
        GenerateTelephonyTones = control(&[Connection("connectionToSendTone")]),
        SendUserInformation = control(&[Connection("existingCall")]),

        // Media attachment.
        AttachMediaService = control(&[Connection("connection")]),
        DetachMediaService = control(&[Connection("connection")]),

        // Routeing.
        RouteRegister = control(&[Optional("routeingDevice")]),
        RouteRegisterAbort = notification(),
        RouteRegisterCancel = control(&[]),
        ReRoute = control(&[]),
        RouteEnd = control(&[]),
        RouteReject = control(&[]),
        RouteRequest = control(&[]),
        RouteSelect = control(&[]),
        RouteUsed = control(&[]),

        // Physical device features.
        ButtonPress = control(&[Device("device")]),
        GetAuditoryApparatusInformation = observe(&[Device("device")]),
        GetButtonInformation = observe(&[Device("device")]),
        GetDisplay = observe(&[Device("device")]),
        GetHookswitchStatus = observe(&[Device("device")]),
        GetLampInformation = observe(&[Device("device")]),
        GetLampMode = observe(&[Device("device")]),
        GetMessageWaitingIndicator = observe(&[Device("device")]).listed(PHYSICAL, "getMessageWaitingIndicator").made_of(&[]),
        GetMicrophoneGain = observe(&[Device("device")]),
        GetMicrophoneMute = observe(&[Device("device")]).listed(PHYSICAL, "getMicrophoneMute"),
        GetRingerStatus = observe(&[Device("device")]),
        GetSpeakerMute = observe(&[Device("device")]).listed(PHYSICAL, "getSpeakerMute"),
        GetSpeakerVolume = observe(&[Device("device")]).listed(PHYSICAL, "getSpeakerVolume"),
        SetButtonInformation = control(&[Device("device")]),
        SetDisplay = control(&[Device("device")]),
        SetHookswitchStatus = control(&[Device("device")]),
        SetLampMode = control(&[Device("device")]),
        SetMessageWaitingIndicator = control(&[Device("device")]).required(&["messageWaitingOn"])
            .listed(PHYSICAL, "setMessageWaitingIndicator").made_of(&[]),
        SetMicrophoneGain = control(&[Device("device")]),
        SetMicrophoneMute = control(&[Device("device")]).listed(PHYSICAL, "setMicrophoneMute"),
        SetRingerStatus = control(&[Device("device")]),
        SetSpeakerMute = control(&[Device("device")]).listed(PHYSICAL, "setSpeakerMute"),
        SetSpeakerVolume = control(&[Device("device")]).listed(PHYSICAL, "setSpeakerVolume"),

        // Logical device features.
        CallBackMessageNonCallRelated = control(&[Device("originatingDevice")]),
        CallBackNonCallRelated = control(&[Device("originatingDevice")]),
        CancelCallBack = control(&[Device("originatingDevice")]),
        CancelCallBackMessage = control(&[Device("originatingDevice")]),
        GetAgentState = observe(&[Device("device")]),
        GetAutoAnswer = observe(&[Device("device")]),
        GetAutoWorkMode = observe(&[Device("device")]),
        GetCallBack = observe(&[Device("device")]),
        GetCallerIDStatus = observe(&[Device("device")]),
        GetDoNotDisturb = observe(&[Device("device")]).listed(LOGICAL, "getDoNotDisturb"),
        GetForwarding = observe(&[Device("device")]).listed(LOGICAL, "getForwarding"),
        GetLastNumberDialed = observe(&[Device("device")]),
        GetRouteingMode = observe(&[Device("device")]),
        SetAgentState = control(&[Device("device")]),
        SetAutoAnswer = control(&[Device("device")]),
        SetAutoWorkMode = control(&[Device("device")]),
        SetCallerIDStatus = control(&[Device("device")]),
        SetDoNotDisturb = control(&[Device("device")]).required(&["doNotDisturbOn"]).listed(LOGICAL, "setDoNotDisturb"),
        SetForwarding = control(&[Device("device")]).required(&["activateForward"]).listed(LOGICAL, "setForwarding"),
        SetRouteingMode = control(&[Device("device")]),

        // Input and output.
        DataPathResumed = control(&[]),
        DataPathSuspended = control(&[]),
        FastData = control(&[]),
        IORegister = control(&[Device("ioDevice")]),
        IORegisterAbort = notification(),
        IORegisterCancel = control(&[]),
        ResumeDataPath = control(&[]),
        SendBroadcastData = control(&[]),
        SendData = control(&[]),
        SendMulticastData = control(&[]),
        StartDataPath = control(&[]),
        StopDataPath = control(&[]),
        SuspendDataPath = control(&[]),

        // Data collection.
        DataCollected = control(&[]),
        DataCollectionResumed = control(&[]),
        DataCollectionSuspended = control(&[]),
        ResumeDataCollection = control(&[]),
        StartDataCollection = control(&[]),
        StopDataCollection = control(&[]),
        SuspendDataCollection = control(&[]),

        // Voice.
        Activate = control(&[Connection("overConnection")]),
        Clear = control(&[Connection("overConnection")]),
        ConcatenateMessage = control(&[]),
        Deactivate = control(&[Connection("overConnection")]),
        DeleteMessage = control(&[]),
        PlayMessage = control(&[Connection("overConnection")]),
        QueryVoiceAttribute = control(&[Connection("connection")]),
        QueueService = control(&[Connection("overConnection")]),
        RecordMessage = control(&[Connection("callToBeRecorded")]),
        Reposition = control(&[Connection("connection")]),
        Resume = control(&[Connection("connection")]),
        Review = control(&[Connection("connection")]),
        SetVoiceAttribute = control(&[Connection("connection")]),
        Start = control(&[Connection("overConnection")]),
        Stop = control(&[Connection("connection")]),
        Suspend = control(&[Connection("connection")]),
        SynthesizeMessage = control(&[]),

        // Call detail records.
        CDRNotification = control(&[]),
        CDRReport = control(&[]),
        SendStoredCDR = control(&[]),
        StartCDRTransmission = control(&[]),
        StopCDRTransmission = control(&[]),

        // Location.
        GetLocationInformation = observe(&[Device("device")]),
        GetLocationTrackingCapabilities = observe(&[Device("device")]),
        GetLocationTrackingSessions = observe(&[]),
        LocationInformationReport = control(&[]),
        LocationSessionInfo = notification(),
        LocationTrackingSessionResumed = control(&[]),
        LocationTrackingSessionSuspended = control(&[]),
        ResumeLocationTrackingSession = control(&[]),
        SetLocationInformation = control(&[Device("device")]),
        StartLocationTrackingSession = control(&[Device("locDevice")]),
        StopLocationTrackingSession = control(&[]),
        SuspendLocationTrackingSession = control(&[]),

        // Vendor specific.
        Escape = control(&[]),
        EscapeRegister = control(&[]),
        EscapeRegisterAbort = notification(),
        EscapeRegisterCancel = control(&[]),
        PrivateDataVersionSelection = control(&[]),
    }
}
