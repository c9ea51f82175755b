//! The calls of one line, kept from the events of its monitor (ECMA-269, connection state model).

use uacsta_schema::csta::{
    CallState, DeviceCall, DeviceId, Document, Event, LocalConnectionState, Message, Progress,
    Snapshot, SnapshotDeviceResponse,
};

use super::call::{Call, Doubt, State, fill};

/// The calls at a line, the oldest first. Nothing is allocated while there are none, nor for an event that only changes a state.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

/// The most calls that a line is followed in; an older one is forgotten for a newer.
const MOST: usize = 32;

impl Calls {
    /// An event of the line's monitor.
    pub(super) fn observe(&mut self, line: &DeviceId, event: &Document) {
        let Some(progress) = event.progress() else {
            return;
        };
        match event.name() {
            "ServiceInitiatedEvent" | "DigitsDialedEvent" => {
                self.stands(line, &progress, State::Initiated);
            }
            "OriginatedEvent" | "NetworkReachedEvent" | "EstablishedEvent" | "RetrievedEvent" => {
                self.stands(line, &progress, State::Connected);
            }
            "OfferedEvent" | "DeliveredEvent" => self.stands(line, &progress, State::Alerting),
            "HeldEvent" => self.stands(line, &progress, State::Hold),
            "QueuedEvent" => self.stands(line, &progress, State::Queued),
            "FailedEvent" => self.stands(line, &progress, State::Fail),
            "ConnectionClearedEvent" | "DivertedEvent" => self.left(line, &progress),
            "CallClearedEvent" => self.forget(&progress.call),
            // The new calls stand in lists, which only the second pass reads; such events are rare.
            _ => self.joined(line, event),
        }
    }

    /// The phone or its session is lost: what becomes of the calls is not heard.
    pub(super) fn lost(&mut self) {
        for call in &mut self.0 {
            call.doubt = Doubt::Full;
            call.heard = true;
        }
    }

    /// The calls were not heard of for a while.
    pub(super) fn grown_old(&mut self) {
        for call in &mut self.0 {
            call.doubt = match call.doubt {
                Doubt::None => Doubt::Some,
                Doubt::Some | Doubt::Full => Doubt::Full,
            };
        }
    }

