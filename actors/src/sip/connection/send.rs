//! Sends requests, handles their responses, and carries out the effects of client transactions and sessions.

use actix::{Context, Handler, ResponseFuture};
use tokio::sync::oneshot;
use uacsta_schema::sip::{HeaderName, MessageWriter, Method, Response, Status};

use super::{
    actor::SipConnection,
    client_transactions::{Branch, ClientEffect, ClientEffects, Purpose},
    csta_session::{SessionEffect, SessionEffects, SessionRequest},
    messages::SendRequest,
    outcome::RequestOutcome,
};
use crate::sip::{
    dialog::{Dialog, DialogId},
    incident::Incident,
    session::{Close, Invoke, Notify, RequestError, SessionEventKind, SessionId},
    transport::TooLarge,
    uas::Uas,
};

impl<U: Uas> SipConnection<U> {
    /// Sends a request in the dialog of a session.
    pub(super) fn send(
        &mut self,
        id: SessionId,
        request: &SessionRequest,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let method = session.method(request);
        let purpose = session
            .purpose(request)
            .map_or(Purpose::Bye, |purpose| Purpose::Session(id, purpose));
        let (branch, due) = self.clients.start(&method, purpose, self.clock.now());
        let endpoints = &self.endpoints;
        let via = endpoints.via(branch);
        let sent = self
            .transport
            .request(|out| session.compose(out, request, &method, via, endpoints));
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
        self.sent(branch, sent, ctx);
    }

    /// A request was sent with this CSeq; or it is too large, which concludes it.
    pub(super) fn sent(
        &mut self,
        branch: Branch,
        sent: Result<u32, TooLarge>,
        ctx: &mut Context<Self>,
    ) {
        let id = branch.transaction();
        match sent {
            Ok(cseq) => self.clients.sent(id, cseq, self.transport.sent()),
            Err(TooLarge { length }) => {
                tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), length, "request not sent: too large for a datagram (RFC 3261, section 18.1.1); let the phone use TCP");
                if let Some(purpose) = self.clients.withdraw(id) {
                    self.concluded(purpose, 0, RequestOutcome::TooLarge, ctx);
                }
            }
        }
    }

    /// A response arrived. One that matches no transaction is dropped (RFC 3261, section 18.1.2).
    pub(super) fn response(&mut self, response: &Response, ctx: &mut Context<Self>) {
        let transmit = |ack: &_| self.transport.retransmit(ack);
        let now = self.clock.now();
        match self.clients.on_response(response, now, transmit) {
            Some(effects) => self.client_effects(effects, ctx),
            // RFC 3261, section 13.2.2.4: a 2xx is acknowledged however late it comes.
            None if response.status().is_success()
                && self.clients.is_ours(response)
                && response
                    .head()
                    .cseq()
                    .is_ok_and(|cseq| cseq.method == Method::Invite) =>
            {
                self.decline(response, ctx);
            }
            None => {
                tracing::debug!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), status = response.status().code(), "response matches no transaction");
            }
        }
    }

    pub(super) fn client_effects(&mut self, effects: ClientEffects<'_>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                ClientEffect::Conclude {
                    purpose,
                    cseq,
                    outcome,
                } => self.concluded(purpose, cseq, outcome, ctx),
                ClientEffect::AcknowledgeRejection {
                    session,
                    branch,
                    cseq,
                    response,
                } => {
                    if let Some(session) = self.sessions.get(session) {
                        let dialog = session.dialog();
                        self.acknowledge_rejection(dialog, branch, cseq, response);
                        self.clients.acknowledged(branch, self.transport.sent());
                    }
                }
                ClientEffect::AcknowledgeAgain { cseq, response } => {
                    let dialog = DialogId::of_response(response);
                    match dialog.and_then(|dialog| self.sessions.find(dialog)) {
                        Some(id) => self.acknowledge(id, cseq),
                        // The session has ended, or moved to another connection.
                        None => {
                            if let Ok(dialog) = Dialog::of_response(response.head()) {
                                self.acknowledge_in(&dialog, SessionId::NONE, cseq);
                            }
                        }
                    }
                }
                ClientEffect::Decline(response) => self.decline(response, ctx),
                ClientEffect::Cancel {
                    session,
                    invite,
                    cseq,
                    rang,
                } => self.cancel(session, invite, cseq, rang, ctx),
                ClientEffect::WakeAt(at) => self.wake_at(at, ctx),
            }
        }
    }

    /// Reports the outcome of a request to its session or its sender.
    fn concluded(
        &mut self,
        purpose: Purpose,
        cseq: u32,
        outcome: RequestOutcome<'_>,
        ctx: &mut Context<Self>,
    ) {
        match purpose {
            Purpose::Session(id, purpose) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    let effects = session.concluded(purpose, cseq, outcome, self.clock.now());
                    self.session_effects(id, effects, ctx);
                }
            }
            Purpose::Request(sender) => {
                // The sender may have stopped waiting.
                let _ = sender.send(outcome.response().cloned().ok_or_else(|| outcome.error()));
            }
            Purpose::Orphaned(orphaned) => {
                let (dialog, branch) = *orphaned;
                match outcome.response() {
                    Some(response) if !response.status().is_success() => {
                        self.acknowledge_rejection(&dialog, branch, cseq, response);
                        self.clients.acknowledged(branch, self.transport.sent());
                    }
                    // Its BYE was sent already.
                    Some(_) if dialog.is_confirmed() => {
                        self.acknowledge_in(&dialog, SessionId::NONE, cseq);
                    }
                    Some(response) => self.decline(response, ctx),
                    None => {}
                }
            }
            Purpose::Bye | Purpose::Cancel | Purpose::Answered { .. } => {}
        }
    }

    pub(super) fn session_effects(
        &mut self,
        id: SessionId,
        effects: SessionEffects,
        ctx: &mut Context<Self>,
    ) {
        for effect in effects {
            match effect {
                SessionEffect::Send(request) => self.send(id, &request, ctx),
                SessionEffect::Acknowledge { cseq } => self.acknowledge(id, cseq),
                SessionEffect::Tell(what) => self.sessions.tell(id, what),
                SessionEffect::AbandonRequests { tell } => {
                    let Some(session) = self.sessions.get(id) else {
                        continue;
                    };
                    for ticket in self.clients.abandon(id, session.dialog()) {
                        if tell {
                            let answer = Err(RequestError::Ended);
                            self.sessions
                                .tell(id, SessionEventKind::Response { ticket, answer });
                        }
                    }
                }
                SessionEffect::TerminateRequests => self.terminate_requests(Some(id), ctx),
                SessionEffect::GiveUp => {
                    let effects = self.clients.give_up(id, self.clock.now());
                    self.client_effects(effects, ctx);
                }
                SessionEffect::WakeAt(at) => self.wake_at(at, ctx),
                SessionEffect::LogNoDialog(error) => {
                    tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), %error, "cannot open session: the 2xx to our INVITE establishes no dialog; sending BYE");
                }
                SessionEffect::LogEventRejected(status) => {
                    tracing::debug!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), status = status.code(), "event rejected by the client");
                }
                SessionEffect::Remove => {
                    let removed = self.sessions.remove(id);
                    if let Some(next) = removed.and_then(|mut it| it.session.next_mut().take()) {
                        self.open(&next, ctx);
                    }
                    self.leave_if_done(ctx);
                }
            }
        }
    }

    /// Answers 487 to the peer's requests that await a response: in this session, or all.
    pub(super) fn terminate_requests(
        &mut self,
        session: Option<SessionId>,
        ctx: &mut Context<Self>,
    ) {
        for request in self.servers.unanswered(session) {
            self.answer(request, Status::REQUEST_TERMINATED.into(), None, ctx);
        }
    }
}

