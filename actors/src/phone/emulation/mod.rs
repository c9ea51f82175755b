//! Emulates services that a phone lacks, with the services that it has or with the server's own data (ECMA-269).
//!
//! The catalogue lists the services that can be emulated and the services that each requires (`ServiceId::made_of`). Each has
//! a file here: AlternateCall and ReconnectCall `two_step`, DialDigits `digit_collection`, and so on. [`Emulation::on`]
//! decides, and the phone's actor carries out the outcome.

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::csta::{
    CallId, ClearCallResponse, ClearConnectionResponse, ConnectionId, DeviceId, Document, Message,
    MonitorCrossRefId, Request, SetMessageWaitingIndicatorResponse,
};

use self::{
    digit_collection::DigitCollections, message_waiting::MessagesWaiting,
    monitor_stop::UnstoppedMonitors, two_step::TwoStep,
};
use super::{capabilities::Capabilities, client_request::ClientRequest};
use crate::{monitor::Calls, refusal::Refusal};

mod digit_collection;
mod directed_pickup;
mod information;
mod message_waiting;
mod monitor_stop;
mod outcome;
mod snapshot;
mod two_step;

#[cfg(test)]
mod tests;

pub(super) use outcome::{
    EmulationEffect, EmulationEffects, EmulationOutcome, NextStep, PhoneView,
};

/// The emulated services of one phone. Allocates only when a client uses one.
#[derive(Default)]
pub(super) struct Emulation(Option<Box<EmulationState>>);

/// The state of emulated services between requests.
#[derive(Default)]
struct EmulationState {
    collections: DigitCollections,
    messages: MessagesWaiting,
    unstopped: UnstoppedMonitors,
}

/// An input of an emulated service.
#[expect(clippy::large_enum_variant, reason = "it is consumed at once")]
pub(super) enum EmulationEvent {
    /// A client requests the service.
    Requested(Request),
    /// The phone answered the request of a step.
    Answered(EmulationStep, Result<Document, Refusal>),
}

/// The service of which the phone performs a step, with its state.
pub(super) enum EmulationStep {
    /// AlternateCall, ReconnectCall.
    TwoStep(TwoStep),
    /// SnapshotCall of this call: the phone performs SnapshotDevice.
    SnapshotCall(Option<CallId>),
    /// DirectedPickupCall: the phone calls the feature code.
    DirectedPickupCall,
    /// The last DialDigits of the call with this connection: the phone calls the whole number.
    DialDigits(ConnectionId),
}

impl Emulation {
    /// Performs an emulated service up to its next request to the phone.
    pub(super) fn on(
        &mut self,
        event: EmulationEvent,
        phone: &PhoneView<'_>,
        now: Duration,
    ) -> EmulationOutcome<EmulationStep> {
        match event {
            EmulationEvent::Requested(request) => self.requested(request, phone, now),
            EmulationEvent::Answered(EmulationStep::TwoStep(two_step), answer) => {
                two_step.next(answer.map(drop)).step(EmulationStep::TwoStep)
            }
            EmulationEvent::Answered(EmulationStep::SnapshotCall(call), answer) => {
                let response = snapshot::device_answered(call.as_ref(), answer, phone);
                EmulationOutcome::answer(response.map(Message::from))
            }
            EmulationEvent::Answered(EmulationStep::DirectedPickupCall, answer) => {
                EmulationOutcome::answer(directed_pickup::call_answered(answer).map(Message::from))
            }
            EmulationEvent::Answered(EmulationStep::DialDigits(connection), answer) => self
                .state()
                .collections
                .call_answered(&connection, answer)
                .step(EmulationStep::DialDigits),
        }
    }

