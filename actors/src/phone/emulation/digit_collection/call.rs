//! A call that waits for further digits, and its events.

use std::time::Duration;

use uacsta_schema::csta::{
    AutoOriginate, CallEventTail, ConnectionClearedEvent, ConnectionId, DeviceId,
    DigitsDialedEvent, Event, EventCause, LocalConnectionState, MakeCall, ServiceInitiatedEvent,
};

use crate::{phone::emulation::outcome::EmulationEffect, refusal::Refusal};

/// A call whose number is incomplete.
pub(super) struct DigitCollection {
    pub(super) connection: ConnectionId,
    pub(super) line: DeviceId,
    request: MakeCall,
    digits: String,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Further digits are awaited until the end of the interdigit timeout.
    Collecting { expires_at: Duration },
    /// The number is complete, and the phone was asked to make the call.
    Placing,
    /// A client cleared the call after the phone was asked to make it: the phone's call is cleared as soon as it is known.
    Abandoned,
}

/// The interdigit timeout.
const INTERDIGIT_TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum length of a number.
const MAX_DIGITS: usize = 64;

/// Whether a number is incomplete: a final `;` means that more digits follow (ECMA-269, diallable digits format).
pub(super) fn is_partial(number: &str) -> bool {
    number.trim_end().ends_with(';')
}

fn digits(sequence: &str) -> &str {
    sequence.trim().trim_end_matches(';')
}

impl DigitCollection {
    pub(super) fn new(number: u64, line: DeviceId, request: MakeCall, now: Duration) -> Self {
        Self {
            connection: ConnectionId::new(format!("dialling-{number}"), line.clone()),
            line,
            digits: digits(request.called_directory_number.as_str()).to_owned(),
            request,
            stage: Stage::Collecting {
                expires_at: now + INTERDIGIT_TIMEOUT,
            },
        }
    }

    /// The end of the interdigit timeout; `None` once the number is complete.
    pub(super) fn expires_at(&self) -> Option<Duration> {
        match self.stage {
            Stage::Collecting { expires_at } => Some(expires_at),
            Stage::Placing | Stage::Abandoned => None,
        }
    }

    pub(super) fn is_collecting(&self) -> bool {
        self.expires_at().is_some()
    }

    /// Whether a client cleared the call, and was told so, while the phone makes it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.stage == Stage::Abandoned
    }

    pub(super) fn abandon(&mut self) {
        self.stage = Stage::Abandoned;
    }

    /// Adds digits; returns whether the number is complete.
    ///
    /// # Errors
    /// The number would exceed [`MAX_DIGITS`].
    pub(super) fn add(&mut self, sequence: &str, now: Duration) -> Result<bool, Refusal> {
        if self.digits.len() + sequence.len() > MAX_DIGITS {
            return Err(Refusal::Malformed(format!(
                "the number would be longer than {MAX_DIGITS} digits"
            )));
        }
        self.digits.push_str(digits(sequence));
        let is_complete = !is_partial(sequence);
        self.stage = if is_complete {
            Stage::Placing
        } else {
            Stage::Collecting {
                expires_at: now + INTERDIGIT_TIMEOUT,
            }
        };
        Ok(is_complete)
    }

    pub(super) fn has_digits(&self) -> bool {
        !self.digits.is_empty()
    }

    /// Whether this is the connection of this call at this line, and no client has cleared the call.
    pub(super) fn is(&self, line: &DeviceId, connection: &ConnectionId) -> bool {
        !self.is_abandoned() && *line == self.line && connection.call_id == self.connection.call_id
    }

    /// The MakeCall with the whole number.
    pub(super) fn complete(&self) -> MakeCall {
        MakeCall {
            called_directory_number: DeviceId::from(self.digits.as_str()),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            ..self.request.clone()
        }
    }

    pub(super) fn notify(&self, event: Event) -> EmulationEffect {
        EmulationEffect::Notify(self.line.clone(), event)
    }

    pub(super) fn initiated(&self) -> Event {
        ServiceInitiatedEvent {
            initiated_connection: self.connection.clone(),
            initiating_device: self.line.clone().into(),
            called_device: None,
            tail: self.tail(LocalConnectionState::INITIATED, EventCause::MAKE_CALL),
        }
        .into()
    }

    pub(super) fn dialled(&self) -> Event {
        DigitsDialedEvent {
            dialing_connection: self.connection.clone(),
            dialing_device: self.line.clone().into(),
            dialing_sequence: DeviceId::from(self.digits.as_str()),
            tail: self.tail(LocalConnectionState::INITIATED, EventCause::NORMAL),
        }
        .into()
    }

    pub(super) fn cleared(&self, cause: EventCause) -> Event {
        ConnectionClearedEvent {
            dropped_connection: self.connection.clone(),
            releasing_device: self.line.clone().into(),
            tail: self.tail(LocalConnectionState::NULL, cause),
        }
        .into()
    }

    fn tail(&self, state: LocalConnectionState, cause: EventCause) -> CallEventTail {
        CallEventTail {
            local_connection_info: Some(state),
            correlator_data: self.request.correlator_data.clone(),
            user_data: None,
            cause,
        }
    }
}
