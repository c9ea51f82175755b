//! Client transactions: requests that were sent, and what their responses lead to.

use std::time::Duration;

use actix::Context;
use uacsta_schema::sip::{Composer, HeaderName, Method, Response, Status};

use super::{SipConnection, challenge::Authorization};
use crate::sip::{
    session::{Body, CSTA, RequestError},
    transaction::{
        Timer, TransactionEffect, TransactionEffects, TransactionEvent,
        table::{Machine, TransactionId},
    },
    transport::{Sent, TooLarge},
    uas::Uas,
};

/// What is kept of a request that was sent.
pub(super) struct ClientTransaction {
    /// The request, where it may have to be retransmitted.
    sent: Option<Box<Sent>>,
    cseq: u32,
    pub(super) purpose: Purpose,
}

/// What a request was sent for.
pub(super) enum Purpose {
    /// Opens a session; so many challenges were answered.
    Invite { session: usize, challenges: u8 },
    /// Refreshes a session by INVITE or UPDATE.
    Refresh { session: usize },
    /// A CSTA request; the content is kept to answer a challenge.
    Invoke {
        session: usize,
        ticket: u64,
        content: Option<Body>,
        challenges: u8,
    },
    /// A CSTA event.
    Notify { session: usize },
    /// Opened or refreshed a session by an INVITE whose 2xx came: its repetitions are acknowledged.
    Accepted,
    /// Ends a session that is forgotten already.
    Bye,
    /// A request outside of any dialog.
    Request(super::request::ResponseSender),
}

/// What became of a request.
pub(super) enum RequestOutcome<'a> {
    Response(&'a Response),
    TimedOut,
    Unreachable,
    /// It was not sent.
    TooLarge,
}

/// A branch of ours: the transaction, and what distinguishes this connection from all others.
pub(super) struct Branch {
    pub(super) id: TransactionId,
    random: u64,
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "z9hG4bK{:x}-{:x}-{:x}",
            self.id.slot, self.id.serial, self.random
        )
    }
}

impl Purpose {
    /// The session that the request belongs to.
    pub(super) fn session(&self) -> Option<usize> {
        match self {
            Self::Invite { session, .. }
            | Self::Refresh { session }
            | Self::Invoke { session, .. }
            | Self::Notify { session } => Some(*session),
            Self::Accepted | Self::Bye | Self::Request(_) => None,
        }
    }
}

