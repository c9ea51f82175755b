//! A call and its parties.

use uacsta_schema::csta::{CallId, DeviceId, LocalConnectionState, RedirectionDevice};

use super::{LineId, routing::OutsideBehavior};

/// Identifies a call within the PBX.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct CallKey(pub(super) u64);

pub(super) struct Call {
    pub(super) calling: DeviceId,
    /// The number called first, whoever answers.
    pub(super) called: DeviceId,
    pub(super) redirected: RedirectionDevice,
    pub(super) parties: Vec<Party>,
}

/// One end of a call.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) end: End,
    pub(super) state: State,
    /// The line's CallID; empty for outside parties.
    pub(super) id: CallId,
}

#[derive(Clone, Debug)]
pub(super) enum End {
    Line(LineId),
    Outside(DeviceId, OutsideBehavior),
}

/// The state of a connection (ECMA-269, connection state model).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Initiated,
    Alerting,
    Connected,
    Held,
    Failed,
    Gone,
}

impl Call {
    pub(super) fn party(&self, line: LineId) -> Option<&Party> {
        self.parties.iter().find(|party| party.is(line))
    }

    pub(super) fn party_mut(&mut self, line: LineId) -> Option<&mut Party> {
        self.parties.iter_mut().find(|party| party.is(line))
    }

    pub(super) fn others(&self, line: LineId) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(move |party| !party.is(line))
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = LineId> {
        self.parties.iter().filter_map(|party| match party.end {
            End::Line(line) => Some(line),
            End::Outside(..) => None,
        })
    }

    /// The outside party in this state.
    pub(super) fn outside(&mut self, state: State) -> Option<&mut Party> {
        self.parties
            .iter_mut()
            .find(|party| party.state == state && matches!(party.end, End::Outside(..)))
    }

    /// Whether another party is connected or on hold.
    pub(super) fn is_established_for(&self, line: LineId) -> bool {
        self.others(line)
            .any(|other| matches!(other.state, State::Connected | State::Held))
    }

    pub(super) fn leave(&mut self, line: LineId) {
        self.parties.retain(|party| !party.is(line));
    }
}

impl Party {
    pub(super) fn is(&self, line: LineId) -> bool {
        matches!(self.end, End::Line(own) if own == line)
    }
}

impl State {
    pub(super) fn local(self) -> LocalConnectionState {
        match self {
            Self::Initiated => LocalConnectionState::INITIATED,
            Self::Alerting => LocalConnectionState::ALERTING,
            Self::Connected => LocalConnectionState::CONNECTED,
            Self::Held => LocalConnectionState::HOLD,
            Self::Failed => LocalConnectionState::FAIL,
            Self::Gone => LocalConnectionState::NULL,
        }
    }
}
