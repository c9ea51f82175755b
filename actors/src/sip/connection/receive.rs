//! Handles received requests: finds their transaction, their session or the UAS, and composes their responses.

use std::time::Duration;

use actix::{AsyncContext as _, Context, Handler};
use actix_rt::Arbiter;
use uacsta_schema::sip::{HeaderName, MessageWriter, Method, Request, Status};

use super::{
    actor::SipConnection,
    csta_session::{CstaSession, INTERVAL, PeerRequest, SessionEffect},
    dialog_migration::{InTransit, Migrate, MigrationStep, Moved},
    owner::SessionOwner,
    sessions::{DialogMatch, OwnedSession},
};
use crate::sip::{
    incident::Incident,
    refusals::{ALLOW, check_request, speaks_sips, unhandled},
    responder::{Disposition, FinalResponse, PendingRequest, Respond},
    session::{Accept, SessionEnd, SessionEventKind, SessionId},
    session_timer::SessionTimer,
    transaction::table::TransactionId,
    uas::Uas,
};

/// A session that a 2xx starts, and its interval if the peer names none.
type Acceptance = (SessionOwner, Duration);

impl<U: Uas> SipConnection<U> {
    /// A request arrived. One that is answered in the same turn starts no transaction, unless its response [must be
    /// kept](super::server_transactions::ServerTransactions::must_keep): a reliable transport delivers a request once.
    pub(super) fn request(&mut self, request: Request, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        if *request.method() == Method::Ack {
            return self.ack(&request, now, ctx);
        }
        let transmit = |sent: &_| self.transport.retransmit(sent);
        if self.servers.absorbs(&request, now, transmit) {
            return;
        }
        if let Some(most) = self.servers.full() {
            return self.reject_busy(&request, most);
        }
        let dialog = self.sessions.locate(&request);
        let session = match dialog {
            DialogMatch::Own(session) => Some(session),
            DialogMatch::OutsideDialog | DialogMatch::Foreign => None,
        };
        let id = self.servers.next_id();
        let secure = self.endpoints.transport.is_secure();
        let Disposition(response) = match check_request(&request, secure) {
            Ok(()) if self.servers.has_merged(&request) => {
                FinalResponse::from(Status::LOOP_DETECTED).into()
            }
            Ok(()) => self.route(&request, dialog, id, ctx),
            Err(response) => {
                if response.status == Status::MESSAGE_TOO_LARGE {
                    self.report(Incident::Malformed, response.reason.as_deref());
                }
                response.into()
            }
        };
        match response {
            Some(response) if !self.servers.must_keep(&request, &response) => {
                self.compose_response(&request, session, response, None, ctx);
            }
            response => {
                let id = self.servers.start(request, session, now);
                if let Some(response) = response {
                    self.answer(id, response, None, ctx);
                }
            }
        }
    }

    /// An ACK gets no response. It confirms a rejection or an accepted session; most of those of rejections match nothing.
    fn ack(&mut self, ack: &Request, now: Duration, ctx: &mut Context<Self>) {
        if !self.servers.acknowledged(ack, now)
            && let DialogMatch::Own(id) = self.sessions.locate(ack)
            && let Some(session) = self.sessions.get_mut(id)
        {
            let effects = session.acknowledged(now);
            self.session_effects(id, effects, ctx);
        }
    }

    /// Answers 503 without a transaction: too many of the peer's requests await their responses or, on UDP, are kept.
    fn reject_busy(&self, request: &Request, most: usize) {
        let reason = format!(
            "{most} requests of the peer await their responses, or were answered within the last 32 s"
        );
        self.report(Incident::TooManyRequests, Some(&reason));
        let busy =
            FinalResponse::from(Status::SERVICE_UNAVAILABLE).header(HeaderName::RetryAfter, "1");
        self.transport.respond(request, |out| {
            busy.compose_stateless(out, request, self.servers.tag(), self.endpoints.peer);
        });
    }

