//! The events of a line, and their CSTA documents (ECMA-269, clauses 17.2, 18.2, 21.2 and 22.2).

use uacsta_schema::csta::*;

use super::Forwarding;

/// An event of a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LineEvent {
    /// An event of a call.
    Call(Box<CallEvent>),
    /// Do not disturb was set.
    DoNotDisturb(bool),
    /// A forwarding was set.
    Forwarding(Forwarding),
    /// Message waiting was set.
    MessageWaiting(bool),
    /// Microphone mute was set.
    MicrophoneMute(bool),
    /// Speaker mute was set.
    SpeakerMute(bool),
    /// The speaker volume was set, 0 to 100.
    SpeakerVolume(u32),
}

/// A call event as one line sees it, with that line's CallID.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallEvent {
    pub(super) call: CallId,
    pub(super) own: DeviceId,
    pub(super) calling: DeviceId,
    pub(super) called: DeviceId,
    pub(super) redirected: RedirectionDevice,
    /// The state of the line's connection after the event.
    pub(super) local: LocalConnectionState,
    pub(super) what: CallEventKind,
    pub(super) cause: EventCause,
}

/// The kind of a call event, with the device concerned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum CallEventKind {
    Initiated,
    Originated,
    NetworkReached(DeviceId),
    Delivered(DeviceId),
    Established(DeviceId),
    Held(DeviceId),
    Retrieved(DeviceId),
    Failed(DeviceId),
    Diverted(DeviceId),
    Cleared(DeviceId),
    Transferred {
        second: Option<CallId>,
        by: DeviceId,
        to: DeviceId,
        connections: Vec<ConnectionListItem>,
    },
    Conferenced {
        second: Option<CallId>,
        by: DeviceId,
        added: DeviceId,
        connections: Vec<ConnectionListItem>,
    },
    Digits(Box<str>),
}

impl LineEvent {
    /// The CSTA event, for monitors on the line `device`.
    pub fn event(self, device: &DeviceId) -> Event {
        match self {
            Self::Call(event) => event.event(),
            Self::DoNotDisturb(on) => DoNotDisturbEvent {
                device: device.clone().into(),
                do_not_disturb_on: on,
                call_origination: None,
            }
            .into(),
            Self::Forwarding(forwarding) => ForwardingEvent {
                device: device.clone().into(),
                forwarding_type: Some(forwarding.kind),
                forward_status: forwarding.on,
                forward_to: forwarding.to,
                forward_default: None,
                ring_count: forwarding.ring_count,
                ring_duration: forwarding.ring_duration,
            }
            .into(),
            Self::MessageWaiting(on) => MessageWaitingEvent {
                target_device: device.clone().into(),
                device_for_message: None,
                message_waiting_on: on,
            }
            .into(),
            Self::MicrophoneMute(on) => MicrophoneMuteEvent {
                invoking_device: device.clone().into(),
                auditory_apparatus: None,
                microphone_mute_on: on,
            }
            .into(),
            Self::SpeakerMute(on) => SpeakerMuteEvent {
                invoking_device: device.clone().into(),
                auditory_apparatus: None,
                speaker_mute_on: on,
            }
            .into(),
            Self::SpeakerVolume(volume) => SpeakerVolumeEvent {
                invoking_device: device.clone().into(),
                auditory_apparatus: None,
                speaker_volume: Some(Volume::Absolute(volume)),
            }
            .into(),
        }
    }
}

impl CallEvent {
    fn event(self) -> Event {
        let Self {
            call,
            own,
            calling,
            called,
            redirected: last_redirection_device,
            local,
            what,
            cause,
        } = self;
        let tail = CallEventTail {
            local_connection_info: Some(local),
            cause,
            ..CallEventTail::default()
        };
        let at = |device: &DeviceId| ConnectionId::new(call.as_str(), device.as_str());
        let (calling_device, called_device) =
            (SubjectDevice::from(calling), SubjectDevice::from(called));
        let second_call = |second: Option<CallId>, by: &DeviceId| {
            second.map(|call| ConnectionId::new(call, by.as_str()))
        };
        // Events that name the connection and the device concerned, and no more.
        macro_rules! of_connection {
            ($event:ident { $connection:ident, $subject:ident } $device:ident) => {
                $event {
                    $connection: at(&$device),
                    $subject: $device.into(),
                    tail,
                }
                .into()
            };
        }
        // Events that also name the devices of the call.
        macro_rules! of_call {
            ($event:ident { $connection:ident, $subject:ident } $device:ident) => {
                $event {
                    $connection: at(&$device),
                    $subject: $device.into(),
                    calling_device,
                    called_device,
                    last_redirection_device,
                    tail,
                    ..Default::default()
                }
                .into()
            };
        }
        match what {
            CallEventKind::Initiated => ServiceInitiatedEvent {
                initiated_connection: at(&own),
                initiating_device: own.into(),
                called_device: Some(called_device),
                tail,
            }
            .into(),
            CallEventKind::Originated => OriginatedEvent {
                originated_connection: at(&own),
                calling_device,
                called_device,
                tail,
                ..Default::default()
            }
            .into(),
            CallEventKind::NetworkReached(number) => NetworkReachedEvent {
                outbound_connection: at(&number),
                calling_device,
                called_device,
                last_redirection_device,
                tail,
                ..Default::default()
            }
            .into(),
            CallEventKind::Delivered(device) => {
                of_call!(DeliveredEvent { connection, alerting_device } device)
            }
            CallEventKind::Established(device) => {
                of_call!(EstablishedEvent { established_connection, answering_device } device)
            }
            CallEventKind::Held(device) => {
                of_connection!(HeldEvent { held_connection, holding_device } device)
            }
            CallEventKind::Retrieved(device) => {
                of_connection!(RetrievedEvent { retrieved_connection, retrieving_device } device)
            }
            CallEventKind::Failed(device) => {
                of_call!(FailedEvent { failed_connection, failing_device } device)
            }
            CallEventKind::Diverted(to) => DivertedEvent {
                connection: at(&own),
                diverting_device: own.into(),
                new_destination: to.into(),
                calling_device: Some(calling_device),
                called_device: Some(called_device),
                last_redirection_device,
                tail,
            }
            .into(),
            CallEventKind::Cleared(device) => {
                of_connection!(ConnectionClearedEvent { dropped_connection, releasing_device } device)
            }
            CallEventKind::Transferred {
                second,
                by,
                to,
                connections,
            } => TransferedEvent {
                primary_old_call: at(&by),
                secondary_old_call: second_call(second, &by),
                transferring_device: by.into(),
                transferred_to_device: to.into(),
                transferred_connections: connections,
                tail,
            }
            .into(),
            CallEventKind::Conferenced {
                second,
                by,
                added,
                connections,
            } => ConferencedEvent {
                primary_old_call: at(&by),
                secondary_old_call: second_call(second, &by),
                conferencing_device: by.into(),
                added_party: added.into(),
                conference_connections: connections,
                tail,
            }
            .into(),
            CallEventKind::Digits(digits) => DigitsGeneratedEvent {
                connection: at(&own),
                digit_generated_list: Some(digits.into()),
            }
            .into(),
        }
    }
}
