//! The events of ECMA-269, grouped and ordered as in the monitor filter.

use Transition::{
    Alerting, CallCleared, Cleared, Connected, Failed, Hold, Initiated, Joined, Queued,
};

use super::{Capability, ServiceId, catalogue};

/// The effect of a call control event on its connection (ECMA-269, connection state model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The connection enters the state Initiated.
    Initiated,
    /// The connection enters the state Alerting; also for an offered call.
    Alerting,
    /// The connection enters the state Connected.
    Connected,
    /// The connection enters the state Hold.
    Hold,
    /// The connection enters the state Queued.
    Queued,
    /// The connection enters the state Fail.
    Failed,
    /// The connection enters the state Null: its device left the call.
    Cleared,
    /// All connections of the call enter the state Null.
    CallCleared,
    /// A transfer or conference replaced the connections; the event lists the new ones.
    Joined,
}

/// The properties of an event.
struct EventRow {
    group: Group,
    filter: &'static str,
    capability: Option<Capability>,
    call: Option<(&'static str, Transition)>,
    comes_with: Option<ServiceId>,
}

/// A group of the monitor filter, with the capability list that its events belong to.
#[derive(Clone, Copy)]
struct Group {
    filter: &'static str,
    list: Option<&'static str>,
}

impl EventId {
    /// The new state of the event's connection; `None` for events other than call control events.
    pub fn transition(self) -> Option<Transition> {
        self.row().call.map(|(_, transition)| transition)
    }

    /// The event's entry in capability lists; `None` if they have none.
    pub fn capability(self) -> Option<Capability> {
        self.row().capability
    }

    /// The service that implies the event: used for phones whose capability lists omit events.
    pub fn comes_with(self) -> Option<ServiceId> {
        self.row().comes_with
    }

    /// Whether the server reads the event's members: the new connections stand in a list.
    pub(in crate::csta) const fn needs_type(self) -> bool {
        matches!(self.row().call, Some((_, Joined)))
    }

    /// The member with the connection of a call control event.
    pub(in crate::csta) fn connection(self) -> Option<&'static str> {
        self.row().call.map(|(member, _)| member)
    }

    /// The group and the member of the monitor filter that suppress the event.
    pub(in crate::csta) fn filter(self) -> (&'static str, &'static str) {
        let row = self.row();
        (row.group.filter, row.filter)
    }
}

impl EventRow {
    /// Adds the entry in the capability list of the group.
    const fn listed(self, name: &'static str) -> Self {
        let Some(list) = self.group.list else {
            panic!("the group has no capability list");
        };
        Self {
            capability: Some(Capability { list, name }),
            ..self
        }
    }

    /// Adds the member with the connection, and the connection's new state.
    const fn connection(self, member: &'static str, transition: Transition) -> Self {
        Self {
            call: Some((member, transition)),
            ..self
        }
    }

    const fn with(self, service: ServiceId) -> Self {
        Self {
            comes_with: Some(service),
            ..self
        }
    }
}

const fn event(group: Group, filter: &'static str) -> EventRow {
    EventRow {
        group,
        filter,
        capability: None,
        call: None,
        comes_with: None,
    }
}

const fn group(filter: &'static str, list: Option<&'static str>) -> Group {
    Group { filter, list }
}

const CALL: Group = group("callcontrol", Some("callControlEvtsList"));
const ASSOCIATED: Group = group("callAssociated", Some("callAssociatedEvtsList"));
const MEDIA: Group = group("mediaAttachment", None);
const PHYSICAL: Group = group("physicalDeviceFeature", Some("physDevEvtsList"));
const LOGICAL: Group = group("logicalDeviceFeature", Some("logicalEvtsList"));
const MAINTENANCE: Group = group("maintenance", Some("deviceMaintEvtsList"));
const VOICE: Group = group("voice", None);
const PRIVATE: Group = group("private", None);

