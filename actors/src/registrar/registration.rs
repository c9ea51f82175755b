//! REGISTER at the registrar: decides, waits for the disk, and notifies phone and connection.

use std::{sync::Arc, time::Duration};

use actix::{Context, Handler};
use actix_rt::Arbiter;
use uacsta_schema::{mac::Mac, phone_id::PhoneId};

use super::{
    actor::Registrar,
    messages::ChangeError,
    persistence::ListChange,
    records::{LogOnDetails, Rebind, Record},
    waiter::Waiter,
};
use crate::{
    counters::Counter,
    phone::{BindingMoved, Bound, Unbound},
    phone_list::ListedPhone,
    reason::ContactFault,
    registration::{
        self, BindingEnd, BindingEnded, Bindings, Flow, Granted, Lease, ListBinding, LoggedOff,
        PhoneBinding, RAPID_REBINDS, Register, RegisterOutcome, RegisterRequest, Rejection,
        Released, Update, seconds_left,
    },
    sip::responder::Responder,
    truncated::truncated,
};

impl Registrar {
    fn decide(&mut self, register: &Register) -> Result<RegisterOutcome<Flow>, Rejection> {
        let config = self.context.config();
        let request = RegisterRequest {
            phone: register.phone,
            request: &register.request,
            update: Update::read(&register.request, &config.settings.advanced)?,
            challenged_at: register.challenged_at,
            address: register.address,
            flow: register.flow.clone(),
        };
        let limit = config.settings.limits.unknown_phones;
        let has_room = self.records.has_room(register.phone, limit);
        registration::register(&self.bindings, request, has_room, self.context.clock.now())
    }

    /// Waits for the disk if the list changes. A refresh changes nothing on disk, but waits for a pending binding.
    fn store(
        &mut self,
        phone: PhoneId,
        outcome: RegisterOutcome<Flow>,
        responder: Responder,
        ctx: &mut Context<Self>,
    ) {
        let entered = outcome.entered().cloned();
        let is_new = entered.as_ref().is_some_and(|binding| self.enter(binding));
        if let RegisterOutcome::Bound {
            binding,
            former: Some(former),
        } = &outcome
            && entered.is_some()
        {
            self.rebound(binding, former);
        }
        self.bindings.apply(&outcome);
        let waiter = Waiter::Phone {
            outcome,
            responder,
            is_new,
        };
        if entered.is_some() {
            return self.save(phone, ListChange::Entry, waiter, ctx);
        }
        let is_register = |waiter: &Waiter| matches!(waiter, Waiter::Phone { .. });
        if let Err(Waiter::Phone {
            outcome, responder, ..
        }) = self.persistence.join(phone, waiter, is_register)
        {
            self.carry_out(phone, &outcome, responder);
        }
    }

    /// Enters the address and the description of a phone into the list. Returns whether the phone was not listed before.
    fn enter(&mut self, binding: &PhoneBinding) -> bool {
        let (phone, address) = (binding.phone, binding.address);
        let user_agent = binding.user_agent.as_deref();
        let config = self.context.config();
        let details = LogOnDetails {
            described: config
                .profiles
                .recognise(binding.mac.map(Mac::oui), user_agent)
                .describe(user_agent),
            mac: binding.mac,
            address: address.ip(),
            at: self.context.clock.wall(),
            identity: binding.to.to_string(),
        };
        let is_bound = |phone| self.bindings.get(phone).is_some();
        if let Some(former) = self
            .records
            .take_over(phone, binding.mac, is_bound, details.at)
        {
            self.persistence.replace(phone, former);
        }
        let is_new = !self.records.contains(phone);
        if is_new {
            let was_enabled = self.records.was_enabled(phone);
            let is_enabled = was_enabled.unwrap_or(config.settings.advanced.auto_activate);
            self.records
                .add(ListedPhone::new(phone, is_enabled), details.at);
        }
        self.records.logged_on(phone, details);
        // An operator's removal that was not written yet is withdrawn.
        let is_removal = |change: &ListChange| *change == ListChange::Remove;
        for waiter in self.persistence.withdraw(phone, is_removal) {
            waiter.tell(Err(ChangeError::Registered(phone)));
        }
        is_new
    }

