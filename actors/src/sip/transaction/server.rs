//! The server transaction of requests other than INVITE (RFC 3261, section 17.2.2).

use super::{
    LIFE, Reliability, Timer, TransactionEffect, TransactionEffects, TransactionEvent, linger,
};

/// The states of the transaction (RFC 3261, figure 8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NonInviteServerState {
    /// The request went to the user.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// The final response was sent; each copy of the request gets it again.
    Completed,
    /// The transaction is over.
    Terminated,
}

impl NonInviteServerState {
    /// The state before [`TransactionEvent::Start`].
    pub const NEW: Self = Self::Trying;

    /// The next state, and the effects of the event.
    pub fn on(
        self,
        event: TransactionEvent,
        reliability: Reliability,
    ) -> (Self, TransactionEffects) {
        let mut effects = TransactionEffects::new();
        let next = match (self, event) {
            (Self::Trying, TransactionEvent::Start) => {
                effects.push(TransactionEffect::Deliver);
                Self::Trying
            }
            (Self::Trying | Self::Proceeding, TransactionEvent::Response(status)) => {
                effects.push(TransactionEffect::Transmit);
                if status.is_provisional() {
                    Self::Proceeding
                } else {
                    linger(Timer::J, reliability.wait(LIFE), &mut effects);
                    Self::Completed
                }
            }
            // "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent
            // provisional response MUST be passed to the transport layer"; in Completed the final response.
            (Self::Proceeding | Self::Completed, TransactionEvent::Again) => {
                effects.push(TransactionEffect::Transmit);
                self
            }
            (Self::Completed, TransactionEvent::Fired(Timer::J)) => {
                effects.push(TransactionEffect::Terminate);
                Self::Terminated
            }
            (Self::Proceeding | Self::Completed, TransactionEvent::TransportFailed) => {
                effects.push(TransactionEffect::Unreachable);
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
        state: NonInviteServerState,
        event: TransactionEvent,
        reliability: Reliability,
        next: NonInviteServerState,
        effects: &[TransactionEffect],
    ) {
        let (got, carried) = state.on(event, reliability);
        assert_eq!((got, carried.as_slice()), (next, effects));
    }

    #[test]
    fn rfc_3261_17_2_2_a_request_is_delivered_once_and_answered_again() {
        use Reliability::{Reliable as Tcp, Unreliable as Udp};
        use TransactionEffect::*;
        check(
            NonInviteServerState::NEW,
            TransactionEvent::Start,
            Udp,
            NonInviteServerState::Trying,
            &[Deliver],
        );
        check(
            NonInviteServerState::Trying,
            TransactionEvent::Again,
            Udp,
            NonInviteServerState::Trying,
            &[],
        );
        check(
            NonInviteServerState::Trying,
            TransactionEvent::Response(Status::TRYING),
            Udp,
            NonInviteServerState::Proceeding,
            &[Transmit],
        );
        check(
            NonInviteServerState::Proceeding,
            TransactionEvent::Again,
            Udp,
            NonInviteServerState::Proceeding,
            &[Transmit],
        );
        check(
            NonInviteServerState::Proceeding,
            TransactionEvent::Response(Status::OK),
            Udp,
            NonInviteServerState::Completed,
            &[Transmit, Set(Timer::J, LIFE)],
        );
        check(
            NonInviteServerState::Completed,
            TransactionEvent::Again,
            Udp,
            NonInviteServerState::Completed,
            &[Transmit],
        );
        check(
            NonInviteServerState::Completed,
            TransactionEvent::Response(Status::OK),
            Udp,
            NonInviteServerState::Completed,
            &[],
        );
        check(
            NonInviteServerState::Completed,
            TransactionEvent::Fired(Timer::J),
            Udp,
            NonInviteServerState::Terminated,
            &[Terminate],
        );
        check(
            NonInviteServerState::Trying,
            TransactionEvent::Response(Status::OK),
            Tcp,
            NonInviteServerState::Completed,
            &[Transmit, Terminate],
        );
    }
}
