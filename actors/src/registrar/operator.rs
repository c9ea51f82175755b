//! What an operator changes in the phone list: whether a phone is in operation, and whether it is listed.

use actix::{Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use uacsta_schema::phone_id::PhoneId;

use super::{ListChange, Registrar, Waiter, line_changes::user_parts};
use crate::{
    phone::{EnabledChanged, Status as PhoneStatus},
    phone_list::StoreError,
};

/// Puts a phone into operation, or takes it out.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), ChangeError>")]
pub struct SetEnabled {
    /// The phone.
    pub phone: PhoneId,
    /// Whether it may be controlled and monitored.
    pub enabled: bool,
}

/// Removes a phone that is away from the list, and frees its lines. One that registers again is new.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), ChangeError>")]
pub struct RemovePhone(pub PhoneId);

/// Why an operator's change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangeError {
    /// The phone is not listed.
    #[error("no phone is listed as {0}")]
    Unknown(PhoneId),
    /// A phone that is to be removed would be listed again at once.
    #[error(
        "{0} is registered, and would be listed again at once: disconnect it first, or switch it off only, by: uacsta phones off {0}"
    )]
    Registered(PhoneId),
    /// The list cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registrar {
    /// Changes an entry once that is on disk.
    fn change(
        &mut self,
        phone: PhoneId,
        change: ListChange,
        ctx: &mut Context<Self>,
    ) -> ResponseFuture<Result<(), ChangeError>> {
        let (operator, done) = oneshot::channel();
        self.save(phone, change, Waiter::Operator(operator), ctx);
        Box::pin(async move {
            let failed = || StoreError("the phone list is closed".to_owned());
            done.await.unwrap_or_else(|_| Err(failed().into()))
        })
    }

    fn may_be_removed(&self, phone: PhoneId) -> Result<(), ChangeError> {
        let Some(record) = self.listed.get(&phone) else {
            return Err(ChangeError::Unknown(phone));
        };
        let is_bound = self.bindings.of_device(phone).next().is_some();
        match is_bound || record.status != PhoneStatus::Away {
            true => Err(ChangeError::Registered(phone)),
            false => Ok(()),
        }
    }

    /// A phone registered that an operator wants removed: it stays, unless the disk is removing it already.
    pub(super) fn answer_removals(&mut self, phone: PhoneId) {
        let removal = |change| change == ListChange::Remove;
        for waiter in self.persistence.withdraw(phone, removal) {
            waiter.tell(Err(ChangeError::Registered(phone)));
        }
    }

    /// The list on disk has the phone no longer.
    pub(super) fn removed(
        &mut self,
        phone: PhoneId,
        ctx: &mut Context<Self>,
    ) -> Result<(), ChangeError> {
        if let Some(record) = self.listed.get_mut(&phone) {
            record.on_disk = false;
        }
        // One that came back meanwhile waits for its entry to be written again.
        self.may_be_removed(phone)?;
        tracing::info!(phone = %phone, "phone removed by an operator");
        self.delist(phone, ctx);
        Ok(())
    }

    /// Takes a phone off the list in memory.
    pub(super) fn delist(&mut self, phone: PhoneId, ctx: &mut Context<Self>) {
        let Some(record) = self.listed.remove(&phone) else {
            return;
        };
        self.told_lines(record.entry.lines.is_empty(), false);
        self.persistence.forget(phone);
        // What is queued for its entry is not to be taken for that of a new one.
        for waiter in self.persistence.withdraw(phone, |_| true) {
            waiter.reject(phone);
        }
        // Who watches its lines keeps its actor, which is the phone's again if it returns.
        self.forgotten.retain(|_, actor| actor.upgrade().is_some());
        let actor = record.phone.as_ref();
        self.forgotten
            .extend(actor.map(|actor| (phone, actor.downgrade())));
        let lines = user_parts(&self.directory.of(phone));
        // A new phone has not been shown to clients yet.
        if !lines.is_empty() {
            self.directory.forget(phone);
            self.lines_changed(lines, ctx);
        }
    }

    /// Shows a phone that is on disk now to clients, with the actor that it had if it was removed before.
    pub(super) fn list_phone(&mut self, phone: PhoneId, ctx: &mut Context<Self>) {
        if !self.directory.of(phone).is_empty() {
            return;
        }
        let Some(record) = self.listed.get_mut(&phone) else {
            return;
        };
        let actor = self.forgotten.remove(&phone);
        if let Some(actor) = actor.and_then(|actor| actor.upgrade()) {
            actor.do_send(EnabledChanged(record.entry.enabled));
            record.phone = Some(actor);
        }
        self.directory.set(phone, []);
        self.directory
            .set_availability(phone, record.availability());
        self.lines_changed([], ctx);
    }
}

impl Handler<SetEnabled> for Registrar {
    type Result = ResponseFuture<Result<(), ChangeError>>;

    fn handle(
        &mut self,
        SetEnabled { phone, enabled }: SetEnabled,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        if !self.listed.contains_key(&phone) {
            return Box::pin(async move { Err(ChangeError::Unknown(phone)) });
        }
        self.change(phone, ListChange::SetEnabled(enabled), ctx)
    }
}

impl Handler<RemovePhone> for Registrar {
    type Result = ResponseFuture<Result<(), ChangeError>>;

    fn handle(&mut self, RemovePhone(phone): RemovePhone, ctx: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.may_be_removed(phone) {
            return Box::pin(async move { Err(refusal) });
        }
        self.change(phone, ListChange::Remove, ctx)
    }
}
