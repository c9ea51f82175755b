//! The client transaction of every method but INVITE (RFC 3261, section 17.1.2).

use std::time::Duration;

use super::{Effect, Effects, Event, LIFE, T1, T2, T4, Timer, Transport, linger};

/// Where the transaction stands (RFC 3261 figure 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The request was sent; the next retransmission waits this long.
    Trying(Duration),
    /// A provisional response came.
    Proceeding,
    /// The final response came; repetitions are absorbed.
    Completed,
    /// Nothing is left to do.
    Terminated,
}

impl State {
    /// The state before [`Event::Start`].
    pub const NEW: Self = Self::Trying(T1);

    /// What the event leads to.
    pub fn on(self, event: Event, transport: Transport) -> (Self, Effects) {
        let mut effects = Effects::new();
        let next = match (self, event) {
            // "The client transaction MUST set timer F to fire in 64*T1 seconds", E to T1 on unreliable transports.
            (Self::Trying(_), Event::Start) => {
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::F, LIFE));
                if transport == Transport::Unreliable {
                    effects.push(Effect::Set(Timer::E, T1));
                }
                Self::Trying(T1)
            }
            // "reset ... with a value of MIN(2*T1, T2)", and so on.
            (Self::Trying(interval), Event::Fired(Timer::E)) => {
                let interval = (interval * 2).min(T2);
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::E, interval));
                Self::Trying(interval)
            }
            (Self::Proceeding, Event::Fired(Timer::E)) => {
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::E, T2));
                Self::Proceeding
            }
            // "If Timer F fires ..., the client transaction SHOULD inform the TU about the timeout".
            (Self::Trying(_) | Self::Proceeding, Event::Fired(Timer::F)) => {
                effects.push(Effect::TimedOut);
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            (Self::Trying(_) | Self::Proceeding, Event::Response(status)) => {
                effects.push(Effect::Deliver);
                if status.is_provisional() {
                    Self::Proceeding
                } else {
                    linger(Timer::K, transport.wait(T4), &mut effects);
                    Self::Completed
                }
            }
            (Self::Trying(_) | Self::Proceeding, Event::TransportFailed) => {
                effects.push(Effect::Unreachable);
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            (Self::Completed, Event::Fired(Timer::K)) => {
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
    fn rfc_3261_17_1_2_2_over_udp_retransmits_until_answered() {
        use Effect::*;
        use Transport::Unreliable as Udp;
        let ms = Duration::from_millis;
        check(
            State::NEW,
            Event::Start,
            Udp,
            State::Trying(T1),
            &[Transmit, Set(Timer::F, LIFE), Set(Timer::E, T1)],
        );
        check(
            State::Trying(T1),
            Event::Fired(Timer::E),
            Udp,
            State::Trying(ms(1000)),
            &[Transmit, Set(Timer::E, ms(1000))],
        );
        check(
            State::Trying(T2),
            Event::Fired(Timer::E),
            Udp,
            State::Trying(T2),
            &[Transmit, Set(Timer::E, T2)],
        );
        check(
            State::Trying(T1),
            Event::Response(Status::TRYING),
            Udp,
            State::Proceeding,
            &[Deliver],
        );
        check(
            State::Proceeding,
            Event::Fired(Timer::E),
            Udp,
            State::Proceeding,
            &[Transmit, Set(Timer::E, T2)],
        );
        check(
            State::Proceeding,
            Event::Response(Status::OK),
            Udp,
            State::Completed,
            &[Deliver, Set(Timer::K, T4)],
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
            Event::Fired(Timer::K),
            Udp,
            State::Terminated,
            &[Terminate],
        );
    }

    #[test]
    fn rfc_3261_17_1_2_2_over_tcp_sends_once_and_ends_with_the_answer() {
        use Effect::*;
        use Transport::Reliable as Tcp;
        check(
            State::NEW,
            Event::Start,
            Tcp,
            State::Trying(T1),
            &[Transmit, Set(Timer::F, LIFE)],
        );
        check(
            State::Trying(T1),
            Event::Response(Status::OK),
            Tcp,
            State::Completed,
            &[Deliver, Terminate],
        );
        check(
            State::Trying(T1),
            Event::Fired(Timer::F),
            Tcp,
            State::Terminated,
            &[TimedOut, Terminate],
        );
        check(
            State::Proceeding,
            Event::TransportFailed,
            Tcp,
            State::Terminated,
            &[Unreachable, Terminate],
        );
        check(
            State::Terminated,
            Event::Fired(Timer::F),
            Tcp,
            State::Terminated,
            &[],
        );
    }
}