impl<U: Uas> Handler<Invoke> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, invoke: Invoke, ctx: &mut Self::Context) {
        // A session that ended has told its owner, who asked meanwhile.
        let request = SessionRequest::Invoke {
            ticket: invoke.ticket,
            content: invoke.content,
            retries: 0,
        };
        self.send(invoke.session, &request, ctx);
    }
}

impl<U: Uas> Handler<Notify> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Notify { session, content }: Notify, ctx: &mut Self::Context) {
        if self.clients.is_full() {
            // A peer that answers no events is limited like one that does not read them.
            self.end_for(Incident::Unanswered, ctx);
        } else {
            self.send(session, &SessionRequest::Notify(content), ctx);
        }
    }
}

impl<U: Uas> Handler<Close> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Close { session: id }: Close, ctx: &mut Self::Context) {
        if let Some(session) = self.sessions.get_mut(id) {
            let effects = session.close();
            self.session_effects(id, effects, ctx);
        }
    }
}

impl<U: Uas> Handler<SendRequest> for SipConnection<U> {
    type Result = ResponseFuture<Result<Response, RequestError>>;

    fn handle(&mut self, request: SendRequest, ctx: &mut Context<Self>) -> Self::Result {
        let (sender, response) = oneshot::channel();
        let purpose = Purpose::Request(sender);
        let (branch, due) = self
            .clients
            .start(&request.method, purpose, self.clock.now());
        let via = self.endpoints.via(branch);
        let contact = format_args!(
            "<sip:{}@{}:{};transport={}>",
            request.contact_user,
            self.endpoints.host,
            self.endpoints.port,
            self.endpoints.uri_transport()
        );
        let sent = self.transport.request(|out| {
            let mut composer = MessageWriter::request(out, &request.method, &request.uri)
                .header(HeaderName::Via, via)
                .header(HeaderName::MaxForwards, 70)
                .header(HeaderName::Contact, contact);
            for (name, value) in &request.headers {
                composer = composer.header(*name, value);
            }
            composer.end();
            // Only requests in dialogs are acknowledged by their CSeq.
            0
        });
        if let Some(at) = due {
            self.wake_at(at, ctx);
        }
        self.sent(branch, sent, ctx);
        // The sender is dropped if the connection ends.
        Box::pin(async { response.await.unwrap_or(Err(RequestError::ConnectionLost)) })
    }
}