    fn requested(
        &mut self,
        request: Request,
        phone: &PhoneView<'_>,
        now: Duration,
    ) -> EmulationOutcome<EmulationStep> {
        let line = phone.line;
        match request {
            Request::AlternateCall(request) => TwoStep::alternate(&request)
                .start(phone)
                .step(EmulationStep::TwoStep),
            Request::ReconnectCall(request) => TwoStep::reconnect(&request)
                .start(phone)
                .step(EmulationStep::TwoStep),
            Request::SnapshotCall(request) => {
                snapshot::call(request.snapshot_object.call_id, phone)
                    .step(EmulationStep::SnapshotCall)
            }
            Request::SnapshotDevice(_) => EmulationOutcome::answer(snapshot::device(phone)),
            Request::DirectedPickupCall(request) => match directed_pickup::call(&request, phone) {
                Ok(call) => EmulationOutcome::ask(EmulationStep::DirectedPickupCall, call),
                Err(refusal) => EmulationOutcome::answer(Err(refusal)),
            },
            Request::MakeCall(request) => self
                .state()
                .collections
                .start(line, request, now)
                .step(EmulationStep::DialDigits),
            Request::DialDigits(request) => self
                .state()
                .collections
                .add(line, &request, now)
                .step(EmulationStep::DialDigits),
            Request::ClearConnection(request) => self
                .state()
                .collections
                .clear(
                    line,
                    &request.connection_to_be_cleared,
                    ClearConnectionResponse::default().into(),
                )
                .step(EmulationStep::DialDigits),
            Request::ClearCall(request) => self
                .state()
                .collections
                .clear(
                    line,
                    &request.call_to_be_cleared,
                    ClearCallResponse::default().into(),
                )
                .step(EmulationStep::DialDigits),
            Request::GetMessageWaitingIndicator(_) => {
                let messages = self.0.as_ref().map(|state| &state.messages);
                EmulationOutcome::answer(Ok(message_waiting::get(messages, line).into()))
            }
            Request::SetMessageWaitingIndicator(request) => {
                let event = self.state().messages.set(line, request);
                EmulationOutcome::answer(Ok(SetMessageWaitingIndicatorResponse::default().into()))
                    .then(event)
            }
            Request::GetLogicalDeviceInformation(_) => {
                EmulationOutcome::answer(Ok(information::logical(phone).into()))
            }
            Request::GetPhysicalDeviceInformation(_) => {
                EmulationOutcome::answer(Ok(information::physical(phone).into()))
            }
            // The first two are sent to phones by the server alone, and emulated by `leave_running` and
            // `Phone::poll_for_lines`; the others are not emulated.
            Request::MonitorStop(_)
            | Request::SystemRegister(_)
            | Request::RequestSystemStatus(_)
            | Request::SystemStatus(_)
            | Request::SystemRegisterCancel(_)
            | Request::GetCSTAFeatures(_)
            | Request::GetSwitchingFunctionDevices(_)
            | Request::MonitorStart(_)
            | Request::ChangeMonitorFilter(_)
            | Request::AnswerCall(_)
            | Request::HoldCall(_)
            | Request::RetrieveCall(_)
            | Request::ConsultationCall(_)
            | Request::TransferCall(_)
            | Request::ConferenceCall(_)
            | Request::SingleStepTransferCall(_)
            | Request::SingleStepConferenceCall(_)
            | Request::DeflectCall(_)
            | Request::GenerateDigits(_)
            | Request::GetDoNotDisturb(_)
            | Request::SetDoNotDisturb(_)
            | Request::GetForwarding(_)
            | Request::SetForwarding(_)
            | Request::GetMicrophoneMute(_)
            | Request::SetMicrophoneMute(_)
            | Request::GetSpeakerMute(_)
            | Request::SetSpeakerMute(_)
            | Request::GetSpeakerVolume(_)
            | Request::SetSpeakerVolume(_) => EmulationOutcome::answer(Err(Refusal::NotSupported)),
        }
    }

    /// Whether a request is emulated although the phone provides its service: a MakeCall whose digits are still to come, or a
    /// ClearConnection or ClearCall of such a call.
    pub(super) fn claims(&self, request: &ClientRequest, capabilities: &Capabilities) -> bool {
        let state = self.0.as_ref();
        let collections = state.map(|state| &state.collections);
        digit_collection::claims(collections, request, capabilities)
    }

    /// Ends the calls whose interdigit timeout has expired.
    pub(super) fn expire(&mut self, now: Duration) -> EmulationEffects {
        let state = self.0.as_mut();
        state.map_or_else(SmallVec::new, |state| state.collections.expire(now))
    }

    /// The phone's session ended, and with it the running monitors and the calls that wait for digits.
    pub(super) fn session_lost(&mut self) -> EmulationEffects {
        let Some(state) = &mut self.0 else {
            return SmallVec::new();
        };
        state.unstopped = UnstoppedMonitors::default();
        state.collections.session_lost()
    }

    /// The state that the phone's next actor inherits: everything that does not depend on the session.
    pub(super) fn inherited(mut self) -> Self {
        if let Some(state) = &mut self.0 {
            state.collections = DigitCollections::default();
            state.unstopped = UnstoppedMonitors::default();
        }
        self
    }

    /// The phone cannot or will not stop this monitor, so the monitor keeps running.
    pub(super) fn leave_running(&mut self, line: DeviceId, cross_ref: MonitorCrossRefId) {
        self.state().unstopped.add(line, cross_ref);
    }

    /// Removes and returns a monitor of the line that is still running, to be used again.
    pub(super) fn reuse_monitor(&mut self, line: &DeviceId) -> Option<MonitorCrossRefId> {
        self.0.as_mut()?.unstopped.take(line)
    }

    /// Whether any monitor is running that only the end of the session stops.
    pub(super) fn has_unstopped_monitors(&self) -> bool {
        let state = self.0.as_ref();
        state.is_some_and(|state| !state.unstopped.is_empty())
    }

    fn state(&mut self) -> &mut EmulationState {
        self.0.get_or_insert_default()
    }
}

impl EmulationStep {
    /// Why the first step must not be sent, with the line's calls as they are now.
    pub(super) fn refusal(&self, calls: Option<&Calls>) -> Option<Refusal> {
        match self {
            Self::TwoStep(two_step) if two_step.is_at_first() => two_step.refusal(calls),
            _ => None,
        }
    }

    /// The call that is active before a service of two steps.
    pub(super) fn active_call(&self) -> Option<&ConnectionId> {
        match self {
            Self::TwoStep(two_step) => Some(two_step.active()),
            Self::SnapshotCall(_) | Self::DirectedPickupCall | Self::DialDigits(_) => None,
        }
    }

    /// Whether the phone has performed no part of the service yet, so that this step may be repeated.
    pub(super) fn is_first(&self) -> bool {
        match self {
            Self::TwoStep(two_step) => two_step.is_at_first(),
            Self::SnapshotCall(_) | Self::DirectedPickupCall | Self::DialDigits(_) => true,
        }
    }
}
