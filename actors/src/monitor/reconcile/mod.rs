//! Reconciles the tracked calls of a line with SnapshotDevice: after a gap in the line's events, and from time to time.
//!
//! A snapshot that can be read wins over each call whose last event came before the snapshot was asked for; without a gap only if the
//! next one agrees, since the event that ends the call may be on its way. Later events win over it.

use uacsta_schema::csta::{CallState, DeviceCall, DeviceId, Event, Snapshot};

use super::{
    call::{Call, ConnectionState},
    calls::{Calls, MOST},
};

/// A moment between two events of a line.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Mark(u32);

/// What is known of the events of a line.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The moment after the last event.
    now: Mark,
    /// Whether events may have been missed since the last snapshot.
    gap: bool,
    /// Whether a snapshot was taken since the monitor started: calls that a later one has without events are not older than it.
    compared: bool,
    /// Whether the monitor was started again in this session for a call without events; once is enough.
    restarted: bool,
}

/// What a snapshot has shown.
#[derive(Debug, Default)]
pub(crate) struct Reconciled {
    /// The events of the calls that ended unheard.
    pub(crate) over: Vec<Event>,
    /// Whether the phone has a call that the monitor sent no event of, for longer than an event takes.
    pub(crate) unheard: bool,
}

impl Heard {
    /// Another event came; the moment after it.
    pub(super) fn event(&mut self) -> Mark {
        self.now = Mark(self.now.0.wrapping_add(1));
        self.now
    }
}

impl Calls {
    /// The moment at which a snapshot is asked for.
    pub(crate) fn mark(&self) -> Mark {
        self.heard.now
    }

    /// The monitor of the line is lost: events are missed until another runs.
    pub(crate) fn monitor_lost(&mut self) {
        self.heard.gap = true;
        self.heard.compared = false;
        for call in &mut self.calls {
            call.told = true;
        }
    }

    /// The session of the phone is lost, and the monitor of the line with it.
    pub(crate) fn session_lost(&mut self) {
        self.monitor_lost();
        self.heard.restarted = false;
    }

    /// Whether a call may have ended without an event.
    pub(crate) fn needs_snapshot(&self) -> bool {
        self.heard.gap && !self.is_empty()
    }

    /// Compares the calls with a snapshot that was asked for at `asked`: removes those that are over, and adds those that are missing.
    pub(crate) fn reconcile(
        &mut self,
        line: &DeviceId,
        snapshot: &Snapshot<DeviceCall>,
        asked: Mark,
    ) -> Reconciled {
        // A list that follows later tells of another moment than the events around it.
        let Snapshot::Data(listed) = snapshot else {
            return Reconciled::default();
        };
        let is_listed = |call: &Call| {
            listed
                .iter()
                .any(|listed| listed.call_id() == Some(&*call.id))
        };
        let gap = self.heard.gap;
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
        let unheard = untold && self.heard.compared && !self.heard.restarted;
        for listed in listed {
            self.add_listed(listed);
        }
        self.heard.gap = false;
        self.heard.compared = true;
        self.heard.restarted |= unheard;
        Reconciled { over, unheard }
    }

    /// Adds a call that no event has told of, unless it is over.
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
                told: !self.heard.compared,
                ..Call::new(id, state, self.heard.now)
            });
        }
    }
}

#[cfg(test)]
mod tests;
