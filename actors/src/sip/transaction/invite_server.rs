//! The server transaction of INVITE (RFC 3261, section 17.2.1 with RFC 6026).

use std::time::Duration;

use super::{Effect, Effects, Event, LIFE, T1, T2, T4, Timer, Transport};

/// Where the transaction stands (RFC 3261 figure 7, RFC 6026 figure 5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The INVITE went to the user.
    Proceeding,
    /// A refusal was sent over an unreliable transport; the next retransmission waits this long.
    Completed(Duration),
    /// A 2xx was sent over an unreliable transport; it is repeated until its ACK comes, the next time after this long.
    Unconfirmed(Duration),
    /// A 2xx was sent; repetitions of the INVITE are absorbed.
    Accepted,
    /// The ACK of a refusal came.
    Confirmed,
    /// Nothing is left to do.
    Terminated,
}

impl State {
    /// The state before [`Event::Start`].
    pub const NEW: Self = Self::Proceeding;

    /// What the event leads to.
    pub fn on(self, event: Event, transport: Transport) -> (Self, Effects) {
        let mut effects = Effects::new();
        let next = match (self, event) {
            (Self::Proceeding, Event::Start) => {
                effects.push(Effect::Deliver);
                Self::Proceeding
            }
            (Self::Proceeding, Event::Response(status)) => {
                effects.push(Effect::Transmit);
                if status.is_provisional() {
                    Self::Proceeding
                } else if status.is_success() {
                    // RFC 6026, section 8.7: "Timer L ... reflects the amount of time the server transaction could receive 2xx
                    // responses for retransmission from the TU": 64*T1.
                    effects.push(Effect::Set(Timer::L, LIFE));
                    if transport == Transport::Unreliable {
                        effects.push(Effect::Set(Timer::G, T1));
                        Self::Unconfirmed(T1)
                    } else {
                        Self::Accepted
                    }
                } else if transport == Transport::Unreliable {
                    effects.push(Effect::Set(Timer::H, LIFE));
                    effects.push(Effect::Set(Timer::G, T1));
                    Self::Completed(T1)
                } else {
                    // Timer G is "for unreliable transports" (RFC 3261, section 17.2.1). Without it the state would only wait for an ACK
                    // that has nothing to end; the interpreter drops an ACK of nothing.
                    effects.push(Effect::Terminate);
                    Self::Terminated
                }
            }
            (Self::Proceeding | Self::Completed(_), Event::Again) => {
                effects.push(Effect::Transmit);
                self
            }
            (Self::Completed(interval), Event::Fired(Timer::G)) => {
                let interval = (interval * 2).min(T2);
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::G, interval));
                Self::Completed(interval)
            }
            (Self::Completed(_), Event::Ack) => {
                effects.push(Effect::Set(Timer::I, T4));
                Self::Confirmed
            }
            // "If timer H fires while in the "Completed" state, it implies that the ACK was never received."
            (Self::Completed(_), Event::Fired(Timer::H)) => {
                effects.push(Effect::TimedOut);
                effects.push(Effect::Terminate);
                Self::Terminated
            }
            // RFC 3261, section 13.3.1.4 has the user repeat its 2xx "with an interval that starts at T1 seconds and doubles for each
            // retransmission until it reaches T2 seconds ... Retransmissions cease when an ACK request for the response is
            // received". It is the same octets each time, so the transaction does it.
            (Self::Unconfirmed(interval), Event::Fired(Timer::G)) => {
                let interval = (interval * 2).min(T2);
                effects.push(Effect::Transmit);
                effects.push(Effect::Set(Timer::G, interval));
                Self::Unconfirmed(interval)
            }
            (Self::Unconfirmed(_), Event::Ack) => Self::Accepted,
            (Self::Unconfirmed(_) | Self::Accepted, Event::Fired(Timer::L))
            | (Self::Confirmed, Event::Fired(Timer::I)) => {
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
    fn rfc_3261_17_2_1_a_refusal_waits_for_its_ack_where_it_may_be_lost() {
        use Effect::*;
        use Transport::{Reliable as Tcp, Unreliable as Udp};
        check(State::NEW, Event::Start, Tcp, State::Proceeding, &[Deliver]);
        check(
            State::Proceeding,
            Event::Response(Status::NOT_FOUND),
            Tcp,
            State::Terminated,
            &[Transmit, Terminate],
        );
        check(
            State::Proceeding,
            Event::Response(Status::NOT_FOUND),
            Udp,
            State::Completed(T1),
            &[Transmit, Set(Timer::H, LIFE), Set(Timer::G, T1)],
        );
        check(
            State::Completed(T1),
            Event::Again,
            Udp,
            State::Completed(T1),
            &[Transmit],
        );
        check(
            State::Completed(T1),
            Event::Fired(Timer::G),
            Udp,
            State::Completed(T1 * 2),
            &[Transmit, Set(Timer::G, T1 * 2)],
        );
        check(
            State::Completed(T1),
            Event::Ack,
            Udp,
            State::Confirmed,
            &[Set(Timer::I, T4)],
        );
        check(
            State::Completed(T1),
            Event::Fired(Timer::H),
            Udp,
            State::Terminated,
            &[TimedOut, Terminate],
        );
    }

    #[test]
    fn rfc_6026_8_5_repeated_invites_are_absorbed_after_a_2xx() {
        use Effect::*;
        use Transport::Reliable as Tcp;
        check(
            State::Proceeding,
            Event::Response(Status::OK),
            Tcp,
            State::Accepted,
            &[Transmit, Set(Timer::L, LIFE)],
        );
        check(State::Accepted, Event::Again, Tcp, State::Accepted, &[]);
        check(
            State::Accepted,
            Event::Fired(Timer::L),
            Tcp,
            State::Terminated,
            &[Terminate],
        );
    }

    #[test]
    fn rfc_3261_13_3_1_4_over_udp_a_2xx_is_repeated_until_its_ack() {
        use Effect::*;
        use Transport::Unreliable as Udp;
        check(
            State::Proceeding,
            Event::Response(Status::OK),
            Udp,
            State::Unconfirmed(T1),
            &[Transmit, Set(Timer::L, LIFE), Set(Timer::G, T1)],
        );
        check(
            State::Unconfirmed(T1),
            Event::Fired(Timer::G),
            Udp,
            State::Unconfirmed(T1 * 2),
            &[Transmit, Set(Timer::G, T1 * 2)],
        );
        check(
            State::Unconfirmed(T2),
            Event::Fired(Timer::G),
            Udp,
            State::Unconfirmed(T2),
            &[Transmit, Set(Timer::G, T2)],
        );
        // RFC 6026, section 8.5: the INVITE itself is absorbed.
        check(
            State::Unconfirmed(T1),
            Event::Again,
            Udp,
            State::Unconfirmed(T1),
            &[],
        );
        check(
            State::Unconfirmed(T1),
            Event::Ack,
            Udp,
            State::Accepted,
            &[],
        );
        check(
            State::Accepted,
            Event::Fired(Timer::G),
            Udp,
            State::Accepted,
            &[],
        );
        check(
            State::Unconfirmed(T2),
            Event::Fired(Timer::L),
            Udp,
            State::Terminated,
            &[Terminate],
        );
    }
}
