//! Client transactions (RFC 3261, section 17.1): the requests that a connection sent, why, and what their events lead to.

mod branch;
mod purpose;
#[cfg(test)]
mod tests;

use std::time::Duration;

use smallvec::SmallVec;
use uacsta_schema::sip::{Method, Response};

pub(super) use self::{
    branch::Branch,
    purpose::{Purpose, SessionPurpose},
};
use super::outcome::RequestOutcome;
use crate::sip::{
    dialog::Dialog,
    session::SessionId,
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
    /// The INVITEs that were cancelled, each with its CANCEL, whose branch is the same (RFC 3261, section 9.1).
    cancels: Vec<(TransactionId, TransactionId)>,
}

struct ClientTransaction {
    /// The request or, after a rejected INVITE, its ACK, where these may have to be retransmitted.
    sent: Option<Box<Sent>>,
    cseq: u32,
    purpose: Purpose,
}

/// How many BYEs may await a response before that to a 2xx without a session is sent without waiting for one.
const MOST_DECLINED: usize = 64;

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
    /// Send the ACK of a 2xx to an INVITE that has no session, and a BYE (RFC 3261, section 13.2.2.4).
    Decline(&'r Response),
    /// Send the CANCEL of an INVITE of this session, since the peer `rang` for too long or never answered.
    Cancel {
        session: SessionId,
        invite: Branch,
        cseq: u32,
        rang: bool,
    },
    /// A timer is due at this time.
    WakeAt(Duration),
}

/// In the order in which they are carried out.
pub(super) type ClientEffects<'r> = SmallVec<[ClientEffect<'r>; 2]>;

