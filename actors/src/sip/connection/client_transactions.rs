//! Client transactions (RFC 3261, section 17.1): the requests that a connection sent, why, and what their events lead to.

use std::{fmt, time::Duration};

use smallvec::SmallVec;
use tokio::sync::oneshot;
use uacsta_schema::sip::{Method, Response};

use super::outcome::RequestOutcome;
use crate::sip::{
    body::Body,
    session::{RequestError, SessionId},
    transaction::{
        Reliability, Timer, TransactionEffect, TransactionEvent,
        table::{Machine, TransactionId, Transactions},
    },
    transport::Sent,
};

/// The client transactions of a connection.
pub(super) struct ClientTransactions {
    table: Transactions<ClientTransaction>,
    reliability: Reliability,
    /// Distinguishes the branches of this connection from those of all others.
    random: u64,
    /// How many transactions there may be before no event is sent.
    most: usize,
}

struct ClientTransaction {
    /// The request, where it may have to be retransmitted.
    sent: Option<Box<Sent>>,
    cseq: u32,
    purpose: Purpose,
}

/// Why a request was sent.
#[derive(Debug)]
pub(super) enum Purpose {
    /// In a session, which handles the outcome.
    Session(SessionId, SessionPurpose),
    /// To end a session that the connection has already removed.
    Bye,
    /// Outside dialogs, for another actor.
    Request(ResponseSender),
    /// The INVITE of a session was accepted: each copy of the 2xx is acknowledged.
    Accepted,
}

/// Why a request was sent in a session.
#[derive(Debug)]
pub(super) enum SessionPurpose {
    /// Opens the session; `retries` counts the challenges and the 422 that were answered.
    Invite { retries: u8 },
    /// Refreshes the session.
    Refresh,
    /// A CSTA request. The content is kept if a challenge to it can be answered.
    Invoke {
        ticket: u64,
        content: Option<Body>,
        retries: u8,
    },
    /// A CSTA event.
    Notify,
}

/// Receives the final response to a request outside dialogs.
pub(super) type ResponseSender = oneshot::Sender<Result<Response, RequestError>>;

/// The branch of a request of ours. Its text names the transaction, so that a response finds it without a search.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Branch {
    id: TransactionId,
    random: u64,
}

/// What the event of a client transaction leads to.
#[derive(Debug)]
pub(super) enum ClientEffect<'r> {
    /// Report the outcome of a request, the last one with this CSeq in its dialog.
    Conclude {
        purpose: Purpose,
        cseq: u32,
        outcome: RequestOutcome<'r>,
    },
    /// Send the ACK of a rejected INVITE (RFC 3261, section 17.1.1.3).
    AcknowledgeRejection {
        session: SessionId,
        branch: Branch,
        cseq: u32,
        response: &'r Response,
    },
    /// Send the ACK of a 2xx again (RFC 3261, section 13.2.2.4).
    AcknowledgeAgain { cseq: u32, response: &'r Response },
    /// A timer is due at this time.
    WakeAt(Duration),
}

/// In the order in which they are carried out.
pub(super) type ClientEffects<'r> = SmallVec<[ClientEffect<'r>; 2]>;

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransactionId { slot, serial } = self.id;
        write!(f, "z9hG4bK{slot:x}-{serial:x}-{:x}", self.random)
    }
}

impl Branch {
    fn parse(branch: &str) -> Option<Self> {
        let mut parts = branch.strip_prefix("z9hG4bK")?.split('-');
        let slot = u32::from_str_radix(parts.next()?, 16).ok()?;
        let serial = u32::from_str_radix(parts.next()?, 16).ok()?;
        let random = u64::from_str_radix(parts.next()?, 16).ok()?;
        Some(Self {
            id: TransactionId { slot, serial },
            random,
        })
    }

    pub(super) fn transaction(self) -> TransactionId {
        self.id
    }
}

impl Purpose {
    fn session(&self) -> Option<SessionId> {
        match self {
            Self::Session(session, _) => Some(*session),
            Self::Bye | Self::Request(_) | Self::Accepted => None,
        }
    }
}

impl ClientTransactions {
    pub(super) fn new(reliability: Reliability, random: u64, most: usize) -> Self {
        Self {
            table: Transactions::new(),
            reliability,
            random,
            most,
        }
    }

    /// Whether the peer left so many requests unanswered that it must not be sent another event.
    pub(super) fn is_full(&self) -> bool {
        self.table.len() >= self.most
    }

    /// Starts a transaction, whose request is to be sent now; also returns when its first timer is due.
    pub(super) fn start(
        &mut self,
        method: &Method,
        purpose: Purpose,
        now: Duration,
    ) -> (Branch, Option<Duration>) {
        let transaction = ClientTransaction {
            sent: None,
            cseq: 0,
            purpose,
        };
        let machine = Machine::client(method);
        let id = self
            .table
            .start(machine, self.reliability, now, transaction);
        let branch = Branch {
            id,
            random: self.random,
        };
        (branch, self.table.deadline(id.slot as usize))
    }

    /// The branch of the ACK of a 2xx, which is a transaction of its own (RFC 3261, section 13.2.2.4).
    pub(super) fn ack_branch(&self, session: SessionId, cseq: u32) -> Branch {
        Branch {
            id: TransactionId {
                slot: session.slot,
                serial: cseq,
            },
            random: self.random,
        }
    }

