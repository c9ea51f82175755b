//! Services that are made of two requests: AlternateCall and ReconnectCall (ECMA-269), with the way back when the second fails.

use uacsta_schema::csta::{
    AlternateCallResponse, ClearConnection, ConnectionId, HoldCall, Message, ReconnectCallResponse,
    Request, RetrieveCall,
};

use crate::refusal::Refusal;

/// Two requests that amount to one which the phone does not have.
#[derive(Debug)]
pub(super) struct TwoStep {
    half: Half,
    active: ConnectionId,
    held: ConnectionId,
    kind: Kind,
}

/// What is asked of the phone.
#[derive(Debug)]
enum Half {
    First,
    Second,
    /// The second half failed for this reason.
    Remedy(Refusal),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Alternate,
    Reconnect,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// The phone is asked this.
    Ask(TwoStep, Message),
    /// All is done: the response.
    Done(Message),
    /// It is not done.
    Refused(Refusal),
    /// It is not done, and its asker has waited long enough: the phone is asked this for nobody.
    Undone(Refusal, Message),
}

impl TwoStep {
    /// The pair that a request stands for; `None` for any other request.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let (kind, active, held) = match request {
            Request::AlternateCall(request) => {
                (Kind::Alternate, &request.active_call, &request.held_call)
            }
            Request::ReconnectCall(request) => {
                (Kind::Reconnect, &request.active_call, &request.held_call)
            }
            _ => return None,
        };
        Some(Self {
            half: Half::First,
            active: active.clone(),
            held: held.clone(),
            kind,
        })
    }

    /// The connection that is to be retrieved.
    pub(super) fn held(&self) -> &ConnectionId {
        &self.held
    }

    /// Whether the phone has done nothing of it yet.
    pub(super) fn is_at_start(&self) -> bool {
        matches!(self.half, Half::First)
    }

    /// Whether the first half cannot be taken back, so that the second must be possible from the start.
    pub(super) fn is_final(&self) -> bool {
        self.kind == Kind::Reconnect
    }

    /// What the phone is asked now.
    pub(super) fn request(&self) -> Message {
        match (&self.half, self.kind) {
            (Half::First, Kind::Alternate) => HoldCall {
                call_to_be_held: self.active.clone(),
                ..HoldCall::default()
            }
            .into(),
            (Half::First, Kind::Reconnect) => ClearConnection {
                connection_to_be_cleared: self.active.clone(),
                ..ClearConnection::default()
            }
            .into(),
            // A call that was held is retrieved; one that was cleared is gone, and the held one is tried once more, since
            // a phone may take a moment to be ready for it.
            (Half::Second, _) | (Half::Remedy(_), Kind::Reconnect) => retrieve(&self.held),
            (Half::Remedy(_), Kind::Alternate) => retrieve(&self.active),
        }
    }

    /// The phone has answered what it was asked.
    pub(super) fn next(self, answer: Result<(), Refusal>) -> Next {
        match (self.half, answer) {
            (Half::First, Ok(())) => Self {
                half: Half::Second,
                ..self
            }
            .ask(),
            (Half::First, Err(refusal)) => Next::Refused(refusal),
            (Half::Second, Ok(())) => Next::Done(self.kind.response()),
            (Half::Second, Err(refusal @ Refusal::Away)) => Next::Refused(refusal),
            (Half::Second, Err(refusal)) => {
                let back = Self {
                    half: Half::Remedy(refusal.clone()),
                    ..self
                };
                match (&refusal, back.kind) {
                    (Refusal::TimedOut, Kind::Alternate) => Next::Undone(refusal, back.request()),
                    (Refusal::TimedOut, Kind::Reconnect) => Next::Refused(refusal),
                    _ => back.ask(),
                }
            }
            (Half::Remedy(_), Ok(())) if self.kind == Kind::Reconnect => {
                Next::Done(self.kind.response())
            }
            (Half::Remedy(refusal), _) => Next::Refused(refusal),
        }
    }

    fn ask(self) -> Next {
        let request = self.request();
        Next::Ask(self, request)
    }
}

