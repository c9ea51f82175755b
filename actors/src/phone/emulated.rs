//! Carries out emulated services: their steps at the phone, responses, events and rollbacks.

use actix::Context;
use uacsta_schema::csta::DeviceId;

use super::{
    Phone,
    client_request::{ClientRequest, EmulatedRequest},
    emulation::{EmulationEffect, EmulationEffects, EmulationEvent, NextStep, PhoneView},
    request_queue::{Requester, Turn},
};

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
            Err(refusal) => client.respond(self.phone, Err(refusal)),
        }
    }

    /// Goes on with an emulated service.
    pub(super) fn go_on(
        &mut self,
        client: ClientRequest,
        event: EmulationEvent,
        hidden: &[DeviceId],
        turn: Turn,
        ctx: &mut Context<Self>,
    ) {
        let line = client.line();
        let monitored = self.monitored.get(&line);
        let config = self.context.config();
        let view = PhoneView {
            line: &line,
            calls: monitored.map(|monitored| &monitored.calls),
            is_monitored: monitored.is_some_and(|monitored| monitored.cross_ref.is_some()),
            capabilities: &self.capabilities,
            lines: self.lines.lines(),
            hidden,
            user_agent: self.admission.user_agent(),
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
            NextStep::Answer(answer) => client.respond(self.phone, answer),
        }
        self.carry_out(outcome.effects, ctx);
    }

    pub(super) fn carry_out(&mut self, effects: EmulationEffects, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                EmulationEffect::Notify(line, event) => {
                    self.monitored.notify_subscribers(&line, event);
                }
                EmulationEffect::Rollback(request) => {
                    self.send_own(Requester::Rollback, request, ctx);
                }
                EmulationEffect::WakeAt(at) => self.wake_at(at, ctx),
            }
        }
    }
}