    fn route(
        &mut self,
        request: &Request,
        dialog: DialogMatch,
        id: TransactionId,
        ctx: &mut Context<Self>,
    ) -> Disposition {
        let pending = PendingRequest::new(&self.responses, id);
        match (dialog, request.method()) {
            (_, Method::Cancel) => match self.servers.cancelled(request) {
                // RFC 3261, section 9.2: 487 for the INVITE, if it has no response yet, and 200 for the CANCEL.
                Some(invite) => {
                    self.answer(invite, Status::REQUEST_TERMINATED.into(), None, ctx);
                    Status::OK.into()
                }
                None => Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into(),
            },
            (DialogMatch::Own(session), _) => self.in_dialog(request, session, id, ctx),
            (DialogMatch::Foreign, _) => self.uas.orphan(request, pending),
            (DialogMatch::OutsideDialog, Method::Register | Method::Invite) => {
                let disposition = self.uas.request(request, pending);
                self.follow_log_on(ctx);
                disposition
            }
            (DialogMatch::OutsideDialog, method) => unhandled(method, false).into(),
        }
    }

    fn in_dialog(
        &mut self,
        request: &Request,
        id: SessionId,
        transaction: TransactionId,
        ctx: &mut Context<Self>,
    ) -> Disposition {
        let Some(session) = self.sessions.get_mut(id) else {
            return Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into();
        };
        let later = || PendingRequest::new(&self.responses, transaction).later();
        match session.received(request) {
            PeerRequest::Answered(response) => response.into(),
            PeerRequest::ForOwner(document) => {
                let (responder, disposition) = later();
                self.sessions
                    .tell(id, SessionEventKind::Request(document, responder));
                disposition
            }
            PeerRequest::Repeated(document) => {
                let (responder, disposition) = later();
                self.sessions
                    .tell(id, SessionEventKind::Repeated(document, responder));
                disposition
            }
            PeerRequest::Bye => {
                let effects = session.end(SessionEnd::Bye);
                self.session_effects(id, effects, ctx);
                Status::OK.into()
            }
        }
    }

    /// Sends the response that a request awaits, and starts the session that it accepts.
    pub(super) fn answer(
        &mut self,
        id: TransactionId,
        mut response: FinalResponse,
        acceptance: Option<Acceptance>,
        ctx: &mut Context<Self>,
    ) {
        // A request that was cancelled meanwhile has its response.
        let Some((request, session)) = self.servers.pending(id) else {
            if let Some((owner, _)) = acceptance {
                owner.tell_cancelled();
            }
            return;
        };
        // RFC 3261, section 12.2.2: the responder was dropped since the session is over.
        if response.status == Status::SERVER_INTERNAL_ERROR
            && let Some(session) = session
            && self
                .sessions
                .owner(session)
                .is_none_or(SessionOwner::is_gone)
        {
            response = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into();
        }
        let status = self.compose_response(&request, session, response, acceptance, ctx);
        let sent = self.transport.sent();
        let due = self.servers.answered(id, status, sent, self.clock.now());
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
    }

    /// Composes the response to a request, and starts the session that it accepts. Returns the status, which is another one if
    /// the session cannot start.
    fn compose_response(
        &mut self,
        request: &Request,
        known: Option<SessionId>,
        mut response: FinalResponse,
        acceptance: Option<Acceptance>,
        ctx: &mut Context<Self>,
    ) -> Status {
        let now = self.clock.now();
        let known = known.filter(|id| self.sessions.get(*id).is_some());
        let mut started = None;
        let has_timer = response.status.is_success()
            && matches!(request.method(), Method::Invite | Method::Update);
        let mut timer = has_timer.then(|| {
            // A refresh that names no interval keeps the one of the session.
            let fallback = match &acceptance {
                Some((_, interval)) => Some(*interval),
                None => known.and_then(|id| self.sessions.get(id)?.interval()),
            };
            SessionTimer::granted(request.head(), fallback.unwrap_or(INTERVAL))
        });
        if let (Some(granted), Some((owner, _))) = (timer, acceptance) {
            let tag = self.sessions.next_tag().to_string();
            match CstaSession::accepted(request, &tag, granted) {
                Ok(session) => {
                    started = Some(self.sessions.insert(OwnedSession { owner, session }));
                }
                Err(error) => {
                    owner.tell_cancelled();
                    tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), %error, "cannot open session");
                    timer = None;
                    response = FinalResponse::from(Status::BAD_REQUEST).because(error.to_string());
                }
            }
        }
        let session = started.or(known);
        let to_tag = session
            .and_then(|id| self.sessions.get(id))
            .map_or_else(|| self.servers.tag(), CstaSession::local_tag);
        self.transport.respond(request, |out| {
            let (status, source) = (response.status, self.endpoints.peer);
            let mut composer = MessageWriter::answer(out, status, request, Some(to_tag), source)
                .lines(&response.lines);
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
            response.finish(composer);
        });
        if let Some(session) = known.and_then(|id| self.sessions.get_mut(id)) {
            session.answered(request);
        }
        if !response.status.is_success() && response.status != Status::UNAUTHORIZED {
            tracing::debug!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), status = response.status.code(), reason = response.reason.as_deref(), method = request.method().as_str(), cseq = request.head().get(HeaderName::CSeq), call_id = request.head().call_id(), "request rejected");
        }
        if let (Some(id), Some(timer)) = (session, timer)
            && let Some(session) = self.sessions.get_mut(id)
        {
            let effects = session.granted(timer, request.method(), started.is_some(), now);
            self.session_effects(id, effects, ctx);
        }
        response.status
    }
}

