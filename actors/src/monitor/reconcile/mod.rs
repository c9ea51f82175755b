//! Reconciles the tracked calls of a line with SnapshotDevice: after a gap in the line's events, and from time to time.
//!
//! A readable snapshot wins over each call whose last event came before the request for the snapshot; without a gap only if the next
//! snapshot agrees, since the event that ends the call may be on its way. Later events win over the snapshot.

use uacsta_schema::csta::{CallState, DeviceCall, DeviceId, Event, Snapshot};

use super::{
    call::{Call, ConnectionState},
    calls::{Calls, MOST},
    event_history::Mark,
};

/// What follows from a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Reconciled {
    /// The ConnectionClearedEvents of calls that ended without one.
    pub(crate) over: Vec<Event>,
    /// Whether the monitor is to be restarted: it sent no event of a call for longer than an event takes.
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
            call.told = true;
        }
    }

    /// The phone's session ended, and the line's monitor with it.
    pub(crate) fn session_lost(&mut self) {
        self.monitor_lost();
        self.history.restarted = false;
    }

    /// Whether a call may have ended without an event.
    pub(crate) fn needs_snapshot(&self) -> bool {
        self.history.gap && !self.is_empty()
    }

    /// Compares the calls with a snapshot that was requested at `asked`: removes calls that are over, and adds missing ones.
    pub(crate) fn reconcile(
        &mut self,
        line: &DeviceId,
        snapshot: &Snapshot<DeviceCall>,
        asked: Mark,
    ) -> Reconciled {
        // A list that follows in segments is of another moment than the events around it.
        let Snapshot::Data(listed) = snapshot else {
            return Reconciled::default();
        };
        let is_listed = |call: &Call| {
            listed
                .iter()
                .any(|listed| listed.call_id() == Some(&*call.id))
        };
        let gap = self.history.gap;
        let ended = |call: &mut Call| {
            let missing = call.last_event <= asked && !is_listed(call);
            let again = std::mem::replace(&mut call.missing, missing);
            missing && (gap || again)
        };
        let over = self
            .calls
            .extract_if(.., ended)
            .map(|call| call.cleared(line).into())
            .collect();
        let untold = self.calls.iter().any(|call| !call.told && is_listed(call));
        let unheard = untold && self.history.compared && !self.history.restarted;
        for listed in listed {
            self.add_listed(listed);
        }
        self.history.gap = false;
        self.history.compared = true;
        self.history.restarted |= unheard;
        Reconciled { over, unheard }
    }

    /// Adds a call without events, unless it is over.
    fn add_listed(&mut self, listed: &DeviceCall) {
        let Some(id) = listed.call_id() else { return };
        let state = match &listed.local_call_state {
            Some(CallState::Compound(states)) => states
                .first()
                .map(|own| ConnectionState::read(own.as_str())),
            _ => None,
        };
        // Null, which is the state of a call that is over, reads as none.
        if let Some(state) = state.unwrap_or(Some(ConnectionState::Connected))
            && self.find(id).is_none()
            && self.calls.len() < MOST
        {
            self.calls.push(Call {
                // A call of the first snapshot may be older than the monitor.
                told: !self.history.compared,
                ..Call::new(id, state, self.history.now())
            });
        }
    }
}

#[cfg(test)]
mod tests;
