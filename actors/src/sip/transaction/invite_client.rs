//! The client transaction of INVITE (RFC 3261, section 17.1.1 with RFC 6026).

use std::time::Duration;

use super::{Effect, Effects, Event, LIFE, T1, Timer, Transport, linger};

/// Where the transaction stands (RFC 3261 figure 5, RFC 6026 figure 4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The INVITE was sent; the next retransmission waits this long.
    Calling(Duration),
    /// A provisional response came.
    Proceeding,
    /// A refusal came and was acknowledged; repetitions are acknowledged again.
    Completed,
    /// A 2xx came; repetitions go to the user, who acknowledges them.
    Accepted,
    /// Nothing is left to do.
    Terminated,
}

/// "The value of timer D ... is at least 32 seconds for unreliable transports" (RFC 3261, section 17.1.1.2).
const D: Duration = Duration::from_secs(32);

impl State {
    /// The state before [`Event::Start`].
    pub const NEW: Self = Self::Calling(T1);

    /// What the event leads to.
    pub fn on(self, event: Event, transport: Transport) -> (Self, Effects) {
        let mut effects = Effects::new();
        let next = match (self, event) {
            (Self::Calling(_), Event::Start) => {
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::B, LIFE));
                if transport == Transport::Unreliable {
                    effects.push(Effect::Set(Timer::A, T1));
                }
                Self::Calling(T1)
            }
            // "When timer A fires, the client transaction MUST retransmit the request ... reset ... with a value of 2*T1".
            (Self::Calling(interval), Event::Fired(Timer::A)) => {
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::A, interval * 2));
                Self::Calling(interval * 2)
            }
            (Self::Calling(_), Event::Fired(Timer::B)) => {
                effects.push(Effect::TimedOut);
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            (Self::Calling(_) | Self::Proceeding, Event::Response(status)) => {
                effects.push(Effect::Deliver);
                if status.is_provisional() {
                    Self::Proceeding
                } else if status.is_success() {
                    // RFC 6026, section 8.4: stay to catch the 2xx of other forks and repetitions, for 64*T1, on any transport.
                    effects.push(Effect::Set(Timer::M, LIFE));
                    Self::Accepted
                } else {
                    effects.push(Effect::Acknowledge);
                    linger(Timer::D, transport.wait(D), &mut effects);
                    Self::Completed
                }
            }
            (Self::Completed, Event::Response(status)) if !status.is_provisional() => {
                effects.push(Effect::Acknowledge);
                Self::Completed
            }
            (Self::Accepted, Event::Response(status)) if status.is_success() => {
                effects.push(Effect::Deliver);
                Self::Accepted
            }
            (Self::Calling(_) | Self::Proceeding, Event::TransportFailed) => {
                effects.push(Effect::Unreachable);
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            (Self::Completed, Event::Fired(Timer::D))
            | (Self::Accepted, Event::Fired(Timer::M)) => {
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
    fn rfc_3261_17_1_1_2_a_refusal_is_acknowledged_each_time() {
        use Effect::*;
        use Transport::{Reliable as Tcp, Unreliable as Udp};
        check(
            State::NEW,
            Event::Start,
            Tcp,
            State::Calling(T1),
            &[Transmit, Set(Timer::B, LIFE)],
        );
        check(
            State::NEW,
            Event::Start,
            Udp,
            State::Calling(T1),
            &[Transmit, Set(Timer::B, LIFE), Set(Timer::A, T1)],
        );
        check(
            State::Calling(T1),
            Event::Fired(Timer::A),
            Udp,
            State::Calling(T1 * 2),
            &[Transmit, Set(Timer::A, T1 * 2)],
        );
        check(
            State::Calling(T1),
            Event::Fired(Timer::B),
            Tcp,
            State::Terminated,
            &[TimedOut, Terminate],
        );
        check(
            State::Proceeding,
            Event::Response(Status::BUSY_HERE),
            Udp,
            State::Completed,
            &[Deliver, Acknowledge, Set(Timer::D, D)],
        );
        check(
            State::Completed,
            Event::Response(Status::BUSY_HERE),
            Udp,
            State::Completed,
            &[Acknowledge],
        );
        check(
            State::Calling(T1),
            Event::Response(Status::BUSY_HERE),
            Tcp,
            State::Completed,
            &[Deliver, Acknowledge, Terminate],
        );
    }

    #[test]
    fn rfc_6026_8_4_repeated_2xx_go_to_the_user() {
        use Effect::*;
        use Transport::Reliable as Tcp;
        check(
            State::Proceeding,
            Event::Response(Status::OK),
            Tcp,
            State::Accepted,
            &[Deliver, Set(Timer::M, LIFE)],
        );
        check(
            State::Accepted,
            Event::Response(Status::OK),
            Tcp,
            State::Accepted,
            &[Deliver],
        );
        check(
            State::Accepted,
            Event::Fired(Timer::M),
            Tcp,
            State::Terminated,
            &[Terminate],
        );
        check(
            State::Accepted,
            Event::TransportFailed,
            Tcp,
            State::Accepted,
            &[],
        );
    }
}
