//! Server transactions (RFC 3261, section 17.2): received requests without a response, and responses that may be repeated.

use std::{rc::Rc, time::Duration};

use uacsta_schema::sip::{Method, Request, Status};

use crate::sip::{
    responder::FinalResponse,
    session::SessionId,
    transaction::{
        Reliability, TransactionEffect, TransactionEffects, TransactionEvent,
        matching::{self, Key, Matching},
        table::{Machine, TransactionId, Transactions},
    },
    transport::Sent,
};

/// The server transactions of a connection.
pub(super) struct ServerTransactions {
    table: Transactions<ServerTransaction>,
    matching: Matching,
    reliability: Reliability,
    /// How many transactions there may be before a request is rejected.
    most: usize,
    /// Our tag in responses outside dialogs (RFC 3261, section 8.2.6.2).
    tag: Box<str>,
}

struct ServerTransaction {
    key: Key,
    /// What it has in common with merged copies.
    merged: Key,
    /// The request, as long as it is needed.
    request: Option<Rc<Request>>,
    /// The session that the request is in.
    session: Option<SessionId>,
    /// The response, where it may have to be retransmitted.
    sent: Option<Box<Sent>>,
}

/// How many requests of a peer on UDP are kept, each for 64*T1.
const MOST_ON_UDP: usize = 256;

impl ServerTransactions {
    /// `pending` is how many requests may await their responses on a reliable transport; `random` makes our tag outside dialogs.
    pub(super) fn new(reliability: Reliability, random: u64, pending: usize) -> Self {
        Self {
            table: Transactions::new(),
            matching: Matching::new(),
            reliability,
            most: match reliability {
                Reliability::Reliable => pending,
                Reliability::Unreliable => MOST_ON_UDP,
            },
            tag: format!("{random:x}").into(),
        }
    }

    /// Our tag in responses outside dialogs.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// The bound, if there are so many transactions that a request must be rejected without one.
    pub(super) fn full(&self) -> Option<usize> {
        (self.table.len() >= self.most).then_some(self.most)
    }

    /// The identity of the transaction that [`Self::start`] starts next.
    pub(super) fn next_id(&self) -> TransactionId {
        self.table.next_id()
    }

    /// Whether the response to a request may have to be retransmitted or, for a 2xx to an INVITE, the INVITE be absorbed
    /// (RFC 6026, section 7.1). A challenge is not kept: RFC 3261, section 26.3.2.4 has servers forgo "the normal response
    /// retransmission algorithm, thus behaving statelessly toward unauthenticated requests". Over a reliable transport, a
    /// rejected INVITE leaves nothing behind, and its ACK matches nothing.
    pub(super) fn must_keep(&self, request: &Request, response: &FinalResponse) -> bool {
        match self.reliability {
            Reliability::Reliable => {
                *request.method() == Method::Invite && response.status.is_success()
            }
            Reliability::Unreliable => {
                *request.method() == Method::Invite || response.status != Status::UNAUTHORIZED
            }
        }
    }

    /// Starts the transaction of a request.
    pub(super) fn start(
        &mut self,
        request: Request,
        session: Option<SessionId>,
        now: Duration,
    ) -> TransactionId {
        let machine = Machine::server(request.method());
        let key = matching::key(&request, request.method());
        let transaction = ServerTransaction {
            key,
            merged: matching::merged_key(&request),
            request: Some(Rc::new(request)),
            session,
            sent: None,
        };
        // The only effect of the start is the delivery, which is the caller's next step.
        let id = self
            .table
            .start(machine, self.reliability, now, transaction);
        self.matching.insert(key, id.slot as usize);
        id
    }

    /// Whether a request is a copy of one that has a transaction; then its response, if there is one, is sent again (RFC 3261,
    /// section 17.2).
    pub(super) fn absorbs(
        &mut self,
        request: &Request,
        now: Duration,
        transmit: impl FnMut(&Sent),
    ) -> bool {
        let slot = self.matching.find(request, request.method());
        if let Some(slot) = slot {
            self.on(slot, TransactionEvent::Again, now, transmit);
        }
        slot.is_some()
    }

