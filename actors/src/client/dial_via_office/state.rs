//! The states of a call via the office: events in, actions out.

use smallvec::{SmallVec, smallvec};
use uacsta_schema::csta::{CallId, ConnectionId, EventCause, Failure};

/// The progress of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum DialState {
    /// The line's monitor starts.
    Monitoring,
    /// The desk phone was requested to call the user.
    Calling,
    /// The user's phone rings.
    Ringing { user: ConnectionId },
    /// The user has answered, and the desk phone was requested to consult the destination.
    Consulting { user: ConnectionId },
    /// The destination rings.
    Offering {
        user: ConnectionId,
        destination: ConnectionId,
    },
    /// The destination has answered, and the desk phone was requested to connect the two.
    Transferring {
        user: ConnectionId,
        destination: ConnectionId,
    },
    /// Connected or failed.
    Over,
}

/// An input of the state machine.
#[derive(Clone, Debug)]
pub(super) enum DialEvent {
    /// The line's monitor is running.
    InService,
    /// The desk phone started a call by MakeCall or ConsultationCall.
    Started(ConnectionId),
    /// The desk phone connected the user and the destination.
    Transferred,
    /// The desk phone left a call.
    Cleared,
    /// The desk phone rejected a request, perhaps with a CSTA error.
    Rejected(Option<Failure>),
    /// A call was answered.
    Answered(CallId),
    /// A party left a call, or the call failed.
    Ended(CallId),
    /// The state has lasted too long: no monitor started, or nobody answered.
    TimedOut,
    /// The desk phone is away.
    Lost,
}

/// An action of the interpreter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum DialAction {
    /// Requests the desk phone to call the user.
    Call,
    /// Requests the desk phone to consult the destination in this call.
    Consult(ConnectionId),
    /// Requests the desk phone to connect the parties of both calls.
    Transfer {
        held: ConnectionId,
        active: ConnectionId,
    },
    /// Requests the desk phone to leave this call.
    Clear(ConnectionId),
    /// Responds to the client's MakeCall: the call has started.
    Accept(ConnectionId),
    /// Responds to the client's MakeCall with an error.
    Reject(Failure),
    /// The user and the destination are connected.
    Connected,
    /// The call failed; the connection is that of the failed call, if known.
    Failed(Option<ConnectionId>, EventCause),
}

pub(super) type DialActions = SmallVec<[DialAction; 3]>;

impl DialState {
    pub(super) fn on(&self, event: &DialEvent) -> (Self, DialActions) {
        match (self, event) {
            (Self::Monitoring, DialEvent::InService) => {
                (Self::Calling, smallvec![DialAction::Call])
            }
            (Self::Calling, DialEvent::Started(user)) => {
                (Self::Ringing { user: user.clone() }, SmallVec::new())
            }
            (Self::Ringing { user }, DialEvent::Answered(call)) if is(user, call) => (
                Self::Consulting { user: user.clone() },
                smallvec![DialAction::Consult(user.clone())],
            ),
            (Self::Consulting { user }, DialEvent::Started(destination)) => (
                Self::Offering {
                    user: user.clone(),
                    destination: destination.clone(),
                },
                SmallVec::new(),
            ),
            (Self::Offering { user, destination }, DialEvent::Answered(call))
                if is(destination, call) =>
            {
                (
                    Self::Transferring {
                        user: user.clone(),
                        destination: destination.clone(),
                    },
                    smallvec![DialAction::Transfer {
                        held: user.clone(),
                        active: destination.clone(),
                    }],
                )
            }
            (Self::Transferring { .. }, DialEvent::Transferred) => {
                (Self::Over, smallvec![DialAction::Connected])
            }
            // The desk phone leaves both calls as part of the transfer.
            (Self::Transferring { .. }, DialEvent::Ended(_)) => self.unchanged(),
            // The call failed during the request: the late call is cleared.
            (Self::Over, DialEvent::Started(call)) => {
                (Self::Over, smallvec![DialAction::Clear(call.clone())])
            }
            (Self::Over, _) => self.unchanged(),
            (_, DialEvent::Ended(call)) if !self.calls().any(|known| is(known, call)) => {
                self.unchanged()
            }
            (
                _,
                DialEvent::Rejected(_)
                | DialEvent::Ended(_)
                | DialEvent::TimedOut
                | DialEvent::Lost,
            ) => (Self::Over, self.failure(event)),
            _ => self.unchanged(),
        }
    }

    fn unchanged(&self) -> (Self, DialActions) {
        (self.clone(), SmallVec::new())
    }

    /// Clears the calls, the newest first, and reports the failure.
    fn failure(&self, event: &DialEvent) -> DialActions {
        let has_ended =
            |call: &ConnectionId| matches!(event, DialEvent::Ended(ended) if is(call, ended));
        let failed = self
            .calls()
            .find(|call| has_ended(call))
            .or_else(|| self.calls().next());
        let cause = match (self, event) {
            (Self::Ringing { .. } | Self::Offering { .. }, DialEvent::TimedOut) => {
                EventCause::CALL_NOT_ANSWERED
            }
            (_, DialEvent::Ended(_)) => EventCause::CALL_CANCELLED,
            _ => EventCause::RESOURCES_NOT_AVAILABLE,
        };
        let mut actions: DialActions = match event {
            DialEvent::Lost => SmallVec::new(),
            // A failed call may still play its busy tone, so it is cleared as well.
            _ => self.calls().cloned().map(DialAction::Clear).collect(),
        };
        actions.push(DialAction::Failed(failed.cloned(), cause));
        actions
    }

    /// The existing calls, the newest first.
    fn calls(&self) -> impl Iterator<Item = &ConnectionId> {
        let (last, first) = match self {
            Self::Monitoring | Self::Calling | Self::Over => (None, None),
            Self::Ringing { user } | Self::Consulting { user } => (None, Some(user)),
            Self::Offering { user, destination } | Self::Transferring { user, destination } => {
                (Some(destination), Some(user))
            }
        };
        last.into_iter().chain(first)
    }
}

impl DialAction {
    pub(super) fn is_request(&self) -> bool {
        matches!(
            self,
            Self::Call | Self::Consult(_) | Self::Transfer { .. } | Self::Clear(_)
        )
    }
}

/// Whether a connection belongs to a call.
fn is(connection: &ConnectionId, call: &CallId) -> bool {
    connection.call_id.as_ref() == Some(call)
}