    /// Logs a registration that is on disk, unless it is a refresh.
    pub(super) fn log_registration(&self, outcome: &RegisterOutcome<Flow>, is_new: bool) {
        let Some(binding) = outcome.entered() else {
            return;
        };
        let entry = self.records.get(binding.phone).map(Record::entry);
        let maker = entry.map(|entry| entry.maker.as_str());
        let enabled = entry.filter(|_| is_new).map(|entry| entry.enabled);
        let user_agent = binding.user_agent.as_deref();
        tracing::info!(phone = %binding.phone, peer = %binding.address, maker, user_agent = truncated(user_agent), expires = binding.expires, is_new = is_new.then_some(true), enabled, "phone registered");
    }

    /// Notes and warns that a binding moves between addresses or connections, since two phones may have the same name.
    fn rebound(&mut self, binding: &PhoneBinding, former: &PhoneBinding) {
        let (phone, former, peer) = (binding.phone, former.address, binding.address);
        let is_rapid = binding.rapid_rebinds == RAPID_REBINDS;
        if former.ip() != peer.ip() {
            tracing::warn!(%phone, %former, %peer, "phone re-registered from another address; binding replaced");
        } else if is_rapid {
            tracing::warn!(%phone, %former, %peer, "phone re-registers on one connection after the other: are there two with this name?");
        }
        let (now, at) = (self.context.clock.now(), self.context.clock.wall());
        if let Some(record) = self.records.get_mut(phone) {
            let rebind = Rebind {
                former,
                address: peer,
                is_rapid,
                expires: Duration::from_secs(binding.expires.into()),
            };
            record.rebound(rebind, now, at);
        }
    }

    /// Notifies the phone and its connections of the outcome of a REGISTER, and responds.
    pub(super) fn carry_out(
        &mut self,
        phone: PhoneId,
        outcome: &RegisterOutcome<Flow>,
        responder: Responder,
    ) {
        match outcome {
            RegisterOutcome::Bound { binding, former } => {
                let current = self.bindings.get(binding.phone);
                match current.filter(|current| current.flow == binding.flow) {
                    Some(current) => {
                        let current = Arc::clone(current);
                        self.bound(&current, former.as_ref(), responder);
                    }
                    // Another REGISTER arrived meanwhile.
                    None => list_binding(&self.bindings, phone, responder),
                }
            }
            RegisterOutcome::Removed(binding) => {
                tracing::info!(%phone, peer = %binding.address, "phone logged off");
                self.unbound(Arc::clone(binding), BindingEnd::LoggedOff, Some(responder));
            }
            RegisterOutcome::Listed => list_binding(&self.bindings, phone, responder),
        }
    }

    /// Transfers the lease of a binding to its connection, which responds, and then notifies the phone.
    fn bound(
        &mut self,
        binding: &Arc<PhoneBinding>,
        former: Option<&Arc<PhoneBinding>>,
        responder: Responder,
    ) {
        self.grant(binding, Some(responder));
        let record = self.records.get(binding.phone);
        let actor = record.and_then(|record| record.actor());
        if let Some(actor) = actor {
            actor.do_send(Bound(Arc::clone(binding)));
        }
        // The phone's actor leaves its former connection when it has closed its session there.
        let is_left = actor.is_some();
        if let Some(former) = former
            && former.flow != binding.flow
            && !is_left
        {
            release(former, "the phone came back on another connection");
        }
        if !is_left {
            self.actor_of(binding.phone, &Arbiter::current());
        }
    }

