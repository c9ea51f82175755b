//! The input of an emulated service from the phone, and the effects that the phone's actor carries out.

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::csta::{DeviceId, Event, Message, Request};

use crate::{monitor::Calls, phone::capabilities::Capabilities, refusal::Refusal};

/// The phone's actor carries out first `next`, then the effects in their order. `S` is the state while the phone performs a
/// step.
pub(in crate::phone) struct EmulationOutcome<S> {
    pub(in crate::phone) next: NextStep<S>,
    pub(in crate::phone) effects: EmulationEffects,
}

/// The next step of a service.
pub(in crate::phone) enum NextStep<S> {
    /// Sends the phone a request; its answer returns with the state.
    Ask(S, Request),
    /// Answers the client.
    Answer(Result<Message, Refusal>),
}

/// A further effect.
#[derive(Debug)]
pub(in crate::phone) enum EmulationEffect {
    /// Sends an event to the subscribers of a line.
    Notify(DeviceId, Event),
    /// Sends the phone a request that rolls a step back, after the client has its answer.
    Rollback(Request),
    /// Calls `Emulation::expire` at this time.
    WakeAt(Duration),
}

pub(in crate::phone) type EmulationEffects = SmallVec<[EmulationEffect; 2]>;

/// The phone's and the line's data that emulation uses.
pub(in crate::phone) struct PhoneView<'a> {
    pub(in crate::phone) line: &'a DeviceId,
    /// The line's calls, if it has a monitor point.
    pub(in crate::phone) calls: Option<&'a Calls>,
    /// Whether the line's monitor runs on the phone, so that `calls` is complete.
    pub(in crate::phone) is_monitored: bool,
    pub(in crate::phone) capabilities: &'a Capabilities,
    /// The phone's last list of lines.
    pub(in crate::phone) lines: &'a [DeviceId],
    /// Lines that the client may not see.
    pub(in crate::phone) hidden: &'a [DeviceId],
    pub(in crate::phone) user_agent: Option<&'a str>,
    /// `phones.pickup`, the feature code that picks up a call.
    pub(in crate::phone) pickup_code: &'a str,
}

impl<S> EmulationOutcome<S> {
    pub(super) fn ask(step: S, request: impl Into<Request>) -> Self {
        Self {
            next: NextStep::Ask(step, request.into()),
            effects: SmallVec::new(),
        }
    }

    pub(super) fn answer(answer: Result<Message, Refusal>) -> Self {
        Self {
            next: NextStep::Answer(answer),
            effects: SmallVec::new(),
        }
    }

    /// Says which service the step belongs to.
    pub(super) fn step<T>(self, of: impl FnOnce(S) -> T) -> EmulationOutcome<T> {
        EmulationOutcome {
            next: match self.next {
                NextStep::Ask(step, request) => NextStep::Ask(of(step), request),
                NextStep::Answer(answer) => NextStep::Answer(answer),
            },
            effects: self.effects,
        }
    }

    pub(super) fn then(mut self, effects: impl IntoIterator<Item = EmulationEffect>) -> Self {
        self.effects.extend(effects);
        self
    }
}
