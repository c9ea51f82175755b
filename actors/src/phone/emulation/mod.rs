//! Emulates services that a phone lacks, from those that it has or from what the server knows of it (ECMA-269).
//!
//! Which services can be emulated, and of what they are made, is a column of the catalogue; [`Emulation::on`] leads to the file
//! of each. The phone's actor carries out what it returns.

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::csta::{
    CallId, ConnectionId, DeviceId, Document, Event, Message, MonitorCrossRefId, Request,
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
mod snapshot;
mod two_step;

#[cfg(test)]
mod tests;

/// The emulated services of one phone. It allocates nothing until one of them is requested.
#[derive(Default)]
pub(super) struct Emulation(Option<Box<EmulationState>>);

/// What emulated services keep between requests.
#[derive(Default)]
struct EmulationState {
    collections: DigitCollections,
    messages: MessagesWaiting,
    unstopped: UnstoppedMonitors,
}

/// What happens to an emulated service.
pub(super) enum EmulationEvent {
    /// A client requests it.
    Requested(Request),
    /// The phone answered the request of a step.
    Answered(EmulationStep, Result<Document, Refusal>),
}

/// What the phone's actor carries out: first what is next, then the effects in their order.
pub(super) struct EmulationOutcome {
    pub(super) next: NextStep,
    pub(super) effects: EmulationEffects,
}

/// How a service goes on.
pub(super) enum NextStep {
    /// Sends the phone a request, whose answer comes back as [`EmulationEvent::Answered`].
    Ask(EmulationStep, Request),
    /// Answers the client.
    Answer(Result<Message, Refusal>),
}

/// What else is to be done.
#[derive(Debug)]
pub(super) enum EmulationEffect {
    /// Sends an event to the subscribers of a line.
    Notify(DeviceId, Event),
    /// Sends the phone a request that takes a step back, after the client has its answer.
    Rollback(Request),
    /// Calls [`Emulation::expire`] at this time.
    WakeAt(Duration),
}

pub(super) type EmulationEffects = SmallVec<[EmulationEffect; 2]>;

/// The service of which the phone performs a step.
pub(super) enum EmulationStep {
    /// AlternateCall, ReconnectCall.
    TwoStep(TwoStep),
    /// SnapshotCall of this call: the phone performs SnapshotDevice.
    SnapshotCall(Option<CallId>),
    /// DirectedPickupCall: the phone calls the feature code.
    DirectedPickup,
    /// The last DialDigits of the call with this connection: the phone calls the whole number.
    DialDigits(ConnectionId),
}

/// What the emulation reads of the phone, and of the line that the request is for.
pub(super) struct PhoneView<'a> {
    pub(super) line: &'a DeviceId,
    /// The line's calls, if it has a monitor point.
    pub(super) calls: Option<&'a Calls>,
    /// Whether the line's monitor runs on the phone, so that `calls` are all of its calls.
    pub(super) is_monitored: bool,
    pub(super) capabilities: &'a Capabilities,
    /// The lines that the phone listed last.
    pub(super) lines: &'a [DeviceId],
    /// Lines that the client may not see.
    pub(super) hidden: &'a [DeviceId],
    pub(super) user_agent: Option<&'a str>,
    /// `phones.pickup`, the feature code that picks up a call.
    pub(super) pickup_code: &'a str,
}

impl Emulation {
    /// Performs an emulated service as far as it goes without the phone.
    pub(super) fn on(
        &mut self,
        event: EmulationEvent,
        phone: &PhoneView<'_>,
        now: Duration,
    ) -> EmulationOutcome {
        match event {
            EmulationEvent::Requested(request) => self.requested(request, phone, now),
            EmulationEvent::Answered(EmulationStep::TwoStep(two_step), answer) => {
                two_step.next(answer.map(drop))
            }
            EmulationEvent::Answered(EmulationStep::SnapshotCall(call), answer) => {
                snapshot::device_answered(call.as_ref(), answer, phone)
            }
            EmulationEvent::Answered(EmulationStep::DirectedPickup, answer) => {
                directed_pickup::call_answered(answer)
            }
            EmulationEvent::Answered(EmulationStep::DialDigits(connection), answer) => self
                .state()
                .collections
                .call_answered(&connection, answer.map(drop)),
        }
    }