    /// Whether a call may be over without an event that said so.
    pub(super) fn doubtful(&self) -> bool {
        self.0.iter().any(|call| call.doubt > Doubt::None)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares with what the phone says: forgets the doubtful calls that are gone, and returns the events that tell of it.
    pub(super) fn compared(&mut self, line: &DeviceId, there: &[DeviceCall]) -> Vec<Event> {
        let mut over = Vec::new();
        self.0.retain_mut(|call| {
            let known = there.iter().any(|known| known.call_id() == Some(&*call.id));
            if known {
                call.doubt = Doubt::None;
            }
            if call.doubt < Doubt::Full {
                return true;
            }
            over.push(call.cleared(line).into());
            false
        });
        over
    }

    /// Takes up the calls that the phone lists and no event told of; `before` says that they may be older than the monitor.
    pub(super) fn take_up(&mut self, there: &[DeviceCall], before: bool) {
        for told in there {
            let Some(id) = told.call_id() else { continue };
            let state = match &told.local_call_state {
                Some(CallState::Compound(states)) => {
                    states.first().map(|own| State::read(own.as_str()))
                }
                _ => None,
            };
            // Null is the state of a call that is over.
            if let Some(state) = state.unwrap_or(Some(State::Connected))
                && self.find(id).is_none()
                && self.0.len() < MOST
            {
                self.0.push(Call {
                    heard: before,
                    ..Call::new(id, state)
                });
            }
        }
    }

    /// Whether the phone still lists a call that no event has told of since it was taken up.
    pub(super) fn unheard(&self, there: &[DeviceCall]) -> bool {
        let unheard = |told: &DeviceCall| {
            let call = told.call_id().and_then(|id| self.find(id));
            call.is_some_and(|call| !call.heard)
        };
        there.iter().any(unheard)
    }

    /// A call by its identifier.
    pub(super) fn find(&self, id: &str) -> Option<&Call> {
        self.0.iter().find(|call| *call.id == *id)
    }

    /// What SnapshotDevice answers of this line.
    pub(super) fn snapshot(&self, line: &DeviceId) -> SnapshotDeviceResponse {
        let calls = self.0.iter().map(|call| DeviceCall {
            connection: Some(call.connection(line)),
            endpoint_device: Some(call.endpoint(line)),
            local_call_state: Some(CallState::Compound(
                [call.state]
                    .into_iter()
                    .chain(call.parties.iter().map(|party| party.state))
                    .map(State::element)
                    .collect(),
            )),
        });
        SnapshotDeviceResponse {
            data: Snapshot::Data(calls.collect()),
        }
    }

    fn stands(&mut self, line: &DeviceId, progress: &Progress<'_>, state: State) {
        let own = progress
            .device
            .as_deref()
            .is_none_or(|device| line.names(device));
        let local = progress.local.as_deref().and_then(State::read);
        let call = match self.0.iter().position(|call| *call.id == *progress.call) {
            Some(at) => &mut self.0[at],
            None => {
                if self.0.len() == MOST {
                    self.0.remove(0);
                }
                let first = if own { state } else { State::Connected };
                self.0.push(Call::new(&progress.call, first));
                let last = self.0.len() - 1;
                &mut self.0[last]
            }
        };
        call.doubt = Doubt::None;
        call.heard = true;
        if own {
            call.state = local.unwrap_or(state);
            fill(&mut call.own, progress.device.as_deref());
        } else {
            call.state = local.unwrap_or(call.state);
            if let Some(device) = progress.device.as_deref() {
                call.party(device, state);
            }
        }
        fill(&mut call.calling, progress.calling.as_deref());
        fill(&mut call.called, progress.called.as_deref());
    }

    /// A connection ended, or went elsewhere: the call is over at the line if it was the line's own.
    fn left(&mut self, line: &DeviceId, progress: &Progress<'_>) {
        let own = match progress.local.as_deref() {
            Some(local) => local == LocalConnectionState::NULL.as_str(),
            None => progress
                .device
                .as_deref()
                .is_none_or(|device| line.names(device)),
        };
        if own {
            return self.forget(&progress.call);
        }
        if let Some(call) = self.0.iter_mut().find(|call| *call.id == *progress.call) {
            call.doubt = Doubt::None;
            call.parties
                .retain(|party| Some(&*party.device) != progress.device.as_deref());
            if let Some(state) = progress.local.as_deref().and_then(State::read) {
                call.state = state;
            }
        }
    }

    fn forget(&mut self, id: &str) {
        self.0.retain(|call| *call.id != *id);
    }

    /// Two calls became one, or one became another.
    fn joined(&mut self, line: &DeviceId, event: &Document) {
        let (first, second, connections, local, fallback) = match event.message() {
            Ok(Message::Event(Event::TransferedEvent(event))) => (
                event.primary_old_call,
                event.secondary_old_call,
                event.transferred_connections,
                event.local_connection_info,
                // The line left the call unless another transferred it.
                match event.transferring_device.device() {
                    Some(device) if !line.names(device.as_str()) => LocalConnectionState::CONNECTED,
                    _ => LocalConnectionState::NULL,
                },
            ),
            Ok(Message::Event(Event::ConferencedEvent(event))) => (
                event.primary_old_call,
                event.secondary_old_call,
                event.conference_connections,
                event.local_connection_info,
                LocalConnectionState::CONNECTED,
            ),
            _ => return,
        };
        let old = [Some(first), second].map(|old| old.and_then(|old| old.call_id));
        let is_old = |call: &Call| old.iter().flatten().any(|old| old.as_str() == &*call.id);
        let Some(at) = self.0.iter().position(is_old) else {
            return;
        };
        let state = State::read(local.unwrap_or(fallback).as_str());
        let Some(state) = state else {
            return self.0.retain(|call| !is_old(call));
        };
        let mut call = self.0.remove(at);
        self.0.retain(|call| !is_old(call));
        call.became(line, state, &connections);
        self.0.insert(at.min(self.0.len()), call);
    }
}

#[cfg(test)]
mod tests;
