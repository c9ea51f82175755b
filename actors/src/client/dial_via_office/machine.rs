//! The state machine of a call via the office with its requests: when the client gets its response, and when all is over.

use smallvec::{SmallVec, smallvec};
use uacsta_schema::csta::CallId;

use super::state::{DialAction, DialActions, DialEvent, DialState};
use crate::refusal::Refusal;

/// A call via the office, with its pending requests.
#[derive(Debug)]
pub(super) struct DialMachine {
    state: DialState,
    /// Whether the client's MakeCall has no response yet.
    client_waits: bool,
    /// Calls that were answered before the response that identifies the call.
    answered_early: Vec<CallId>,
    /// Requests to the desk phone without a response.
    outstanding: usize,
}

/// How many early answers are stored.
const MAX_ANSWERED_EARLY: usize = 8;

impl DialMachine {
    pub(super) fn new() -> Self {
        Self {
            state: DialState::Monitoring,
            client_waits: true,
            answered_early: Vec::new(),
            outstanding: 0,
        }
    }

    pub(super) fn state(&self) -> &DialState {
        &self.state
    }

    /// Whether the call is over and every request has its response.
    pub(super) fn is_over(&self) -> bool {
        self.state == DialState::Over && self.outstanding == 0
    }

    pub(super) fn on(&mut self, event: &DialEvent) -> DialActions {
        let is_response = matches!(
            event,
            DialEvent::Started(_)
                | DialEvent::Transferred
                | DialEvent::Cleared
                | DialEvent::Rejected(_)
        );
        self.outstanding -= usize::from(is_response && self.outstanding > 0);
        self.remember(event);
        let mut actions = self.respond(event);
        let (next, more) = self.state.on(event);
        self.outstanding += more.iter().filter(|action| action.is_request()).count();
        actions.extend(more);
        self.state = next;
        if let Some(call) = self.answered_already() {
            actions.extend(self.on(&DialEvent::Answered(call)));
        }
        actions
    }

    /// Responds to the client's MakeCall when the desk phone has started a call, or none will start.
    fn respond(&mut self, event: &DialEvent) -> DialActions {
        if !self.client_waits {
            return SmallVec::new();
        }
        let response = match event {
            DialEvent::Started(call) => DialAction::Accept(call.clone()),
            DialEvent::Rejected(Some(failure)) => DialAction::Reject(failure.clone()),
            DialEvent::Rejected(None) | DialEvent::TimedOut | DialEvent::Lost => {
                DialAction::Reject(Refusal::Away.failure())
            }
            _ => return SmallVec::new(),
        };
        self.client_waits = false;
        smallvec![response]
    }

    /// Stores an answer that arrives before the response that identifies its call.
    fn remember(&mut self, event: &DialEvent) {
        let awaits = matches!(
            self.state,
            DialState::Calling | DialState::Consulting { .. }
        );
        if let DialEvent::Answered(call) = event
            && awaits
            && self.answered_early.len() < MAX_ANSWERED_EARLY
        {
            self.answered_early.push(call.clone());
        }
    }

    /// The ringing call, if it was answered before the response that identifies it.
    fn answered_already(&mut self) -> Option<CallId> {
        let (DialState::Ringing { user: call }
        | DialState::Offering {
            destination: call, ..
        }) = &self.state
        else {
            return None;
        };
        let call = call.call_id.clone()?;
        let is_answered = self.answered_early.contains(&call);
        is_answered.then(|| {
            self.answered_early.clear();
            call
        })
    }
}

#[cfg(test)]
mod tests {
    use uacsta_schema::csta::Failure;

    use uacsta_schema::csta::ConnectionId;

    use super::*;

    fn at(call: &str) -> ConnectionId {
        ConnectionId::new(call.to_owned(), "215".to_owned())
    }

    /// An event by its word and its call: `started 1`, `answered 1` ...
    fn event(words: &str) -> DialEvent {
        let (name, id) = words.split_once(' ').unwrap_or((words, ""));
        match name {
            "in-service" => DialEvent::InService,
            "started" => DialEvent::Started(at(id)),
            "transferred" => DialEvent::Transferred,
            "cleared" => DialEvent::Cleared,
            "rejected" => DialEvent::Rejected(None),
            "busy" => DialEvent::Rejected(Some(Failure::RESOURCE_BUSY)),
            "answered" => DialEvent::Answered(CallId::from(id.to_owned())),
            "ended" => DialEvent::Ended(CallId::from(id.to_owned())),
            "timeout" => DialEvent::TimedOut,
            "lost" => DialEvent::Lost,
            other => panic!("{other} is no event"),
        }
    }

