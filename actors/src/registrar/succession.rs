//! What an actor that fails leaves to the one that takes its place: a registrar the list, the phones and the clients; a phone
//! its binding and what is watched of it.

use actix::{Actor, AsyncContext as _, Context, Handler};
use actix_rt::Arbiter;
use uacsta_schema::phone_id::PhoneId;

use super::{Persistence, Recount, Registrar, Reseat, Waiter};
use crate::{
    counters::Counter,
    phone::{Announce, PhoneActorEnded},
};

impl Registrar {
    /// Puts another in this one's place, after a panic. Who waits for an answer of this one gets an error, and asks again.
    pub(super) fn bequeath(&mut self) {
        self.context.counters.count(Counter::Panicked);
        tracing::error!(
            listed = self.listed.len(),
            "the registrar failed; another takes its place"
        );
        let (open, unsaved) = self.persistence.hand_over();
        // A REGISTER that waited gets 500: its phone is where it was before.
        for write in open.into_iter().rev() {
            if let Waiter::Phone(_, outcome, _) = write.waiter {
                self.bindings.revert(outcome);
            }
        }
        let mut listed = std::mem::take(&mut self.listed);
        listed.retain(|_, record| record.on_disk);
        let (context, store) = (self.context.clone(), self.store.clone());
        let successor = Self {
            bindings: std::mem::take(&mut self.bindings),
            persistence: Persistence::new(unsaved, self.persistence.has_failed()),
            clients: std::mem::take(&mut self.clients),
            subscriptions: std::mem::take(&mut self.subscriptions),
            moved: std::mem::take(&mut self.moved),
            forgotten: std::mem::take(&mut self.forgotten),
            ..Self::of(context, store, listed)
        };
        self.context.registrar.exchange(successor.start());
    }

    /// Takes up what another has left, if one has: what was on its way to it is asked for again.
    pub(super) fn succeed(&mut self, ctx: &mut Context<Self>) {
        self.retry(ctx);
        // What their connections reported may have been lost.
        let ended = self.bindings.iter().filter(|binding| {
            let is_listed = self.listed.contains_key(&binding.identity.device);
            !is_listed || !binding.flow.connection.connected()
        });
        for binding in ended.cloned().collect::<Vec<_>>() {
            self.bindings.remove(binding.identity);
            self.unbound(binding, "its connection ended".into(), None);
        }
        let failed = self
            .listed
            .iter()
            .filter_map(|(phone, record)| record.restart_state.as_ref().map(|_| *phone));
        for phone in failed.collect::<Vec<_>>() {
            self.replace(phone, ctx);
        }
        self.announce(ctx);
        self.publish_status(|_| true, ctx);
        if !self.clients.is_empty() {
            self.lines_changed([], ctx);
        }
    }

    /// Puts another in the place of a phone's actor that failed.
    fn replace(&mut self, phone: PhoneId, ctx: &mut Context<Self>) {
        self.phone(phone, &Arbiter::current());
        self.lines_changed([], ctx);
    }

    fn announce(&mut self, ctx: &mut Context<Self>) {
        self.each_phone(ctx, |phone| phone.do_send(Announce));
    }
}

impl Handler<Reseat> for Registrar {
    type Result = ();

    fn handle(&mut self, reseat: Reseat, ctx: &mut Self::Context) {
        self.each_phone(ctx, move |phone| phone.do_send(reseat));
    }
}

impl Handler<Recount> for Registrar {
    type Result = ();

    fn handle(&mut self, _: Recount, ctx: &mut Self::Context) {
        self.announce(ctx);
    }
}

impl Handler<PhoneActorEnded> for Registrar {
    type Result = ();

    fn handle(&mut self, ended: PhoneActorEnded, ctx: &mut Self::Context) {
        let PhoneActorEnded {
            phone,
            actor,
            restart_state,
        } = ended;
        // One that was forgotten ends when nobody holds it any more.
        let record = self.listed.get_mut(&phone);
        let Some(record) = record.filter(|record| record.phone.as_ref() == Some(&actor)) else {
            return;
        };
        self.context.counters.count(Counter::Panicked);
        record.back_off.lost(self.context.clock.now());
        let first = record.back_off.is_fresh();
        let wait = record.back_off.failed();
        if first {
            tracing::error!(%phone, "the phone's actor failed; another takes its place");
            record.restart_state = Some(Box::new(restart_state));
            return self.replace(phone, ctx);
        }
        // What the phone sends may make each of them fail as soon as it has begun.
        tracing::error!(%phone, seconds = wait.as_secs(), "the phone's actor failed again; another takes its place after a while");
        restart_state.waits();
        record.restart_state = Some(Box::new(restart_state));
        ctx.run_later(wait, move |registrar, ctx| registrar.replace(phone, ctx));
    }
}
