//! The phone's system status (ECMA-269, System Status service), told by the phone or in answer to RequestSystemStatus.

use actix::Context;
use uacsta_schema::csta::{Document, Message, Response, SystemStatusValue};

use super::{Phone, session::SessionInput};
use crate::truncated::Truncated;

/// What a system status means for the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SystemState {
    /// The phone performs requests, perhaps slowly or in part.
    Normal,
    /// The phone performs requests, but no longer runs the monitors of before.
    Enabled,
    /// The phone performs requests, but may have lost events.
    MessagesLost,
    /// The phone performs no requests and reports no events.
    Disabled,
}

/// The statuses of [`SystemState::Disabled`], in words.
pub(super) const OUT_OF_SERVICE: &str = "disabled or initializing";

impl SystemState {
    /// `None` for a value that ECMA-269 does not have.
    pub(super) fn of(status: &SystemStatusValue) -> Option<Self> {
        let is = |values: &[SystemStatusValue]| values.contains(status);
        if is(&[SystemStatusValue::DISABLED, SystemStatusValue::INITIALIZING]) {
            Some(Self::Disabled)
        } else if is(&[SystemStatusValue::ENABLED]) {
            Some(Self::Enabled)
        } else if is(&[SystemStatusValue::MESSAGES_LOST]) {
            Some(Self::MessagesLost)
        } else if is(&[
            SystemStatusValue::NORMAL,
            SystemStatusValue::PARTIALLY_DISABLED,
            SystemStatusValue::OVERLOAD_IMMINENT,
            SystemStatusValue::OVERLOAD_REACHED,
            SystemStatusValue::OVERLOAD_RELIEVED,
        ]) {
            Some(Self::Normal)
        } else {
            None
        }
    }
}

impl Phone {
    /// The phone told its status: unasked, which is a change, or in answer to a keep-alive.
    pub(super) fn system_status(
        &mut self,
        status: &SystemStatusValue,
        is_change: bool,
        ctx: &mut Context<Self>,
    ) {
        match SystemState::of(status) {
            Some(state) => self.on_session(SessionInput::Status { state, is_change }, ctx),
            None => {
                let status = Truncated(status.as_str());
                tracing::debug!(phone = %self.phone, %status, "phone has an unknown system status");
            }
        }
    }

    /// Reads the status in the answer to a keep-alive.
    pub(super) fn system_status_answered(&mut self, answer: &Document, ctx: &mut Context<Self>) {
        if let Ok(Message::Response(Response::RequestSystemStatusResponse(response))) =
            answer.message()
        {
            self.system_status(&response.system_status, false, ctx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_of_the_standard_has_a_meaning() {
        for (status, expected) in [
            ("normal", Some(SystemState::Normal)),
            ("partiallyDisabled", Some(SystemState::Normal)),
            ("overloadImminent", Some(SystemState::Normal)),
            ("overloadReached", Some(SystemState::Normal)),
            ("overloadRelieved", Some(SystemState::Normal)),
            ("enabled", Some(SystemState::Enabled)),
            ("messagesLost", Some(SystemState::MessagesLost)),
            ("disabled", Some(SystemState::Disabled)),
            ("initializing", Some(SystemState::Disabled)),
            ("well", None),
        ] {
            let status = SystemStatusValue::from(status);
            assert_eq!(SystemState::of(&status), expected, "{status}");
        }
    }
}
