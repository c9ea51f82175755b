//! The calls of one line, tracked from the events of its monitor (ECMA-269, connection state model).

use std::collections::VecDeque;

use uacsta_schema::csta::{
    CallEventSummary, CallState, DeviceCall, DeviceId, Document, Event, EventId,
    LocalConnectionState, Message, Snapshot, SnapshotDeviceResponse, Transition,
};

use super::{
    call::{Call, ConnectionState, LONGEST, fill},
    event_history::EventHistory,
};

/// The calls at a line, the oldest first. Allocates only for a new call or party.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(super) calls: Vec<Call>,
    pub(super) history: EventHistory,
    /// The calls that ended last.
    ended: VecDeque<Box<str>>,
}

/// The maximum number of tracked calls at a line; a new call replaces the oldest one.
pub(super) const MOST: usize = 32;
/// How many ended calls are remembered.
const MOST_ENDED: usize = 8;

impl Calls {
    /// An event of the line's monitor. Returns whether the event is tracked completely: no name in it is too long.
    pub(crate) fn observe(&mut self, line: &DeviceId, event: &Document) -> bool {
        let transition = event.event().and_then(EventId::transition);
        let (Some(transition), Some(summary)) = (transition, event.call_summary()) else {
            return true;
        };
        if summary.call.len() > LONGEST {
            return false;
        }
        match transition {
            Transition::Initiated => self.stands(line, &summary, ConnectionState::Initiated),
            Transition::Alerting => self.stands(line, &summary, ConnectionState::Alerting),
            Transition::Connected => self.stands(line, &summary, ConnectionState::Connected),
            Transition::Hold => self.stands(line, &summary, ConnectionState::Hold),
            Transition::Queued => self.stands(line, &summary, ConnectionState::Queued),
            Transition::Failed => self.stands(line, &summary, ConnectionState::Fail),
            Transition::Cleared => self.left(line, &summary),
            Transition::CallCleared => self.forget(&summary.call),
            // The new calls stand in lists, which only the second pass reads; such events are rare.
            Transition::Joined => self.joined(line, event),
        }
        let names = [&summary.device, &summary.calling, &summary.called];
        let mut names = names.into_iter().flatten();
        names.all(|name| name.len() <= LONGEST)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether the line's own connection of a call is in this state.
    pub(crate) fn has(&self, state: ConnectionState) -> bool {
        self.calls.iter().any(|call| call.state == state)
    }

    /// A call by its identifier.
    pub(crate) fn find(&self, id: &str) -> Option<&Call> {
        self.calls.iter().find(|call| *call.id == *id)
    }

    /// Whether a call is known to be over: it ended, or events and a snapshot report other calls only, among them `another`.
    pub(crate) fn is_over(&self, id: &str, another: &str) -> bool {
        let is_complete = self.history.is_complete() && self.find(another).is_some();
        self.find(id).is_none() && (is_complete || self.ended.iter().any(|ended| **ended == *id))
    }

    /// The data of a SnapshotDevice response for this line.
    pub(crate) fn snapshot(&self, line: &DeviceId) -> SnapshotDeviceResponse {
        let calls = self.calls.iter().map(|call| DeviceCall {
            connection: Some(call.connection(line)),
            endpoint_device: Some(call.endpoint(line)),
            local_call_state: Some(CallState::Compound(
                [call.state]
                    .into_iter()
                    .chain(call.parties.iter().map(|party| party.state))
                    .map(ConnectionState::element)
                    .collect(),
            )),
        });
        SnapshotDeviceResponse {
            data: Snapshot::Data(calls.collect()),
        }
    }

    fn stands(&mut self, line: &DeviceId, summary: &CallEventSummary<'_>, state: ConnectionState) {
        let own = summary
            .device
            .as_deref()
            .is_none_or(|device| line.names(device));
        let local = summary.local.as_deref().and_then(ConnectionState::read);
        let last_event = self.history.event();
        let call = match self.calls.iter().position(|call| *call.id == *summary.call) {
            Some(at) => &mut self.calls[at],
            None => {
                if self.calls.len() == MOST {
                    self.calls.remove(0);
                }
                let first = if own {
                    state
                } else {
                    ConnectionState::Connected
                };
                self.calls.push(Call::new(&summary.call, first, last_event));
                let last = self.calls.len() - 1;
                &mut self.calls[last]
            }
        };
        call.updated(last_event);
        call.reported = true;
        if own {
            call.state = local.unwrap_or(state);
            fill(&mut call.own, summary.device.as_deref());
        } else {
            call.state = local.unwrap_or(call.state);
            if let Some(device) = summary.device.as_deref() {
                call.party(device, state);
            }
        }
        fill(&mut call.calling, summary.calling.as_deref());
        fill(&mut call.called, summary.called.as_deref());
    }

    /// Removes an ended or transferred connection; removes the call if the connection is the line's own.
    fn left(&mut self, line: &DeviceId, summary: &CallEventSummary<'_>) {
        let own = match summary.local.as_deref() {
            Some(local) => LocalConnectionState::from(local) == LocalConnectionState::NULL,
            None => summary
                .device
                .as_deref()
                .is_none_or(|device| line.names(device)),
        };
        if own {
            return self.forget(&summary.call);
        }
        let last_event = self.history.event();
        if let Some(call) = self.calls.iter_mut().find(|call| *call.id == *summary.call) {
            call.updated(last_event);
            call.parties
                .retain(|party| Some(&*party.device) != summary.device.as_deref());
            if let Some(state) = summary.local.as_deref().and_then(ConnectionState::read) {
                call.state = state;
            }
        }
    }

    fn forget(&mut self, id: &str) {
        self.end(|call| *call.id == *id);
    }

    /// Removes and returns calls that ended.
    pub(super) fn end(&mut self, is_over: impl FnMut(&mut Call) -> bool) -> Vec<Call> {
        let over: Vec<Call> = self.calls.extract_if(.., is_over).collect();
        for call in &over {
            self.ended.truncate(MOST_ENDED - 1);
            self.ended.push_front(call.id.clone());
        }
        over
    }

    /// Two calls became one, or one became another.
    fn joined(&mut self, line: &DeviceId, event: &Document) {
        let Ok(Message::Event(reported)) = event.message() else {
            return;
        };
        let (first, second, connections, local, fallback) = match reported.event {
            Event::TransferedEvent(event) => (
                event.primary_old_call,
                event.secondary_old_call,
                event.transferred_connections,
                event.tail.local_connection_info,
                // The line left the call unless another transferred it.
                match event.transferring_device.device() {
                    Some(device) if !line.names(device.as_str()) => LocalConnectionState::CONNECTED,
                    _ => LocalConnectionState::NULL,
                },
            ),
            Event::ConferencedEvent(event) => (
                event.primary_old_call,
                event.secondary_old_call,
                event.conference_connections,
                event.tail.local_connection_info,
                LocalConnectionState::CONNECTED,
            ),
            // In the catalogue no other event joins calls.
            Event::ServiceInitiatedEvent(_)
            | Event::DigitsDialedEvent(_)
            | Event::OriginatedEvent(_)
            | Event::NetworkReachedEvent(_)
            | Event::NetworkCapabilitiesChangedEvent(_)
            | Event::OfferedEvent(_)
            | Event::DeliveredEvent(_)
            | Event::EstablishedEvent(_)
            | Event::HeldEvent(_)
            | Event::RetrievedEvent(_)
            | Event::DivertedEvent(_)
            | Event::FailedEvent(_)
            | Event::QueuedEvent(_)
            | Event::ConnectionClearedEvent(_)
            | Event::CallClearedEvent(_)
            | Event::DigitsGeneratedEvent(_)
            | Event::DoNotDisturbEvent(_)
            | Event::ForwardingEvent(_)
            | Event::MessageWaitingEvent(_)
            | Event::MicrophoneMuteEvent(_)
            | Event::SpeakerMuteEvent(_)
            | Event::SpeakerVolumeEvent(_)
            | Event::BackInServiceEvent(_)
            | Event::OutOfServiceEvent(_) => return,
        };
        let old = [Some(first), second].map(|old| old.and_then(|old| old.call_id));
        let is_old = |call: &Call| old.iter().flatten().any(|old| old.as_str() == &*call.id);
        let Some(at) = self.calls.iter().position(is_old) else {
            return;
        };
        let new_connections = connections
            .iter()
            .filter_map(|item| item.new_connection.as_ref());
        let mut new_calls = new_connections.filter_map(|new| new.call_id.as_ref());
        let is_tracked = new_calls.all(|id| id.as_str().len() <= LONGEST);
        let state = ConnectionState::read(local.unwrap_or(fallback).as_str());
        let Some(state) = state.filter(|_| is_tracked) else {
            self.end(|call| is_old(call));
            return;
        };
        let mut call = self.calls.remove(at);
        self.end(|call| is_old(call));
        call.became(line, state, &connections);
        call.updated(self.history.event());
        self.calls.insert(at.min(self.calls.len()), call);
    }
}

#[cfg(test)]
pub(super) mod tests;
