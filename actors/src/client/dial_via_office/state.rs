//! The state of a call via the office, as a pure function: what has happened, and what is to be done next.

use smallvec::{SmallVec, smallvec};
use uacsta_schema::csta::{CallId, ConnectionId, EventCause};

/// How far a call has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum DialState {
    /// The desk phone was asked to call the user.
    Calling,
    /// The user is being called.
    Ringing { user: ConnectionId },
    /// The user has answered, and the desk phone was asked to consult the destination.
    Consulting { user: ConnectionId },
    /// The destination is being called.
    Offering {
        user: ConnectionId,
        destination: ConnectionId,
    },
    /// The destination has answered, and the desk phone was asked to connect the two.
    Transferring {
        user: ConnectionId,
        destination: ConnectionId,
    },
    /// Nothing more is to be done.
    Over,
}

/// What has happened.
#[derive(Clone, Debug)]
pub(super) enum DialEvent {
    /// The desk phone did what it was asked; the connection is that of the call which it began by that, or leads on.
    Done(ConnectionId),
    /// The desk phone refused what it was asked.
    Refused,
    /// A call was answered.
    Answered(CallId),
    /// A party left a call, or it failed; the cause is known where the phone itself has told of a failure.
    Ended(CallId),
    /// A call was not answered in time.
    Late,
    /// The desk phone is gone.
    Lost,
}

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum DialAction {
    /// Have the phone consult the destination in this call.
    Consult(ConnectionId),
    /// Have the phone connect the parties of both.
    Transfer {
        held: ConnectionId,
        active: ConnectionId,
    },
    /// Have the phone leave this call.
    Clear(ConnectionId),
    /// The two are connected.
    Connected,
    /// It came to nothing, for this reason; the connection is that of the call that failed, as far as there is one.
    Failed(Option<ConnectionId>, EventCause),
}