catalogue! {
    /// An event that monitors report.
    EventId: EventRow, "an event of ECMA-323, such as \"HeldEvent\"" {
        BridgedEvent = event(CALL, "bridged"),
        CallClearedEvent = event(CALL, "callCleared").listed("callCleared").connection("clearedCall", CallCleared),
        ConferencedEvent = event(CALL, "conferenced").listed("conferenced").connection("primaryOldCall", Joined)
            .with(ServiceId::ConferenceCall),
        ConnectionClearedEvent = event(CALL, "connectionCleared").listed("connectionCleared").connection("droppedConnection", Cleared)
            .with(ServiceId::MonitorStart),
        DeliveredEvent = event(CALL, "delivered").listed("delivered").connection("connection", Alerting).with(ServiceId::MonitorStart),
        DigitsDialedEvent = event(CALL, "digitsDialed").listed("digitsDialed").connection("dialingConnection", Initiated)
            .with(ServiceId::DialDigits),
        DivertedEvent = event(CALL, "diverted").listed("diverted").connection("connection", Cleared).with(ServiceId::DeflectCall),
        EstablishedEvent = event(CALL, "established").listed("established").connection("establishedConnection", Connected)
            .with(ServiceId::MonitorStart),
        FailedEvent = event(CALL, "failed").listed("failed").connection("failedConnection", Failed).with(ServiceId::MonitorStart),
        HeldEvent = event(CALL, "held").listed("held").connection("heldConnection", Hold).with(ServiceId::HoldCall),
        NetworkCapabilitiesChangedEvent = event(CALL, "networkCapabilitiesChanged").listed("netwCapsChanged"),
        NetworkReachedEvent = event(CALL, "networkReached").listed("netwReached").connection("outboundConnection", Connected),
        OfferedEvent = event(CALL, "offered").listed("offered").connection("offeredConnection", Alerting),
        OriginatedEvent = event(CALL, "originated").listed("originated").connection("originatedConnection", Connected)
            .with(ServiceId::MonitorStart),
        QueuedEvent = event(CALL, "queued").listed("queued").connection("queuedConnection", Queued),
        RetrievedEvent = event(CALL, "retrieved").listed("retrieved").connection("retrievedConnection", Connected)
            .with(ServiceId::RetrieveCall),
        ServiceInitiatedEvent = event(CALL, "serviceInitiated").listed("serviceInitiated").connection("initiatedConnection", Initiated)
            .with(ServiceId::MonitorStart),
        TransferedEvent = event(CALL, "transferred").listed("transferred").connection("primaryOldCall", Joined)
            .with(ServiceId::TransferCall),

        CallInformationEvent = event(ASSOCIATED, "callInformation"),
        ChargingEvent = event(ASSOCIATED, "charging"),
        DigitsGeneratedEvent = event(ASSOCIATED, "digitsGenerated").listed("digitsGenerated").with(ServiceId::GenerateDigits),
        TelephonyTonesGeneratedEvent = event(ASSOCIATED, "telephonyTonesGenerated"),
        ServiceCompletionFailureEvent = event(ASSOCIATED, "serviceCompletionFailure"),

        MediaAttachedEvent = event(MEDIA, "mediaAttached"),
        MediaDetachedEvent = event(MEDIA, "mediaDetached"),

        ButtonInformationEvent = event(PHYSICAL, "buttonInformation"),
        ButtonPressEvent = event(PHYSICAL, "buttonPress"),
        DisplayUpdatedEvent = event(PHYSICAL, "displayUpdated"),
        HookswitchEvent = event(PHYSICAL, "hookswitch"),
        LampModeEvent = event(PHYSICAL, "lampMode"),
        MessageWaitingEvent = event(PHYSICAL, "messageWaiting").listed("messageWaiting").with(ServiceId::SetMessageWaitingIndicator),
        MicrophoneGainEvent = event(PHYSICAL, "microphoneGain"),
        MicrophoneMuteEvent = event(PHYSICAL, "microphoneMute").listed("microphoneMute").with(ServiceId::SetMicrophoneMute),
        RingerStatusEvent = event(PHYSICAL, "ringerStatus"),
        SpeakerMuteEvent = event(PHYSICAL, "speakerMute").listed("speakerMute").with(ServiceId::SetSpeakerMute),
        SpeakerVolumeEvent = event(PHYSICAL, "speakerVolume").listed("speakerVolume").with(ServiceId::SetSpeakerVolume),

        AgentBusyEvent = event(LOGICAL, "agentBusy"),
        AgentLoggedOnEvent = event(LOGICAL, "agentLoggedOn"),
        AgentLoggedOffEvent = event(LOGICAL, "agentLoggedOff"),
        AgentNotReadyEvent = event(LOGICAL, "agentNotReady"),
        AgentReadyEvent = event(LOGICAL, "agentReady"),
        AgentWorkingAfterCallEvent = event(LOGICAL, "agentWorkingAfterCall"),
        AutoAnswerEvent = event(LOGICAL, "autoAnswer"),
        AutoWorkModeEvent = event(LOGICAL, "autoWorkMode"),
        CallBackEvent = event(LOGICAL, "callBack"),
        CallBackMessageEvent = event(LOGICAL, "callBackMessage"),
        CallerIDStatusEvent = event(LOGICAL, "callerIDStatus"),
        DoNotDisturbEvent = event(LOGICAL, "doNotDisturb").listed("doNotDisturb").with(ServiceId::SetDoNotDisturb),
        ForwardingEvent = event(LOGICAL, "forwarding").listed("forwarding").with(ServiceId::SetForwarding),
        RouteingEvent = event(LOGICAL, "routeingMode"),

        BackInServiceEvent = event(MAINTENANCE, "backInService").listed("backInService").with(ServiceId::MonitorStart),
        DeviceCapsChangedEvent = event(MAINTENANCE, "deviceCapabilityChanged"),
        OutOfServiceEvent = event(MAINTENANCE, "outOfService").listed("outOfService").with(ServiceId::MonitorStart),
        PartiallyInServiceEvent = event(MAINTENANCE, "partiallyInService"),

        BookmarkReachedEvent = event(VOICE, "bookmarkReached"),
        CompletedEvent = event(VOICE, "completed"),
        DtmfDetectedEvent = event(VOICE, "dtmfDetected"),
        EmptiedEvent = event(VOICE, "emptied"),
        InterruptionDetectedEvent = event(VOICE, "interruptionDetected"),
        NotRecognizedEvent = event(VOICE, "notRecognized"),
        PlayEvent = event(VOICE, "play"),
        RecognizedEvent = event(VOICE, "recognized"),
        RecordEvent = event(VOICE, "record"),
        ReviewEvent = event(VOICE, "review"),
        StartedEvent = event(VOICE, "started"),
        SilenceTimeoutExpiredEvent = event(VOICE, "silenceTimeoutExpired"),
        SpeechDetectedEvent = event(VOICE, "speechDetected"),
        StopEvent = event(VOICE, "stop"),
        SuspendPlayEvent = event(VOICE, "suspendPlay"),
        SuspendRecordEvent = event(VOICE, "suspendRecord"),
        VoiceAttributeChangedEvent = event(VOICE, "voiceAttributesChanged"),
        VoiceErrorOccurredEvent = event(VOICE, "voiceErrorOccurred"),

        PrivateEvent = event(PRIVATE, "private"),
    }
}
