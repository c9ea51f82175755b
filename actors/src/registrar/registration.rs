//! REGISTER at the registrar: it decides, waits for the disk where the list changes, and tells the phone and its connections.

use std::sync::Arc;

use actix::{Context, Handler};
use actix_rt::Arbiter;
use uacsta_schema::phone_id::PhoneId;

use super::{ListChange, Record, Registrar, Waiter};
use crate::{
    phone::{BindingMoved, Bound, Unbound},
    phone_list::ListedPhone,
    registration::{
        self, BindingEnded, Flow, Granted, Lease, ListBinding, LoggedOff, PhoneBinding,
        RAPID_REBINDS, Register, RegisterIdentity, RegisterOutcome, RegisterRequest, Rejection,
        Released, Update, seconds_left,
    },
    sip::responder::Responder,
    truncated::Truncated,
};

impl Handler<Register> for Registrar {
    type Result = ();

    fn handle(&mut self, register: Register, ctx: &mut Self::Context) {
        let (identity, address) = (register.identity, register.address);
        let rejection = match self.decide(&register) {
            Ok(outcome) => return self.store(identity, outcome, register.responder, ctx),
            Err(rejection) => rejection,
        };
        if rejection == Rejection::TooManyUnknownPhones {
            self.log_no_room(identity.device, address);
        } else {
            tracing::warn!(phone = %identity.device, %address, reason = %rejection, "REGISTER refused");
        }
        register.responder.with(rejection);
    }
}

impl Handler<BindingEnded> for Registrar {
    type Result = ();

    fn handle(
        &mut self,
        BindingEnded {
            binding,
            until,
            reason,
        }: BindingEnded,
        _: &mut Self::Context,
    ) {
        // It may be one that another has replaced already.
        let current = self.bindings.get(binding.identity);
        if current.is_some_and(|current| Arc::ptr_eq(current, &binding)) {
            let seconds_left = seconds_left(until, self.context.clock.now());
            tracing::info!(phone = %binding.identity.device, address = %binding.address, %reason, seconds_left, "phone is away; binding removed");
            self.bindings.remove(binding.identity);
            self.unbound(binding, reason, None);
        }
    }
}

impl Handler<BindingMoved> for Registrar {
    type Result = ();

    fn handle(&mut self, BindingMoved { former, binding }: BindingMoved, _: &mut Self::Context) {
        let current = self.bindings.get(binding.identity).cloned();
        let left = match current {
            Some(current) if current.flow == former.flow => {
                self.bindings.insert(Arc::clone(&binding));
                self.grant(&binding, None);
                current
            }
            // The phone registered elsewhere or logged off meanwhile, which it is about to hear.
            _ => former,
        };
        release(&left, "the dialog continues on another connection");
    }
}

impl Registrar {
    fn decide(&mut self, register: &Register) -> Result<RegisterOutcome<Flow>, Rejection> {
        let config = self.context.config();
        let request = RegisterRequest {
            identity: register.identity,
            request: &register.request,
            update: Update::read(&register.request, &config.settings.advanced)?,
            address: register.address,
            flow: register.flow.clone(),
        };
        let has_room = self.has_room(register.identity.device);
        registration::register(&self.bindings, request, has_room, self.context.clock.now())
    }

    /// Waits for the disk where the list changes. A refresh changes nothing there, but waits for a binding that does.
    fn store(
        &mut self,
        identity: RegisterIdentity,
        outcome: RegisterOutcome<Flow>,
        responder: Responder,
        ctx: &mut Context<Self>,
    ) {
        let mut is_entered = false;
        if let RegisterOutcome::Bound { binding, former } = &outcome
            && former
                .as_ref()
                .is_none_or(|former| former.flow != binding.flow)
        {
            log_rebind(binding, former.as_deref());
            self.enter(binding);
            is_entered = true;
        }
        self.bindings.apply(&outcome);
        let waiter = Waiter::Phone(identity, outcome, responder);
        if is_entered {
            self.save(identity.device, ListChange::Entry, waiter, ctx);
        } else if let Err(Waiter::Phone(identity, outcome, responder)) =
            self.join(identity.device, waiter)
        {
            self.carry_out(identity, &outcome, responder);
        }
    }

    /// Enters into the phone list who is bound now, and where it came from.
    fn enter(&mut self, binding: &PhoneBinding) {
        let (device, address) = (binding.identity.device, binding.address);
        let user_agent = binding.user_agent.as_deref();
        let login = self.context.clock.wall();
        let config = self.context.config();
        let profile = config.profiles.recognise(device.oui(), user_agent);
        let described = profile.describe(user_agent);
        let enabled = config.settings.advanced.auto_activate;
        let record = self.listed.entry(device).or_insert_with(|| {
            tracing::info!(phone = %device, %address, enabled, "new phone");
            self.unknown += 1;
            let entry = ListedPhone {
                id: device,
                maker: String::new(),
                model: None,
                firmware: None,
                last_address: None,
                last_identity: None,
                lines: Vec::new(),
                last_login: None,
                enabled,
            };
            Record::new(entry, false)
        });
        let entry = &mut record.entry;
        tracing::info!(phone = %device, %address, maker = described.maker, user_agent = %Truncated(user_agent.unwrap_or("")), expires = binding.expires, "phone registered");
        entry.maker = described.maker;
        entry.model = described.model;
        entry.firmware = described.firmware;
        entry.last_address = Some(address.ip());
        entry.last_login = Some(login);
        let identity = &mut entry.last_identity;
        identity.get_or_insert_with(|| binding.to.to_string());
        self.answer_removals(device);
    }

