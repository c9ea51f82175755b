//! The registrar's writes of the phone list: changes take effect when they are on disk.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uacsta_schema::phone_id::PhoneId;

use super::{
    actor::Registrar,
    messages::ChangeError,
    persistence::{ListChange, RETRY_INTERVAL, Write},
    waiter::Waiter,
};
use crate::{phone_list::StoreError, registration::Rejection};

/// How often the log has that the phone list cannot be written.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

impl Registrar {
    /// Queues a change for the disk. All changes during a write go into the next write, so that thousands of registering
    /// phones cause only a few writes.
    pub(super) fn save(
        &mut self,
        phone: PhoneId,
        change: ListChange,
        waiter: Waiter,
        ctx: &mut Context<Self>,
    ) {
        self.persistence.push(phone, change, waiter);
        self.write(ctx);
    }

    /// Retries failed writes.
    pub(super) fn retry(&mut self, ctx: &mut Context<Self>) {
        let records = &self.records;
        let is_on_disk = |phone| Some(records.get(phone)?.is_on_disk());
        let probe = || {
            let mut listed = records.after(None);
            let probe = listed.find(|(_, record)| record.is_on_disk());
            probe.map(|(phone, _)| phone)
        };
        self.persistence.retry(is_on_disk, probe);
        self.write(ctx);
    }

    fn write(&mut self, ctx: &mut Context<Self>) {
        let records = &self.records;
        let entry = |phone| records.get(phone).map(|record| record.entry());
        let now = self.context.clock.now();
        if let Some(save) = self.persistence.begin(now, entry) {
            let saving = self.store.send(save).into_actor(self);
            ctx.spawn(saving.map(|saved, registrar, ctx| {
                registrar.written(&saved.unwrap_or_else(|_| Err(StoreError::closed())), ctx);
            }));
        }
        if let Some(after) = self.persistence.schedule_check(now) {
            ctx.run_later(after, Self::check_write);
        }
    }

    /// Rejects what waits for a disk that does not answer.
    fn check_write(&mut self, ctx: &mut Context<Self>) {
        let overdue = self.persistence.overdue(self.context.clock.now());
        if !overdue.is_empty() {
            self.concluded(overdue, &Err(StoreError::hanging()), ctx);
        }
        self.write(ctx);
    }

    fn written(&mut self, saved: &Result<(), StoreError>, ctx: &mut Context<Self>) {
        let writes = self.persistence.end(saved.is_ok());
        for former in self.persistence.take_forgotten() {
            // One that registered meanwhile is a phone of its own, and is written again.
            if self.bindings.get(former).is_none() {
                self.remove(former, ctx);
            }
        }
        self.concluded(writes, saved, ctx);
        if self.persistence.schedule_retry() {
            ctx.run_later(RETRY_INTERVAL, Self::retry);
        }
        self.write(ctx);
    }

    /// Logs that the disk cannot be written, once a minute: every new phone would repeat it.
    fn warn_of_disk(&mut self, entries: usize, error: &StoreError) {
        let now = self.context.clock.now();
        let last = self.disk_warned.filter(|at| now < *at + WARNING_INTERVAL);
        if last.is_none() {
            self.disk_warned = Some(now);
            tracing::error!(entries, %error, "the phone list cannot be written");
        }
    }

    /// Applies changes that are on disk, or that the disk refused.
    fn concluded(
        &mut self,
        writes: Vec<Write<Waiter>>,
        saved: &Result<(), StoreError>,
        ctx: &mut Context<Self>,
    ) {
        if let Err(error) = saved {
            self.warn_of_disk(writes.len(), error);
        }
        for Write {
            phone,
            change,
            waiter,
        } in writes
        {
            if change == ListChange::Entry {
                self.entry_written(phone, saved, waiter, ctx);
                continue;
            }
            let done = match saved {
                _ if !self.records.contains(phone) => Err(ChangeError::Unknown(phone)),
                Err(error) => Err(ChangeError::Store(error.clone())),
                Ok(()) => self.change(phone, change, ctx),
            };
            waiter.tell(done);
        }
    }

    /// Continues the REGISTERs of a phone, and an operator's addition, after a write. A failed write rejects and removes a new
    /// phone; a listed phone keeps its binding.
    fn entry_written(
        &mut self,
        phone: PhoneId,
        saved: &Result<(), StoreError>,
        waiter: Waiter,
        ctx: &mut Context<Self>,
    ) {
        let record = self.records.get_mut(phone);
        let is_on_disk = record.is_some_and(|record| {
            let is_on_disk = saved.is_ok() || record.is_on_disk();
            record.set_on_disk(is_on_disk);
            is_on_disk
        });
        if is_on_disk {
            self.show(phone, ctx);
        }
        match waiter {
            Waiter::Nobody => {}
            Waiter::Operator(_) if is_on_disk => {
                tracing::info!(%phone, "phone added by an operator");
                waiter.tell(Ok(()));
            }
            Waiter::Operator(_) => {
                waiter.tell(saved.clone().map_err(ChangeError::Store));
                if self.bindings.get(phone).is_none() {
                    self.remove(phone, ctx);
                }
            }
            Waiter::Phone {
                outcome,
                responder,
                is_new,
            } if is_on_disk => {
                self.log_registration(&outcome, is_new);
                self.carry_out(phone, &outcome, responder);
            }
            Waiter::Phone {
                outcome, responder, ..
            } => {
                let peer = outcome.entered().map(|binding| binding.address);
                let peer = peer.map(tracing::field::display);
                tracing::info!(%phone, peer, "new phone refused: the phone list cannot be written");
                responder.with(Rejection::NotStored);
                self.bindings.remove(phone);
                self.remove(phone, ctx);
            }
        }
    }
}
