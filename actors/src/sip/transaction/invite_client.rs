//! The client transaction of INVITE (RFC 3261, section 17.1.1; RFC 6026).

use std::time::Duration;

use uacsta_schema::sip::Status;

use super::{
    LIFE, RINGING, Reliability, T1, Timer, TransactionEffect, TransactionEffects, TransactionEvent,
    linger,
};

/// The states of the transaction (RFC 3261, figure 5 and section 9.1; RFC 6026, figure 4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InviteClientState {
    /// The INVITE was sent; the next retransmission waits this long.
    Calling(Duration),
    /// The user gave the INVITE up; the CANCEL waits for a provisional response. The next retransmission waits this long.
    GivenUp(Duration),
    /// A provisional response arrived.
    Proceeding,
    /// The peer rings.
    Ringing,
    /// The CANCEL was sent; the final response may take 64*T1.
    Cancelled,
    /// A rejection arrived and was acknowledged; each copy is acknowledged again.
    Completed,
    /// A 2xx arrived; each copy goes to the user, who acknowledges it.
    Accepted,
    /// The transaction is over.
    Terminated,
}

/// "The value of timer D ... is at least 32 seconds for unreliable transports" (RFC 3261, section 17.1.1.2).
const D: Duration = Duration::from_secs(32);

impl InviteClientState {
    /// The state before [`TransactionEvent::Start`].
    pub const NEW: Self = Self::Calling(T1);

