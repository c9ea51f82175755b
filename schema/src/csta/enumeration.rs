//! Enumerations of ECMA-323 that services and events share, open to values of later editions.

use super::member::enumerations;

enumerations! {
    /// The status of a system (ECMA-269, System Status service).
    pub enum SystemStatusValue {
        NORMAL = "normal",
        DISABLED = "disabled",
        PARTIALLY_DISABLED = "partiallyDisabled",
        ENABLED = "enabled",
        INITIALIZING = "initializing",
        MESSAGES_LOST = "messagesLost",
        OVERLOAD_IMMINENT = "overloadImminent",
        OVERLOAD_REACHED = "overloadReached",
        OVERLOAD_RELIEVED = "overloadRelieved",
    }

    /// The state of a connection at its device (ECMA-269, connection state model).
    pub enum LocalConnectionState {
        NULL = "null",
        INITIATED = "initiated",
        ALERTING = "alerting",
        CONNECTED = "connected",
        HOLD = "hold",
        QUEUED = "queued",
        FAIL = "fail",
    }

    /// The state of a call with two connections, in one word.
    pub enum SimpleCallState {
        CALL_NULL = "callNull",
        CALL_PENDING = "callPending",
        CALL_ORIGINATED = "callOriginated",
        CALL_DELIVERED = "callDelivered",
        CALL_DELIVERED_HELD = "callDeliveredHeld",
        CALL_RECEIVED = "callReceived",
        CALL_ESTABLISHED = "callEstablished",
        CALL_ESTABLISHED_HELD = "callEstablishedHeld",
        CALL_RECEIVED_ON_HOLD = "callReceivedOnHold",
        CALL_ESTABLISHED_ON_HOLD = "callEstablishedOnHold",
        CALL_QUEUED = "callQueued",
        CALL_QUEUED_HELD = "callQueuedHeld",
        CALL_FAILED = "callFailed",
        CALL_FAILED_HELD = "callFailedHeld",
        CALL_BLOCKED = "callBlocked",
    }

    /// The condition on which calls are forwarded.
    pub enum ForwardingType {
        FORWARD_IMMEDIATE = "forwardImmediate",
        FORWARD_BUSY = "forwardBusy",
        FORWARD_NO_ANS = "forwardNoAns",
        FORWARD_DND = "forwardDND",
        FORWARD_BUSY_INT = "forwardBusyInt",
        FORWARD_BUSY_EXT = "forwardBusyExt",
        FORWARD_NO_ANS_INT = "forwardNoAnsInt",
        FORWARD_NO_ANS_EXT = "forwardNoAnsExt",
        FORWARD_IMM_INT = "forwardImmInt",
        FORWARD_IMM_EXT = "forwardImmExt",
        FORWARD_DND_INT = "forwardDNDInt",
        FORWARD_DND_EXT = "forwardDNDExt",
    }

    /// The parts of a forwarding that are the switching function's defaults.
    pub enum ForwardDefault {
        FORWARDING_TYPE = "forwardingType",
        FORWARDING_TYPE_AND_FORWARD_DN = "forwardingTypeAndForwardDN",
        FORWARD_DN = "forwardDN",
    }

    /// Whether the phone prompts its user before it originates a call.
    pub enum AutoOriginate {
        PROMPT = "prompt",
        DO_NOT_PROMPT = "doNotPrompt",
    }

    /// The role of a device in a call that it joins.
    pub enum ParticipationType {
        ACTIVE = "active",
        SILENT = "silent",
        NONE = "none",
    }

    /// Whether a monitor observes a device or a call.
    pub enum MonitorType {
        DEVICE = "device",
        CALL = "call",
    }

    /// The signalling of digits.
    pub enum DigitMode {
        DTMF = "dTMF",
        ROTARY_PULSE = "rotaryPulse",
    }

    /// The category of a device.
    pub enum DeviceCategory {
        STATION = "station",
        ACD = "acd",
        GROUP = "group",
        NETWORK_INTERFACE = "networkInterface",
        PARK = "park",
        ROUTEING_DEVICE = "routeingDevice",
        VOICE_UNIT = "voiceUnit",
        GENERIC_INTERACTIVE_VOICE = "genericInteractiveVoice",
        LISTENER_INTERACTIVE_VOICE = "listenerInteractiveVoice",
        DTMF_INTERACTIVE_VOICE = "dtmfInteractiveVoice",
        PROMPT_INTERACTIVE_VOICE = "promptInteractiveVoice",
        PROMPT_QUEUE_INTERACTIVE_VOICE = "promptQueueInteractiveVoice",
        MESSAGE_INTERACTIVE_VOICE = "messageInteractiveVoice",
        CONFERENCE = "conference",
        OTHER = "other",
    }

    /// The category of devices that a list request selects.
    pub enum RequestedDeviceCategory {
        STATION = "station",
        ACD = "acd",
        GROUP_ACD = "groupACD",
        GROUP_HUNT = "groupHunt",
        GROUP_PICK = "groupPick",
        GROUP_USER = "groupUser",
        GROUP_OTHER = "groupOther",
        NETWORK_INTERFACE = "networkInterface",
        PARK = "park",
        ROUTEING_DEVICE = "routeingDevice",
        VOICE_UNIT = "voiceUnit",
        GENERIC_IV = "genericIV",
        LISTENER_IV = "listenerIV",
        DTMF_IV = "dtmfIV",
        PROMPT_IV = "promptIV",
        PROMPT_QUEUE = "promptQueue",
        MESSAGE_IV = "messageIV",
        CONFERENCE = "conference",
        OTHER = "other",
    }

    /// The kind of number of a device.
    pub enum NamedDeviceTypes {
        STATION = "station",
        ACD = "acd",
        ACD_GROUP = "acdGroup",
        BUTTON = "button",
        BUTTON_GROUP = "buttonGroup",
        CONFERENCE_BRIDGE = "conferenceBridge",
        LINE = "line",
        LINE_GROUP = "lineGroup",
        OPERATOR = "operator",
        OPERATOR_GROUP = "operatorGroup",
        PARKING_DEVICE = "parkingDevice",
        STATION_GROUP = "stationGroup",
        TRUNK = "trunk",
        TRUNK_GROUP = "trunkGroup",
        OTHER = "other",
        OTHER_GROUP = "otherGroup",
    }

    /// The kind of a line's appearances (ECMA-269, device configurations).
    pub enum AppearanceType {
        SELECTED_STANDARD = "selectedStandard",
        BASIC_STANDARD = "basicStandard",
        BASIC_BRIDGED = "basicBridged",
        EXCLUSIVE_BRIDGED = "exclusiveBridged",
        INDEPENDENT_SHARED_BRIDGED = "independentSharedBridged",
        INTERDEPENDENT_SHARED_BRIDGED = "interdependentSharedBridged",
    }

    /// A relative change of volume by one step.
    pub enum VolumeStep {
        INCREMENT = "increment",
        DECREMENT = "decrement",
    }

    /// The network in which a call's progress was detected.
    pub enum ProgressLocation {
        USER = "user",
        PRIVATE_NET_SERVING_LOCAL = "privateNetServingLocal",
        PUBLIC_NET_SERVING_LOCAL = "publicNetServingLocal",
        TRANSIT_NETWORK = "transitNetwork",
        PUBLIC_NET_SERVING_REMOTE = "publicNetServingRemote",
        PRIVATE_NET_SERVING_REMOTE = "privateNetServingRemote",
        LOCAL_INTERFACE = "localInterface",
        INTERNATIONAL_NETWORK = "internationalNetwork",
        NETWORK_BEYOND_INTERWORKING = "networkBeyondInterwk",
        OTHER = "other",
    }

    /// The standard that defines the values of a progress description.
    pub enum ProgressDescription {
        ISDN = "iSDNProgressDesc",
        QSIG = "qSIGProgressDesc",
        OTHER = "other",
    }

    /// The kind of network that a call passes.
    pub enum NetworkType {
        ISDN_PUBLIC = "iSDNPublic",
        NON_ISDN_PUBLIC = "nonISDNPublic",
        ISDN_PRIVATE = "iSDNPrivate",
        NON_ISDN_PRIVATE = "nonISDNPrivate",
        OTHER = "other",
    }

    /// The allowed purpose of a consultation call.
    pub enum ConsultOptions {
        UNRESTRICTED = "unrestricted",
        CONSULT_ONLY = "consultOnly",
        TRANSFER_ONLY = "transferOnly",
        CONFERENCE_ONLY = "conferenceOnly",
    }
}