impl<U: Uas> SipConnection<U> {
    /// Sends a request in a session's dialog: `compose` writes what follows the CSeq.
    pub(super) fn send(
        &mut self,
        session: usize,
        method: &Method,
        purpose: Purpose,
        ctx: &mut Context<Self>,
        compose: impl FnOnce(Composer<'_>, &Authorization),
    ) {
        let branch = self.begin(method, purpose, ctx);
        let slot = branch.id.slot as usize;
        let via = self.endpoints.via(branch);
        let known = &mut self.sessions[session];
        let sent = self.transport.request(|out| {
            let composer = known.dialog.request(out, method, via);
            compose(
                composer,
                &Authorization::of(
                    &mut known.challenge,
                    known.login.as_deref(),
                    known.dialog.target(),
                    method,
                ),
            );
        });
        self.clients[slot].cseq = known.dialog.local_cseq();
        self.left(slot, sent, ctx);
    }

    /// A request was sent; or it was too large, which concludes it.
    pub(super) fn left(
        &mut self,
        slot: usize,
        sent: Result<(), TooLarge>,
        ctx: &mut Context<Self>,
    ) {
        match sent {
            Ok(()) => self.clients[slot].sent = self.transport.sent(),
            Err(TooLarge { length }) => {
                tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), length, "request not sent: too large for a datagram (RFC 3261, section 18.1.1); let the phone use TCP");
                let ClientTransaction { purpose, cseq, .. } = self.clients.remove(slot);
                self.concluded(purpose, cseq, RequestOutcome::TooLarge, ctx);
            }
        }
    }

    /// Starts a client transaction, whose request the caller composes with the branch.
    pub(super) fn begin(
        &mut self,
        method: &Method,
        purpose: Purpose,
        ctx: &mut Context<Self>,
    ) -> Branch {
        let sending = ClientTransaction {
            sent: None,
            cseq: 0,
            purpose,
        };
        let transport = self.endpoints.reliability();
        let now = self.clock.now();
        let id = self
            .clients
            .start(Machine::client(method), transport, now, sending);
        if let Some(at) = self.clients.deadline(id.slot as usize) {
            self.wake_at(at, ctx);
        }
        Branch {
            id,
            random: self.random,
        }
    }

    /// A response arrived. One that matches no transaction is dropped (RFC 3261, section 18.1.2).
    pub(super) fn response(&mut self, response: &Response, ctx: &mut Context<Self>) {
        match self.transaction(response) {
            Some(slot) => {
                let event = TransactionEvent::Response(response.status());
                self.client_event(slot, event, Some(response), ctx);
            }
            None => {
                tracing::debug!(peer = %self.endpoints.peer, phone = self.phone(), who = self.who(), status = response.status().code(), "response matches no transaction");
            }
        }
    }

    /// The transaction that a response answers (RFC 3261, section 17.1.3).
    fn transaction(&self, response: &Response) -> Option<usize> {
        let via = response.head().top_via().ok()?;
        let mut parts = via.branch()?.strip_prefix("z9hG4bK")?.split('-');
        let slot = u32::from_str_radix(parts.next()?, 16).ok()?;
        let serial = u32::from_str_radix(parts.next()?, 16).ok()?;
        let random = u64::from_str_radix(parts.next()?, 16).ok()?;
        let id = TransactionId { slot, serial };
        self.clients.slot(id).filter(|_| random == self.random)
    }

    /// Tells a client transaction what happened, and carries out the effects.
    fn client_event(
        &mut self,
        slot: usize,
        event: TransactionEvent,
        response: Option<&Response>,
        ctx: &mut Context<Self>,
    ) {
        let (transport, now) = (self.endpoints.reliability(), self.clock.now());
        let effects = self.clients.on(slot, event, transport, now);
        self.carry_out(slot, effects, response, ctx);
    }

    fn carry_out(
        &mut self,
        slot: usize,
        effects: TransactionEffects,
        response: Option<&Response>,
        ctx: &mut Context<Self>,
    ) {
        let mut over = false;
        let mut outcome = None;
        for effect in effects {
            match effect {
                TransactionEffect::Deliver => outcome = response.map(RequestOutcome::Response),
                TransactionEffect::TimedOut => outcome = Some(RequestOutcome::TimedOut),
                TransactionEffect::Unreachable => outcome = Some(RequestOutcome::Unreachable),
                TransactionEffect::Acknowledge => {
                    if let Some(response) = response {
                        self.acknowledge_refusal(slot, response);
                    }
                }
                TransactionEffect::Set(_, after) => self.wake_at(self.clock.now() + after, ctx),
                TransactionEffect::Terminate => over = true,
                TransactionEffect::Transmit => {
                    if let Some(sent) = &self.clients[slot].sent {
                        self.transport.retransmit(sent);
                    }
                }
            }
        }
        let cseq = self.clients[slot].cseq;
        if over {
            let transaction = self.clients.remove(slot);
            if let Some(outcome) = outcome {
                self.concluded(transaction.purpose, cseq, outcome, ctx);
            }
        } else if let Some(RequestOutcome::Response(response)) = outcome
            && response.status().is_success()
        {
            // A 2xx to an INVITE: the transaction stays for its retransmissions, each of which is acknowledged.
            let purpose = std::mem::replace(&mut self.clients[slot].purpose, Purpose::Accepted);
            self.clients.stop_timers_but(slot, Timer::M);
            if let Purpose::Accepted = purpose {
                self.acknowledge_again(response, cseq);
            } else {
                self.concluded(purpose, cseq, RequestOutcome::Response(response), ctx);
            }
        }
    }

    /// The ACK for a refusal has the INVITE's branch (RFC 3261, section 17.1.1.3).
    fn acknowledge_refusal(&mut self, slot: usize, response: &Response) {
        let known = &self.clients[slot];
        let Some(session) = known
            .purpose
            .session()
            .and_then(|session| self.sessions.get(session))
        else {
            return;
        };
        let via = self.endpoints.via(Branch {
            id: self.clients.id(slot),
            random: self.random,
        });
        let tag = response
            .head()
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned));
        self.transport.compose(|out| {
            session
                .dialog
                .ack_refusal(out, via, known.cseq, tag.as_deref())
                .end();
        });
    }

    /// Fires the timers that are due; returns when the next one is.
    pub(super) fn sweep_clients(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        for (id, timer) in self.clients.due(now) {
            if let Some(slot) = self.clients.slot(id) {
                self.client_event(slot, TransactionEvent::Fired(timer), None, ctx);
            }
        }
        self.clients.next_due()
    }

    /// Ends the transactions without a waiter, so that each of a thousand sessions that end at once need not look for its own.
    pub(super) fn forget_events(&mut self) {
        self.clients
            .retain(|known| matches!(known.purpose, Purpose::Invoke { .. }));
    }

    /// Ends the transactions of a session; returns the tickets of its owner's requests.
    pub(super) fn abandon(&mut self, session: usize) -> Vec<u64> {
        let slots: Vec<usize> = self
            .clients
            .iter()
            .filter(|(_, known)| known.purpose.session() == Some(session))
            .map(|(slot, _)| slot)
            .collect();
        let mut tickets = Vec::new();
        for slot in slots {
            if let Purpose::Invoke { ticket, .. } = self.clients.remove(slot).purpose {
                tickets.push(ticket);
            }
        }
        tickets
    }
}

/// The longest Retry-After that is honoured.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Why a request got no positive response.
pub(super) fn refusal(outcome: &RequestOutcome<'_>) -> RequestError {
    match outcome {
        RequestOutcome::Response(response) => RequestError::Refused {
            status: response.status(),
            body: response.body().clone(),
            retry_after: response
                .head()
                .get(HeaderName::RetryAfter)
                .and_then(|value| value.split([' ', ';', '(']).next())
                .and_then(|seconds| seconds.parse().ok())
                .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT)),
        },
        RequestOutcome::TimedOut => RequestError::TimedOut,
        RequestOutcome::Unreachable => RequestError::Ended,
        RequestOutcome::TooLarge => RequestError::TooLarge,
    }
}

/// Whether a status asks for credentials.
pub(super) fn is_challenge(status: Status) -> bool {
    status == Status::UNAUTHORIZED || status == Status::PROXY_AUTHENTICATION_REQUIRED
}

/// Finishes a request with a CSTA document (TR/87: `Content-Disposition: signal;handling=required`).
pub(super) fn with_csta(composer: Composer<'_>, content: &Body) {
    composer
        .header(HeaderName::ContentDisposition, "signal;handling=required")
        .body_with(CSTA, content.length(), |out| content.write(out));
}
