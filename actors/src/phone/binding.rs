//! What the registrar tells a phone of its binding (RFC 3261, section 10), and what follows for its CSTA session.

use std::sync::Arc;

use actix::{Context, Handler, Message};

use super::{Phone, capabilities::Capabilities, session::SessionInput};
use crate::{
    registration::{LoggedOff, PhoneBinding, Released},
    sip::responder::Responder,
};

/// The phone is bound: requests to it go by this binding from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Bound(pub Arc<PhoneBinding>);

/// The phone is bound no longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unbound {
    /// The binding that ended.
    pub binding: Arc<PhoneBinding>,
    /// Why, for the log and the phone list.
    pub reason: Box<str>,
    /// Responds to the REGISTER that ended the binding, if it was one.
    pub responder: Option<Responder>,
}

/// What the registrar knows of a phone whose actor was restarted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Resume {
    /// Whether the phone may be controlled and monitored.
    pub enabled: bool,
    /// Its binding.
    pub binding: Option<Arc<PhoneBinding>>,
}

impl Handler<Resume> for Phone {
    type Result = ();

    fn handle(&mut self, Resume { enabled, binding }: Resume, ctx: &mut Self::Context) {
        self.enabled = enabled;
        match binding {
            Some(binding) => self.bound(binding, ctx),
            None => self.report(None),
        }
    }
}

impl Handler<Bound> for Phone {
    type Result = ();

    fn handle(&mut self, Bound(binding): Bound, ctx: &mut Self::Context) {
        self.bound(binding, ctx);
    }
}

impl Handler<Unbound> for Phone {
    type Result = ();

    fn handle(&mut self, unbound: Unbound, ctx: &mut Self::Context) {
        let Unbound {
            binding,
            reason,
            responder,
        } = unbound;
        if let Some(responder) = responder {
            // The BYE goes before the 200, since the phone may close the connection with the latter.
            self.on_session(SessionInput::Close(reason), ctx);
            self.binding = None;
            let connection = Arc::clone(&binding.flow.connection);
            connection.do_send(LoggedOff(binding));
            responder.ok();
            return self.report(None);
        }
        // The dialog may have moved to another connection meanwhile.
        let known = self.binding.as_ref();
        if known.is_some_and(|known| known.flow == binding.flow) {
            self.leave_connection(&reason, ctx);
            self.report(Some(reason.into()));
        }
    }
}

impl Phone {
    pub(super) fn bound(&mut self, binding: Arc<PhoneBinding>, ctx: &mut Context<Self>) {
        let known = self.binding.as_ref();
        let moved = known.is_none_or(|known| known.flow != binding.flow);
        if self.binding.is_some() && moved {
            self.leave_connection("the phone came back on another connection", ctx);
        }
        if moved {
            // A Retry-After ends with the connection that it came on.
            self.requests.end_quiet();
            let user_agent = binding.user_agent.as_deref();
            self.capabilities = Capabilities::new(&self.context.config(), self.phone, user_agent);
            self.session.reset(self.capabilities.edition());
        }
        self.binding = Some(binding);
        if moved {
            self.report(None);
        }
        if self.session.is_closed() {
            self.open_session(ctx);
        }
    }

    /// Leaves the connection that the phone was bound on, if any.
    pub(super) fn leave_connection(&mut self, reason: &str, ctx: &mut Context<Self>) {
        self.on_session(SessionInput::Close(reason.into()), ctx);
        if let Some(binding) = self.binding.take() {
            let connection = Arc::clone(&binding.flow.connection);
            connection.do_send(Released {
                binding,
                reason: reason.into(),
            });
        }
    }

    /// An operator switched the phone.
    pub(super) fn switched(&mut self, enabled: bool, ctx: &mut Context<Self>) {
        if self.enabled == enabled {
            return;
        }
        self.enabled = enabled;
        if enabled {
            self.session.reset(self.session.edition());
            self.open_session(ctx);
        } else {
            self.on_session(
                SessionInput::Close("an operator switched the phone off".into()),
                ctx,
            );
        }
        self.report(None);
    }
}