    /// Tells the phone and its connections what a REGISTER did, and responds to it.
    pub(super) fn carry_out(
        &mut self,
        identity: RegisterIdentity,
        outcome: &RegisterOutcome<Flow>,
        responder: Responder,
    ) {
        match outcome {
            RegisterOutcome::Bound { binding, former } => {
                let current = self.bindings.get(binding.identity);
                match current.filter(|current| current.flow == binding.flow) {
                    Some(current) => {
                        let current = Arc::clone(current);
                        self.bound(&current, former.as_ref(), responder);
                    }
                    // Another REGISTER came meanwhile.
                    None => self.list(identity.device, responder),
                }
            }
            RegisterOutcome::Removed(binding) => {
                tracing::info!(phone = %identity.device, address = %binding.address, "phone logged off");
                let reason = "the phone logged off".into();
                self.unbound(Arc::clone(binding), reason, Some(responder));
            }
            RegisterOutcome::Listed => self.list(identity.device, responder),
        }
    }

    /// Grants a binding to its connection, which responds, and then tells the phone.
    fn bound(
        &mut self,
        binding: &Arc<PhoneBinding>,
        former: Option<&Arc<PhoneBinding>>,
        responder: Responder,
    ) {
        let device = binding.identity.device;
        self.grant(binding, Some(responder));
        let record = self.listed.get(&device);
        let phone = record.and_then(|record| record.phone.as_ref());
        if let Some(phone) = phone {
            phone.do_send(Bound(Arc::clone(binding)));
        }
        // The phone itself leaves its former connection when it has closed its session there.
        let is_left = phone.is_some();
        if let Some(former) = former
            && (former.flow != binding.flow && !is_left
                || former.flow == binding.flow && former.identity != binding.identity)
        {
            release(former, "the phone came back on another connection");
        }
        if !is_left {
            self.phone(device, &Arbiter::current());
        }
    }

    fn grant(&self, binding: &Arc<PhoneBinding>, responder: Option<Responder>) {
        binding.flow.connection.do_send(Granted {
            lease: Lease::new(&self.context, binding),
            responder,
        });
    }

    /// Tells the phone that a binding ended, so that it leaves the connection.
    pub(super) fn unbound(
        &self,
        binding: Arc<PhoneBinding>,
        reason: Box<str>,
        responder: Option<Responder>,
    ) {
        let record = self.listed.get(&binding.identity.device);
        match (record.and_then(|record| record.phone.as_ref()), responder) {
            (Some(phone), responder) => phone.do_send(Unbound {
                binding,
                reason,
                responder,
            }),
            (None, Some(responder)) => {
                let connection = Arc::clone(&binding.flow.connection);
                connection.do_send(LoggedOff(binding));
                responder.ok();
            }
            (None, None) => release(&binding, &reason),
        }
    }

    /// Has the connection of a phone's binding list it: the connection knows how long it lasts.
    fn list(&self, device: PhoneId, responder: Responder) {
        match self.bindings.of_device(device).next() {
            Some(binding) => binding.flow.connection.do_send(ListBinding {
                identity: binding.identity,
                responder,
            }),
            None => responder.ok(),
        }
    }

    /// A new phone whose entry the disk refused is not bound and not listed.
    pub(super) fn reject_new(&mut self, device: PhoneId, ctx: &mut Context<Self>) {
        let bound: Vec<_> = self.bindings.of_device(device).cloned().collect();
        for binding in bound {
            self.bindings.remove(binding.identity);
        }
        self.delist(device, ctx);
    }
}

/// Has the connection of a binding end its lease.
fn release(binding: &Arc<PhoneBinding>, reason: &str) {
    binding.flow.connection.do_send(Released {
        binding: Arc::clone(binding),
        reason: reason.into(),
    });
}

/// Warns of what may be two phones with one MAC address.
fn log_rebind(binding: &PhoneBinding, former: Option<&PhoneBinding>) {
    let Some(former) = former else { return };
    let (phone, from, to) = (binding.identity.device, former.address, binding.address);
    if from.ip() != to.ip() {
        tracing::warn!(%phone, %from, %to, "phone re-registered from another address; binding replaced");
    } else if binding.rapid_rebinds == RAPID_REBINDS {
        tracing::warn!(%phone, %from, %to, "phone re-registers on one connection after the other: are there two with one MAC address?");
    }
}