impl<U: Uas> Handler<Respond> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, respond: Respond, ctx: &mut Self::Context) {
        self.answer(respond.transaction, respond.answer, None, ctx);
        self.follow_log_on(ctx);
    }
}

impl<U: Uas> Handler<Accept> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, accept: Accept, ctx: &mut Self::Context) {
        let owner = SessionOwner::new(accept.owner, accept.key);
        match accept.responder.redeem(&self.responses) {
            Ok(id) => self.answer(id, accept.response, Some((owner, accept.interval)), ctx),
            Err(_) => owner.tell_cancelled(),
        }
    }
}

impl<U: Uas> Handler<Migrate<U>> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, mut migration: Migrate<U>, ctx: &mut Self::Context) {
        let to = migration.orphan.connection.clone();
        let session = self.sessions.find(migration.dialog()).filter(|id| {
            let owner = self.sessions.owner(*id);
            let session = self.sessions.get(*id);
            owner.is_some_and(|owner| owner.has_key(migration.key))
                && session.is_some_and(CstaSession::is_established)
        });
        match (
            std::mem::replace(&mut migration.step, MigrationStep::Release),
            session,
        ) {
            (MigrationStep::Search(prove), Some(_)) => {
                migration.step = MigrationStep::Prove(prove, ctx.address());
                to.do_send(migration);
            }
            (MigrationStep::Prove(prove, owner), _) => {
                let id = migration.orphan.responder.transaction();
                let proof = self
                    .servers
                    .pending(id)
                    .map(|(request, _)| prove(&mut self.uas, &request));
                match proof {
                    Some(Ok(())) => owner.do_send(migration),
                    Some(Err(response)) => migration.orphan.responder.with(response),
                    None => migration.orphan.responder.nowhere(),
                }
            }
            (MigrationStep::Release, Some(id)) => {
                // Whether the peer carried out what was sent on this connection is not known.
                let abandon = SessionEffect::AbandonRequests { tell: true };
                self.session_effects(id, [abandon].into_iter().collect(), ctx);
                if let Some(owned) = self.sessions.remove(id) {
                    migration.step = MigrationStep::Adopt(InTransit::new(owned));
                    to.do_send(migration);
                }
            }
            (MigrationStep::Adopt(in_transit), _) => {
                let Some(mut owned) = in_transit.arrive() else {
                    return;
                };
                owned.session.moved(self.clock.now());
                let due = owned.session.due_at();
                let id = self.sessions.adopt(owned);
                if let Some(at) = due {
                    self.wake_at(at, ctx);
                }
                migration.owner.do_send(Moved {
                    key: migration.key,
                    session: id,
                    connection: ctx.address(),
                    arbiter: Arbiter::current(),
                    address: self.endpoints.peer,
                });
                // The request that brought the session here.
                if let Ok(transaction) = migration.orphan.responder.redeem(&self.responses) {
                    self.servers.assign(transaction, id);
                    if let Some((request, _)) = self.servers.pending(transaction)
                        && let Disposition(Some(response)) =
                            self.in_dialog(&request, id, transaction, ctx)
                    {
                        self.answer(transaction, response, None, ctx);
                    }
                }
            }
            (MigrationStep::Search(_) | MigrationStep::Release, None) => {
                migration.orphan.responder.nowhere();
            }
        }
    }
}