    fn requested(
        &mut self,
        request: Request,
        phone: &PhoneView<'_>,
        now: Duration,
    ) -> EmulationOutcome {
        let line = phone.line;
        match request {
            Request::AlternateCall(request) => TwoStep::alternate(&request).start(phone),
            Request::ReconnectCall(request) => TwoStep::reconnect(&request).start(phone),
            Request::SnapshotCall(request) => {
                snapshot::call(request.snapshot_object.call_id, phone)
            }
            Request::SnapshotDevice(_) => EmulationOutcome::answer(snapshot::device(phone)),
            Request::DirectedPickupCall(request) => directed_pickup::call(&request, phone),
            Request::MakeCall(request) => self.state().collections.start(line, request, now),
            Request::DialDigits(request) => self.state().collections.add(line, &request, now),
            Request::ClearConnection(request) => self
                .state()
                .collections
                .clear(line, &request.connection_to_be_cleared),
            Request::GetMessageWaitingIndicator(_) => {
                let messages = self.0.as_ref().map(|state| &state.messages);
                EmulationOutcome::answer(Ok(message_waiting::get(messages, line).into()))
            }
            Request::SetMessageWaitingIndicator(request) => {
                self.state().messages.set(line, request)
            }
            Request::GetLogicalDeviceInformation(_) => {
                EmulationOutcome::answer(Ok(information::logical(phone).into()))
            }
            Request::GetPhysicalDeviceInformation(_) => {
                EmulationOutcome::answer(Ok(information::physical(phone).into()))
            }
            // MonitorStop and SystemRegister are requested by the server alone: `stop_is_ignored` and `Capabilities::provider`.
            _ => EmulationOutcome::answer(Err(Refusal::NotSupported)),
        }
    }

    /// Whether a request is emulated although the phone provides its service: a MakeCall whose digits are still to come, or a
    /// ClearConnection of such a call.
    pub(super) fn claims(&self, request: &ClientRequest, capabilities: &Capabilities) -> bool {
        let state = self.0.as_ref();
        let collections = state.map(|state| &state.collections);
        digit_collection::claims(collections, request, capabilities)
    }

    /// Ends what has waited too long.
    pub(super) fn expire(&mut self, now: Duration) -> EmulationEffects {
        let state = self.0.as_mut();
        state.map_or_else(SmallVec::new, |state| state.collections.expire(now))
    }

    /// The session with the phone is lost, and what hung on it with it.
    pub(super) fn session_lost(&mut self) -> EmulationEffects {
        let Some(state) = &mut self.0 else {
            return SmallVec::new();
        };
        state.unstopped = UnstoppedMonitors::default();
        state.collections.session_lost()
    }

    /// What outlives the phone's actor: what hung on its session does not.
    pub(super) fn inherited(mut self) -> Self {
        if let Some(state) = &mut self.0 {
            state.collections = DigitCollections::default();
            state.unstopped = UnstoppedMonitors::default();
        }
        self
    }

    /// A monitor runs on, since the phone cannot stop it.
    pub(super) fn leave_running(&mut self, line: DeviceId, cross_ref: MonitorCrossRefId) {
        self.state().unstopped.add(line, cross_ref);
    }

    /// A monitor of the line that runs on unneeded; it is needed again now.
    pub(super) fn reuse_monitor(&mut self, line: &DeviceId) -> Option<MonitorCrossRefId> {
        self.0.as_mut()?.unstopped.take(line)
    }

    /// Whether monitors run that only the end of the session stops.
    pub(super) fn has_unstopped_monitors(&self) -> bool {
        let state = self.0.as_ref();
        state.is_some_and(|state| !state.unstopped.is_empty())
    }

    fn state(&mut self) -> &mut EmulationState {
        self.0.get_or_insert_default()
    }
}

impl EmulationOutcome {
    fn ask(step: EmulationStep, request: impl Into<Request>) -> Self {
        Self {
            next: NextStep::Ask(step, request.into()),
            effects: SmallVec::new(),
        }
    }

    fn answer(answer: Result<Message, Refusal>) -> Self {
        Self {
            next: NextStep::Answer(answer),
            effects: SmallVec::new(),
        }
    }

    fn then(mut self, effects: impl IntoIterator<Item = EmulationEffect>) -> Self {
        self.effects.extend(effects);
        self
    }
}

impl EmulationStep {
    /// Whether the phone has done nothing of the service yet, so that this step may be repeated.
    pub(super) fn is_first(&self) -> bool {
        match self {
            Self::TwoStep(two_step) => two_step.is_at_first(),
            Self::SnapshotCall(_) | Self::DirectedPickup | Self::DialDigits(_) => true,
        }
    }
}