    /// The request of a transaction was sent.
    pub(super) fn sent(&mut self, id: TransactionId, cseq: u32, sent: Option<Box<Sent>>) {
        if let Some(slot) = self.table.slot(id) {
            let known = &mut self.table[slot];
            (known.sent, known.cseq) = (sent, cseq);
        }
    }

    /// The request of a transaction was not sent: returns what it was for.
    pub(super) fn withdraw(&mut self, id: TransactionId) -> Option<Purpose> {
        let slot = self.table.slot(id)?;
        Some(self.table.remove(slot).purpose)
    }

    /// A response arrived. `None` if it matches no transaction (RFC 3261, section 17.1.3).
    pub(super) fn on_response<'r>(
        &mut self,
        response: &'r Response,
        now: Duration,
    ) -> Option<ClientEffects<'r>> {
        let via = response.head().top_via().ok()?;
        let branch = Branch::parse(via.branch()?)?;
        let slot = self.table.slot(branch.id)?;
        let event = TransactionEvent::Response(response.status());
        // A response never makes a request be retransmitted.
        let transmit = |_: &Sent| ();
        (branch.random == self.random).then(|| self.on(slot, event, Some(response), now, transmit))
    }

    /// Takes the timers that are due. Each is fired by [`Self::on_timer`], after the effects of the one before.
    pub(super) fn due(&mut self, now: Duration) -> Vec<(TransactionId, Timer)> {
        self.table.due(now)
    }

    /// A timer fired; `transmit` sends a request again. A transaction that has ended meanwhile ignores it.
    pub(super) fn on_timer(
        &mut self,
        id: TransactionId,
        timer: Timer,
        now: Duration,
        transmit: impl FnMut(&Sent),
    ) -> ClientEffects<'static> {
        match self.table.slot(id) {
            Some(slot) => self.on(slot, TransactionEvent::Fired(timer), None, now, transmit),
            None => ClientEffects::new(),
        }
    }

    /// When the next timer is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.table.next_due()
    }

    fn on<'r>(
        &mut self,
        slot: usize,
        event: TransactionEvent,
        response: Option<&'r Response>,
        now: Duration,
        mut transmit: impl FnMut(&Sent),
    ) -> ClientEffects<'r> {
        let mut effects = ClientEffects::new();
        let (mut over, mut outcome) = (false, None);
        let id = self.table.id(slot);
        for effect in self.table.on(slot, event, self.reliability, now) {
            let known = &self.table[slot];
            match effect {
                TransactionEffect::Deliver => outcome = response.map(RequestOutcome::Response),
                TransactionEffect::TimedOut => outcome = Some(RequestOutcome::TimedOut),
                TransactionEffect::Unreachable => outcome = Some(RequestOutcome::Unreachable),
                TransactionEffect::Acknowledge => {
                    if let (Some(session), Some(response)) = (known.purpose.session(), response) {
                        effects.push(ClientEffect::AcknowledgeRejection {
                            session,
                            branch: Branch {
                                id,
                                random: self.random,
                            },
                            cseq: known.cseq,
                            response,
                        });
                    }
                }
                TransactionEffect::Set(_, after) => effects.push(ClientEffect::WakeAt(now + after)),
                TransactionEffect::Terminate => over = true,
                TransactionEffect::Transmit => {
                    if let Some(sent) = &known.sent {
                        transmit(sent);
                    }
                }
            }
        }
        let cseq = self.table[slot].cseq;
        let concluded = if over {
            Some(self.table.remove(slot).purpose).zip(outcome)
        } else if let Some(outcome) = outcome
            && outcome.success().is_some()
        {
            // The transaction of an accepted INVITE stays, for copies of the 2xx.
            self.table.stop_timers_but(slot, Timer::M);
            let purpose = std::mem::replace(&mut self.table[slot].purpose, Purpose::Accepted);
            Some((purpose, outcome))
        } else {
            None
        };
        match (concluded, response) {
            (Some((Purpose::Accepted, _)), Some(response)) => {
                effects.push(ClientEffect::AcknowledgeAgain { cseq, response });
            }
            (Some((purpose, outcome)), _) => effects.push(ClientEffect::Conclude {
                purpose,
                cseq,
                outcome,
            }),
            (None, _) => {}
        }
        effects
    }

    /// Ends the transactions of a session; returns the tickets of its CSTA requests without a response.
    pub(super) fn abandon(&mut self, session: SessionId) -> Vec<u64> {
        let slots: Vec<usize> = self
            .table
            .iter()
            .filter(|(_, known)| known.purpose.session() == Some(session))
            .map(|(slot, _)| slot)
            .collect();
        let mut tickets = Vec::new();
        for slot in slots {
            if let Purpose::Session(_, SessionPurpose::Invoke { ticket, .. }) =
                self.table.remove(slot).purpose
            {
                tickets.push(ticket);
            }
        }
        tickets
    }

    /// Ends all transactions but CSTA requests, so that each of a thousand sessions that end at once need not search for its
    /// own.
    pub(super) fn abandon_events(&mut self) {
        self.table.retain(|known| {
            matches!(
                known.purpose,
                Purpose::Session(_, SessionPurpose::Invoke { .. })
            )
        });
    }
}
