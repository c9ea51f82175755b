//! Sends requests to the phone, for clients and for the server itself, and handles the responses.

use std::time::Duration;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::{
    csta::{self, Dialect, Document, Failure, GetCSTAFeatures, Message, Response, ServiceId},
    sip::Status,
};

use super::{
    Phone, Request,
    capabilities::Provider,
    client_request::{ClientRequest, EmulatedRequest, reaches_hidden},
    emulation::EmulationEvent,
    monitors::MonitoredLines,
    request_queue::{Gate, LateRequest, PhoneRequest, Requester, ResponseMatch, Turn},
    responses,
    session::SessionInput,
};
use crate::{
    counters::{Counter, RequestResult},
    refusal::Refusal,
    sip::{
        responder::Responder,
        session::{Body, Invoke, RequestError},
    },
};

/// How many requests a phone may have at a time, unless its profile says `serial`.
const AT_A_TIME: usize = 8;

impl Phone {
    /// Queues a client's request, or refuses it at once while the phone is away.
    pub(super) fn ask(&mut self, request: Request, ctx: &mut Context<Self>) {
        let Request {
            document,
            device,
            hidden,
            dialect,
            reply,
        } = request;
        let Some(service) = document.service() else {
            return responses::relay(reply, &dialect, Err(Refusal::NotSupported));
        };
        if service == ServiceId::GetCSTAFeatures && self.admission.is_enabled() {
            return self.ask_for_features(reply, dialect, ctx);
        }
        let refusal = self.refusal();
        if let Some(refusal) = refusal.or_else(|| {
            let reaches = reaches_hidden(&document, &hidden, self.lines.lines(), &self.monitored);
            reaches.then_some(Refusal::NoRight)
        }) {
            tracing::info!(phone = %self.phone, %service, reason = %refusal, "request refused");
            return responses::relay(reply, &dialect, Err(refusal));
        }
        let request = ClientRequest {
            document,
            device,
            responder: reply,
            dialect,
            deadline: self.deadline(),
        };
        // The phone's own response would name all its lines.
        let names_lines = service == ServiceId::GetPhysicalDeviceInformation && !hidden.is_empty();
        if names_lines
            || self.capabilities.provider(service) == Provider::Emulation
            || self.emulation.claims(&request, &self.capabilities)
        {
            return self.emulate(request, &hidden, Turn::Last, ctx);
        }
        let edition = self.session.edition();
        self.requests.relay(request, service, edition);
        self.send_next(ctx);
    }

