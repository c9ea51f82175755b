//! Restarts after a panic: of the registrar, and what it does for a phone whose actor was restarted.

use std::sync::Arc;

use actix::{AsyncContext as _, Context, Handler};
use uacsta_schema::phone_id::PhoneId;

use super::{Persistence, Registrar, Waiter};
use crate::{
    counters::Counters,
    licensing::LicensingNotice,
    phone::{PhoneRestarted, ReportAgain, Resume},
    supervision::{Restartable, RestartableAddr},
};

impl Restartable for Registrar {
    fn address(&self) -> Option<RestartableAddr<Self>> {
        Some(self.context.registrar.clone())
    }

    fn counters(&self) -> &Counters {
        &self.context.counters
    }

    fn successor(&mut self) -> Self {
        let listed = self.listed.len();
        tracing::error!(listed, "the registrar panicked and was restarted");
        let (open, unsaved) = self.persistence.hand_over();
        // A REGISTER that waited for the disk gets 500: its phone is where it was before.
        for write in open.into_iter().rev() {
            if let Waiter::Phone(_, outcome, _) = write.waiter {
                self.bindings.revert(outcome);
            }
        }
        let mut listed = std::mem::take(&mut self.listed);
        listed.retain(|_, record| record.on_disk);
        Self {
            bindings: std::mem::take(&mut self.bindings),
            persistence: Persistence::new(unsaved, self.persistence.has_failed()),
            clients: std::mem::take(&mut self.clients),
            subscriptions: std::mem::take(&mut self.subscriptions),
            moved: std::mem::take(&mut self.moved),
            forgotten: std::mem::take(&mut self.forgotten),
            ..Self::of(Arc::clone(&self.context), self.store.clone(), listed)
        }
    }
}

impl Registrar {
    /// Asks again for what was on its way to a registrar that panicked.
    pub(super) fn recover(&mut self, ctx: &mut Context<Self>) {
        self.retry(ctx);
        // The reports of their connections may be lost.
        let ended = self.bindings.iter().filter(|binding| {
            let is_listed = self.listed.contains_key(&binding.identity.device);
            !is_listed || !binding.flow.connection.connected()
        });
        for binding in ended.cloned().collect::<Vec<_>>() {
            self.bindings.remove(binding.identity);
            self.unbound(binding, "its connection ended".into(), None);
        }
        self.each_phone(ctx, |phone| phone.do_send(ReportAgain));
        self.publish_status(|_| true, ctx);
        if !self.clients.is_empty() {
            self.lines_changed([], ctx);
        }
    }

    /// Tells a phone whose actor was restarted where it is bound.
    pub(super) fn resume(&mut self, phone: PhoneId) {
        let binding = self.bindings.of_device(phone).next().cloned();
        let record = self.listed.get_mut(&phone);
        let Some(record) = record.filter(|record| record.is_paused) else {
            return;
        };
        record.is_paused = false;
        record.restarts.stands(self.context.clock.now());
        if let Some(actor) = &record.phone {
            actor.do_send(Resume {
                enabled: record.entry.enabled,
                binding,
            });
        }
    }
}

impl Handler<PhoneRestarted> for Registrar {
    type Result = ();

    fn handle(&mut self, PhoneRestarted { phone }: PhoneRestarted, ctx: &mut Self::Context) {
        // The lines of a phone that was removed stay out of service.
        let Some(record) = self.listed.get_mut(&phone) else {
            return;
        };
        record.restarts.lost(self.context.clock.now());
        let is_first = record.restarts.is_fresh();
        let wait = record.restarts.failed();
        record.is_paused = true;
        if is_first {
            return self.resume(phone);
        }
        // What the phone sends may make each actor panic as soon as it has begun.
        let seconds = wait.as_secs();
        tracing::warn!(%phone, seconds, "phone actor panicked repeatedly; session paused");
        ctx.run_later(wait, move |registrar, _| registrar.resume(phone));
    }
}

impl Handler<LicensingNotice> for Registrar {
    type Result = ();

    fn handle(&mut self, notice: LicensingNotice, ctx: &mut Self::Context) {
        self.each_phone(ctx, move |phone| phone.do_send(notice));
    }
}
