//! Describes CSTA events in plain words, seen from the watched line.

use uacsta_schema::csta::*;

/// An event in words, with its main fields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventText {
    /// The text, to follow the line's number.
    pub text: String,
    /// The call.
    pub call: Option<CallId>,
    /// The state of the line's connection.
    pub state: Option<LocalConnectionState>,
    /// The event's cause.
    pub cause: Option<EventCause>,
}

/// Describes an event of `line`.
pub fn event_text(event: &Event, line: Option<&DeviceId>) -> EventText {
    let line = Line(line.map(DeviceId::user));
    let (text, connection, tail) = match event {
        Event::ServiceInitiatedEvent(e) => (
            "is off hook".to_owned(),
            Some(&e.initiated_connection),
            Some(&e.tail),
        ),
        Event::DigitsDialedEvent(e) => (
            format!("has dialled {}", e.dialing_sequence.user()),
            Some(&e.dialing_connection),
            Some(&e.tail),
        ),
        Event::OriginatedEvent(e) => (
            format!("calls {}", name(&e.called_device)),
            Some(&e.originated_connection),
            Some(&e.tail),
        ),
        Event::NetworkReachedEvent(e) => (
            format!(
                "its call to {} has reached the network",
                name(&e.called_device)
            ),
            Some(&e.outbound_connection),
            Some(&e.tail),
        ),
        Event::OfferedEvent(e) => (
            format!("is offered a call from {}", name(&e.calling_device)),
            Some(&e.offered_connection),
            Some(&e.tail),
        ),
        Event::DeliveredEvent(e) => (
            match line.is(&e.alerting_device) {
                true => format!(
                    "rings: call from {}{}",
                    name(&e.calling_device),
                    redirected(&e.last_redirection_device)
                ),
                false => format!("hears {} ring", name(&e.alerting_device)),
            },
            Some(&e.connection),
            Some(&e.tail),
        ),
        Event::EstablishedEvent(e) => (
            match line.is(&e.answering_device) {
                true => format!("has answered, and talks with {}", name(&e.calling_device)),
                false => format!("talks: {} has answered", name(&e.answering_device)),
            },
            Some(&e.established_connection),
            Some(&e.tail),
        ),
        Event::HeldEvent(e) => (
            match line.is(&e.holding_device) {
                true => "has put the call on hold".to_owned(),
                false => format!("is put on hold by {}", name(&e.holding_device)),
            },
            Some(&e.held_connection),
            Some(&e.tail),
        ),
        Event::RetrievedEvent(e) => (
            match line.is(&e.retrieving_device) {
                true => "has taken the call off hold".to_owned(),
                false => format!("is taken off hold by {}", name(&e.retrieving_device)),
            },
            Some(&e.retrieved_connection),
            Some(&e.tail),
        ),
        Event::DivertedEvent(e) => (
            format!("has sent the call on to {}", name(&e.new_destination)),
            Some(&e.connection),
            Some(&e.tail),
        ),
        Event::FailedEvent(e) => (
            format!("cannot reach {}: {}", name(&e.failing_device), e.tail.cause),
            Some(&e.failed_connection),
            Some(&e.tail),
        ),
        Event::QueuedEvent(e) => (
            format!("waits in the queue {}", name(&e.queue)),
            Some(&e.queued_connection),
            Some(&e.tail),
        ),
        Event::ConnectionClearedEvent(e) => (
            match line.is(&e.releasing_device) {
                true => "is out of the call".to_owned(),
                false => format!("is left by {}", name(&e.releasing_device)),
            },
            Some(&e.dropped_connection),
            Some(&e.tail),
        ),
        Event::CallClearedEvent(e) => (
            "its call is over".to_owned(),
            Some(&e.cleared_call),
            Some(&e.tail),
        ),
        Event::TransferedEvent(e) => (
            match line.is(&e.transferring_device) {
                true => format!(
                    "has transferred the call to {}",
                    name(&e.transferred_to_device)
                ),
                false => format!("is transferred by {}", name(&e.transferring_device)),
            },
            Some(&e.primary_old_call),
            Some(&e.tail),
        ),
        Event::ConferencedEvent(e) => (
            format!(
                "is in a conference, which {} has added {} to",
                name(&e.conferencing_device),
                name(&e.added_party)
            ),
            Some(&e.primary_old_call),
            Some(&e.tail),
        ),
        Event::DigitsGeneratedEvent(e) => (
            match &e.digit_generated_list {
                Some(digits) => format!("has pressed {digits}"),
                None => "has pressed digits".to_owned(),
            },
            Some(&e.connection),
            None,
        ),
        Event::NetworkCapabilitiesChangedEvent(_)
        | Event::DoNotDisturbEvent(_)
        | Event::ForwardingEvent(_)
        | Event::MessageWaitingEvent(_)
        | Event::MicrophoneMuteEvent(_)
        | Event::SpeakerMuteEvent(_)
        | Event::SpeakerVolumeEvent(_)
        | Event::BackInServiceEvent(_)
        | Event::OutOfServiceEvent(_) => (feature(event), None, None),
    };
    EventText {
        text,
        call: connection.and_then(|connection| connection.call_id.clone()),
        state: tail.and_then(|tail| tail.local_connection_info.clone()),
        cause: match event {
            Event::BackInServiceEvent(e) => e.cause.clone(),
            Event::OutOfServiceEvent(e) => e.cause.clone(),
            _ => tail.map(|tail| tail.cause.clone()),
        },
    }
}

