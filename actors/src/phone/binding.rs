//! The phone's binding (RFC 3261 section 10): made, refreshed, moved and ended.

use std::{sync::Arc, time::Duration};

use actix::{AsyncContext, Context};
use uacsta_schema::{
    csta::Edition,
    sip::{HeaderName, Status},
};

use super::{Phone, abilities::Abilities, uas, wish};
use crate::{
    back_off::BackOff,
    registrar,
    registration::{Bindings, Bound, Lapsed, Left, LinkEnded, Refresh, Registration},
    sip::responder::{FinalResponse, Responder},
};

/// Where the phone is. How long it stays is known to its link, where the refreshes arrive.
pub(super) struct Binding {
    pub(super) registration: Registration,
    made_at: Duration,
    /// How often it went to another connection as soon as it was made.
    hurried: u8,
}

impl Binding {
    /// The binding of an actor that ended.
    pub(super) fn inherited(registration: Registration, now: Duration) -> Self {
        Self {
            registration,
            made_at: now,
            hurried: 0,
        }
    }

    fn contact(&self) -> Option<&str> {
        self.registration.contact.as_deref()
    }

    pub(super) fn into_registration(self) -> Registration {
        self.registration
    }
}

/// A take-over from another address this soon after the last one is refused, so that two phones with one MAC address do
/// not chase each other.
const TAKE_OVER: Duration = Duration::from_secs(1);
/// So many as soon as that are let through at one address: there it may be one phone that connects anew.
const HURRIED: u8 = 3;

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
                let (address, cseq) = (registration.address, registration.cseq);
                return reply.with(uas::late(self.mac, address, cseq, known.cseq));
            }
        }
        let Some(contact) = &registration.contact else {
            return self.tell_bindings(reply);
        };
        if registration.expires == 0 {
            let bound = self.binding.as_ref().and_then(Binding::contact);
            return match bound {
                Some(bound) if !wish::removes(contact, bound) => self.tell_bindings(reply),
                _ => self.unregister(reply, ctx),
            };
        }
        let mut hurried = 0;
        let moved = match &self.binding {
            None => true,
            Some(binding) if *binding.registration.link == *registration.link => {
                hurried = binding.hurried;
                false
            }
            Some(binding) => {
                let (from, to) = (binding.registration.address, registration.address);
                let elsewhere = from.ip() != to.ip();
                if now < binding.made_at + TAKE_OVER {
                    hurried = binding.hurried + 1;
                    if elsewhere || hurried > HURRIED {
                        return reply.with(
                            FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                                .header(HeaderName::RetryAfter, "1"),
                        );
                    }
                }
                if elsewhere {
                    tracing::warn!(mac = %self.mac, %from, %to, "phone logs on from another address: the last one is taken");
                } else if hurried == HURRIED {
                    tracing::warn!(mac = %self.mac, %from, %to, "phone logs on from one connection after the other: are there two with one MAC address?");
                }
                true
            }
        };
        if moved {
            self.leave_link("the phone came back on another connection", ctx);
            // What the phone wished before it came back, it wishes no longer.
            self.requests.quiet_until = None;
            self.recognise(registration.user_agent.as_deref());
        }
        self.binding = Some(Binding {
            registration: registration.clone(),
            made_at: now,
            hurried,
        });
        if moved {
            // The telephone list learns of it before the phone does.
            self.house.registrar.do_send(registrar::Bound {
                registration,
                reply,
            });
        } else {
            self.bind_link(ctx);
            reply.with(bindings(&registration));
            if self.session.is_closed() {
                self.open_session(ctx);
            }
        }
    }

    /// Answers with the binding as it is (RFC 3261 10.3 step 8), which its link knows.
    fn tell_bindings(&self, reply: Responder) {
        match &self.binding {
            Some(binding) => {
                let mac = self.mac;
                binding.registration.link.do_send(Bindings { mac, reply });
            }
            None => reply.ok(),
        }
    }

    /// The telephone list holds the phone: 200, and then the CSTA session.
    pub(super) fn admitted(&mut self, reply: Responder, ctx: &mut Context<Self>) {
        self.bind_link(ctx);
        match &self.binding {
            Some(binding) => reply.with(bindings(&binding.registration)),
            None => reply.ok(),
        }
        self.report(None);
        if self.session.is_closed() {
            self.back_off = BackOff::default();
            self.open_session(ctx);
        }
    }

    /// Tells the link what is bound on it.
    pub(super) fn bind_link(&self, ctx: &Context<Self>) {
        let Some(Binding { registration, .. }) = &self.binding else {
            return;
        };
        let granted = Duration::from_secs(registration.expires.into());
        registration.link.do_send(Bound {
            mac: self.mac,
            phone: ctx.address(),
            contact: registration.contact.clone().unwrap_or_default(),
            call_id: Arc::clone(&registration.call_id),
            cseq: registration.cseq,
            until: self.house.clock.now() + granted,
        });
    }

    fn unregister(&mut self, reply: Responder, ctx: &mut Context<Self>) {
        if let Some(binding) = &self.binding {
            tracing::info!(mac = %self.mac, address = %binding.registration.address, "phone logged off");
        }
        // The BYE goes before the 200, since the phone may close the connection with the latter.
        self.close_session("the phone logged off", ctx);
        self.binding = None;
        reply.with(Status::OK);
        self.report(None);
    }

    /// Leaves the connection that the phone was bound on, if any.
    pub(super) fn leave_link(&mut self, reason: &str, ctx: &mut Context<Self>) {
        self.close_session(reason, ctx);
        if let Some(binding) = self.binding.take() {
            binding.registration.link.do_send(Left {
                mac: self.mac,
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
            self.report(Some(ended.reason.to_string()));
        }
    }

    /// An operator switched the phone.
    pub(super) fn switched(&mut self, in_operation: bool, ctx: &mut Context<Self>) {
        if self.in_operation == in_operation {
            return;
        }
        self.in_operation = in_operation;
        if in_operation {
            self.back_off = BackOff::default();
            self.open_session(ctx);
        } else {
            self.close_session("an operator switched the phone off", ctx);
        }
        self.report(None);
    }

    /// The binding was not refreshed on its link, which may be one that the phone has left already.
    pub(super) fn lapsed(&mut self, lapsed: &Lapsed, ctx: &mut Context<Self>) {
        if self
            .binding
            .as_ref()
            .is_none_or(|binding| binding.registration.link != lapsed.link)
        {
            return;
        }
        tracing::info!(mac = %self.mac, "phone is away: its registration was not refreshed");
        self.leave_link("its registration was not refreshed", ctx);
        self.report(Some("its registration was not refreshed".into()));
    }

    /// Learns from its maker's profile, as the rules have it now, what a phone can do that says it is this.
    pub(super) fn look_up(&mut self, user_agent: Option<&str>) {
        self.profile = self
            .house
            .rules()
            .profiles
            .recognise(self.mac.oui(), user_agent);
        self.firmware = self.profile.describe(user_agent).firmware;
    }

    fn recognise(&mut self, user_agent: Option<&str>) {
        self.look_up(user_agent);
        self.abilities = Abilities::default();
        // Editions of ECMA-323 are counted from the second.
        let number = usize::from(self.profile.edition).saturating_sub(2);
        self.edition = Edition::ALL.get(number).copied().unwrap_or_default();
    }
}

/// RFC 3261 10.3 step 8: the 200 lists the binding, with all the seconds that it was granted just now.
fn bindings(registration: &Registration) -> FinalResponse {
    let contact = registration.contact.as_deref().unwrap_or_default();
    uas::listed(contact, registration.expires)
}
