//! Reconciles the tracked calls of a line with SnapshotDevice: after a gap in the line's events, and from time to time.
//!
//! A readable snapshot overrides each call whose last event precedes the request for the snapshot. Without a gap in the
//! events, the next snapshot must confirm it, since the call's last event may still be on its way. Later events override the
//! snapshot.

use uacsta_schema::csta::{CallState, DeviceCall, DeviceId, Event, Snapshot};

use super::{
    call::{Call, ConnectionState, LONGEST},
    calls::{Calls, MOST},
    event_history::Mark,
};

/// The result of a comparison with a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Reconciled {
    /// ConnectionClearedEvents for calls whose own ConnectionClearedEvent is missing.
    pub(crate) over: Vec<Event>,
    /// Whether to restart the monitor: it did not report a call for longer than an event takes.
    pub(crate) unheard: bool,
}

impl Calls {
    /// The present moment, for a request for a snapshot.
    pub(crate) fn mark(&self) -> Mark {
        self.history.now()
    }

    /// The line's monitor ended: events are missing until another runs.
    pub(crate) fn monitor_lost(&mut self) {
        self.history.gap = true;
        self.history.compared = false;
        for call in &mut self.calls {
            call.reported = true;
        }
    }

    /// Events of the running monitor may be missing.
    pub(crate) fn events_lost(&mut self) {
        self.history.gap = true;
    }

    /// The phone's session ended, and with it the line's monitor.
    pub(crate) fn session_lost(&mut self) {
        self.monitor_lost();
        self.history.restarted = false;
    }

    /// The phone was restarted: its calls are over. A snapshot or the lack of one confirms it, once the monitor runs.
    pub(crate) fn phone_restarted(&mut self) {
        self.history.phone_restarted = Some(self.history.now());
    }

    /// The phone cannot list its calls: removes those from before its restart, and returns their ConnectionClearedEvents.
    pub(crate) fn end_former(&mut self, line: &DeviceId) -> Vec<Event> {
        let Some(restarted) = self.history.phone_restarted.take() else {
            return Vec::new();
        };
        let over = self.end(|call| call.last_event <= restarted).into_iter();
        over.map(|call| call.cleared(line).into()).collect()
    }

    /// Whether a call may have ended without an event.
    pub(crate) fn needs_snapshot(&self) -> bool {
        self.history.gap && !self.is_empty()
    }

    /// Compares the calls with a snapshot that was requested at `asked`: removes ended calls, and adds missing ones.
    pub(crate) fn reconcile(
        &mut self,
        line: &DeviceId,
        snapshot: &Snapshot<DeviceCall>,
        asked: Mark,
    ) -> Reconciled {
        // A snapshot that arrives in segments may be older or newer than the events around it, so it is not compared.
        let Snapshot::Data(listed) = snapshot else {
            return Reconciled::default();
        };
        // An item without a call may stand for any of them, so none is known to be over.
        if !listed.iter().all(|listed| listed.call_id().is_some()) {
            for listed in listed {
                self.add_listed(listed);
            }
            return Reconciled::default();
        }
        let is_listed = |call: &Call| {
            listed
                .iter()
                .any(|listed| listed.call_id() == Some(&*call.id))
        };
        let gap = self.history.gap;
        let is_over = |call: &mut Call| {
            let missing = call.last_event <= asked && !is_listed(call);
            let again = std::mem::replace(&mut call.missing, missing);
            missing && (gap || again)
        };
        let over = self.end(is_over).into_iter();
        let over = over.map(|call| call.cleared(line).into()).collect();
        let unreported = self
            .calls
            .iter()
            .any(|call| !call.reported && is_listed(call));
        let unheard = unreported && self.history.compared && !self.history.restarted;
        for listed in listed {
            self.add_listed(listed);
        }
        self.history.gap = false;
        self.history.phone_restarted = None;
        self.history.compared = true;
        self.history.restarted |= unheard;
        Reconciled { over, unheard }
    }

    /// Adds a call without events, unless the call has ended.
    fn add_listed(&mut self, listed: &DeviceCall) {
        let Some(id) = listed.call_id() else { return };
        let state = match &listed.local_call_state {
            Some(CallState::Compound(states)) => states
                .first()
                .map(|own| ConnectionState::read(own.as_str())),
            _ => None,
        };
        // Null, the state of an ended call, parses as `None`.
        if let Some(state) = state.unwrap_or(Some(ConnectionState::Connected))
            && self.find(id).is_none()
            && self.calls.len() < MOST
            && id.len() <= LONGEST
        {
            self.calls.push(Call {
                // A call of the first snapshot may be older than the monitor.
                reported: !self.history.compared,
                ..Call::new(id, state, self.history.now())
            });
        }
    }
}

#[cfg(test)]
mod tests;
