//! DialDigits: collects the digits of a call at the server, and makes the call when the last of them has come (ECMA-269).

use std::time::Duration;

use uacsta_schema::csta::{
    ClearConnection, ConnectionId, DeviceId, DialDigits, DialDigitsResponse, Document, EventCause,
    MakeCall, MakeCallResponse, Message, Request, ServiceId,
};

use self::call::{DigitCollection, is_partial};
use super::{
    directed_pickup::made_call,
    outcome::{EmulationEffect, EmulationEffects, EmulationOutcome},
};
use crate::{
    phone::{
        capabilities::{Capabilities, Provider},
        client_request::ClientRequest,
    },
    refusal::Refusal,
};

mod call;

/// The calls that wait for digits, at most one per line, and those that the phone is making.
#[derive(Default)]
pub(super) struct DigitCollections {
    calls: Vec<DigitCollection>,
    /// The number of calls so far, from which each call's identifier is made.
    started: u64,
}

/// Whether a request is for a call that waits for digits, or starts one.
pub(super) fn claims(
    collections: Option<&DigitCollections>,
    request: &ClientRequest,
    capabilities: &Capabilities,
) -> bool {
    match request.document.service() {
        Some(ServiceId::MakeCall) if may_be_partial(request.document.raw()) => match request.read()
        {
            Ok(Request::MakeCall(call)) => {
                is_partial(call.called_directory_number.as_str())
                    && capabilities.provider(ServiceId::DialDigits) == Provider::Emulation
            }
            _ => false,
        },
        Some(ServiceId::ClearConnection | ServiceId::ClearCall) => {
            let Some(collections) = collections.filter(|state| !state.calls.is_empty()) else {
                return false;
            };
            let line = request.line();
            let cleared = match request.read() {
                Ok(Request::ClearConnection(clear)) => clear.connection_to_be_cleared,
                Ok(Request::ClearCall(clear)) => clear.call_to_be_cleared,
                _ => return false,
            };
            let mut calls = collections.calls.iter();
            calls.any(|call| call.is(&line, &cleared))
        }
        _ => false,
    }
}

/// Whether to parse a MakeCall: some text in it ends with `;`, as a partial number does.
fn may_be_partial(document: &[u8]) -> bool {
    document
        .split(|byte| *byte == b'<')
        .any(|piece| piece.trim_ascii_end().ends_with(b";"))
}

impl DigitCollections {
    /// MakeCall with a partial number. Ends the line's previous call that waits for digits.
    pub(super) fn start(
        &mut self,
        line: &DeviceId,
        request: MakeCall,
        now: Duration,
    ) -> EmulationOutcome<ConnectionId> {
        let is_replaced = |call: &DigitCollection| call.line == *line && call.is_collecting();
        let mut effects = self.end(is_replaced, &EventCause::NORMAL_CLEARING);
        self.started += 1;
        let call = DigitCollection::new(self.started, line.clone(), request, now);
        let response = MakeCallResponse {
            calling_device: call.connection.clone(),
        };
        effects.push(call.notify(call.initiated()));
        if call.has_digits() {
            effects.push(call.notify(call.dialled()));
        }
        effects.extend(call.expires_at().map(EmulationEffect::WakeAt));
        self.calls.push(call);
        EmulationOutcome::answer(Ok(response.into())).then(effects)
    }

    /// DialDigits for a call that waits for digits; the last digits make the call.
    pub(super) fn add(
        &mut self,
        line: &DeviceId,
        request: &DialDigits,
        now: Duration,
    ) -> EmulationOutcome<ConnectionId> {
        let connection = &request.dialling_connection;
        let mut calls = self.calls.iter_mut();
        let Some(call) = calls.find(|call| call.is(line, connection) && call.is_collecting())
        else {
            return EmulationOutcome::answer(Err(Refusal::NotSupported));
        };
        let is_complete = match call.add(request.dialling_sequence.as_str(), now) {
            Ok(is_complete) => is_complete,
            Err(refusal) => return EmulationOutcome::answer(Err(refusal)),
        };
        let dialled = call.notify(call.dialled());
        if is_complete {
            EmulationOutcome::ask(call.connection.clone(), call.complete()).then([dialled])
        } else {
            let wake = call.expires_at().map(EmulationEffect::WakeAt);
            EmulationOutcome::answer(Ok(DialDigitsResponse::default().into()))
                .then([dialled])
                .then(wake)
        }
    }

