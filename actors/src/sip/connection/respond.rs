//! Server transactions: requests that wait for their responses, and the responses.

use std::{rc::Rc, time::Duration};

use actix::Context;
use uacsta_schema::sip::{Composer, HeaderName, Method, Request, Status};

use super::{SipConnection, sessions};
use crate::sip::{
    incident::Incident,
    refusals::{ALLOW, speaks_sips},
    responder::{Disposition, FinalResponse, Responder},
    session::SessionId,
    session_timer::SessionTimer,
    transaction::{
        Reliability, TransactionEffect, TransactionEffects, TransactionEvent,
        matching::{self, Key},
        table::{Machine, TransactionId},
    },
    transport::Sent,
    uas::Uas,
};

/// What is kept of a request that was received.
pub(super) struct ServerTransaction {
    key: Key,
    /// The request, until nobody needs it any more.
    request: Option<Rc<Request>>,
    /// The session in which it was received.
    session: Option<SessionId>,
    /// The response, where it may have to be retransmitted.
    sent: Option<Box<Sent>>,
}

/// How many requests of a peer on UDP are remembered, each for 64*T1.
const REMEMBERED: usize = 256;

impl<U: Uas> SipConnection<U> {
    /// Starts the server transaction of a request.
    pub(super) fn receive(&mut self, request: Request, session: Option<usize>) -> TransactionId {
        let method = request.method().clone();
        let key = matching::key(&request, &method);
        let received = ServerTransaction {
            key,
            request: Some(Rc::new(request)),
            session: session.map(|session| self.id(session)),
            sent: None,
        };
        let transport = self.endpoints.reliability();
        let now = self.clock.now();
        // The only effect of the start is the delivery, which is the caller's next step.
        let id = self
            .servers
            .start(Machine::server(&method), transport, now, received);
        self.matching.insert(key, id.slot as usize);
        id
    }

    /// A request was retransmitted: it gets the response that it had, if any (RFC 3261, section 17.2).
    pub(super) fn retransmitted(&mut self, slot: usize) {
        self.server_event(slot, TransactionEvent::Again);
    }

    /// Refuses a request statelessly while too many of the peer's wait for their responses or, on UDP, are remembered for
    /// their retransmissions.
    pub(super) fn is_too_busy(&self, request: &Request) -> bool {
        let most = match self.endpoints.reliability() {
            Reliability::Reliable => self.limits.pending_requests,
            Reliability::Unreliable => REMEMBERED,
        };
        if self.servers.len() < most {
            return false;
        }
        let reason = format!(
            "{most} of the peer's wait for their answers, or were answered within half a minute"
        );
        self.report(Incident::TooManyRequests, Some(&reason));
        let busy =
            FinalResponse::from(Status::SERVICE_UNAVAILABLE).header(HeaderName::RetryAfter, "1");
        self.transport.respond(request, |out| {
            busy.compose_stateless(out, request, &self.tag);
        });
        true
    }

    /// Whether the response to a request may have to be retransmitted or, for a 2xx to an INVITE, the INVITE be absorbed
    /// (RFC 6026, section 7.1). A challenge is not: RFC 3261, section 26.3.2.4 has servers forgo "the normal response
    /// retransmission algorithm, thus behaving statelessly toward unauthenticated requests". Nor is anything that goes over
    /// a reliable transport, where a refused INVITE leaves nothing, and its ACK matches nothing.
    pub(super) fn remembers(&self, request: &Request, answer: &FinalResponse) -> bool {
        match self.endpoints.reliability() {
            Reliability::Reliable => {
                *request.method() == Method::Invite && answer.status.is_success()
            }
            Reliability::Unreliable => {
                *request.method() == Method::Invite || answer.status != Status::UNAUTHORIZED
            }
        }
    }

    /// The request that waits for this responder.
    pub(super) fn pending(&self, responder: &Responder) -> Option<Rc<Request>> {
        let slot = self.servers.awaiting_response(responder.transaction())?;
        self.servers[slot].request.clone()
    }

    /// The request of a transaction, which belongs to this session from now on.
    pub(super) fn claim(&mut self, id: TransactionId, session: usize) -> Option<Rc<Request>> {
        let slot = self.servers.awaiting_response(id)?;
        self.servers[slot].session = Some(self.id(session));
        self.servers[slot].request.clone()
    }

    /// Whether a session is over, or has lost its owner.
    fn is_abandoned(&self, id: SessionId) -> bool {
        self.session(id)
            .is_none_or(|slot| !self.sessions[slot].owner.connected())
    }

    /// The ACK of a refusal (RFC 3261, section 17.1.1.3) or, on UDP, of a 2xx; `false` if none waits for it.
    pub(super) fn acknowledged(&mut self, ack: &Request) -> bool {
        let Some(slot) = self
            .matching
            .find(ack, &Method::Invite)
            .or_else(|| self.unconfirmed(ack))
        else {
            return false;
        };
        !self.server_event(slot, TransactionEvent::Ack).is_empty()
    }

    /// The INVITE whose 2xx is retransmitted until this ACK, which has a branch of its own (RFC 3261, section 13.3.1.4).
    fn unconfirmed(&self, ack: &Request) -> Option<usize> {
        if self.endpoints.reliability() == Reliability::Reliable {
            return None;
        }
        let call_id = ack.head().call_id()?;
        let number = ack.head().cseq().ok()?.number;
        let mut waiting = self.servers.awaiting_ack();
        let found = waiting.find(|(_, known)| {
            known.request.as_ref().is_some_and(|request| {
                let head = request.head();
                head.call_id() == Some(call_id)
                    && head.cseq().is_ok_and(|cseq| cseq.number == number)
            })
        });
        found.map(|(slot, _)| slot)
    }