impl ClientTransactions {
    pub(super) fn new(reliability: Reliability, random: u64, most: usize) -> Self {
        Self {
            table: Transactions::new(),
            reliability,
            random,
            most,
            cancels: Vec::new(),
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

    /// Starts the transaction of the CANCEL of this INVITE; also returns when its first timer is due.
    pub(super) fn start_cancel(
        &mut self,
        invite: Branch,
        now: Duration,
    ) -> (TransactionId, Option<Duration>) {
        let (cancel, due) = self.start(&Method::Cancel, Purpose::Cancel, now);
        self.cancels.push((invite.id, cancel.id));
        (cancel.id, due)
    }

    /// Gives up the INVITE that opens this session: it is cancelled as soon as that is allowed.
    pub(super) fn give_up(&mut self, session: SessionId, now: Duration) -> ClientEffects<'static> {
        let invite = self.table.iter().find(|(_, known)| {
            matches!(&known.purpose, Purpose::Session(of, SessionPurpose::Invite { .. }) if *of == session)
        });
        match invite {
            Some((slot, _)) => self.on(slot, TransactionEvent::GiveUp, None, now, |_| ()),
            None => ClientEffects::new(),
        }
    }

    /// Whether few enough sessions are being ended that the BYE of one more, of which nothing is known, is kept until its
    /// response.
    pub(super) fn may_decline(&self) -> bool {
        let byes = self.table.iter();
        byes.filter(|(_, known)| matches!(known.purpose, Purpose::Bye))
            .count()
            < MOST_DECLINED
    }

    /// Whether a response has a branch of ours, although it may match no transaction any more.
    pub(super) fn is_ours(&self, response: &Response) -> bool {
        let via = response.head().top_via().ok();
        let branch = via.and_then(|via| Branch::parse(via.branch()?));
        branch.is_some_and(|branch| branch.random == self.random)
    }

    /// The branch of the ACK of a 2xx, which is a transaction of its own (RFC 3261, section 13.2.2.4).
    pub(super) fn ack_branch(&self, session: SessionId, cseq: u32) -> Branch {
        Branch {
            id: TransactionId {
                slot: session.slot,
                serial: cseq,
            },
            // No request has this one.
            random: !self.random,
        }
    }

    /// The request of a transaction was sent.
    pub(super) fn sent(&mut self, id: TransactionId, cseq: u32, sent: Option<Box<Sent>>) {
        if let Some(slot) = self.table.slot(id) {
            let known = &mut self.table[slot];
            (known.sent, known.cseq) = (sent, cseq);
        }
    }

    /// The ACK of a rejected INVITE was sent: each copy of the rejection gets it again.
    pub(super) fn acknowledged(&mut self, branch: Branch, sent: Option<Box<Sent>>) {
        if let Some(slot) = self.table.slot(branch.id) {
            self.table[slot].sent = sent;
        }
    }

    /// The request of a transaction was not sent: returns what it was for.
    pub(super) fn withdraw(&mut self, id: TransactionId) -> Option<Purpose> {
        let slot = self.table.slot(id)?;
        Some(self.table.remove(slot).purpose)
    }

    /// A response arrived; `transmit` sends an ACK again. `None` if it matches no transaction (RFC 3261, section 17.1.3).
    pub(super) fn on_response<'r>(
        &mut self,
        response: &'r Response,
        now: Duration,
        transmit: impl FnMut(&Sent),
    ) -> Option<ClientEffects<'r>> {
        let via = response.head().top_via().ok()?;
        let branch = Branch::parse(via.branch()?)?;
        let is_cancel = || {
            let cseq = response.head().cseq();
            cseq.is_ok_and(|cseq| cseq.method == Method::Cancel)
        };
        let slot = match self.table.slot(branch.id) {
            Some(slot) if !self.table.is_invite(slot) => slot,
            _ if is_cancel() => {
                let mut cancels = self.cancels.iter();
                let (_, cancel) = cancels.find(|(invite, _)| *invite == branch.id)?;
                self.table.slot(*cancel)?
            }
            slot => slot?,
        };
        let event = TransactionEvent::Response(response.status());
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
                TransactionEffect::Deliver => {
                    let last = response.filter(|response| !response.status().is_provisional());
                    outcome = last.map(RequestOutcome::Response);
                }
                TransactionEffect::TimedOut => outcome = Some(RequestOutcome::TimedOut),
                TransactionEffect::Unreachable => outcome = Some(RequestOutcome::Unreachable),
                TransactionEffect::Acknowledge => match (&known.purpose, response) {
                    (Purpose::Session(session, _), Some(response)) => {
                        effects.push(ClientEffect::AcknowledgeRejection {
                            session: *session,
                            branch: Branch {
                                id,
                                random: self.random,
                            },
                            cseq: known.cseq,
                            response,
                        });
                    }
                    // The ACK of an INVITE without a session is sent with the outcome.
                    (Purpose::Orphaned(_), _) => {}
                    _ => known.sent.iter().for_each(|ack| transmit(ack)),
                },
                TransactionEffect::Cancel { rang } => {
                    if let Purpose::Session(session, _) = known.purpose {
                        effects.push(ClientEffect::Cancel {
                            session,
                            invite: Branch {
                                id,
                                random: self.random,
                            },
                            cseq: known.cseq,
                            rang,
                        });
                    }
                }
                TransactionEffect::Set(_, after) => effects.push(ClientEffect::WakeAt(now + after)),
                TransactionEffect::Terminate => over = true,
                TransactionEffect::Transmit => {
                    known.sent.iter().for_each(|request| transmit(request));
                }
            }
        }
        let cseq = self.table[slot].cseq;
        let concluded = if over {
            let purpose = self.table.remove(slot).purpose;
            self.cancels.retain(|(_, cancel)| *cancel != id);
            Some(purpose).zip(outcome)
        } else if let Some(outcome) = outcome {
            self.table.stop_retransmissions(slot);
            self.answered(slot, response).zip(Some(outcome))
        } else {
            None
        };
        match (concluded, response) {
            (Some((Purpose::Answered { tag }, _)), Some(response)) => {
                effects.push(if response.head().to_tag() == tag.as_deref() {
                    ClientEffect::AcknowledgeAgain { cseq, response }
                } else {
                    ClientEffect::Decline(response)
                });
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

    /// A transaction that goes on has its final response; returns what its request was for, or a copy of [`Purpose::Answered`].
    fn answered(&mut self, slot: usize, response: Option<&Response>) -> Option<Purpose> {
        let purpose = &mut self.table[slot].purpose;
        if let Purpose::Answered { tag } = purpose {
            return Some(Purpose::Answered { tag: tag.clone() });
        }
        let is_cancel = matches!(purpose, Purpose::Cancel);
        let accepted = response.filter(|response| response.status().is_success() && !is_cancel);
        let tag = accepted.and_then(|response| response.head().to_tag());
        let tag = tag.map(Into::into);
        Some(std::mem::replace(purpose, Purpose::Answered { tag }))
    }

    /// Ends the transactions of a session, of which INVITEs are still acknowledged in its dialog; returns the tickets of its
    /// CSTA requests without a response.
    pub(super) fn abandon(&mut self, session: SessionId, dialog: &Dialog) -> Vec<u64> {
        let slots: Vec<usize> = self
            .table
            .iter()
            .filter(|(_, known)| known.purpose.session() == Some(session))
            .map(|(slot, _)| slot)
            .collect();
        let mut tickets = Vec::new();
        for slot in slots {
            match &self.table[slot].purpose {
                Purpose::Session(
                    _,
                    SessionPurpose::Invite { .. } | SessionPurpose::Refresh { by_invite: true },
                ) => {
                    let branch = Branch {
                        id: self.table.id(slot),
                        random: self.random,
                    };
                    let orphaned = Purpose::Orphaned(Box::new((dialog.clone(), branch)));
                    self.table[slot].purpose = orphaned;
                    continue;
                }
                Purpose::Session(_, SessionPurpose::Invoke { ticket, .. }) => tickets.push(*ticket),
                _ => {}
            }
            self.table.remove(slot);
        }
        tickets
    }

    /// Ends all transactions but CSTA requests, so that each of a thousand sessions that end at once need not search for its
    /// own.
    pub(super) fn abandon_events(&mut self) {
        self.cancels.clear();
        self.table.retain(|known| {
            matches!(
                known.purpose,
                Purpose::Session(_, SessionPurpose::Invoke { .. })
            )
        });
    }
}