    fn words(action: &DialAction) -> String {
        let name = |connection: &ConnectionId| {
            let call = connection.call_id.as_ref();
            call.map_or_else(String::new, |call| call.as_str().to_owned())
        };
        match action {
            DialAction::Call => "call".to_owned(),
            DialAction::Consult(call) => format!("consult {}", name(call)),
            DialAction::Transfer { held, active } => {
                format!("transfer {} {}", name(held), name(active))
            }
            DialAction::Clear(call) => format!("clear {}", name(call)),
            DialAction::Accept(call) => format!("accept {}", name(call)),
            DialAction::Reject(failure) => format!("reject {failure}"),
            DialAction::Connected => "connected".to_owned(),
            DialAction::Failed(call, cause) => {
                let call = call.as_ref().map_or_else(String::new, name);
                format!("failed {call} {}", cause.as_str())
            }
        }
    }

    /// Events, and the actions that follow from each; whether the machine is over then.
    #[track_caller]
    fn check(events: &[(&str, &[&str])], is_over: bool) {
        let mut machine = DialMachine::new();
        for (word, expected) in events {
            let actions = machine.on(&event(word));
            let told: Vec<String> = actions.iter().map(words).collect();
            assert_eq!(told, *expected, "{word} of {events:?}");
        }
        assert_eq!(machine.is_over(), is_over, "{events:?}");
    }

    #[test]
    fn the_user_is_called_then_the_destination_then_both_are_connected() {
        check(
            &[
                ("in-service", &["call"]),
                ("in-service", &[]),
                ("started 1", &["accept 1"]),
                ("answered 9", &[]),
                ("answered 1", &["consult 1"]),
                ("started 2", &[]),
                ("answered 2", &["transfer 1 2"]),
                ("ended 1", &[]),
                ("transferred", &["connected"]),
                ("ended 3", &[]),
            ],
            true,
        );
    }

    #[test]
    fn an_answer_may_come_before_the_response_that_names_its_call() {
        check(
            &[
                ("in-service", &["call"]),
                ("answered 1", &[]),
                ("started 1", &["accept 1", "consult 1"]),
                ("answered 2", &[]),
                ("started 2", &["transfer 1 2"]),
                ("transferred", &["connected"]),
            ],
            true,
        );
    }

    #[test]
    fn the_client_gets_an_error_where_no_call_starts() {
        let away = Refusal::Away.failure();
        let away = format!("reject {away}");
        let failed = "failed  resourcesNotAvailable";
        check(&[("lost", &[&away, failed])], true);
        check(&[("timeout", &[&away, failed])], true);
        let call: (&str, &[&str]) = ("in-service", &["call"]);
        check(&[call, ("rejected", &[&away, failed])], true);
        let busy = format!("reject {}", Failure::RESOURCE_BUSY);
        check(&[call, ("busy", &[&busy, failed])], true);
    }

    #[test]
    fn a_call_that_starts_after_the_failure_is_cleared() {
        let away = Refusal::Away.failure();
        let rejected = format!("reject {away}");
        check(
            &[
                ("in-service", &["call"]),
                ("lost", &[&rejected, "failed  resourcesNotAvailable"]),
                ("started 1", &["clear 1"]),
            ],
            false,
        );
        check(
            &[
                ("in-service", &["call"]),
                ("lost", &[&rejected, "failed  resourcesNotAvailable"]),
                ("started 1", &["clear 1"]),
                ("cleared", &[]),
            ],
            true,
        );
    }

    #[test]
    fn each_failure_clears_the_calls_and_is_reported() {
        /// A failure after the first steps; whether no response is awaited then.
        #[track_caller]
        fn check_after(steps: usize, failure: &str, expected: &[&str], is_over: bool) {
            let before: [(&str, &[&str]); 5] = [
                ("in-service", &["call"]),
                ("started 1", &["accept 1"]),
                ("answered 1", &["consult 1"]),
                ("started 2", &[]),
                ("answered 2", &["transfer 1 2"]),
            ];
            let mut events = before[..steps].to_vec();
            events.push((failure, expected));
            check(&events, is_over);
        }
        let unavailable = "failed 1 resourcesNotAvailable";
        check_after(2, "ended 1", &["clear 1", "failed 1 callCancelled"], false);
        check_after(
            2,
            "timeout",
            &["clear 1", "failed 1 callNotAnswered"],
            false,
        );
        check_after(2, "lost", &[unavailable], true);
        check_after(3, "busy", &["clear 1", unavailable], false);
        check_after(3, "lost", &[unavailable], false);
        let expected = |failed| ["clear 2", "clear 1", failed];
        check_after(4, "ended 2", &expected("failed 2 callCancelled"), false);
        check_after(4, "ended 1", &expected("failed 1 callCancelled"), false);
        check_after(4, "timeout", &expected("failed 2 callNotAnswered"), false);
        let failed = expected("failed 2 resourcesNotAvailable");
        check_after(5, "rejected", &failed, false);
        check_after(5, "ended 1", &[], false);
    }
}