    /// Whether an INVITE is a copy of one that has a transaction, and came another way (RFC 3261, section 8.2.2.2).
    pub(super) fn has_merged(&self, request: &Request) -> bool {
        let merged = matching::merged_key(request);
        let mut known = self.table.iter();
        merged.is_some() && known.any(|(_, known)| known.merged == merged)
    }

    /// Handles the ACK of a rejection (RFC 3261, section 17.1.1.3) or, on UDP, of a 2xx; `false` if none awaits it.
    pub(super) fn acknowledged(&mut self, ack: &Request, now: Duration) -> bool {
        let known = self.matching.find(ack, &Method::Invite);
        let Some(slot) = known.or_else(|| self.unconfirmed(ack)) else {
            return false;
        };
        !self.on(slot, TransactionEvent::Ack, now, |_| ()).is_empty()
    }

    /// The INVITE whose 2xx is retransmitted until this ACK, which has a branch of its own (RFC 3261, section 13.3.1.4).
    fn unconfirmed(&self, ack: &Request) -> Option<usize> {
        if self.reliability == Reliability::Reliable {
            return None;
        }
        let call_id = ack.head().call_id()?;
        let number = ack.head().cseq().ok()?.number;
        let mut waiting = self.table.awaiting_ack();
        let found = waiting.find(|(_, known)| {
            known.request.as_ref().is_some_and(|request| {
                let head = request.head();
                head.call_id() == Some(call_id)
                    && head.cseq().is_ok_and(|cseq| cseq.number == number)
            })
        });
        found.map(|(slot, _)| slot)
    }

    /// The INVITE that a CANCEL is for (RFC 3261, section 9.2).
    pub(super) fn cancelled(&self, cancel: &Request) -> Option<TransactionId> {
        let slot = self.matching.find(cancel, &Method::Invite)?;
        Some(self.table.id(slot))
    }

    /// A request that awaits its response, with its session. `None` for one that was cancelled or has its response.
    pub(super) fn pending(&self, id: TransactionId) -> Option<(Rc<Request>, Option<SessionId>)> {
        let slot = self.table.awaiting_response(id)?;
        let known = &self.table[slot];
        Some((known.request.clone()?, known.session))
    }

    /// The requests that await their responses: in this session, or all.
    pub(super) fn unanswered(&self, session: Option<SessionId>) -> Vec<TransactionId> {
        let in_session = |known: &ServerTransaction| session.is_none() || known.session == session;
        let known = self.table.iter().filter(|(_, known)| in_session(known));
        known
            .map(|(slot, _)| self.table.id(slot))
            .filter(|id| self.table.awaiting_response(*id).is_some())
            .collect()
    }

    /// Assigns a pending request to the session that has migrated here with it.
    pub(super) fn assign(&mut self, id: TransactionId, session: SessionId) {
        if let Some(slot) = self.table.awaiting_response(id) {
            self.table[slot].session = Some(session);
        }
    }

    /// The response to a request was sent, and is kept if it may have to be repeated; returns when the next timer is due.
    pub(super) fn answered(
        &mut self,
        id: TransactionId,
        status: Status,
        sent: Option<Box<Sent>>,
        now: Duration,
    ) -> Option<Duration> {
        let slot = self.table.slot(id)?;
        // The transaction has no copy yet of the response that was just sent.
        self.on(slot, TransactionEvent::Response(status), now, |_| ());
        self.table.slot(id)?;
        let known = &mut self.table[slot];
        known.sent = sent;
        // A copy of the request is recognised by its key on a stream; the request may be as long as a message can be.
        if self.reliability == Reliability::Reliable {
            known.request = None;
        }
        self.table.deadline(slot)
    }

    /// Fires the timers that are due; returns when the next one is. `transmit` sends a response again.
    pub(super) fn sweep(
        &mut self,
        now: Duration,
        mut transmit: impl FnMut(&Sent),
    ) -> Option<Duration> {
        for (id, timer) in self.table.due(now) {
            if let Some(slot) = self.table.slot(id) {
                self.on(slot, TransactionEvent::Fired(timer), now, &mut transmit);
            }
        }
        self.table.next_due()
    }