impl Kind {
    fn response(self) -> Message {
        match self {
            Self::Alternate => AlternateCallResponse::default().into(),
            Self::Reconnect => ReconnectCallResponse::default().into(),
        }
    }
}

fn retrieve(connection: &ConnectionId) -> Message {
    RetrieveCall {
        call_to_be_retrieved: connection.clone(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::{AlternateCall, ReconnectCall};

    use super::*;

    fn words(message: &Message) -> String {
        let call = |connection: &ConnectionId| {
            let [call, device] = [
                connection.call_id.as_ref().map(|id| id.as_str()),
                connection.device_id.as_ref().map(|id| id.as_str()),
            ];
            format!("{} {}", call.unwrap_or("-"), device.unwrap_or("-"))
        };
        let told = match message {
            Message::Request(Request::HoldCall(hold)) => call(&hold.call_to_be_held),
            Message::Request(Request::RetrieveCall(retrieve)) => {
                call(&retrieve.call_to_be_retrieved)
            }
            Message::Request(Request::ClearConnection(clear)) => {
                call(&clear.connection_to_be_cleared)
            }
            _ => String::new(),
        };
        format!("{} {told}", message.name()).trim().to_owned()
    }

    /// What is asked and what comes of it when the phone answers so, in turn: `+` done, `-` refused, `?` silence, `x` lost.
    #[track_caller]
    fn check(request: &Request, answers: &str, expected: &[&str]) {
        let mut pair = TwoStep::of(request).unwrap();
        let mut told = vec![words(&pair.request())];
        for answer in answers.chars() {
            let answer = match answer {
                '+' => Ok(()),
                '-' => Err(Refusal::Busy),
                '?' => Err(Refusal::TimedOut),
                _ => Err(Refusal::Away),
            };
            match pair.next(answer) {
                Next::Ask(next, message) => {
                    told.push(words(&message));
                    pair = next;
                    continue;
                }
                Next::Done(response) => told.push(words(&response)),
                Next::Refused(refusal) => told.push(format!("refused: {refusal}")),
                Next::Undone(refusal, message) => {
                    told.extend([format!("refused: {refusal}"), words(&message)]);
                }
            }
            break;
        }
        assert_eq!(told, expected, "{request:?} {answers}");
    }

    #[test]
    fn two_requests_make_one_or_leave_things_as_they_were() {
        let (active, held) = (ConnectionId::new("1", "101"), ConnectionId::new("2", "101"));
        let alternate = AlternateCall {
            active_call: active.clone(),
            held_call: held.clone(),
            ..AlternateCall::default()
        }
        .into();
        let busy = format!("refused: {}", Refusal::Busy);
        let late = format!("refused: {}", Refusal::TimedOut);
        let away = format!("refused: {}", Refusal::Away);
        let (hold, clear, retrieve, back) = (
            "HoldCall 1 101",
            "ClearConnection 1 101",
            "RetrieveCall 2 101",
            "RetrieveCall 1 101",
        );
        check(&alternate, "++", &[hold, retrieve, "AlternateCallResponse"]);
        check(&alternate, "-", &[hold, &busy]);
        check(&alternate, "?", &[hold, &late]);
        check(&alternate, "+-+", &[hold, retrieve, back, &busy]);
        check(&alternate, "+--", &[hold, retrieve, back, &busy]);
        check(&alternate, "+?", &[hold, retrieve, &late, back]);
        check(&alternate, "+x", &[hold, retrieve, &away]);
        let reconnect = ReconnectCall {
            active_call: active,
            held_call: held,
        }
        .into();
        check(
            &reconnect,
            "++",
            &[clear, retrieve, "ReconnectCallResponse"],
        );
        check(&reconnect, "-", &[clear, &busy]);
        check(
            &reconnect,
            "+-+",
            &[clear, retrieve, retrieve, "ReconnectCallResponse"],
        );
        check(&reconnect, "+--", &[clear, retrieve, retrieve, &busy]);
        check(&reconnect, "+?", &[clear, retrieve, &late]);
    }
}
