//! DialDigits: a call that waits for its digits at the server, and is made when the last of them has come (ECMA-269).

use std::time::Duration;

use actix::Context;
use uacsta_schema::csta::{
    AutoOriginate, ClearConnectionResponse, ConnectionClearedEvent, ConnectionId, DeviceId,
    DialDigits, DialDigitsResponse, DigitsDialedEvent, Event, EventCause, LocalConnectionState,
    MakeCall, MakeCallResponse, MonitorCrossRefId, Request, ServiceInitiatedEvent,
};

use super::{Asked, Asking, Course};
use crate::{
    phone::{Phone, capabilities::Provider, request_queue::Turn},
    refusal::Refusal,
};

/// A call whose number is not complete yet.
pub(super) struct DigitCollection {
    connection: ConnectionId,
    line: DeviceId,
    call: MakeCall,
    digits: String,
    until: Duration,
}

/// How long a call waits for its next digits.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest number.
const LONGEST: usize = 64;

impl DigitCollection {
    fn new(number: u64, line: DeviceId, call: MakeCall, until: Duration) -> Self {
        let mut dialling = Self {
            connection: ConnectionId::new(format!("dialling-{number}"), line.clone()),
            line,
            digits: String::new(),
            call,
            until,
        };
        let begun = dialling.call.called_directory_number.as_str().to_owned();
        dialling.add(&begun);
        dialling
    }

    /// Adds digits; whether the number is complete: a `;` at the end says that more will follow (ECMA-269, diallable digits
    /// format).
    fn add(&mut self, sequence: &str) -> bool {
        let complete = !is_incomplete(sequence);
        self.digits.push_str(sequence.trim().trim_end_matches(';'));
        complete
    }

    /// Whether a connection of a line is this one; a line of the same phone has others.
    fn is(&self, line: &DeviceId, connection: &ConnectionId) -> bool {
        *line == self.line && connection.call_id == self.connection.call_id
    }

    /// The call with its whole number.
    fn complete(&self) -> MakeCall {
        MakeCall {
            called_directory_number: DeviceId::from(self.digits.as_str()),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            ..self.call.clone()
        }
    }

    fn initiated(&self) -> Event {
        ServiceInitiatedEvent {
            monitor_cross_ref_id: unnamed(),
            initiated_connection: self.connection.clone(),
            initiating_device: self.line.clone().into(),
            called_device: None,
            local_connection_info: Some(LocalConnectionState::INITIATED),
            correlator_data: self.call.correlator_data.clone(),
            cause: EventCause::MAKE_CALL,
        }
        .into()
    }

    fn dialled(&self) -> Event {
        DigitsDialedEvent {
            monitor_cross_ref_id: unnamed(),
            dialing_connection: self.connection.clone(),
            dialing_device: self.line.clone().into(),
            dialing_sequence: DeviceId::from(self.digits.as_str()),
            local_connection_info: Some(LocalConnectionState::INITIATED),
            correlator_data: self.call.correlator_data.clone(),
            cause: EventCause::NORMAL,
        }
        .into()
    }

    fn cleared(&self, cause: EventCause) -> Event {
        ConnectionClearedEvent {
            monitor_cross_ref_id: unnamed(),
            dropped_connection: self.connection.clone(),
            releasing_device: self.line.clone().into(),
            local_connection_info: Some(LocalConnectionState::NULL),
            correlator_data: self.call.correlator_data.clone(),
            user_data: None,
            cause,
        }
        .into()
    }
}

/// The cross reference of an event that gets its receiver's.
fn unnamed() -> MonitorCrossRefId {
    MonitorCrossRefId::from("0")
}

fn is_incomplete(sequence: &str) -> bool {
    sequence.trim_end().ends_with(';')
}

/// Whether a MakeCall may be one whose number is not complete, so that it is worth reading: text ends with `;` somewhere.
fn may_be_incomplete(document: &[u8]) -> bool {
    document
        .split(|byte| *byte == b'<')
        .any(|piece| piece.trim_ascii_end().ends_with(b";"))
}

impl Phone {
    /// Takes a request that is for a call which waits for its digits, or begins one; gives any other back.
    pub(in crate::phone) fn take_for_dialling(
        &mut self,
        asked: Asked,
        ctx: &mut Context<Self>,
    ) -> Option<Asked> {
        let waits = self
            .emulation
            .as_ref()
            .is_some_and(|kept| !kept.dialling.is_empty());
        let document = &asked.client.document;
        let line = asked.line();
        let request = match document.name() {
            "MakeCall" if may_be_incomplete(document.raw()) => asked.read(),
            "ClearConnection" if waits => asked.read(),
            _ => return Some(asked),
        };
        match request {
            Ok(Request::MakeCall(call))
                if is_incomplete(call.called_directory_number.as_str())
                    && self.capabilities.provider("DialDigits") == Provider::Emulation =>
            {
                self.begin_dialling(asked, call, ctx);
                None
            }
            Ok(Request::ClearConnection(clear))
                if self
                    .dialling_of(&line, &clear.connection_to_be_cleared)
                    .is_some() =>
            {
                let cleared = clear.connection_to_be_cleared;
                self.end_dialling(|call| call.is(&line, &cleared), EventCause::NORMAL_CLEARING);
                asked
                    .client
                    .answer(Ok(ClearConnectionResponse::default().into()));
                None
            }
            _ => Some(asked),
        }
    }