    fn on(
        &mut self,
        slot: usize,
        event: TransactionEvent,
        now: Duration,
        mut transmit: impl FnMut(&Sent),
    ) -> TransactionEffects {
        let effects = self.table.on(slot, event, self.reliability, now);
        for effect in &effects {
            match effect {
                TransactionEffect::Transmit => {
                    if let Some(sent) = &self.table[slot].sent {
                        transmit(sent);
                    }
                }
                TransactionEffect::Terminate => {
                    let ended = self.table.remove(slot);
                    self.matching.remove(ended.key);
                    break;
                }
                TransactionEffect::Set(..)
                | TransactionEffect::Deliver
                | TransactionEffect::Acknowledge
                | TransactionEffect::Cancel { .. }
                | TransactionEffect::TimedOut
                | TransactionEffect::Unreachable => {}
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::request, *};
    use crate::sip::transaction::LIFE;

    const NOW: Duration = Duration::from_secs(100);

    fn transactions(reliability: Reliability) -> ServerTransactions {
        ServerTransactions::new(reliability, 7, 2)
    }

    #[test]
    fn only_a_response_that_may_be_asked_for_again_is_kept() {
        use Reliability::{Reliable as Tcp, Unreliable as Udp};
        for (reliability, method, status, kept) in [
            (Tcp, "INVITE", Status::OK, true),
            (Tcp, "INVITE", Status::UNAUTHORIZED, false),
            (Tcp, "INFO", Status::OK, false),
            (Udp, "INVITE", Status::UNAUTHORIZED, true),
            (Udp, "INFO", Status::OK, true),
            (Udp, "REGISTER", Status::UNAUTHORIZED, false),
        ] {
            let request = request(method, 1, "z9hG4bK1x", "");
            let keeps = transactions(reliability).must_keep(&request, &status.into());
            assert_eq!(keeps, kept, "{reliability:?} {method} {status:?}");
        }
    }

    #[test]
    fn a_request_is_pending_until_its_response_and_its_copies_are_absorbed() {
        for (reliability, absorbed, due) in [
            (Reliability::Reliable, false, None),
            (Reliability::Unreliable, true, Some(NOW + LIFE)),
        ] {
            let info = || request("INFO", 1, "z9hG4bK1x", "");
            let mut all = transactions(reliability);
            assert!(!all.absorbs(&info(), NOW, |_| ()));
            let id = all.next_id();
            assert_eq!(all.start(info(), None, NOW), id);
            assert!(all.pending(id).is_some() && all.absorbs(&info(), NOW, |_| ()));
            assert_eq!(all.answered(id, Status::OK, None, NOW), due);
            assert!(all.pending(id).is_none(), "{reliability:?}");
            assert_eq!(
                all.absorbs(&info(), NOW, |_| ()),
                absorbed,
                "{reliability:?}"
            );
            assert_eq!(all.sweep(NOW + LIFE, |_| ()), None);
            assert!(all.table.is_empty());
        }
    }

    #[test]
    fn an_invite_is_cancelled_by_its_branch_and_over_udp_acknowledged_by_its_cseq() {
        let mut all = transactions(Reliability::Unreliable);
        let id = all.start(request("INVITE", 1, "z9hG4bK1x", ""), None, NOW);
        assert_eq!(
            all.cancelled(&request("CANCEL", 1, "z9hG4bK1x", "")),
            Some(id)
        );
        assert_eq!(all.cancelled(&request("CANCEL", 1, "z9hG4bK2x", "")), None);
        all.answered(id, Status::OK, None, NOW);
        assert!(
            all.unconfirmed(&request("ACK", 2, "z9hG4bK3x", ""))
                .is_none()
        );
        let ack = request("ACK", 1, "z9hG4bK3x", "");
        assert!(all.unconfirmed(&ack).is_some());
        // The session of the dialog is told as well.
        assert!(!all.acknowledged(&ack, NOW) && all.unconfirmed(&ack).is_none());
    }

    #[test]
    fn so_many_requests_may_be_pending() {
        let mut all = transactions(Reliability::Reliable);
        for (cseq, branch) in [(1, "z9hG4bK1x"), (2, "z9hG4bK2x")] {
            assert_eq!(all.full(), None);
            all.start(request("INFO", cseq, branch, ""), None, NOW);
        }
        assert_eq!(all.full(), Some(2));
        assert_eq!(transactions(Reliability::Unreliable).most, MOST_ON_UDP);
    }
}
