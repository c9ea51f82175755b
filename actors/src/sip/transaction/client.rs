//! The client transaction of requests other than INVITE (RFC 3261, section 17.1.2).

use std::time::Duration;

use super::{
    LIFE, Reliability, T1, T2, T4, Timer, TransactionEffect, TransactionEffects, TransactionEvent,
    linger,
};

/// The states of the transaction (RFC 3261, figure 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NonInviteClientState {
    /// The request was sent; the next retransmission waits this long.
    Trying(Duration),
    /// A provisional response arrived.
    Proceeding,
    /// The final response arrived; copies of it are absorbed.
    Completed,
    /// The transaction is over.
    Terminated,
}

impl NonInviteClientState {
    /// The state before [`TransactionEvent::Start`].
    pub const NEW: Self = Self::Trying(T1);

    /// The next state, and the effects of the event.
    pub fn on(
        self,
        event: TransactionEvent,
        reliability: Reliability,
    ) -> (Self, TransactionEffects) {
        let mut effects = TransactionEffects::new();
        let next = match (self, event) {
            // "The client transaction MUST set timer F to fire in 64*T1 seconds", E to T1 on unreliable transports.
            (Self::Trying(_), TransactionEvent::Start) => {
                effects.push(TransactionEffect::Transmit);
                effects.push(TransactionEffect::Set(Timer::F, LIFE));
                if reliability == Reliability::Unreliable {
                    effects.push(TransactionEffect::Set(Timer::E, T1));
                }
                Self::Trying(T1)
            }
            // "reset ... with a value of MIN(2*T1, T2)", and so on.
            (Self::Trying(interval), TransactionEvent::Fired(Timer::E)) => {
                let interval = (interval * 2).min(T2);
                effects.push(TransactionEffect::Transmit);
                effects.push(TransactionEffect::Set(Timer::E, interval));
                Self::Trying(interval)
            }
            (Self::Proceeding, TransactionEvent::Fired(Timer::E)) => {
                effects.push(TransactionEffect::Transmit);
                effects.push(TransactionEffect::Set(Timer::E, T2));
                Self::Proceeding
            }
            // "If Timer F fires ..., the client transaction SHOULD inform the TU about the timeout".
            (Self::Trying(_) | Self::Proceeding, TransactionEvent::Fired(Timer::F)) => {
                effects.push(TransactionEffect::TimedOut);
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            (Self::Trying(_) | Self::Proceeding, TransactionEvent::Response(status)) => {
                effects.push(TransactionEffect::Deliver);
                if status.is_provisional() {
                    Self::Proceeding
                } else {
                    linger(Timer::K, reliability.wait(T4), &mut effects);
                    Self::Completed
                }
            }
            (Self::Trying(_) | Self::Proceeding, TransactionEvent::TransportFailed) => {
                effects.push(TransactionEffect::Unreachable);
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            (Self::Completed, TransactionEvent::Fired(Timer::K)) => {
                effects.push(TransactionEffect::Terminate);
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
    fn check(
        state: NonInviteClientState,
        event: TransactionEvent,
        reliability: Reliability,
        next: NonInviteClientState,
        effects: &[TransactionEffect],
    ) {
        let (got, carried) = state.on(event, reliability);
        assert_eq!((got, carried.as_slice()), (next, effects));
    }

    #[test]
    fn rfc_3261_17_1_2_2_over_udp_retransmits_until_answered() {
        use Reliability::Unreliable as Udp;
        use TransactionEffect::*;
        let ms = Duration::from_millis;
        check(
            NonInviteClientState::NEW,
            TransactionEvent::Start,
            Udp,
            NonInviteClientState::Trying(T1),
            &[Transmit, Set(Timer::F, LIFE), Set(Timer::E, T1)],
        );
        check(
            NonInviteClientState::Trying(T1),
            TransactionEvent::Fired(Timer::E),
            Udp,
            NonInviteClientState::Trying(ms(1000)),
            &[Transmit, Set(Timer::E, ms(1000))],
        );
        check(
            NonInviteClientState::Trying(T2),
            TransactionEvent::Fired(Timer::E),
            Udp,
            NonInviteClientState::Trying(T2),
            &[Transmit, Set(Timer::E, T2)],
        );
        check(
            NonInviteClientState::Trying(T1),
            TransactionEvent::Response(Status::TRYING),
            Udp,
            NonInviteClientState::Proceeding,
            &[Deliver],
        );
        check(
            NonInviteClientState::Proceeding,
            TransactionEvent::Fired(Timer::E),
            Udp,
            NonInviteClientState::Proceeding,
            &[Transmit, Set(Timer::E, T2)],
        );
        check(
            NonInviteClientState::Proceeding,
            TransactionEvent::Response(Status::OK),
            Udp,
            NonInviteClientState::Completed,
            &[Deliver, Set(Timer::K, T4)],
        );
        check(
            NonInviteClientState::Completed,
            TransactionEvent::Response(Status::OK),
            Udp,
            NonInviteClientState::Completed,
            &[],
        );
        check(
            NonInviteClientState::Completed,
            TransactionEvent::Fired(Timer::K),
            Udp,
            NonInviteClientState::Terminated,
            &[Terminate],
        );
    }

    #[test]
    fn rfc_3261_17_1_2_2_over_tcp_sends_once_and_ends_with_the_answer() {
        use Reliability::Reliable as Tcp;
        use TransactionEffect::*;
        check(
            NonInviteClientState::NEW,
            TransactionEvent::Start,
            Tcp,
            NonInviteClientState::Trying(T1),
            &[Transmit, Set(Timer::F, LIFE)],
        );
        check(
            NonInviteClientState::Trying(T1),
            TransactionEvent::Response(Status::OK),
            Tcp,
            NonInviteClientState::Completed,
            &[Deliver, Terminate],
        );
        check(
            NonInviteClientState::Trying(T1),
            TransactionEvent::Fired(Timer::F),
            Tcp,
            NonInviteClientState::Terminated,
            &[TimedOut, Terminate],
        );
        check(
            NonInviteClientState::Proceeding,
            TransactionEvent::TransportFailed,
            Tcp,
            NonInviteClientState::Terminated,
            &[Unreachable, Terminate],
        );
        check(
            NonInviteClientState::Terminated,
            TransactionEvent::Fired(Timer::F),
            Tcp,
            NonInviteClientState::Terminated,
            &[],
        );
    }
}