/// Describes events of the line itself, outside calls.
fn feature(event: &Event) -> String {
    match event {
        Event::DoNotDisturbEvent(e) => {
            let on = if e.do_not_disturb_on {
                "must not"
            } else {
                "may"
            };
            format!("{on} be disturbed")
        }
        Event::ForwardingEvent(e) => {
            let when = e.forwarding_type.as_ref();
            let when = when.map_or("all", forwarded_calls);
            match (&e.forward_to, e.forward_status) {
                (Some(to), true) => format!("forwards calls to {} ({when})", to.user()),
                (None, true) => format!("forwards calls ({when})"),
                (_, false) => format!("does not forward calls ({when})"),
            }
        }
        Event::MessageWaitingEvent(e) => {
            let waits = if e.message_waiting_on {
                "has a"
            } else {
                "has no"
            };
            format!("{waits} message waiting")
        }
        Event::BackInServiceEvent(_) => "is in service".to_owned(),
        Event::OutOfServiceEvent(_) => "is out of service".to_owned(),
        other => other.name().to_owned(),
    }
}

/// The line from which an event is seen.
struct Line<'a>(Option<&'a str>);

impl Line<'_> {
    fn is(&self, device: &SubjectDevice) -> bool {
        device.device().map(DeviceId::user) == self.0
    }
}

fn name(device: &SubjectDevice) -> &str {
    match device {
        SubjectDevice::Device(device) => device.user(),
        SubjectDevice::NotKnown => "an unknown number",
        SubjectDevice::Restricted => "a withheld number",
    }
}

fn redirected(device: &RedirectionDevice) -> String {
    match device {
        RedirectionDevice::NumberDialed(device) => format!(", sent on by {}", device.user()),
        _ => String::new(),
    }
}

/// Which calls are forwarded, in the words of the command `forward`.
pub(super) fn forwarded_calls(kind: &ForwardingType) -> &str {
    match kind.as_str() {
        "forwardImmediate" => "all",
        "forwardImmInt" => "all (internal)",
        "forwardImmExt" => "all (external)",
        "forwardBusy" => "busy",
        "forwardBusyInt" => "busy (internal)",
        "forwardBusyExt" => "busy (external)",
        "forwardNoAns" => "unanswered",
        "forwardNoAnsInt" => "unanswered (internal)",
        "forwardNoAnsExt" => "unanswered (external)",
        "forwardDND" => "do not disturb",
        "forwardDNDInt" => "do not disturb (internal)",
        "forwardDNDExt" => "do not disturb (external)",
        later => later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_described_from_the_watched_line() {
        fn check(line: &str, event: impl Into<Event>, text: &str) {
            assert_eq!(event_text(&event.into(), Some(&line.into())).text, text);
        }
        let device = |number: &str| SubjectDevice::Device(format!("sip:{number}@pbx").into());
        let delivered = DeliveredEvent {
            alerting_device: device("216"),
            calling_device: device("215"),
            ..DeliveredEvent::default()
        };
        check("216", delivered.clone(), "rings: call from 215");
        check("sip:215@pbx", delivered.clone(), "hears 216 ring");
        let sent_on = DeliveredEvent {
            last_redirection_device: RedirectionDevice::NumberDialed("217".into()),
            calling_device: SubjectDevice::Restricted,
            ..delivered
        };
        let text = "rings: call from a withheld number, sent on by 217";
        check("216", sent_on, text);
        let failed = FailedEvent {
            failing_device: device("216"),
            tail: CallEventTail {
                cause: EventCause::BUSY,
                ..CallEventTail::default()
            },
            ..FailedEvent::default()
        };
        check("215", failed, "cannot reach 216: busy");
        check("215", OutOfServiceEvent::default(), "is out of service");
    }
}