    /// Why the phone takes no request for others now, if so.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if !self.admission.is_enabled() {
            Some(Refusal::Disabled)
        } else if !self.session.is_coming()
            || self.session.is_out_of_service()
            || !self.context.service.is_running()
        {
            Some(Refusal::Away)
        } else if self.is_busy() {
            self.context.counters.count(Counter::TooManyForPhone);
            Some(Refusal::Busy)
        } else if self.requests.is_quiet_beyond(self.deadline()) {
            Some(Refusal::RetryAfter)
        } else {
            None
        }
    }

    fn is_busy(&self) -> bool {
        let limits = &self.context.config().settings.limits;
        self.requests.is_full(limits.pending_requests_per_phone)
    }

    /// GetCSTAFeatures: the server asks the phone once per connection, and responds with the services that work on its lines.
    fn ask_for_features(&mut self, reply: Responder, dialect: Dialect, ctx: &mut Context<Self>) {
        if !self.session.is_coming()
            || self.session.is_out_of_service()
            || !self.context.service.is_running()
            || self.capabilities.are_listed()
            || !self
                .capabilities
                .is_worth_asking(ServiceId::GetCSTAFeatures)
            || self.is_busy()
        {
            return reply.csta(csta::write(&self.capabilities.features().into(), &dialect));
        }
        let request = GetCSTAFeatures::default().into();
        let requester = Requester::Features { reply, dialect };
        self.send(requester, request, self.deadline(), Turn::Last, ctx);
    }

    /// The deadline of a request that arrives now.
    pub(super) fn deadline(&self) -> Duration {
        self.context.clock.now() + self.context.config().settings.advanced.request_timeout
    }

    /// Sends a request of the server's own.
    pub(super) fn send_own(
        &mut self,
        requester: Requester,
        request: csta::Request,
        ctx: &mut Context<Self>,
    ) {
        self.send(requester, request, self.deadline(), Turn::Own, ctx);
    }

    pub(super) fn send(
        &mut self,
        requester: Requester,
        request: csta::Request,
        deadline: Duration,
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let service = request.id();
        let body = Body::Whole(csta::write(&request.into(), &self.session.edition().into()));
        self.requests.push(requester, service, body, deadline, turn);
        self.send_next(ctx);
    }

    /// Sends as many queued requests as the phone accepts now.
    pub(super) fn send_next(&mut self, ctx: &mut Context<Self>) {
        self.requests.check_settled();
        if let (Some(session), Some(binding)) = (self.session.id(), self.admission.binding()) {
            let gate = Gate {
                // What blocks a silent phone must not delay its MonitorStop at the end.
                at_a_time: if self.capabilities.is_serial() && !self.session.is_draining() {
                    1
                } else {
                    AT_A_TIME
                },
                clients: self.session.serves_clients(),
                timeout: self.context.config().settings.advanced.request_timeout,
            };
            let now = self.context.clock.now();
            let monitored = &self.monitored;
            let is_refused = |requester: &_| refusal_now(requester, monitored);
            let mut refused = self.requests.take_refused(is_refused);
            while let Some((ticket, content)) = self.requests.send_next(&gate, now) {
                binding.flow.connection.do_send(Invoke {
                    session,
                    ticket,
                    content,
                });
                refused.extend(self.requests.take_refused(is_refused));
            }
            for (request, refusal) in refused {
                self.refuse_all(vec![request], &refusal);
            }
            let is_idle = if self.session.is_restarting() {
                self.requests.is_drained()
            } else {
                self.requests.is_idle()
            };
            if is_idle {
                self.on_session(SessionInput::Idle, ctx);
            }
            if self.session.is_open()
                && self.requests.has_sent_none()
                && self.emulation.has_unstopped_monitors()
                && self.monitored.are_stopped()
                && !self.requests.is_quiet_beyond(now)
            {
                let reason =
                    "restarted to end unused monitors: the phone rejects MonitorStop".into();
                self.on_session(SessionInput::Renew(reason), ctx);
            }
        }
        if let Some(at) = self.requests.next_due() {
            self.wake_at(at, ctx);
        }
    }

    /// The phone responded to a request, or the connection failed it.
    pub(super) fn responded(
        &mut self,
        id: u64,
        response: Result<Bytes, RequestError>,
        ctx: &mut Context<Self>,
    ) {
        let now = self.context.clock.now();
        match self.requests.received(id, &response, now) {
            ResponseMatch::Concluded(request) => {
                if let (Ok(_), Some(sent_at)) = (&response, request.sent_at) {
                    let took = now.saturating_sub(sent_at);
                    self.context.counters.answer_time.observe(took);
                }
                let result = responses::read(&self.context, response, request.service);
                self.conclude(*request, result, ctx);
                self.send_next(ctx);
            }
            ResponseMatch::Requeued => {
                if let Some(at) = self.requests.next_due() {
                    self.wake_at(at, ctx);
                }
            }
            ResponseMatch::Late(late) => {
                if let Ok(response) = responses::read(&self.context, response, late.service()) {
                    self.succeeded_late(&late, response, ctx);
                }
            }
            ResponseMatch::Unexpected => {
                tracing::debug!(phone = %self.phone, "response after the request's deadline");
            }
        }
    }

    /// The phone performed a request after its client was told that it did not: the server undoes it.
    fn succeeded_late(&mut self, late: &LateRequest, response: Document, ctx: &mut Context<Self>) {
        if let LateRequest::MonitorStart(line) = late {
            self.monitor_started(line, responses::cross_ref(Ok(response)), ctx);
        } else if let Some(undo) = late.undone_by(&response) {
            tracing::info!(phone = %self.phone, service = %late.service(), undo = undo.name(), "phone performed a request after its time-out; undoing it");
            self.send_own(Requester::Rollback, undo, ctx);
        }
    }

    /// Handles the result of a request.
    pub(super) fn conclude(
        &mut self,
        request: PhoneRequest,
        result: Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let outcome = RequestResult::of(&result);
        self.context
            .counters
            .count_request(request.service, outcome);
        let requester = request.requester;
        let is_unsupported = result.as_ref().is_err_and(|refusal| {
            if !matches!(requester, Requester::KeepAlive | Requester::DialogProbe) {
                tracing::info!(phone = %self.phone, service = %request.service, reason = %refusal, "phone rejected the request");
            }
            // Only the phone's own answer shows that it lacks a service.
            refusal.is_by_phone() && refusal.failure() == Failure::SERVICE_NOT_SUPPORTED
        });
        if is_unsupported || result.is_ok() {
            self.capabilities.proved(request.service, !is_unsupported);
        } else if request.sent_at.is_some()
            && matches!(result, Err(Refusal::TimedOut))
            && matches!(
                requester,
                Requester::Snapshot { .. } | Requester::Features { .. }
            )
        {
            self.capabilities.unanswered(request.service);
        }
        match requester {
            Requester::Client { reply, dialect } => {
                if is_unsupported
                    && self.capabilities.provider(request.service) == Provider::Emulation
                    && let Body::Relayed {
                        document, device, ..
                    } = request.body
                {
                    let client = ClientRequest {
                        document,
                        device,
                        responder: reply,
                        dialect,
                        deadline: request.deadline,
                    };
                    return self.emulate(client, &[], Turn::Next, ctx);
                }
                responses::relay(reply, &dialect, result);
            }
            // The operator may have given up.
            Requester::Operator(operator) => drop(operator.send(result)),
            Requester::SystemRegister | Requester::Rollback => {}
            Requester::MonitorStop { line, cross_ref } => {
                let is_emulated = is_unsupported
                    && self.capabilities.provider(ServiceId::MonitorStop) == Provider::Emulation;
                // 481 and 408 end the session, and with it the monitor.
                let is_rejected = matches!(result, Err(Refusal::Refused(status))
                    if status != Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST
                        && status != Status::REQUEST_TIMEOUT);
                if is_emulated || is_rejected {
                    self.emulation.leave_running(line, cross_ref);
                    self.send_next(ctx);
                }
            }
            Requester::Lines if result.is_ok() => {
                self.lines.promised(self.deadline());
                self.wake_at(self.deadline(), ctx);
            }
            Requester::Lines => self.give_up_list(ctx),
            Requester::KeepAlive => self.kept_alive(&result, ctx),
            Requester::DialogProbe => self.dialog_probed(&result, ctx),
            Requester::MonitorStart(line) => {
                let mut started = responses::cross_ref(result);
                // The line may be another phone's by now: its clients follow it there.
                if self.lines.may_differ() && started.as_ref().is_err_and(Refusal::is_permanent) {
                    started = Err(Refusal::LinesChange);
                }
                self.monitor_started(&line, started, ctx);
            }
            Requester::Snapshot { line, asked } => self.calls_listed(&line, asked, result),
            Requester::Features { reply, dialect } => {
                if let Ok(Ok(Message::Response(Response::GetCSTAFeaturesResponse(told)))) =
                    result.map(|document| document.message())
                {
                    self.capabilities.features_listed(&told);
                }
                reply.csta(csta::write(&self.capabilities.features().into(), &dialect));
            }
            Requester::Emulation(emulated) => {
                let EmulatedRequest { client, step } = *emulated;
                let event = EmulationEvent::Answered(step, result);
                self.go_on(client, event, &[], Turn::Next, ctx);
            }
        }
    }
}

/// Why a request must not be sent now that its turn has come.
fn refusal_now(requester: &Requester, monitored: &MonitoredLines) -> Option<Refusal> {
    if requester.is_withdrawn() {
        return Some(Refusal::NoRight);
    }
    let Requester::Emulation(request) = requester else {
        return None;
    };
    let line = monitored.get(&request.client.line());
    request.step.refusal(line.map(|line| &line.calls))
}
