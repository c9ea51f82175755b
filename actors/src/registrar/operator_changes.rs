//! Operators' changes of the phone list: each takes effect once it is on disk.

use actix::{Context, Handler, ResponseFuture};
use tokio::sync::oneshot;
use uacsta_schema::phone_id::PhoneId;

use super::{
    actor::Registrar,
    clients::user_parts,
    messages::{AddPhone, ChangeError, ChangePhone, RemovePhone},
    persistence::ListChange,
    records::Records,
    waiter::Waiter,
};
use crate::{
    ladder::Party,
    phone::{EnabledChanged, Status as PhoneStatus},
    phone_list::{ListedPhone, StoreError},
    registration::{Bindings, Flow},
};

impl Registrar {
    /// Writes an operator's change to disk, then applies it.
    fn change_on_disk(
        &mut self,
        phone: PhoneId,
        change: ListChange,
        ctx: &mut Context<Self>,
    ) -> ResponseFuture<Result<(), ChangeError>> {
        let (operator, done) = oneshot::channel();
        self.save(phone, change, Waiter::Operator(operator), ctx);
        Box::pin(async move {
            let closed = |_| Err(ChangeError::Store(StoreError::closed()));
            done.await.unwrap_or_else(closed)
        })
    }

    /// Applies an operator's change that is on disk.
    pub(super) fn change(
        &mut self,
        phone: PhoneId,
        change: ListChange,
        ctx: &mut Context<Self>,
    ) -> Result<(), ChangeError> {
        let Some(record) = self.records.get_mut(phone) else {
            return Err(ChangeError::Unknown(phone));
        };
        match change {
            ListChange::Entry => {}
            ListChange::Change(change, at) => {
                record.change(&change, at);
                if let Some(name) = change.display_name {
                    tracing::info!(%phone, name, "phone named by an operator");
                }
                let Some(enabled) = change.enabled else {
                    return Ok(());
                };
                tracing::info!(%phone, enabled, "phone switched by an operator");
                if let Some(actor) = record.actor() {
                    actor.do_send(EnabledChanged(enabled));
                }
                self.directory
                    .set_availability(phone, record.availability());
                self.lines_changed(user_parts(&self.directory.of(phone)), ctx);
            }
            ListChange::Remove => {
                record.set_on_disk(false);
                // A phone that registered meanwhile is written again.
                may_be_removed(&self.records, &self.bindings, phone)?;
                tracing::info!(%phone, "phone removed by an operator");
                self.remove(phone, ctx);
            }
        }
        Ok(())
    }

    /// Removes a phone from the list in memory.
    pub(super) fn remove(&mut self, phone: PhoneId, ctx: &mut Context<Self>) {
        if !self.records.remove(phone) {
            return;
        }
        self.persistence.forget(phone);
        self.context.ladder.forget(&Party::Phone(phone));
        // Withdraws the entry's queued changes, so that they do not apply to a new entry.
        for waiter in self.persistence.withdraw(phone, |_| true) {
            waiter.reject(phone);
        }
        let lines = user_parts(&self.directory.of(phone));
        // Clients do not know a new phone yet.
        if !lines.is_empty() {
            self.directory.forget(phone);
            self.lines_changed(lines, ctx);
        }
    }
}

impl Handler<ChangePhone> for Registrar {
    type Result = ResponseFuture<Result<(), ChangeError>>;

    fn handle(&mut self, asked: ChangePhone, ctx: &mut Self::Context) -> Self::Result {
        let ChangePhone { phone, change } = asked;
        if !self.records.contains(phone) {
            return Box::pin(async move { Err(ChangeError::Unknown(phone)) });
        }
        let at = self.context.clock.wall();
        self.change_on_disk(phone, ListChange::Change(change, at), ctx)
    }
}

impl Handler<AddPhone> for Registrar {
    type Result = ResponseFuture<Result<(), ChangeError>>;

    fn handle(&mut self, add: AddPhone, ctx: &mut Self::Context) -> Self::Result {
        let AddPhone {
            phone,
            display_name,
        } = add;
        let refused = |error| -> Self::Result { Box::pin(async move { Err(error) }) };
        let config = self.context.config();
        let settings = &config.settings;
        if self.records.contains(phone) {
            return refused(ChangeError::Listed(phone));
        }
        if phone.mac().is_none() && !settings.phones.extensions {
            return refused(ChangeError::Extension(phone));
        }
        if !self.records.has_room(phone, settings.limits.unknown_phones) {
            return refused(ChangeError::TooMany);
        }
        let at = self.context.clock.wall();
        let entry = ListedPhone {
            name_confirmed: true,
            switched_at: Some(at),
            display_name,
            ..ListedPhone::new(phone, true)
        };
        self.records.add(entry, at);
        self.change_on_disk(phone, ListChange::Entry, ctx)
    }
}

impl Handler<RemovePhone> for Registrar {
    type Result = ResponseFuture<Result<(), ChangeError>>;

    fn handle(&mut self, RemovePhone(phone): RemovePhone, ctx: &mut Self::Context) -> Self::Result {
        if let Err(error) = may_be_removed(&self.records, &self.bindings, phone) {
            return Box::pin(async move { Err(error) });
        }
        self.change_on_disk(phone, ListChange::Remove, ctx)
    }
}

/// Checks that a phone is listed, and away.
fn may_be_removed(
    records: &Records,
    bindings: &Bindings<Flow>,
    phone: PhoneId,
) -> Result<(), ChangeError> {
    let Some(record) = records.get(phone) else {
        return Err(ChangeError::Unknown(phone));
    };
    let is_bound = bindings.get(phone).is_some();
    if is_bound || record.status() != PhoneStatus::Away {
        return Err(ChangeError::Registered(phone));
    }
    Ok(())
}
