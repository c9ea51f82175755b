//! Monitor filters (ECMA-269, Monitor Start and Change Monitor Filter services): which events a monitor leaves out.

use super::{edition::Edition, element::Element, error::ReadError, member::Member, writer::Writer};

/// The events that a monitor does not report. The default leaves nothing out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MonitorFilter(u128);

impl MonitorFilter {
    /// The filter that leaves out the events with these root names; names that are no events are passed over.
    pub fn leaving_out(events: &[&str]) -> Self {
        let bits = (0..)
            .zip(BITS)
            .filter(|(_, (.., event))| !event.is_empty() && events.contains(event));
        Self(bits.fold(0, |filter, (bit, _)| filter | 1 << bit))
    }

    /// Whether the event with the root name `event` is left out.
    pub fn leaves_out(self, event: &str) -> bool {
        self.0 != 0
            && (0..)
                .zip(BITS)
                .any(|(bit, (.., name))| self.0 & 1 << bit != 0 && *name == event)
    }

    /// Whether nothing is left out.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Member for MonitorFilter {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let mut filter = 0;
        for (bit, (group, name, _)) in (0..).zip(BITS) {
            if let Some(member) = element.child(group).and_then(|group| group.child(name))
                && bool::read(member)?
            {
                filter |= 1 << bit;
            }
        }
        Ok(Self(filter))
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        for bits in BITS.chunk_by(|(one, ..), (other, ..)| one == other) {
            let (group, ..) = bits[0];
            let set = |&(_, name, _): &(&str, &str, &str)| {
                let bit = BITS
                    .iter()
                    .position(|(of, other, _)| (*of, *other) == (group, name));
                let known = name != "presenceState" || out.edition() >= Edition::Ed6;
                known && bit.is_some_and(|bit| self.0 & 1 << bit != 0)
            };
            let names: Vec<_> = bits.iter().copied().filter(set).collect();
            if names.is_empty() {
                continue;
            }
            out.open(group);
            for (_, name, _) in names {
                true.write(out, name);
            }
            out.close(group);
        }
        out.close(name);
    }

    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

