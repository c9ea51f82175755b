//! The server transaction of INVITE (RFC 3261, section 17.2.1; RFC 6026).

use std::time::Duration;

use super::{
    LIFE, Reliability, T1, T2, T4, Timer, TransactionEffect, TransactionEffects, TransactionEvent,
};

/// The states of the transaction (RFC 3261, figure 7, RFC 6026, figure 5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InviteServerState {
    /// The INVITE went to the user.
    Proceeding,
    /// A rejection was sent over an unreliable transport; the next retransmission waits this long.
    Completed(Duration),
    /// A 2xx was sent over an unreliable transport; it is retransmitted until its ACK arrives, next after this long.
    Unconfirmed(Duration),
    /// A 2xx was sent; copies of the INVITE are absorbed.
    Accepted,
    /// The ACK of a rejection arrived.
    Confirmed,
    /// The transaction is over.
    Terminated,
}

impl InviteServerState {
    /// The state before [`TransactionEvent::Start`].
    pub const NEW: Self = Self::Proceeding;

    /// The next state, and the effects of the event.
    pub fn on(
        self,
        event: TransactionEvent,
        reliability: Reliability,
    ) -> (Self, TransactionEffects) {
        let mut effects = TransactionEffects::new();
        let next = match (self, event) {
            (Self::Proceeding, TransactionEvent::Start) => {
                effects.push(TransactionEffect::Deliver);
                Self::Proceeding
            }
            (Self::Proceeding, TransactionEvent::Response(status)) => {
                effects.push(TransactionEffect::Transmit);
                if status.is_provisional() {
                    Self::Proceeding
                } else if status.is_success() {
                    // RFC 6026, section 8.7: "Timer L ... reflects the amount of time the server transaction could receive 2xx
                    // responses for retransmission from the TU": 64*T1.
                    effects.push(TransactionEffect::Set(Timer::L, LIFE));
                    if reliability == Reliability::Unreliable {
                        effects.push(TransactionEffect::Set(Timer::G, T1));
                        Self::Unconfirmed(T1)
                    } else {
                        Self::Accepted
                    }
                } else if reliability == Reliability::Unreliable {
                    effects.push(TransactionEffect::Set(Timer::H, LIFE));
                    effects.push(TransactionEffect::Set(Timer::G, T1));
                    Self::Completed(T1)
                } else {
                    // Timer G is "for unreliable transports" (RFC 3261, section 17.2.1). Without it the state would only wait for an ACK
                    // that ends nothing; the interpreter drops an ACK that matches no transaction.
                    effects.push(TransactionEffect::Terminate);
                    Self::Terminated
                }
            }
            (Self::Proceeding | Self::Completed(_), TransactionEvent::Again) => {
                effects.push(TransactionEffect::Transmit);
                self
            }
            (Self::Completed(interval), TransactionEvent::Fired(Timer::G)) => {
                let interval = (interval * 2).min(T2);
                effects.push(TransactionEffect::Transmit);
                effects.push(TransactionEffect::Set(Timer::G, interval));
                Self::Completed(interval)
            }
            (Self::Completed(_), TransactionEvent::Ack) => {
                effects.push(TransactionEffect::Set(Timer::I, T4));
                Self::Confirmed
            }
            // "If timer H fires while in the "Completed" state, it implies that the ACK was never received."
            (Self::Completed(_), TransactionEvent::Fired(Timer::H)) => {
                effects.push(TransactionEffect::TimedOut);
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            // RFC 3261, section 13.3.1.4 has the user repeat its 2xx "with an interval that starts at T1 seconds and doubles for each
            // retransmission until it reaches T2 seconds ... Retransmissions cease when an ACK request for the response is
            // received". The octets are the same each time, so the transaction does it.
            (Self::Unconfirmed(interval), TransactionEvent::Fired(Timer::G)) => {
                let interval = (interval * 2).min(T2);
                effects.push(TransactionEffect::Transmit);
                effects.push(TransactionEffect::Set(Timer::G, interval));
                Self::Unconfirmed(interval)
            }
            (Self::Unconfirmed(_), TransactionEvent::Ack) => Self::Accepted,
            (Self::Unconfirmed(_) | Self::Accepted, TransactionEvent::Fired(Timer::L))
            | (Self::Confirmed, TransactionEvent::Fired(Timer::I)) => {
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
        state: InviteServerState,
        event: TransactionEvent,
        reliability: Reliability,
        next: InviteServerState,
        effects: &[TransactionEffect],
    ) {
        let (got, carried) = state.on(event, reliability);
        assert_eq!((got, carried.as_slice()), (next, effects));
    }

    #[test]
    fn rfc_3261_17_2_1_a_rejection_over_udp_awaits_its_ack() {
        use Reliability::{Reliable as Tcp, Unreliable as Udp};
        use TransactionEffect::*;
        check(
            InviteServerState::NEW,
            TransactionEvent::Start,
            Tcp,
            InviteServerState::Proceeding,
            &[Deliver],
        );
        check(
            InviteServerState::Proceeding,
            TransactionEvent::Response(Status::NOT_FOUND),
            Tcp,
            InviteServerState::Terminated,
            &[Transmit, Terminate],
        );
        check(
            InviteServerState::Proceeding,
            TransactionEvent::Response(Status::NOT_FOUND),
            Udp,
            InviteServerState::Completed(T1),
            &[Transmit, Set(Timer::H, LIFE), Set(Timer::G, T1)],
        );
        check(
            InviteServerState::Completed(T1),
            TransactionEvent::Again,
            Udp,
            InviteServerState::Completed(T1),
            &[Transmit],
        );
        check(
            InviteServerState::Completed(T1),
            TransactionEvent::Fired(Timer::G),
            Udp,
            InviteServerState::Completed(T1 * 2),
            &[Transmit, Set(Timer::G, T1 * 2)],
        );
        check(
            InviteServerState::Completed(T1),
            TransactionEvent::Ack,
            Udp,
            InviteServerState::Confirmed,
            &[Set(Timer::I, T4)],
        );
        check(
            InviteServerState::Completed(T1),
            TransactionEvent::Fired(Timer::H),
            Udp,
            InviteServerState::Terminated,
            &[TimedOut, Terminate],
        );
    }

    #[test]
    fn rfc_6026_8_5_copies_of_an_invite_are_absorbed_after_a_2xx() {
        use Reliability::Reliable as Tcp;
        use TransactionEffect::*;
        check(
            InviteServerState::Proceeding,
            TransactionEvent::Response(Status::OK),
            Tcp,
            InviteServerState::Accepted,
            &[Transmit, Set(Timer::L, LIFE)],
        );
        check(
            InviteServerState::Accepted,
            TransactionEvent::Again,
            Tcp,
            InviteServerState::Accepted,
            &[],
        );
        check(
            InviteServerState::Accepted,
            TransactionEvent::Fired(Timer::L),
            Tcp,
            InviteServerState::Terminated,
            &[Terminate],
        );
    }

    #[test]
    fn rfc_3261_13_3_1_4_over_udp_a_2xx_is_retransmitted_until_its_ack() {
        use Reliability::Unreliable as Udp;
        use TransactionEffect::*;
        check(
            InviteServerState::Proceeding,
            TransactionEvent::Response(Status::OK),
            Udp,
            InviteServerState::Unconfirmed(T1),
            &[Transmit, Set(Timer::L, LIFE), Set(Timer::G, T1)],
        );
        check(
            InviteServerState::Unconfirmed(T1),
            TransactionEvent::Fired(Timer::G),
            Udp,
            InviteServerState::Unconfirmed(T1 * 2),
            &[Transmit, Set(Timer::G, T1 * 2)],
        );
        check(
            InviteServerState::Unconfirmed(T2),
            TransactionEvent::Fired(Timer::G),
            Udp,
            InviteServerState::Unconfirmed(T2),
            &[Transmit, Set(Timer::G, T2)],
        );
        // RFC 6026, section 8.5: the INVITE itself is absorbed.
        check(
            InviteServerState::Unconfirmed(T1),
            TransactionEvent::Again,
            Udp,
            InviteServerState::Unconfirmed(T1),
            &[],
        );
        check(
            InviteServerState::Unconfirmed(T1),
            TransactionEvent::Ack,
            Udp,
            InviteServerState::Accepted,
            &[],
        );
        check(
            InviteServerState::Accepted,
            TransactionEvent::Fired(Timer::G),
            Udp,
            InviteServerState::Accepted,
            &[],
        );
        check(
            InviteServerState::Unconfirmed(T2),
            TransactionEvent::Fired(Timer::L),
            Udp,
            InviteServerState::Terminated,
            &[Terminate],
        );
    }
}
