//! The message waiting indicator of phones that have none (ECMA-269, Get and Set Message Waiting Indicator).

use uacsta_schema::csta::{
    DeviceId, GetMessageWaitingIndicatorResponse, MessageWaitingEvent, MonitorCrossRefId,
    SetMessageWaitingIndicator, SetMessageWaitingIndicatorResponse,
};

use crate::phone::Phone;

impl Phone {
    /// Whether a message waits at a line.
    pub(super) fn indicator(&self, line: &DeviceId) -> GetMessageWaitingIndicatorResponse {
        let kept = self.emulation.as_ref();
        let waits = kept.and_then(|kept| kept.messages.iter().find(|(known, _)| known == line));
        GetMessageWaitingIndicatorResponse {
            message_waiting_on: waits.is_some(),
            device_for_message: waits.and_then(|(_, from)| from.clone()),
            lamp_is_present: Some(false),
        }
    }

    /// Switches a line's indicator, and tells those who watch the line if that changed it.
    pub(super) fn set_indicator(
        &mut self,
        line: &DeviceId,
        request: SetMessageWaitingIndicator,
    ) -> SetMessageWaitingIndicatorResponse {
        let (on, from) = (request.message_waiting_on, request.device_for_message);
        let before = self.indicator(line);
        let messages = &mut self.emulation.get_or_insert_default().messages;
        messages.retain(|(known, _)| known != line);
        if on {
            messages.push((line.clone(), from.clone()));
        }
        if (before.message_waiting_on, before.device_for_message) != (on, from.clone()) {
            let event = MessageWaitingEvent {
                monitor_cross_ref_id: MonitorCrossRefId::from("0"),
                target_device: line.clone().into(),
                device_for_message: from,
                message_waiting_on: on,
            };
            self.tell_subscribers(line, event.into());
        }
        SetMessageWaitingIndicatorResponse::default()
    }
}