/// Group, member and the event's root name, in the order of the schema. `presenceState` has no event that ECMA-323 knows.
#[rustfmt::skip]
static BITS: &[(&str, &str, &str)] = &[
    ("callcontrol", "bridged", "BridgedEvent"),
    ("callcontrol", "callCleared", "CallClearedEvent"),
    ("callcontrol", "conferenced", "ConferencedEvent"),
    ("callcontrol", "connectionCleared", "ConnectionClearedEvent"),
    ("callcontrol", "delivered", "DeliveredEvent"),
    ("callcontrol", "digitsDialed", "DigitsDialedEvent"),
    ("callcontrol", "diverted", "DivertedEvent"),
    ("callcontrol", "established", "EstablishedEvent"),
    ("callcontrol", "failed", "FailedEvent"),
    ("callcontrol", "held", "HeldEvent"),
    ("callcontrol", "networkCapabilitiesChanged", "NetworkCapabilitiesChangedEvent"),
    ("callcontrol", "networkReached", "NetworkReachedEvent"),
    ("callcontrol", "offered", "OfferedEvent"),
    ("callcontrol", "originated", "OriginatedEvent"),
    ("callcontrol", "queued", "QueuedEvent"),
    ("callcontrol", "retrieved", "RetrievedEvent"),
    ("callcontrol", "serviceInitiated", "ServiceInitiatedEvent"),
    ("callcontrol", "transferred", "TransferedEvent"),
    ("callAssociated", "callInformation", "CallInformationEvent"),
    ("callAssociated", "charging", "ChargingEvent"),
    ("callAssociated", "digitsGenerated", "DigitsGeneratedEvent"),
    ("callAssociated", "telephonyTonesGenerated", "TelephonyTonesGeneratedEvent"),
    ("callAssociated", "serviceCompletionFailure", "ServiceCompletionFailureEvent"),
    ("mediaAttachment", "mediaAttached", "MediaAttachedEvent"),
    ("mediaAttachment", "mediaDetached", "MediaDetachedEvent"),
    ("physicalDeviceFeature", "buttonInformation", "ButtonInformationEvent"),
    ("physicalDeviceFeature", "buttonPress", "ButtonPressEvent"),
    ("physicalDeviceFeature", "displayUpdated", "DisplayUpdatedEvent"),
    ("physicalDeviceFeature", "hookswitch", "HookswitchEvent"),
    ("physicalDeviceFeature", "lampMode", "LampModeEvent"),
    ("physicalDeviceFeature", "messageWaiting", "MessageWaitingEvent"),
    ("physicalDeviceFeature", "microphoneGain", "MicrophoneGainEvent"),
    ("physicalDeviceFeature", "microphoneMute", "MicrophoneMuteEvent"),
    ("physicalDeviceFeature", "ringerStatus", "RingerStatusEvent"),
    ("physicalDeviceFeature", "speakerMute", "SpeakerMuteEvent"),
    ("physicalDeviceFeature", "speakerVolume", "SpeakerVolumeEvent"),
    ("logicalDeviceFeature", "agentBusy", "AgentBusyEvent"),
    ("logicalDeviceFeature", "agentLoggedOn", "AgentLoggedOnEvent"),
    ("logicalDeviceFeature", "agentLoggedOff", "AgentLoggedOffEvent"),
    ("logicalDeviceFeature", "agentNotReady", "AgentNotReadyEvent"),
    ("logicalDeviceFeature", "agentReady", "AgentReadyEvent"),
    ("logicalDeviceFeature", "agentWorkingAfterCall", "AgentWorkingAfterCallEvent"),
    ("logicalDeviceFeature", "autoAnswer", "AutoAnswerEvent"),
    ("logicalDeviceFeature", "autoWorkMode", "AutoWorkModeEvent"),
    ("logicalDeviceFeature", "callBack", "CallBackEvent"),
    ("logicalDeviceFeature", "callBackMessage", "CallBackMessageEvent"),
    ("logicalDeviceFeature", "callerIDStatus", "CallerIDStatusEvent"),
    ("logicalDeviceFeature", "doNotDisturb", "DoNotDisturbEvent"),
    ("logicalDeviceFeature", "forwarding", "ForwardingEvent"),
    ("logicalDeviceFeature", "presenceState", ""),
    ("logicalDeviceFeature", "routeingMode", "RouteingEvent"),
    ("maintenance", "backInService", "BackInServiceEvent"),
    ("maintenance", "deviceCapabilityChanged", "DeviceCapsChangedEvent"),
    ("maintenance", "outOfService", "OutOfServiceEvent"),
    ("maintenance", "partiallyInService", "PartiallyInServiceEvent"),
    ("voice", "bookmarkReached", "BookmarkReachedEvent"),
    ("voice", "completed", "CompletedEvent"),
    ("voice", "dtmfDetected", "DtmfDetectedEvent"),
    ("voice", "emptied", "EmptiedEvent"),
    ("voice", "interruptionDetected", "InterruptionDetectedEvent"),
    ("voice", "notRecognized", "NotRecognizedEvent"),
    ("voice", "play", "PlayEvent"),
    ("voice", "recognized", "RecognizedEvent"),
    ("voice", "record", "RecordEvent"),
    ("voice", "review", "ReviewEvent"),
    ("voice", "started", "StartedEvent"),
    ("voice", "silenceTimeoutExpired", "SilenceTimeoutExpiredEvent"),
    ("voice", "speechDetected", "SpeechDetectedEvent"),
    ("voice", "stop", "StopEvent"),
    ("voice", "suspendPlay", "SuspendPlayEvent"),
    ("voice", "suspendRecord", "SuspendRecordEvent"),
    ("voice", "voiceAttributesChanged", "VoiceAttributeChangedEvent"),
    ("voice", "voiceErrorOccurred", "VoiceErrorOccurredEvent"),
    ("private", "private", "PrivateEvent"),
];
const _: () = assert!(BITS.len() <= u128::BITS as usize);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::csta::{
        document::Document,
        message::{Message, Request},
    };

    fn read(filter: &str) -> MonitorFilter {
        let text = format!(
            "<ChangeMonitorFilter><monitorCrossRefID>1</monitorCrossRefID><requestedFilterList>{filter}</requestedFilterList></ChangeMonitorFilter>"
        );
        match Document::read(text.into()).unwrap().message().unwrap() {
            Message::Request(Request::ChangeMonitorFilter(request)) => {
                request.requested_filter_list
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bit_leaves_its_event_out() {
        fn check(filter: &str, left_out: &[&str]) {
            assert_eq!(
                read(filter),
                MonitorFilter::leaving_out(left_out),
                "{filter}"
            );
            for event in [
                "HeldEvent",
                "TransferedEvent",
                "ForwardingEvent",
                "DeviceCapsChangedEvent",
                "",
            ] {
                assert_eq!(
                    read(filter).leaves_out(event),
                    left_out.contains(&event),
                    "{filter} {event}"
                );
            }
        }
        check("", &[]);
        check(
            "<callcontrol><held>true</held><transferred>1</transferred></callcontrol>",
            &["HeldEvent", "TransferedEvent"],
        );
        check("<callcontrol><held>false</held></callcontrol>", &[]);
        check(
            "<logicalDeviceFeature><forwarding>true</forwarding></logicalDeviceFeature>",
            &["ForwardingEvent"],
        );
        check(
            "<maintenance><deviceCapabilityChanged>true</deviceCapabilityChanged></maintenance>",
            &["DeviceCapsChangedEvent"],
        );
        // The member of another group.
        check("<maintenance><held>true</held></maintenance>", &[]);
    }
}
