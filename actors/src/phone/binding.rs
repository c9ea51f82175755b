//! A phone's binding: the phone comes on a connection, or leaves it.

use std::sync::Arc;

use actix::Context;

use super::{Phone, capabilities::Capabilities, liveness::registers_anew, session::SessionInput};
use crate::{
    reason::Cause,
    registration::{PhoneBinding, Released},
};

impl Phone {
    pub(super) fn bound(&mut self, binding: Arc<PhoneBinding>, ctx: &mut Context<Self>) {
        let known = self.admission.binding();
        let moved = known.is_none_or(|known| known.flow != binding.flow);
        let is_anew = known.is_some_and(|known| registers_anew(known, &binding));
        let user_agent_changed = known.is_some_and(|known| known.user_agent != binding.user_agent);
        if known.is_some() && moved {
            self.leave_connection("the phone came back on another connection", ctx);
        }
        if moved {
            // A Retry-After applies only to the connection that received it.
            self.requests.end_quiet();
        }
        if moved || user_agent_changed {
            let user_agent = binding.user_agent.as_deref();
            self.capabilities = Capabilities::new(&self.context.config(), binding.mac, user_agent);
        }
        if moved {
            self.session.reset(self.capabilities.edition());
        }
        self.admission.bind(binding);
        if !self.context.service.is_running() && self.session.is_closed() {
            // The REGISTER waited for the disk when the service was stopped.
            return self.leave_stopped(ctx);
        }
        if moved {
            self.report(Some(Cause::Opening));
        } else if is_anew {
            self.requests.end_quiet();
            self.on_session(SessionInput::RegisteredAnew, ctx);
        }
        if self.session.is_closed() {
            self.open_session(ctx);
        }
    }

    /// Releases the phone's connection, if the phone is bound.
    pub(super) fn leave_connection(&mut self, reason: &str, ctx: &mut Context<Self>) {
        self.on_session(SessionInput::Close(reason.into()), ctx);
        if let Some(binding) = self.admission.unbind() {
            let connection = Arc::clone(&binding.flow.connection);
            connection.do_send(Released {
                binding,
                reason: reason.into(),
            });
        }
    }

    /// Leaves the phone's connection, since the service is stopped.
    pub(super) fn leave_stopped(&mut self, ctx: &mut Context<Self>) {
        if self.admission.binding().is_none() {
            return;
        }
        let why = "the service was stopped";
        self.leave_connection(why, ctx);
        self.report(Some(Cause::ConnectionLost(why.into())));
    }
}