    /// CANCEL: 200, and 487 for the INVITE that it cancels, if that has no response yet (RFC 3261, section 9.2).
    pub(super) fn cancel(&mut self, cancel: &Request, ctx: &mut Context<Self>) -> Disposition {
        let Some(slot) = self.matching.find(cancel, &Method::Invite) else {
            return Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into();
        };
        let id = self.servers.id(slot);
        self.answer(id, Status::REQUEST_TERMINATED.into(), ctx);
        Status::OK.into()
    }

    /// Sends the response to a request that waited for it.
    pub(super) fn answer(
        &mut self,
        id: TransactionId,
        mut answer: FinalResponse,
        ctx: &mut Context<Self>,
    ) {
        // A transaction that was cancelled meanwhile has its response, or is gone.
        let waiting = self.servers.awaiting_response(id);
        let Some((slot, request)) =
            waiting.and_then(|slot| Some((slot, self.servers[slot].request.clone()?)))
        else {
            if let Some(accepted) = answer.session {
                accepted.cancelled();
            }
            return;
        };
        let session = self.servers[slot].session;
        // RFC 3261, section 12.2.2: the responder was dropped since the session is over.
        if answer.status == Status::SERVER_INTERNAL_ERROR
            && session.is_some_and(|id| self.is_abandoned(id))
        {
            answer = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into();
        }
        let session = session.and_then(|id| self.session(id));
        let status = self.compose_answer(&request, session, answer, ctx);
        let sent = self.transport.sent();
        // The response was sent just now, and is kept for its retransmissions only after this.
        self.server_event(slot, TransactionEvent::Response(status));
        if self.servers.slot(id).is_none() {
            return;
        }
        let known = &mut self.servers[slot];
        known.sent = sent;
        // A retransmission on a stream is recognised by its key; the request may be as long as a message can be.
        if self.endpoints.reliability() == Reliability::Reliable {
            known.request = None;
        }
        if let Some(at) = self.servers.deadline(slot) {
            self.wake_at(at, ctx);
        }
    }

    /// Composes the response to a request, and starts the session that a 2xx to an INVITE accepts. Returns the status, which
    /// is another one if the session cannot start.
    pub(super) fn compose_answer(
        &mut self,
        request: &Request,
        known: Option<usize>,
        mut answer: FinalResponse,
        ctx: &mut Context<Self>,
    ) -> Status {
        let mut timer = None;
        let mut started = None;
        if answer.status.is_success() && matches!(request.method(), Method::Invite | Method::Update)
        {
            // A refresh that names no interval keeps the one of the session.
            let kept = known.and_then(|slot| self.sessions[slot].timer);
            let fallback = match (&answer.session, kept) {
                (Some(session), _) => session.interval,
                (None, Some(kept)) => kept.interval,
                (None, None) => sessions::INTERVAL,
            };
            let granted = SessionTimer::granted(request.head(), fallback);
            timer = Some(granted);
            if let Some(accepted) = answer.session.take() {
                match self.start_accepted(request, accepted, granted) {
                    Ok(slot) => started = Some(slot),
                    Err(error) => {
                        tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), who = self.who(), %error, "cannot open session");
                        timer = None;
                        answer =
                            FinalResponse::from(Status::BAD_REQUEST).because(error.to_string());
                    }
                }
            }
        }
        let session = started.or(known);
        let to_tag = match session.and_then(|session| self.sessions.get(session)) {
            Some(session) => session.dialog.local_tag(),
            None => &self.tag,
        };
        self.transport.respond(request, |out| {
            let mut composer =
                Composer::answer(out, answer.status, request, Some(to_tag)).lines(&answer.lines);
            if started.is_some() {
                // RFC 3261, section 12.1.1: "The UAS MUST copy all Record-Route header field values" and "MUST maintain the order".
                for route in request.head().all(HeaderName::RecordRoute) {
                    composer = composer.text(HeaderName::RecordRoute, route);
                }
            }
            if let Some(timer) = timer {
                composer = composer
                    .header(
                        HeaderName::Contact,
                        self.endpoints.contact(speaks_sips(request)),
                    )
                    .header(HeaderName::SessionExpires, timer.header(false));
                if !timer.ours {
                    composer = composer.header(HeaderName::Require, "timer");
                }
                composer = composer
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::Allow, ALLOW);
            }
            answer.finish(composer);
        });
        if let (Some(session), Some(timer)) = (session, timer) {
            self.granted(session, timer, request, started.is_some(), ctx);
        }
        answer.status
    }

    /// Tells a server transaction what happened, and carries out the effects.
    fn server_event(&mut self, slot: usize, event: TransactionEvent) -> TransactionEffects {
        let transport = self.endpoints.reliability();
        let effects = self.servers.on(slot, event, transport, self.clock.now());
        for effect in &effects {
            match effect {
                TransactionEffect::Transmit => {
                    if let Some(sent) = &self.servers[slot].sent {
                        self.transport.retransmit(sent);
                    }
                }
                TransactionEffect::Terminate => {
                    let ended = self.servers.remove(slot);
                    self.matching.remove(ended.key);
                    break;
                }
                TransactionEffect::Set(..)
                | TransactionEffect::Deliver
                | TransactionEffect::Acknowledge
                | TransactionEffect::TimedOut
                | TransactionEffect::Unreachable => {}
            }
        }
        effects
    }

    /// Fires the timers that are due; returns when the next one is.
    pub(super) fn sweep_servers(&mut self, now: Duration) -> Option<Duration> {
        for (id, timer) in self.servers.due(now) {
            if let Some(slot) = self.servers.slot(id) {
                self.server_event(slot, TransactionEvent::Fired(timer));
            }
        }
        self.servers.next_due()
    }
}