    /// The next state, and the effects of the event.
    pub fn on(
        self,
        event: TransactionEvent,
        reliability: Reliability,
    ) -> (Self, TransactionEffects) {
        let mut effects = TransactionEffects::new();
        let next = match (self, event) {
            (Self::Calling(_), TransactionEvent::Start) => {
                effects.push(TransactionEffect::Transmit);
                effects.push(TransactionEffect::Set(Timer::B, LIFE));
                if reliability == Reliability::Unreliable {
                    effects.push(TransactionEffect::Set(Timer::A, T1));
                }
                Self::Calling(T1)
            }
            // "When timer A fires, the client transaction MUST retransmit the request ... reset ... with a value of 2*T1".
            (Self::Calling(interval), TransactionEvent::Fired(Timer::A)) => {
                Self::Calling(retransmit(interval, &mut effects))
            }
            (Self::GivenUp(interval), TransactionEvent::Fired(Timer::A)) => {
                Self::GivenUp(retransmit(interval, &mut effects))
            }
            // RFC 3261, section 9.1: without a provisional response, "the CANCEL request MUST NOT be sent".
            (Self::Calling(interval), TransactionEvent::GiveUp) => Self::GivenUp(interval),
            (Self::GivenUp(_), TransactionEvent::Response(status)) if status.is_provisional() => {
                cancel(false, &mut effects)
            }
            // RFC 3261, section 9.1: with no final response in 64*T1, "the client SHOULD then consider the original
            // transaction cancelled and SHOULD destroy" it.
            (
                Self::Calling(_) | Self::GivenUp(_) | Self::Cancelled,
                TransactionEvent::Fired(Timer::B),
            ) => {
                effects.push(TransactionEffect::TimedOut);
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            // Timer B does not limit an INVITE in proceeding, but CSTA needs no longer.
            (Self::Proceeding, TransactionEvent::Fired(Timer::B) | TransactionEvent::GiveUp)
            | (Self::Ringing, TransactionEvent::GiveUp) => cancel(false, &mut effects),
            (Self::Ringing, TransactionEvent::Fired(Timer::Ringing | Timer::B)) => {
                cancel(true, &mut effects)
            }
            (Self::Calling(_) | Self::Proceeding, TransactionEvent::Response(status))
                if is_ringing(status) =>
            {
                effects.push(TransactionEffect::Deliver);
                effects.push(TransactionEffect::Set(Timer::Ringing, RINGING));
                Self::Ringing
            }
            (Self::Calling(_) | Self::Proceeding, TransactionEvent::Response(status))
                if status.is_provisional() =>
            {
                effects.push(TransactionEffect::Deliver);
                Self::Proceeding
            }
            (
                Self::Calling(_)
                | Self::GivenUp(_)
                | Self::Proceeding
                | Self::Ringing
                | Self::Cancelled,
                TransactionEvent::Response(status),
            ) if !status.is_provisional() => {
                effects.push(TransactionEffect::Deliver);
                if status.is_success() {
                    // RFC 6026, section 8.4: stay for copies of the 2xx and those of other forks, for 64*T1, on any transport.
                    effects.push(TransactionEffect::Set(Timer::M, LIFE));
                    Self::Accepted
                } else {
                    effects.push(TransactionEffect::Acknowledge);
                    linger(Timer::D, reliability.wait(D), &mut effects);
                    Self::Completed
                }
            }
            (Self::Completed, TransactionEvent::Response(status)) if !status.is_provisional() => {
                effects.push(TransactionEffect::Acknowledge);
                Self::Completed
            }
            (Self::Accepted, TransactionEvent::Response(status)) if status.is_success() => {
                effects.push(TransactionEffect::Deliver);
                Self::Accepted
            }
            (
                Self::Calling(_)
                | Self::GivenUp(_)
                | Self::Proceeding
                | Self::Ringing
                | Self::Cancelled,
                TransactionEvent::TransportFailed,
            ) => {
                effects.push(TransactionEffect::Unreachable);
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            (Self::Completed, TransactionEvent::Fired(Timer::D))
            | (Self::Accepted, TransactionEvent::Fired(Timer::M)) => {
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            (state, _) => state,
        };
        (next, effects)
    }
}

/// Whether a provisional response says that a person is asked: 180 to 183.
fn is_ringing(status: Status) -> bool {
    (180..=183).contains(&status.code())
}

fn retransmit(interval: Duration, effects: &mut TransactionEffects) -> Duration {
    effects.push(TransactionEffect::Transmit);
    effects.push(TransactionEffect::Set(Timer::A, interval * 2));
    interval * 2
}

fn cancel(rang: bool, effects: &mut TransactionEffects) -> InviteClientState {
    effects.push(TransactionEffect::Cancel { rang });
    effects.push(TransactionEffect::Set(Timer::B, LIFE));
    InviteClientState::Cancelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        state: InviteClientState,
        event: TransactionEvent,
        reliability: Reliability,
        next: InviteClientState,
        effects: &[TransactionEffect],
    ) {
        let (got, carried) = state.on(event, reliability);
        assert_eq!((got, carried.as_slice()), (next, effects));
    }

    #[test]
    fn rfc_3261_17_1_1_2_each_copy_of_a_rejection_is_acknowledged() {
        use Reliability::{Reliable as Tcp, Unreliable as Udp};
        use TransactionEffect::*;
        check(
            InviteClientState::NEW,
            TransactionEvent::Start,
            Tcp,
            InviteClientState::Calling(T1),
            &[Transmit, Set(Timer::B, LIFE)],
        );
        check(
            InviteClientState::NEW,
            TransactionEvent::Start,
            Udp,
            InviteClientState::Calling(T1),
            &[Transmit, Set(Timer::B, LIFE), Set(Timer::A, T1)],
        );
        check(
            InviteClientState::Calling(T1),
            TransactionEvent::Fired(Timer::A),
            Udp,
            InviteClientState::Calling(T1 * 2),
            &[Transmit, Set(Timer::A, T1 * 2)],
        );
        check(
            InviteClientState::Calling(T1),
            TransactionEvent::Fired(Timer::B),
            Tcp,
            InviteClientState::Terminated,
            &[TimedOut, Terminate],
        );
        check(
            InviteClientState::Proceeding,
            TransactionEvent::Response(Status::BUSY_HERE),
            Udp,
            InviteClientState::Completed,
            &[Deliver, Acknowledge, Set(Timer::D, D)],
        );
        check(
            InviteClientState::Completed,
            TransactionEvent::Response(Status::BUSY_HERE),
            Udp,
            InviteClientState::Completed,
            &[Acknowledge],
        );
        check(
            InviteClientState::Calling(T1),
            TransactionEvent::Response(Status::BUSY_HERE),
            Tcp,
            InviteClientState::Completed,
            &[Deliver, Acknowledge, Terminate],
        );
    }

    #[test]
    fn rfc_6026_8_4_each_copy_of_a_2xx_goes_to_the_user() {
        use Reliability::Reliable as Tcp;
        use TransactionEffect::*;
        check(
            InviteClientState::Proceeding,
            TransactionEvent::Response(Status::OK),
            Tcp,
            InviteClientState::Accepted,
            &[Deliver, Set(Timer::M, LIFE)],
        );
        check(
            InviteClientState::Accepted,
            TransactionEvent::Response(Status::OK),
            Tcp,
            InviteClientState::Accepted,
            &[Deliver],
        );
        check(
            InviteClientState::Accepted,
            TransactionEvent::Fired(Timer::M),
            Tcp,
            InviteClientState::Terminated,
            &[Terminate],
        );
        check(
            InviteClientState::Accepted,
            TransactionEvent::TransportFailed,
            Tcp,
            InviteClientState::Accepted,
            &[],
        );
    }

    #[test]
    fn rfc_3261_9_1_an_invite_is_cancelled_after_a_provisional_response_only() {
        use InviteClientState::{Calling, Cancelled, GivenUp, Proceeding, Ringing, Terminated};
        use Reliability::Reliable as Tcp;
        use TransactionEffect::{Cancel, Deliver, Set, TimedOut};
        let response = TransactionEvent::Response;
        let (ringing, trying) = (response(Status::RINGING), response(Status::TRYING));
        let fired = TransactionEvent::Fired;
        let cancels = |rang| [Cancel { rang }, Set(Timer::B, LIFE)];
        let rings = [Deliver, Set(Timer::Ringing, RINGING)];
        for (state, event, next, effects) in [
            (Calling(T1), ringing, Ringing, &rings[..]),
            (Proceeding, ringing, Ringing, &rings),
            (Ringing, ringing, Ringing, &[]),
            (Ringing, fired(Timer::Ringing), Cancelled, &cancels(true)),
            (Proceeding, fired(Timer::Ringing), Proceeding, &[]),
            (Proceeding, fired(Timer::B), Cancelled, &cancels(false)),
            (Calling(T1), TransactionEvent::GiveUp, GivenUp(T1), &[]),
            (GivenUp(T1), trying, Cancelled, &cancels(false)),
            (GivenUp(T1), ringing, Cancelled, &cancels(false)),
            (
                Proceeding,
                TransactionEvent::GiveUp,
                Cancelled,
                &cancels(false),
            ),
            (
                Ringing,
                TransactionEvent::GiveUp,
                Cancelled,
                &cancels(false),
            ),
            (Cancelled, TransactionEvent::GiveUp, Cancelled, &[]),
            (Cancelled, ringing, Cancelled, &[]),
            (
                Cancelled,
                fired(Timer::B),
                Terminated,
                &[TimedOut, TransactionEffect::Terminate],
            ),
        ] {
            check(state, event, Tcp, next, effects);
        }
        for state in [GivenUp(T1), Ringing, Cancelled] {
            let (next, effects) = state.on(response(Status::REQUEST_TERMINATED), Tcp);
            assert_eq!(next, InviteClientState::Completed);
            assert!(effects.contains(&TransactionEffect::Acknowledge));
            assert_eq!(
                state.on(response(Status::OK), Tcp).0,
                InviteClientState::Accepted
            );
        }
    }
}
