//! The phone's binding (RFC 3261 section 10): made, refreshed, moved and ended.

use std::time::Duration;

use actix::{AsyncContext, Context};
use uacsta_schema::sip::{HeaderName, Status};

use super::{Phone, abilities::Abilities};
use crate::{
    registrar,
    registration::{Bound, LinkEnded, Refresh, Registration},
    sip::{
        link::Shut,
        reply::{Answer, Reply},
    },
};

/// Where the phone is, for as long as it says.
pub(super) struct Binding {
    pub(super) registration: Registration,
    expires_at: Duration,
}

impl Binding {
    /// The binding of an actor that ended: it holds until the phone's next REGISTER would have been due.
    pub(super) fn inherited(registration: Registration, now: Duration) -> Self {
        let expires_at = now + Duration::from_secs(registration.expires.into());
        Self {
            registration,
            expires_at,
        }
    }

    /// A refresh. What it repeats stays where it is: texts that move with every refresh would scatter the memory.
    fn renew(&mut self, registration: Registration, expires_at: Duration) {
        let known = &mut self.registration;
        if known.repeats(&registration) {
            known.cseq = registration.cseq;
            known.expires = registration.expires;
        } else {
            *known = registration;
        }
        self.expires_at = expires_at;
    }

    pub(super) fn into_registration(self) -> Registration {
        self.registration
    }
}

/// A take-over from another address this soon after the last one is refused, so that two phones with one MAC address do
/// not chase each other.
const TAKE_OVER: Duration = Duration::from_secs(1);
/// How long after its end a binding is kept for a refresh that is late.
const GRACE: Duration = Duration::from_secs(5);

impl Phone {
    /// A REGISTER of the phone's.
    pub(super) fn register(
        &mut self,
        Refresh {
            registration,
            reply,
        }: Refresh,
        ctx: &mut Context<Self>,
    ) {
        let now = self.house.clock.now();
        if let Some(binding) = &self.binding {
            let known = &binding.registration;
            // RFC 3261 10.3: a CSeq that is not above the last one of the same Call-ID "MUST abort the update".
            if known.call_id == registration.call_id
                && registration.cseq <= known.cseq
                && registration.contact.is_some()
            {
                tracing::warn!(mac = %self.mac, address = %registration.address, cseq = registration.cseq, last = known.cseq, "REGISTER refused: an older one that came late");
                return reply.with(
                    Answer::from(Status::SERVER_INTERNAL_ERROR)
                        .because("an older REGISTER that came late"),
                );
            }
        }
        if registration.contact.is_none() {
            return reply.with(self.bindings(now));
        }
        if registration.expires == 0 {
            return self.unregister(reply, ctx);
        }
        let moved = match &self.binding {
            None => true,
            Some(binding) => {
                let known = &binding.registration;
                if known.link != registration.link
                    && known.address.ip() != registration.address.ip()
                {
                    if now
                        < binding
                            .expires_at
                            .saturating_sub(Duration::from_secs(known.expires.into()))
                            + TAKE_OVER
                    {
                        return reply.with(
                            Answer::from(Status::SERVICE_UNAVAILABLE)
                                .header(HeaderName::RetryAfter, "1"),
                        );
                    }
                    tracing::warn!(mac = %self.mac, from = %known.address, to = %registration.address, "phone logs on from another address: the last one is taken");
                }
                known.link != registration.link
            }
        };
        if moved {
            self.leave_link("the phone came back on another connection", ctx);
            self.recognise(registration.user_agent.as_deref());
        }
        let expires_at = now + Duration::from_secs(registration.expires.into());
        self.wake_at(expires_at + GRACE, ctx);
        if moved {
            self.binding = Some(Binding {
                registration: registration.clone(),
                expires_at,
            });
            // The telephone list learns of it before the phone does.
            self.house.registrar.do_send(registrar::Bound {
                registration,
                reply,
            });
        } else {
            if let Some(binding) = &mut self.binding {
                binding.renew(registration, expires_at);
            }
            reply.with(self.bindings(now));
            if self.session.is_closed() {
                self.open_session(ctx);
            }
        }
    }

