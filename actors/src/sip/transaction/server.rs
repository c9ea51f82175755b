//! The server transaction of every method but INVITE (RFC 3261, section 17.2.2).

use super::{Effect, Effects, Event, LIFE, Timer, Transport, linger};

/// Where the transaction stands (RFC 3261 figure 8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The request went to the user.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// The final response was sent; repetitions of the request get it again.
    Completed,
    /// Nothing is left to do.
    Terminated,
}

impl State {
    /// The state before [`Event::Start`].
    pub const NEW: Self = Self::Trying;

    /// What the event leads to.
    pub fn on(self, event: Event, transport: Transport) -> (Self, Effects) {
        let mut effects = Effects::new();
        let next = match (self, event) {
            (Self::Trying, Event::Start) => {
                effects.push(Effect::Deliver);
                Self::Trying
            }
            (Self::Trying | Self::Proceeding, Event::Response(status)) => {
                effects.push(Effect::Transmit);
                if status.is_provisional() {
                    Self::Proceeding
                } else {
                    linger(Timer::J, transport.wait(LIFE), &mut effects);
                    Self::Completed
                }
            }
            // "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent
            // provisional response MUST be passed to the transport layer"; in Completed the final response.
            (Self::Proceeding | Self::Completed, Event::Again) => {
                effects.push(Effect::Transmit);
                self
            }
            (Self::Completed, Event::Fired(Timer::J)) => {
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            (Self::Proceeding | Self::Completed, Event::TransportFailed) => {
                effects.push(Effect::Unreachable);
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            (state, _) => state,
        };
        (next, effects)
    }
}

#[cfg(test)]
mod tests {
    use uacsta_schema::sip::Status;

    use super::*;

    #[track_caller]
    fn check(state: State, event: Event, transport: Transport, next: State, effects: &[Effect]) {
        let (got, carried) = state.on(event, transport);
        assert_eq!((got, carried.as_slice()), (next, effects));
    }

    #[test]
    fn rfc_3261_17_2_2_a_request_is_delivered_once_and_answered_again() {
        use Effect::*;
        use Transport::{Reliable as Tcp, Unreliable as Udp};
        check(State::NEW, Event::Start, Udp, State::Trying, &[Deliver]);
        check(State::Trying, Event::Again, Udp, State::Trying, &[]);
        check(
            State::Trying,
            Event::Response(Status::TRYING),
            Udp,
            State::Proceeding,
            &[Transmit],
        );
        check(
            State::Proceeding,
            Event::Again,
            Udp,
            State::Proceeding,
            &[Transmit],
        );
        check(
            State::Proceeding,
            Event::Response(Status::OK),
            Udp,
            State::Completed,
            &[Transmit, Set(Timer::J, LIFE)],
        );
        check(
            State::Completed,
            Event::Again,
            Udp,
            State::Completed,
            &[Transmit],
        );
        check(
            State::Completed,
            Event::Response(Status::OK),
            Udp,
            State::Completed,
            &[],
        );
        check(
            State::Completed,
            Event::Fired(Timer::J),
            Udp,
            State::Terminated,
            &[Terminate],
        );
        check(
            State::Trying,
            Event::Response(Status::OK),
            Tcp,
            State::Completed,
            &[Transmit, Terminate],
        );
    }
}