impl DialState {
    /// Goes on.
    pub(super) fn on(&mut self, event: &DialEvent) -> SmallVec<[DialAction; 3]> {
        let (next, actions) = match (&*self, event) {
            (Self::Calling, DialEvent::Done(user)) => {
                (Self::Ringing { user: user.clone() }, SmallVec::new())
            }
            (Self::Ringing { user }, DialEvent::Answered(call)) if is(user, call) => (
                Self::Consulting { user: user.clone() },
                smallvec![DialAction::Consult(user.clone())],
            ),
            (Self::Consulting { user }, DialEvent::Done(destination)) => (
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
            (Self::Transferring { .. }, DialEvent::Done(_)) => {
                (Self::Over, smallvec![DialAction::Connected])
            }
            // The end of both calls at the desk phone is part of the transfer.
            (Self::Transferring { .. }, DialEvent::Ended(_)) => return SmallVec::new(),
            (_, DialEvent::Ended(call)) if !self.calls().any(|known| is(known, call)) => {
                return SmallVec::new();
            }
            (Self::Over, _) | (_, DialEvent::Answered(_) | DialEvent::Done(_)) => {
                return SmallVec::new();
            }
            (_, DialEvent::Refused | DialEvent::Ended(_) | DialEvent::Late | DialEvent::Lost) => {
                (Self::Over, self.rollback(event))
            }
        };
        *self = next;
        actions
    }

    /// What takes back what was done so far: the calls are left, the last one first.
    fn rollback(&self, event: &DialEvent) -> SmallVec<[DialAction; 3]> {
        let ended =
            |call: &ConnectionId| matches!(event, DialEvent::Ended(ended) if is(call, ended));
        let failed = self
            .calls()
            .find(|call| ended(call))
            .or_else(|| self.calls().next());
        let cause = match event {
            DialEvent::Late => EventCause::CALL_NOT_ANSWERED,
            DialEvent::Ended(_) => EventCause::CALL_CANCELLED,
            _ => EventCause::RESOURCES_NOT_AVAILABLE,
        };
        let mut actions: SmallVec<[DialAction; 3]> = match event {
            DialEvent::Lost => SmallVec::new(),
            // A call that failed may still sound its busy tone: it is left as well.
            _ => self.calls().cloned().map(DialAction::Clear).collect(),
        };
        actions.push(DialAction::Failed(failed.cloned(), cause));
        actions
    }

    /// The calls that there are, the last one first.
    fn calls(&self) -> impl Iterator<Item = &ConnectionId> {
        let (last, first) = match self {
            Self::Calling | Self::Over => (None, None),
            Self::Ringing { user } | Self::Consulting { user } => (None, Some(user)),
            Self::Offering { user, destination } | Self::Transferring { user, destination } => {
                (Some(destination), Some(user))
            }
        };
        last.into_iter().chain(first)
    }
}

/// Whether a connection is one of a call.
fn is(connection: &ConnectionId, call: &CallId) -> bool {
    connection.call_id.as_ref() == Some(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(call: &str) -> ConnectionId {
        ConnectionId::new(call.to_owned(), "215".to_owned())
    }

    fn call(id: &str) -> CallId {
        CallId::from(id.to_owned())
    }

    /// Facts as words, and the actions that follow each: `made 1`, `consult 1` ...
    #[track_caller]
    fn goes(events: &[(&str, &[&str])]) {
        let mut state = DialState::Calling;
        for (event, expected) in events {
            let (name, id) = event.split_once(' ').unwrap_or((event, ""));
            let actions = state.on(&match name {
                "done" => DialEvent::Done(at(id)),
                "refused" => DialEvent::Refused,
                "answered" => DialEvent::Answered(call(id)),
                "ended" => DialEvent::Ended(call(id)),
                "late" => DialEvent::Late,
                _ => DialEvent::Lost,
            });
            let name = |connection: &ConnectionId| {
                connection
                    .call_id
                    .as_ref()
                    .map_or_else(String::new, |call| call.as_str().to_owned())
            };
            let words: Vec<String> = actions
                .iter()
                .map(|action| match action {
                    DialAction::Consult(call) => format!("consult {}", name(call)),
                    DialAction::Transfer { held, active } => {
                        format!("transfer {} {}", name(held), name(active))
                    }
                    DialAction::Clear(call) => format!("clear {}", name(call)),
                    DialAction::Connected => "connected".to_owned(),
                    DialAction::Failed(call, cause) => format!(
                        "failed {} {}",
                        call.as_ref().map_or_else(String::new, name),
                        cause.as_str()
                    ),
                })
                .collect();
            assert_eq!(words, *expected, "{event} of {events:?}");
        }
    }

    #[test]
    fn the_user_is_called_then_the_destination_then_both_are_connected() {
        goes(&[
            ("done 1", &[]),
            ("answered 9", &[]),
            ("answered 1", &["consult 1"]),
            ("done 2", &[]),
            ("answered 2", &["transfer 1 2"]),
            ("ended 1", &[]),
            ("done 3", &["connected"]),
            ("ended 3", &[]),
        ]);
    }

    #[test]
    fn each_failure_is_rolled_back_and_reported() {
        let no = "failed 1 resourcesNotAvailable";
        goes(&[("refused", &["failed  resourcesNotAvailable"])]);
        goes(&[
            ("done 1", &[]),
            ("ended 1", &["clear 1", "failed 1 callCancelled"]),
        ]);
        goes(&[
            ("done 1", &[]),
            ("late", &["clear 1", "failed 1 callNotAnswered"]),
        ]);
        goes(&[("done 1", &[]), ("lost", &[no])]);
        goes(&[
            ("done 1", &[]),
            ("answered 1", &["consult 1"]),
            ("refused", &["clear 1", no]),
        ]);
        goes(&[
            ("done 1", &[]),
            ("answered 1", &["consult 1"]),
            ("done 2", &[]),
            ("ended 2", &["clear 2", "clear 1", "failed 2 callCancelled"]),
            ("ended 1", &[]),
        ]);
        goes(&[
            ("done 1", &[]),
            ("answered 1", &["consult 1"]),
            ("done 2", &[]),
            ("ended 1", &["clear 2", "clear 1", "failed 1 callCancelled"]),
        ]);
        goes(&[
            ("done 1", &[]),
            ("answered 1", &["consult 1"]),
            ("done 2", &[]),
            ("answered 2", &["transfer 1 2"]),
            (
                "refused",
                &["clear 2", "clear 1", "failed 2 resourcesNotAvailable"],
            ),
        ]);
    }
}
