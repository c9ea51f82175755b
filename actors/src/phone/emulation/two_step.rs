//! AlternateCall and ReconnectCall, each as two requests to the phone; a failure of the second rolls back the first
//! (ECMA-269).

use uacsta_schema::csta::{
    AlternateCall, AlternateCallResponse, CallId, ClearConnection, ConnectionId, HoldCall, Message,
    ReconnectCall, ReconnectCallResponse, Request, RetrieveCall,
};

use super::outcome::{EmulationEffect, EmulationOutcome, PhoneView};
use crate::{
    monitor::{Calls, ConnectionState},
    refusal::Refusal,
};

/// The progress of the two requests to the phone.
#[derive(Debug)]
pub(in crate::phone) struct TwoStep {
    service: TwoStepService,
    state: TwoStepState,
    active: ConnectionId,
    held: ConnectionId,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum TwoStepService {
    /// HoldCall of the active call, then RetrieveCall of the held call.
    AlternateCall,
    /// ClearConnection of the active call, then RetrieveCall of the held call.
    ReconnectCall,
}

/// The request that the phone is performing.
#[derive(Debug)]
enum TwoStepState {
    First,
    Second,
    /// The rollback after the second request failed with this refusal.
    Remedy(Refusal),
}

impl TwoStep {
    pub(super) fn alternate(request: &AlternateCall) -> Self {
        Self {
            service: TwoStepService::AlternateCall,
            state: TwoStepState::First,
            active: request.active_call.clone(),
            held: request.held_call.clone(),
        }
    }

    pub(super) fn reconnect(request: &ReconnectCall) -> Self {
        Self {
            service: TwoStepService::ReconnectCall,
            state: TwoStepState::First,
            active: request.active_call.clone(),
            held: request.held_call.clone(),
        }
    }

    /// Sends the first request, unless the service is refused.
    pub(super) fn start(self, phone: &PhoneView<'_>) -> EmulationOutcome<Self> {
        match self.refusal(phone.calls) {
            Some(refusal) => EmulationOutcome::answer(Err(refusal)),
            None => self.ask(),
        }
    }

    /// The service is refused if the call to retrieve is known to be over; ReconnectCall also if it is known not to be on hold,
    /// since a cleared call cannot be restored.
    pub(super) fn refusal(&self, calls: Option<&Calls>) -> Option<Refusal> {
        let (calls, held) = (calls?, self.held.call_id.as_ref()?);
        let active = self.active.call_id.as_ref().map_or("", CallId::as_str);
        let is_elsewhere = || {
            let held = calls.find(held.as_str());
            held.is_some_and(|call| call.state != ConnectionState::Hold)
        };
        let is_refused = calls.is_over(held.as_str(), active)
            || self.service == TwoStepService::ReconnectCall && is_elsewhere();
        is_refused.then_some(Refusal::NotHeld)
    }

    pub(super) fn active(&self) -> &ConnectionId {
        &self.active
    }

    /// Whether the phone has completed neither request.
    pub(super) fn is_at_first(&self) -> bool {
        matches!(self.state, TwoStepState::First)
    }

    /// The phone answered the request.
    pub(super) fn next(self, answer: Result<(), Refusal>) -> EmulationOutcome<Self> {
        match (self.state, answer) {
            (TwoStepState::First, Ok(())) => Self {
                state: TwoStepState::Second,
                ..self
            }
            .ask(),
            (TwoStepState::Second, Ok(())) => EmulationOutcome::answer(Ok(self.service.response())),
            (TwoStepState::First, Err(refusal))
            | (TwoStepState::Second, Err(refusal @ Refusal::Away)) => {
                EmulationOutcome::answer(Err(refusal))
            }
            (TwoStepState::Second, Err(refusal)) => {
                let remedy = Self {
                    state: TwoStepState::Remedy(refusal.clone()),
                    ..self
                };
                match (&refusal, remedy.service) {
                    // The client's deadline has passed: the way back is not waited for.
                    (Refusal::TimedOut, TwoStepService::AlternateCall) => {
                        let rollback = EmulationEffect::Rollback(remedy.request());
                        EmulationOutcome::answer(Err(refusal)).then([rollback])
                    }
                    (Refusal::TimedOut, TwoStepService::ReconnectCall) => {
                        EmulationOutcome::answer(Err(refusal))
                    }
                    _ => remedy.ask(),
                }
            }
            (TwoStepState::Remedy(_), Ok(())) if self.service == TwoStepService::ReconnectCall => {
                EmulationOutcome::answer(Ok(self.service.response()))
            }
            (TwoStepState::Remedy(refusal), _) => EmulationOutcome::answer(Err(refusal)),
        }
    }

    fn ask(self) -> EmulationOutcome<Self> {
        let request = self.request();
        EmulationOutcome::ask(self, request)
    }

    fn request(&self) -> Request {
        match (&self.state, self.service) {
            (TwoStepState::First, TwoStepService::AlternateCall) => HoldCall {
                call_to_be_held: self.active.clone(),
                ..HoldCall::default()
            }
            .into(),
            (TwoStepState::First, TwoStepService::ReconnectCall) => ClearConnection {
                connection_to_be_cleared: self.active.clone(),
                ..ClearConnection::default()
            }
            .into(),
            // A held call is retrieved. A cleared call cannot be restored; RetrieveCall is repeated, since the phone may need
            // a moment before it can retrieve.
            (TwoStepState::Second, _)
            | (TwoStepState::Remedy(_), TwoStepService::ReconnectCall) => retrieve(&self.held),
            (TwoStepState::Remedy(_), TwoStepService::AlternateCall) => retrieve(&self.active),
        }
    }
}

impl TwoStepService {
    fn response(self) -> Message {
        match self {
            Self::AlternateCall => AlternateCallResponse::default().into(),
            Self::ReconnectCall => ReconnectCallResponse::default().into(),
        }
    }
}

fn retrieve(connection: &ConnectionId) -> Request {
    RetrieveCall {
        call_to_be_retrieved: connection.clone(),
    }
    .into()
}
