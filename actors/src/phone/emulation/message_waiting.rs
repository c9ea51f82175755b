//! Message waiting indicators for a phone without any (ECMA-269, Get and Set Message Waiting Indicator).

use uacsta_schema::csta::{
    DeviceId, GetMessageWaitingIndicatorResponse, MessageWaitingEvent, SetMessageWaitingIndicator,
};

use super::outcome::EmulationEffect;

/// The lines whose indicator is on.
#[derive(Default)]
pub(super) struct MessagesWaiting(Vec<MessageWaiting>);

struct MessageWaiting {
    line: DeviceId,
    device_for_message: Option<DeviceId>,
}

/// The state of a line's indicator; off if no client has ever switched an indicator of the phone on.
pub(super) fn get(
    messages: Option<&MessagesWaiting>,
    line: &DeviceId,
) -> GetMessageWaitingIndicatorResponse {
    let message = messages.and_then(|messages| messages.find(line));
    GetMessageWaitingIndicatorResponse {
        message_waiting_on: message.is_some(),
        device_for_message: message.and_then(|message| message.device_for_message.clone()),
        lamp_is_present: Some(false),
    }
}

impl MessagesWaiting {
    fn find(&self, line: &DeviceId) -> Option<&MessageWaiting> {
        self.0.iter().find(|message| message.line == *line)
    }

    /// Switches a line's indicator, and notifies the line's subscribers of a change.
    pub(super) fn set(
        &mut self,
        line: &DeviceId,
        request: SetMessageWaitingIndicator,
    ) -> Option<EmulationEffect> {
        let SetMessageWaitingIndicator {
            message_waiting_on,
            device_for_message,
            ..
        } = request;
        let before = get(Some(self), line);
        self.0.retain(|message| message.line != *line);
        if message_waiting_on {
            self.0.push(MessageWaiting {
                line: line.clone(),
                device_for_message: device_for_message.clone(),
            });
        }
        let changed = before.message_waiting_on != message_waiting_on
            || before.device_for_message != device_for_message;
        changed.then(|| {
            let event = MessageWaitingEvent {
                target_device: line.clone().into(),
                device_for_message,
                message_waiting_on,
            };
            EmulationEffect::Notify(line.clone(), event.into())
        })
    }
}
