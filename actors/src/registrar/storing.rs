//! Writes the phone list: what is written together, and what follows when it is on disk or cannot be.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, WrapFuture};
use tokio::sync::oneshot;
use uacsta_schema::phone_id::PhoneId;

use super::{ChangeError, ListChange, Registrar, line_changes::user_parts};
use crate::{
    phone::EnabledChanged,
    phone_list::StoreError,
    registration::{Flow, RegisterIdentity, RegisterOutcome, Rejection},
    sip::responder::Responder,
};

/// Who waits for a change of an entry to be on disk.
pub(super) enum Waiter {
    Nobody,
    /// A REGISTER: what it does is carried out then.
    Phone(RegisterIdentity, RegisterOutcome<Flow>, Responder),
    Operator(oneshot::Sender<Result<(), ChangeError>>),
}

/// Asks whether the phone list is on disk.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "OnDisk")]
pub struct IsOnDisk;

/// How far the phone list is on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OnDisk {
    /// Whether the disk took what was written last.
    pub writable: bool,
    /// Phones whose last change it lacks, those included that are being written.
    pub unsaved: usize,
}

/// How long an entry that the disk refused waits for the next attempt.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

impl Registrar {
    /// Writes a change. What comes while the disk is busy is written together, so that a storm of phones waits for a few
    /// writes and not for thousands.
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

    /// Lets a REGISTER wait for the disk if an earlier one of the phone does.
    ///
    /// # Errors
    /// The waiter, if none does.
    pub(super) fn join(&mut self, phone: PhoneId, waiter: Waiter) -> Result<(), Waiter> {
        let is_register = |waiter: &Waiter| matches!(waiter, Waiter::Phone(..));
        self.persistence.join(phone, waiter, is_register)
    }

    fn write(&mut self, ctx: &mut Context<Self>) {
        let listed = &self.listed;
        let entry = |phone| listed.get(&phone).map(|record| &record.entry);
        let Some(save) = self.persistence.begin(entry) else {
            return;
        };
        let saving = self.store.send(save).into_actor(self);
        ctx.spawn(saving.map(|saved, registrar, ctx| {
            let closed = || StoreError("the phone list is closed".to_owned());
            registrar.written(saved.unwrap_or_else(|_| Err(closed())), ctx);
        }));
    }

    fn written(&mut self, saved: Result<(), StoreError>, ctx: &mut Context<Self>) {
        let writes = self.persistence.end(saved.is_ok());
        if let Err(error) = &saved {
            tracing::error!(listed = writes.len(), %error, "the phone list cannot be written");
        }
        for write in writes {
            let phone = write.phone;
            match write.change {
                ListChange::Entry => self.entry_written(phone, saved.is_ok(), write.waiter, ctx),
                ListChange::SetEnabled(on) => {
                    let done = self.changed(phone, &saved);
                    if done.is_ok() {
                        self.set_in_operation(phone, on, ctx);
                    }
                    write.waiter.tell(done);
                }
                ListChange::Remove => {
                    let done = self.changed(phone, &saved);
                    let done = done.and_then(|()| self.removed(phone, ctx));
                    write.waiter.tell(done);
                }
            }
        }
        if saved.is_err() {
            self.retry_later(ctx);
        }
        self.write(ctx);
    }

    /// Whether an operator's change of an entry is on disk.
    fn changed(&self, phone: PhoneId, saved: &Result<(), StoreError>) -> Result<(), ChangeError> {
        if !self.listed.contains_key(&phone) {
            return Err(ChangeError::Unknown(phone));
        }
        saved.clone().map_err(ChangeError::Store)
    }

    /// A phone that the disk has already goes on if it refuses the entry, which is written when the disk takes it; a new one
    /// is rejected.
    fn entry_written(
        &mut self,
        phone: PhoneId,
        saved: bool,
        waiter: Waiter,
        ctx: &mut Context<Self>,
    ) {
        let record = self.listed.get_mut(&phone);
        let on_disk = record.is_some_and(|record| {
            let was_on_disk = record.on_disk;
            record.on_disk |= saved;
            was_on_disk || saved
        });
        if on_disk {
            self.list_phone(phone, ctx);
        }
        match (waiter, on_disk) {
            (Waiter::Phone(identity, outcome, responder), true) => {
                self.carry_out(identity, &outcome, responder);
            }
            (Waiter::Phone(_, _, responder), false) => {
                responder.with(Rejection::NotStored);
                self.reject_new(phone, ctx);
            }
            _ => {}
        }
    }

    fn set_in_operation(&mut self, phone: PhoneId, on: bool, ctx: &mut Context<Self>) {
        let Some(record) = self.listed.get_mut(&phone) else {
            return;
        };
        tracing::info!(phone = %phone, enabled = on, "phone switched by an operator");
        record.entry.enabled = on;
        self.directory
            .set_availability(phone, record.availability());
        if let Some(phone) = &record.phone {
            phone.do_send(EnabledChanged(on));
        }
        let moved = user_parts(&self.directory.of(phone));
        self.lines_changed(moved, ctx);
    }

    fn retry_later(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.retrying, true) {
            return;
        }
        ctx.run_later(RETRY_INTERVAL, |registrar, ctx| {
            registrar.retrying = false;
            registrar.retry(ctx);
        });
    }

    /// Writes what the disk refused.
    pub(super) fn retry(&mut self, ctx: &mut Context<Self>) {
        // A new phone is entered when it registers again.
        let on_disk = |phone: &&PhoneId| {
            let record = self.listed.get(*phone);
            record.is_some_and(|record| record.on_disk)
        };
        let unsaved = self.persistence.unsaved().iter().filter(on_disk);
        let mut unsaved: Vec<PhoneId> = unsaved.copied().collect();
        if unsaved.is_empty() && self.persistence.has_failed() {
            // Any entry shows whether the disk takes anything again.
            unsaved.extend(self.listed.keys().find(|phone| on_disk(phone)));
        }
        for phone in unsaved {
            self.persistence
                .push(phone, ListChange::Entry, Waiter::Nobody);
        }
        self.write(ctx);
    }
}

impl Waiter {
    /// There is no entry any more.
    pub(super) fn reject(self, phone: PhoneId) {
        match self {
            Self::Nobody => {}
            Self::Phone(_, _, responder) => responder.with(Rejection::NotStored),
            Self::Operator(_) => self.tell(Err(ChangeError::Unknown(phone))),
        }
    }

    pub(super) fn tell(self, done: Result<(), ChangeError>) {
        if let Self::Operator(operator) = self {
            // An operator who has gone asks again.
            let _ = operator.send(done);
        }
    }
}

impl Handler<IsOnDisk> for Registrar {
    type Result = MessageResult<IsOnDisk>;

    fn handle(&mut self, _: IsOnDisk, _: &mut Self::Context) -> Self::Result {
        MessageResult(OnDisk {
            writable: !self.persistence.has_failed(),
            unsaved: self.persistence.unsaved().len(),
        })
    }
}
