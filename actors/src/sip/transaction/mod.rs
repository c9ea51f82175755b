//! Transactions (RFC 3261, section 17; RFC 6026) as pure functions: `(state, event) -> (state, effects)`.
//!
//! They read no clock and hold no message. An interpreter, such as the connection actor, holds the message, carries out the
//! effects and reports the next event.

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::sip::Status;

pub mod client;
pub mod invite_client;
pub mod invite_server;
pub mod matching;
pub mod server;
pub mod table;

/// An instruction of a transaction to its interpreter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TransactionEffect {
    /// Give the received message to the transaction's user.
    Deliver,
    /// Send the request, or the last response, (again).
    Transmit,
    /// Send the ACK of a final response that is not a 2xx (RFC 3261, section 17.1.1.3).
    Acknowledge,
    /// Send a CANCEL, since the peer has rung for too long or the INVITE was given up (RFC 3261, section 9.1).
    Cancel {
        /// Whether the peer rings.
        rang: bool,
    },
    /// Tell the user that no response arrived in time.
    TimedOut,
    /// Tell the user that the connection failed.
    Unreachable,
    /// Report `TransactionEvent::Fired(timer)` after this long.
    Set(Timer, Duration),
    /// Remove the transaction.
    Terminate,
}

/// The timers of RFC 3261, table 4, and of RFC 6026, and one of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Timer {
    /// INVITE request retransmission.
    A,
    /// INVITE transaction time-out.
    B,
    /// Wait for retransmitted responses to an INVITE.
    D,
    /// Request retransmission.
    E,
    /// Transaction time-out.
    F,
    /// INVITE response retransmission.
    G,
    /// Wait for the ACK.
    H,
    /// Wait for retransmitted ACKs.
    I,
    /// Wait for retransmitted requests.
    J,
    /// Wait for retransmitted responses.
    K,
    /// Wait for retransmitted INVITEs after a 2xx (RFC 6026).
    L,
    /// Wait for further 2xx responses (RFC 6026).
    M,
    /// How long a peer may ring on an INVITE.
    Ringing,
}

/// An event of a transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TransactionEvent {
    /// The transaction starts: for a client, the request is to be sent; for a server, the request was received.
    Start,
    /// A copy of the request was received.
    Again,
    /// A response was received (client) or is to be sent (server).
    Response(Status),
    /// The ACK of a final response that is not a 2xx was received.
    Ack,
    /// The user gives its INVITE up.
    GiveUp,
    /// A timer that was set has fired.
    Fired(Timer),
    /// The transport cannot carry the message.
    TransportFailed,
}

/// Whether the transport delivers each message once and in order, so that nothing is retransmitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reliability {
    /// TCP or TLS.
    Reliable,
    /// UDP.
    Unreliable,
}

/// The effects of one event, in the order in which they are carried out.
pub type TransactionEffects = SmallVec<[TransactionEffect; 3]>;

/// Round-trip time estimate (RFC 3261, section 17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// Longest interval between retransmissions.
pub const T2: Duration = Duration::from_secs(4);
/// Longest time that a message stays in the network.
pub const T4: Duration = Duration::from_secs(5);
/// How long a transaction may take: 64 times T1.
pub const LIFE: Duration = Duration::from_secs(32);
/// How long a peer may ring on an INVITE for CSTA, which nobody answers by hand. Some phones ring before they accept by
/// themselves.
pub const RINGING: Duration = Duration::from_secs(2);

impl Reliability {
    /// A waiting time for retransmissions only: zero on a reliable transport.
    fn wait(self, duration: Duration) -> Duration {
        match self {
            Self::Reliable => Duration::ZERO,
            Self::Unreliable => duration,
        }
    }
}

/// Terminates the transaction after the waiting time, or at once if that is zero.
fn linger(timer: Timer, duration: Duration, effects: &mut TransactionEffects) {
    effects.push(if duration.is_zero() {
        TransactionEffect::Terminate
    } else {
        TransactionEffect::Set(timer, duration)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When an unanswered transaction over UDP sends, and when it ends, in milliseconds after its start.
    fn timeline<S: Copy>(
        mut state: S,
        on: impl Fn(S, TransactionEvent, Reliability) -> (S, TransactionEffects),
        start: TransactionEvent,
    ) -> (Vec<u128>, u128) {
        let mut set: Vec<(Duration, Timer)> = Vec::new();
        let mut sent = Vec::new();
        let (mut now, mut event) = (Duration::ZERO, start);
        loop {
            let (next, effects) = on(state, event, Reliability::Unreliable);
            state = next;
            for effect in effects {
                match effect {
                    TransactionEffect::Transmit => sent.push(now.as_millis()),
                    TransactionEffect::Set(timer, after) => set.push((now + after, timer)),
                    TransactionEffect::Terminate => return (sent, now.as_millis()),
                    _ => {}
                }
            }
            set.sort_by_key(|(at, _)| *at);
            let (at, timer) = set.remove(0);
            (now, event) = (at, TransactionEvent::Fired(timer));
        }
    }

    #[test]
    fn rfc_3261_table_4_retransmission_times() {
        // Doubling from T1 with no end: an INVITE, by timer A until B.
        let doubling: &[u128] = &[0, 500, 1500, 3500, 7500, 15500, 31500];
        // Doubling from T1 up to T2: E until F, G until H, and the 2xx to an INVITE until L.
        let capped: &[u128] = &[
            0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500,
        ];
        let check = |got: (Vec<u128>, u128), sent: &[u128]| assert_eq!(got, (sent.to_vec(), 32000));
        let invite = invite_client::InviteClientState::NEW;
        check(
            timeline(
                invite,
                invite_client::InviteClientState::on,
                TransactionEvent::Start,
            ),
            doubling,
        );
        check(
            timeline(
                client::NonInviteClientState::NEW,
                client::NonInviteClientState::on,
                TransactionEvent::Start,
            ),
            capped,
        );
        let received = invite_server::InviteServerState::NEW;
        for status in [Status::NOT_FOUND, Status::OK] {
            check(
                timeline(
                    received,
                    invite_server::InviteServerState::on,
                    TransactionEvent::Response(status),
                ),
                capped,
            );
        }
        // The response to another request is repeated for each copy of it, until timer J fires.
        check(
            timeline(
                server::NonInviteServerState::NEW,
                server::NonInviteServerState::on,
                TransactionEvent::Response(Status::OK),
            ),
            &[0],
        );
    }
}