    fn begin_dialling(&mut self, asked: Asked, call: MakeCall, ctx: &mut Context<Self>) {
        let line = asked.line();
        self.end_dialling(|call| call.line == line, EventCause::NORMAL_CLEARING);
        let until = self.context.clock.now() + PATIENCE;
        let dialling = DigitCollection::new(self.requests.number(), line, call, until);
        let response = MakeCallResponse {
            calling_device: dialling.connection.clone(),
        };
        asked.client.answer(Ok(response.into()));
        self.tell_subscribers(&dialling.line, dialling.initiated());
        if !dialling.digits.is_empty() {
            self.tell_subscribers(&dialling.line, dialling.dialled());
        }
        self.emulation
            .get_or_insert_default()
            .dialling
            .push(dialling);
        self.wake_at(until, ctx);
    }

    /// DialDigits for a call that waits for them.
    pub(super) fn dial(
        &mut self,
        asked: Asked,
        request: &DialDigits,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let until = self.context.clock.now() + PATIENCE;
        let line = asked.line();
        let client = asked.client;
        let Some(dialling) = self.dialling_of(&line, &request.dialling_connection) else {
            return client.answer(Err(Refusal::NotSupported));
        };
        let sequence = request.dialling_sequence.as_str();
        if dialling.digits.len() + sequence.len() > LONGEST {
            return client.answer(Err(Refusal::Malformed(format!(
                "the number would be longer than {LONGEST} digits"
            ))));
        }
        let complete = dialling.add(sequence);
        dialling.until = until;
        let event = dialling.dialled();
        let (waited, call) = (dialling.connection.clone(), dialling.complete());
        self.tell_subscribers(&line, event);
        if complete {
            self.ask_part(client, Course::Dial(waited), &call.into(), turn, ctx);
        } else {
            self.wake_at(until, ctx);
            client.answer(Ok(DialDigitsResponse::default().into()));
        }
    }

    /// The phone was asked to call the whole number: the call that waited is over, and the phone's own goes on.
    pub(super) fn dialled(
        &mut self,
        client: Asking,
        waited: &ConnectionId,
        answer: Result<(), Refusal>,
    ) {
        let cause = match answer {
            Ok(()) => EventCause::MAKE_CALL,
            Err(_) => EventCause::DEST_NOT_OBTAINABLE,
        };
        self.end_dialling(|call| call.connection == *waited, cause);
        client.answer(answer.map(|()| DialDigitsResponse::default().into()));
    }

    fn dialling_of(
        &mut self,
        line: &DeviceId,
        connection: &ConnectionId,
    ) -> Option<&mut DigitCollection> {
        let mut calls = self.emulation.as_mut()?.dialling.iter_mut();
        calls.find(|call| call.is(line, connection))
    }

    /// No call waits for its digits any more.
    pub(in crate::phone) fn end_all_dialling(&mut self, cause: EventCause) {
        self.end_dialling(|_| true, cause);
    }

    /// Those of the calls that wait for their digits are over.
    fn end_dialling(&mut self, mut which: impl FnMut(&DigitCollection) -> bool, cause: EventCause) {
        let Some(kept) = &mut self.emulation else {
            return;
        };
        let over: Vec<DigitCollection> = kept.dialling.extract_if(.., |call| which(call)).collect();
        for call in over {
            self.tell_subscribers(&call.line, call.cleared(cause.clone()));
        }
    }

    /// Ends the calls whose digits do not come; returns when the next will be.
    pub(in crate::phone) fn sweep_dialling(&mut self, now: Duration) -> Option<Duration> {
        self.end_dialling(|call| call.until <= now, EventCause::INTERDIGIT_TIMEOUT);
        let calls = &self.emulation.as_ref()?.dialling;
        calls.iter().map(|call| call.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_collected_until_the_number_is_complete() {
        #[track_caller]
        fn check(begun: &str, dialled: &[&str], number: &str, complete: bool) {
            let call = MakeCall {
                called_directory_number: DeviceId::from(begun),
                ..MakeCall::default()
            };
            let mut dialling = DigitCollection::new(1, DeviceId::from("101"), call, Duration::ZERO);
            let last = dialled.iter().map(|digits| dialling.add(digits)).last();
            assert_eq!(last.unwrap_or_default(), complete, "{begun} {dialled:?}");
            let made = dialling.complete();
            assert_eq!(
                made.called_directory_number.as_str(),
                number,
                "{begun} {dialled:?}"
            );
        }
        check(";", &[], "", false);
        check(";", &["102"], "102", true);
        check("0;", &["4930;", "1;", "2"], "0493012", true);
        check("0;", &["4930;"], "04930", false);
        check("0;", &[";"], "0", false);
        check("0; ", &["1 "], "01", true);
    }

    #[test]
    fn ecma_269_a_partial_number_waits_for_digits() {
        #[track_caller]
        fn check(member: &str, expected: bool) {
            let text =
                format!("<MakeCall><callingDevice>sip:1@a;b</callingDevice>{member}</MakeCall>");
            assert_eq!(may_be_incomplete(text.as_bytes()), expected, "{text}");
        }
        check("<calledDirectoryNumber>0;</calledDirectoryNumber>", true);
        check("<calledDirectoryNumber>\n ; </calledDirectoryNumber>", true);
        check("<calledDirectoryNumber>102</calledDirectoryNumber>", false);
        check(
            "<calledDirectoryNumber>tel:1;ext=2</calledDirectoryNumber>",
            false,
        );
        check("<calledDirectoryNumber/>", false);
    }
}
