//! The course of a call via the office, as a pure function: what has happened, and what is to be done next.

use smallvec::{SmallVec, smallvec};
use uacsta_schema::csta::{CallId, ConnectionId, EventCause};

/// How far a call has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Course {
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
pub(super) enum Fact {
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
pub(super) enum Deed {
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

impl Course {
    /// Goes on.
    pub(super) fn on(&mut self, fact: &Fact) -> SmallVec<[Deed; 3]> {
        let (next, deeds) = match (&*self, fact) {
            (Self::Calling, Fact::Done(user)) => {
                (Self::Ringing { user: user.clone() }, SmallVec::new())
            }
            (Self::Ringing { user }, Fact::Answered(call)) if is(user, call) => (
                Self::Consulting { user: user.clone() },
                smallvec![Deed::Consult(user.clone())],
            ),
            (Self::Consulting { user }, Fact::Done(destination)) => (
                Self::Offering {
                    user: user.clone(),
                    destination: destination.clone(),
                },
                SmallVec::new(),
            ),
            (Self::Offering { user, destination }, Fact::Answered(call))
                if is(destination, call) =>
            {
                (
                    Self::Transferring {
                        user: user.clone(),
                        destination: destination.clone(),
                    },
                    smallvec![Deed::Transfer {
                        held: user.clone(),
                        active: destination.clone(),
                    }],
                )
            }
            (Self::Transferring { .. }, Fact::Done(_)) => (Self::Over, smallvec![Deed::Connected]),
            // The end of both calls at the desk phone is part of the transfer.
            (Self::Transferring { .. }, Fact::Ended(_)) => return SmallVec::new(),
            (_, Fact::Ended(call)) if !self.calls().any(|known| is(known, call)) => {
                return SmallVec::new();
            }
            (Self::Over, _) | (_, Fact::Answered(_) | Fact::Done(_)) => return SmallVec::new(),
            (_, Fact::Refused | Fact::Ended(_) | Fact::Late | Fact::Lost) => {
                (Self::Over, self.undone(fact))
            }
        };
        *self = next;
        deeds
    }

    /// What takes back what was done so far: the calls are left, the last one first.
    fn undone(&self, fact: &Fact) -> SmallVec<[Deed; 3]> {
        let ended = |call: &ConnectionId| matches!(fact, Fact::Ended(ended) if is(call, ended));
        let failed = self
            .calls()
            .find(|call| ended(call))
            .or_else(|| self.calls().next());
        let cause = match fact {
            Fact::Late => EventCause::CALL_NOT_ANSWERED,
            Fact::Ended(_) => EventCause::CALL_CANCELLED,
            _ => EventCause::RESOURCES_NOT_AVAILABLE,
        };
        let mut deeds: SmallVec<[Deed; 3]> = match fact {
            Fact::Lost => SmallVec::new(),
            // A call that failed may still sound its busy tone: it is left as well.
            _ => self.calls().cloned().map(Deed::Clear).collect(),
        };
        deeds.push(Deed::Failed(failed.cloned(), cause));
        deeds
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

    /// Facts as words, and the deeds that follow each: `made 1`, `consult 1` ...
    #[track_caller]
    fn goes(facts: &[(&str, &[&str])]) {
        let mut course = Course::Calling;
        for (fact, expected) in facts {
            let (name, id) = fact.split_once(' ').unwrap_or((fact, ""));
            let deeds = course.on(&match name {
                "done" => Fact::Done(at(id)),
                "refused" => Fact::Refused,
                "answered" => Fact::Answered(call(id)),
                "ended" => Fact::Ended(call(id)),
                "late" => Fact::Late,
                _ => Fact::Lost,
            });
            let name = |connection: &ConnectionId| {
                connection
                    .call_id
                    .as_ref()
                    .map_or_else(String::new, |call| call.as_str().to_owned())
            };
            let words: Vec<String> = deeds
                .iter()
                .map(|deed| match deed {
                    Deed::Consult(call) => format!("consult {}", name(call)),
                    Deed::Transfer { held, active } => {
                        format!("transfer {} {}", name(held), name(active))
                    }
                    Deed::Clear(call) => format!("clear {}", name(call)),
                    Deed::Connected => "connected".to_owned(),
                    Deed::Failed(call, cause) => format!(
                        "failed {} {}",
                        call.as_ref().map_or_else(String::new, name),
                        cause.as_str()
                    ),
                })
                .collect();
            assert_eq!(words, *expected, "{fact} of {facts:?}");
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
    fn each_failure_is_undone_and_told() {
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