    /// The phone answered the MakeCall with the whole number: the phone's call replaces the one that waited for digits. If a
    /// client has cleared that one, the phone's call is cleared as well.
    pub(super) fn call_answered(
        &mut self,
        connection: &ConnectionId,
        answer: Result<Document, Refusal>,
    ) -> EmulationOutcome<ConnectionId> {
        let is_meant = |call: &DigitCollection| call.connection == *connection;
        let mut calls = self.calls.iter();
        if calls.any(|call| is_meant(call) && call.is_abandoned()) {
            self.calls.retain(|call| !is_meant(call));
            let rollback = made_call(answer).ok().map(|connection_to_be_cleared| {
                let clear = ClearConnection {
                    connection_to_be_cleared,
                    ..ClearConnection::default()
                };
                EmulationEffect::Rollback(clear.into())
            });
            return EmulationOutcome::answer(Err(Refusal::NoCall)).then(rollback);
        }
        let cause = if answer.is_ok() {
            EventCause::MAKE_CALL
        } else {
            EventCause::DEST_NOT_OBTAINABLE
        };
        let effects = self.end(is_meant, &cause);
        EmulationOutcome::answer(answer.map(|_| DialDigitsResponse::default().into())).then(effects)
    }

    /// Clears a call that waits for digits, or that the phone is making; the response is the service's.
    pub(super) fn clear(
        &mut self,
        line: &DeviceId,
        cleared: &ConnectionId,
        response: Message,
    ) -> EmulationOutcome<ConnectionId> {
        let cause = EventCause::NORMAL_CLEARING;
        let mut calls = self.calls.iter_mut();
        let effects = match calls.find(|call| call.is(line, cleared)) {
            // Another client has cleared it meanwhile.
            None => return EmulationOutcome::answer(Err(Refusal::NoCall)),
            Some(call) if call.is_collecting() => self.end(|call| call.is(line, cleared), &cause),
            Some(call) => {
                let effect = call.notify(call.cleared(cause));
                call.abandon();
                EmulationEffects::from_iter([effect])
            }
        };
        EmulationOutcome::answer(Ok(response)).then(effects)
    }

    /// Ends all calls with the session.
    pub(super) fn session_lost(&mut self) -> EmulationEffects {
        self.end(|_| true, &EventCause::NETWORK_OUT_OF_ORDER)
    }

    /// Ends the calls whose interdigit timeout has expired.
    pub(super) fn expire(&mut self, now: Duration) -> EmulationEffects {
        let mut effects = self.end(
            |call| call.expires_at().is_some_and(|at| at <= now),
            &EventCause::INTERDIGIT_TIMEOUT,
        );
        let next = self
            .calls
            .iter()
            .filter_map(DigitCollection::expires_at)
            .min();
        effects.extend(next.map(EmulationEffect::WakeAt));
        effects
    }

    fn end(
        &mut self,
        which: impl Fn(&DigitCollection) -> bool,
        cause: &EventCause,
    ) -> EmulationEffects {
        self.calls
            .extract_if(.., |call| which(call))
            .filter(|call| !call.is_abandoned())
            .map(|call| call.notify(call.cleared(cause.clone())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn digits_are_appended_until_none_follow() {
        #[track_caller]
        fn check(begun: &str, dialled: &[&str], number: &str, complete: bool) {
            let request = MakeCall {
                called_directory_number: DeviceId::from(begun),
                ..MakeCall::default()
            };
            let mut call = DigitCollection::new(1, DeviceId::from("101"), request, Duration::ZERO);
            let added = dialled
                .iter()
                .map(|digits| call.add(digits, Duration::ZERO).unwrap());
            assert_eq!(
                added.last().unwrap_or_default(),
                complete,
                "{begun} {dialled:?}"
            );
            let made = call.complete().called_directory_number;
            assert_eq!(made.as_str(), number, "{begun} {dialled:?}");
        }
        check(";", &[], "", false);
        check(";", &["102"], "102", true);
        check("0;", &["4930;", "1;", "2"], "0493012", true);
        check("0;", &["4930;"], "04930", false);
        check("0;", &[";"], "0", false);
        check("0; ", &["1 "], "01", true);
    }

    #[test]
    fn ecma_269_a_partial_number_ends_with_a_semicolon() {
        #[track_caller]
        fn check(member: &str, expected: bool) {
            let text =
                format!("<MakeCall><callingDevice>sip:1@a;b</callingDevice>{member}</MakeCall>");
            assert_eq!(may_be_partial(text.as_bytes()), expected, "{text}");
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
