//! Carries out what the emulation of a client's request returns: requests to the phone, events to subscribers, the answer.

use actix::Context;
use uacsta_schema::csta::{self, DeviceId, Document, MonitorCrossRefId, MonitorStop, ServiceId};

use super::{
    Phone,
    capabilities::Provider,
    client_request::ClientRequest,
    emulation::{
        EmulationEffect, EmulationEffects, EmulationEvent, EmulationStep, NextStep, PhoneView,
    },
    request_queue::{Requester, Turn},
};
use crate::refusal::Refusal;

/// A client's request that is emulated, while the phone performs a step of it.
pub(super) struct EmulatedRequest {
    pub(super) client: ClientRequest,
    pub(super) step: EmulationStep,
}

impl Phone {
    /// Emulates the service that a client requests; `hidden` are lines that the client may not see.
    pub(super) fn emulate(
        &mut self,
        client: ClientRequest,
        hidden: &[DeviceId],
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        match client.read() {
            Ok(request) => {
                tracing::debug!(phone = %self.phone, line = %client.line(), service = request.name(), "emulating a service for the phone");
                let event = EmulationEvent::Requested(request);
                self.go_on(client, event, hidden, turn, ctx);
            }
            Err(refusal) => self.respond(client, Err(refusal)),
        }
    }

    /// The phone answered the request of a step.
    pub(super) fn step_answered(
        &mut self,
        request: EmulatedRequest,
        answer: Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let EmulatedRequest { client, step } = request;
        let event = EmulationEvent::Answered(step, answer);
        self.go_on(client, event, &[], Turn::Next, ctx);
    }

    fn go_on(
        &mut self,
        client: ClientRequest,
        event: EmulationEvent,
        hidden: &[DeviceId],
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let line = client.line();
        let monitored = self.monitored.get(&line);
        let binding = self.binding.as_ref();
        let config = self.context.config();
        let view = PhoneView {
            line: &line,
            calls: monitored.map(|monitored| &monitored.calls),
            is_monitored: monitored.is_some_and(|monitored| monitored.cross_ref.is_some()),
            capabilities: &self.capabilities,
            lines: self.lines.lines(),
            hidden,
            user_agent: binding.and_then(|binding| binding.user_agent.as_deref()),
            pickup_code: &config.settings.phones.pickup,
        };
        let outcome = self.emulation.on(event, &view, self.context.clock.now());
        drop(config);
        match outcome.next {
            NextStep::Ask(step, request) => {
                let deadline = client.deadline;
                let requester = Requester::Emulation(Box::new(EmulatedRequest { client, step }));
                self.send(requester, request, deadline, turn, ctx);
            }
            NextStep::Answer(answer) => self.respond(client, answer),
        }
        self.carry_out(outcome.effects, ctx);
    }

    pub(super) fn carry_out(&mut self, effects: EmulationEffects, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                EmulationEffect::Notify(line, event) => {
                    self.monitored.notify_subscribers(&line, event)
                }
                EmulationEffect::Rollback(request) => {
                    self.send_own(Requester::Rollback, request, ctx);
                }
                EmulationEffect::WakeAt(at) => self.wake_at(at, ctx),
            }
        }
    }

    pub(super) fn respond(&self, client: ClientRequest, answer: Result<csta::Message, Refusal>) {
        let response = answer.unwrap_or_else(|refusal| {
            tracing::info!(phone = %self.phone, service = client.document.name(), %refusal, "request refused");
            refusal.failure().into()
        });
        client.respond(&response);
    }

    /// Stops a monitor of a line on the phone, or leaves it running where the phone lacks MonitorStop.
    pub(super) fn stop_monitor(
        &mut self,
        line: &DeviceId,
        cross_ref: MonitorCrossRefId,
        ctx: &mut Context<Self>,
    ) {
        let line = line.clone();
        if self.capabilities.provider(ServiceId::MonitorStop) == Provider::Emulation {
            self.emulation.leave_running(line, cross_ref);
            return self.send_next(ctx);
        }
        let stop = MonitorStop {
            monitor_cross_ref_id: cross_ref.clone(),
        };
        self.send_own(Requester::MonitorStop { line, cross_ref }, stop.into(), ctx);
    }
}