    /// The telephone list holds the phone: 200, and then the CSTA session.
    pub(super) fn admitted(&mut self, reply: Reply, ctx: &mut Context<Self>) {
        let Some(binding) = &self.binding else {
            return reply.with(Status::OK);
        };
        binding.registration.link.do_send(Bound {
            mac: self.mac,
            phone: ctx.address(),
        });
        reply.with(self.bindings(self.house.clock.now()));
        self.report(None, ctx);
        if self.session.is_closed() {
            self.failures = 0;
            self.open_session(ctx);
        }
    }

    /// RFC 3261 10.3 step 8: the 200 lists the bindings with the seconds that are left.
    fn bindings(&self, now: Duration) -> Answer {
        let answer = Answer::from(Status::OK);
        match &self.binding {
            Some(binding) => {
                // A second that has begun counts, so that a new binding is told all that it was granted.
                let left = binding
                    .expires_at
                    .saturating_sub(now)
                    .as_millis()
                    .div_ceil(1000);
                let contact = binding.registration.contact.as_deref().unwrap_or_default();
                answer
                    .header(HeaderName::Contact, format!("<{contact}>;expires={left}"))
                    .header(HeaderName::Expires, left.to_string())
            }
            None => answer,
        }
    }

    fn unregister(&mut self, reply: Reply, ctx: &mut Context<Self>) {
        if let Some(binding) = &self.binding {
            tracing::info!(mac = %self.mac, address = %binding.registration.address, "phone logged off");
        }
        // The BYE goes before the 200, since the phone may close the connection with the latter.
        self.close_session("the phone logged off", ctx);
        self.binding = None;
        reply.with(Status::OK);
        self.report(None, ctx);
    }

    /// Leaves the connection that the phone was bound on, if any.
    fn leave_link(&mut self, reason: &str, ctx: &mut Context<Self>) {
        self.close_session(reason, ctx);
        if let Some(binding) = self.binding.take() {
            binding.registration.link.do_send(Shut {
                reason: reason.into(),
            });
        }
    }

    /// A connection ended; it may be one that the phone has left already.
    pub(super) fn link_ended(&mut self, ended: &LinkEnded, ctx: &mut Context<Self>) {
        if self
            .binding
            .as_ref()
            .is_some_and(|binding| *binding.registration.link == ended.link)
        {
            tracing::info!(mac = %self.mac, reason = %ended.reason, "phone is away");
            self.binding = None;
            self.close_session(&ended.reason, ctx);
            self.report(Some(ended.reason.to_string()), ctx);
        }
    }

    /// An operator switched the phone.
    pub(super) fn switched(&mut self, in_operation: bool, ctx: &mut Context<Self>) {
        if self.in_operation == in_operation {
            return;
        }
        self.in_operation = in_operation;
        if in_operation {
            self.failures = 0;
            self.open_session(ctx);
        } else {
            self.close_session("an operator switched the phone off", ctx);
        }
        self.report(None, ctx);
    }

    /// Ends a binding that was not refreshed; returns when it will end.
    pub(super) fn sweep_binding(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        let end = self.binding.as_ref()?.expires_at + GRACE;
        if end > now {
            return Some(end);
        }
        tracing::info!(mac = %self.mac, "phone is away: its registration was not refreshed");
        self.leave_link("its registration was not refreshed", ctx);
        self.report(Some("its registration was not refreshed".into()), ctx);
        None
    }

    fn recognise(&mut self, user_agent: Option<&str>) {
        self.profile = self.house.profiles.recognise(self.mac.oui(), user_agent);
        self.firmware = self.profile.describe(user_agent).firmware;
        self.abilities = Abilities::default();
    }
}
