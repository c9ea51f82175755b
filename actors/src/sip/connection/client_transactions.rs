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
    /// The request or, after a rejected INVITE, its ACK, where these may have to be retransmitted.
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
    /// The final response arrived. The transaction remains for its copies; those of a 2xx to an INVITE are acknowledged.
    Answered,
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
            Self::Bye | Self::Request(_) | Self::Answered => None,
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
        let slot = self.table.slot(branch.id)?;
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
                    _ => known.sent.iter().for_each(|ack| transmit(ack)),
                },
                TransactionEffect::Set(_, after) => effects.push(ClientEffect::WakeAt(now + after)),
                TransactionEffect::Terminate => over = true,
                TransactionEffect::Transmit => {
                    known.sent.iter().for_each(|request| transmit(request));
                }
            }
        }
        let cseq = self.table[slot].cseq;
        let concluded = if over {
            Some(self.table.remove(slot).purpose).zip(outcome)
        } else if let Some(outcome) = outcome {
            self.table.stop_retransmissions(slot);
            let purpose = std::mem::replace(&mut self.table[slot].purpose, Purpose::Answered);
            Some((purpose, outcome))
        } else {
            None
        };
        match (concluded, response) {
            (Some((Purpose::Answered, _)), Some(response)) => {
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

#[cfg(test)]
mod tests {
    use super::{super::samples::response_to, *};
    use crate::sip::transaction::{LIFE, T4};

    const NOW: Duration = Duration::from_secs(100);
    const SESSION: SessionId = SessionId { slot: 3, serial: 9 };

    fn transactions(reliability: Reliability) -> ClientTransactions {
        ClientTransactions::new(reliability, 7, 2)
    }

    fn info(ticket: u64) -> Purpose {
        let purpose = SessionPurpose::Invoke {
            ticket,
            content: None,
            retries: 0,
        };
        Purpose::Session(SESSION, purpose)
    }

    /// The names of the effects; WakeAt is left out.
    fn names(effects: &ClientEffects<'_>) -> Vec<&'static str> {
        let name = |effect: &ClientEffect<'_>| match effect {
            ClientEffect::Conclude { .. } => Some("conclude"),
            ClientEffect::AcknowledgeRejection { .. } => Some("ack"),
            ClientEffect::AcknowledgeAgain { .. } => Some("ack again"),
            ClientEffect::WakeAt(_) => None,
        };
        effects.iter().filter_map(name).collect()
    }

    #[test]
    fn each_final_response_concludes_its_request_and_leaves_no_transaction() {
        use Reliability::{Reliable as Tcp, Unreliable as Udp};
        for (reliability, method, status, first, copy, lingers) in [
            (Tcp, "INFO", 200, &["conclude"][..], &[][..], None),
            (Tcp, "INFO", 486, &["conclude"], &[], None),
            (Udp, "INFO", 200, &["conclude"], &[], Some(T4)),
            (Udp, "INFO", 486, &["conclude"], &[], Some(T4)),
            (
                Tcp,
                "INVITE",
                200,
                &["conclude"],
                &["ack again"],
                Some(LIFE),
            ),
            (
                Udp,
                "INVITE",
                200,
                &["conclude"],
                &["ack again"],
                Some(LIFE),
            ),
            (Tcp, "INVITE", 486, &["ack", "conclude"], &[], None),
            (Udp, "INVITE", 486, &["ack", "conclude"], &[], Some(LIFE)),
            (Udp, "INVITE", 180, &[], &[], Some(LIFE)),
        ] {
            let case = format!("{reliability:?} {method} {status}");
            let mut all = transactions(reliability);
            let method_sent = if method == "INVITE" {
                Method::Invite
            } else {
                Method::Info
            };
            let (branch, due) = all.start(&method_sent, info(1), NOW);
            assert!(due.is_some(), "{case}");
            let response = response_to(branch, status, method);
            let effects = all.on_response(&response, NOW, |_| ()).expect("matches");
            assert_eq!(names(&effects), first, "{case}");
            let effects = all.on_response(&response, NOW, |_| ());
            assert_eq!(effects.is_some(), lingers.is_some(), "{case}");
            assert_eq!(
                effects.map_or(vec![], |effects| names(&effects)),
                copy,
                "{case}"
            );
            if let (Some(lingers), false) = (lingers, status == 180) {
                assert_eq!(
                    all.due(NOW + lingers - Duration::from_millis(1)),
                    [],
                    "{case}"
                );
                for (id, timer) in all.due(NOW + lingers) {
                    let effects = all.on_timer(id, timer, NOW + lingers, |_| ());
                    assert_eq!(names(&effects), [""; 0], "{case}");
                }
                assert!(all.table.is_empty(), "{case}");
            }
        }
    }

    #[test]
    fn a_request_without_a_response_times_out() {
        for reliability in [Reliability::Reliable, Reliability::Unreliable] {
            let mut all = transactions(reliability);
            all.start(&Method::Info, info(1), NOW);
            let mut seen = Vec::new();
            for (id, timer) in all.due(NOW + LIFE) {
                seen.extend(all.on_timer(id, timer, NOW + LIFE, |_| ()));
            }
            let timed_out = seen.iter().any(|effect| {
                matches!(
                    effect,
                    ClientEffect::Conclude {
                        outcome: RequestOutcome::TimedOut,
                        ..
                    }
                )
            });
            assert!(timed_out && all.table.is_empty(), "{reliability:?}");
        }
    }

    #[test]
    fn a_branch_names_its_transaction_alone() {
        let mut all = transactions(Reliability::Reliable);
        let (branch, _) = all.start(&Method::Info, info(1), NOW);
        assert_eq!(Branch::parse(&branch.to_string()), Some(branch));
        let foreign = Branch {
            random: 8,
            ..branch
        };
        let response = response_to(foreign, 200, "INFO");
        assert!(all.on_response(&response, NOW, |_| ()).is_none());
        for branch in ["", "z9hG4bK", "z9hG4bK0-1", "z9hG4bK0-1-x", "0-1-7"] {
            assert_eq!(Branch::parse(branch), None, "{branch}");
        }
    }

    #[test]
    fn the_end_of_a_session_returns_its_open_tickets() {
        let mut all = transactions(Reliability::Reliable);
        let other = SessionId { slot: 3, serial: 8 };
        all.start(&Method::Info, info(1), NOW);
        all.start(
            &Method::Info,
            Purpose::Session(SESSION, SessionPurpose::Notify),
            NOW,
        );
        all.start(&Method::Bye, Purpose::Bye, NOW);
        assert!(all.is_full());
        assert_eq!(all.abandon(other), [0; 0]);
        assert_eq!(all.abandon(SESSION), [1]);
        assert_eq!(all.table.len(), 1);
        all.abandon_events();
        assert!(all.table.is_empty() && !all.is_full());
    }
}