    /// Transfers the lease of a binding to its connection, which responds.
    fn grant(&self, binding: &Arc<PhoneBinding>, responder: Option<Responder>) {
        let now = self.context.clock.now();
        binding.flow.connection.do_send(Granted {
            lease: Lease::new(&self.addrs.connections, binding, now),
            responder,
        });
    }

    /// Notifies the phone's actor that a binding ended, so that it leaves the connection.
    pub(super) fn unbound(
        &self,
        binding: Arc<PhoneBinding>,
        end: BindingEnd,
        responder: Option<Responder>,
    ) {
        let record = self.records.get(binding.phone);
        match (record.and_then(|record| record.actor()), responder) {
            (Some(actor), responder) => actor.do_send(Unbound {
                binding,
                end,
                responder,
            }),
            (None, Some(responder)) => {
                let connection = Arc::clone(&binding.flow.connection);
                connection.do_send(LoggedOff(binding));
                responder.ok();
            }
            (None, None) => release(&binding, &end.to_string()),
        }
    }
}

impl Handler<Register> for Registrar {
    type Result = ();

    fn handle(&mut self, register: Register, ctx: &mut Self::Context) {
        let (phone, address) = (register.phone, register.address);
        let rejection = match self.decide(&register) {
            Ok(outcome) => return self.store(phone, outcome, register.responder, ctx),
            Err(rejection) => rejection,
        };
        if let Some(record) = self.records.get_mut(phone)
            && self.bindings.get(phone).is_none()
        {
            let fault = ContactFault::rejected(&rejection);
            record.contact_failed(fault, address.ip(), self.context.clock.wall());
        }
        if rejection != Rejection::TooManyUnknownPhones {
            tracing::warn!(%phone, peer = %address, reason = %rejection, "REGISTER refused");
        } else {
            self.context.counters.count(Counter::TooManyPhones);
            if self.records.may_log_limit() {
                tracing::warn!(%phone, peer = %address, "new phones refused: limits.unknown_phones is reached by phones that never listed a line");
            }
        }
        register.responder.with(rejection);
    }
}

impl Handler<BindingEnded> for Registrar {
    type Result = ();

    fn handle(&mut self, ended: BindingEnded, _: &mut Self::Context) {
        let BindingEnded {
            binding,
            until,
            end,
        } = ended;
        // Another binding may have replaced this one already.
        let current = self.bindings.get(binding.phone);
        if current.is_some_and(|current| Arc::ptr_eq(current, &binding)) {
            let seconds_left = seconds_left(until, self.context.clock.now());
            tracing::info!(phone = %binding.phone, peer = %binding.address, reason = %end, seconds_left, "phone is away; binding removed");
            self.bindings.remove(binding.phone);
            self.unbound(binding, end, None);
        }
    }
}

impl Handler<BindingMoved> for Registrar {
    type Result = ();

    fn handle(&mut self, BindingMoved { former, binding }: BindingMoved, _: &mut Self::Context) {
        let current = self.bindings.get(binding.phone).cloned();
        let left = match current {
            Some(current) if current.flow == former.flow => {
                self.bindings.insert(Arc::clone(&binding));
                self.grant(&binding, None);
                current
            }
            // The phone registered elsewhere or logged off meanwhile; the notification is on its way.
            _ => former,
        };
        release(&left, "the dialog continues on another connection");
    }
}

/// Has the connection of a phone's binding list the binding, since only the connection knows the expiry.
fn list_binding(bindings: &Bindings<Flow>, phone: PhoneId, responder: Responder) {
    match bindings.get(phone) {
        Some(binding) => {
            let connection = &binding.flow.connection;
            connection.do_send(ListBinding { phone, responder });
        }
        None => responder.ok(),
    }
}

/// Has the connection of a binding end its lease.
fn release(binding: &Arc<PhoneBinding>, reason: &str) {
    binding.flow.connection.do_send(Released {
        binding: Arc::clone(binding),
        reason: reason.into(),
    });
}
