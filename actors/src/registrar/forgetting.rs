//! A telephone that will not come back is taken off the list: what it was called by may be another's then.

use actix::{ActorFutureExt, Handler, Message, ResponseActFuture, WrapFuture};
use uacsta_schema::phone_id::PhoneId;

use super::{Registrar, moved::users};
use crate::{
    phone::Status as PhoneStatus,
    telephones::{Save, StoreError},
};

/// Takes a telephone that is away off the list. One that registers again is new.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), Unforgotten>")]
pub struct Forget(pub PhoneId);

/// Why a telephone was not forgotten.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unforgotten {
    /// The list does not have it.
    #[error("no telephone is listed as {0}")]
    Unknown(PhoneId),
    /// It would be listed again at once.
    #[error(
        "{0} is registered, and would be listed again at once: disconnect it first, or switch it off only, by: uacsta phones off {0}"
    )]
    Registered(PhoneId),
    /// The list cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registrar {
    fn may_be_forgotten(&self, mac: PhoneId) -> Result<(), Unforgotten> {
        match self.telephones.get(&mac) {
            None => Err(Unforgotten::Unknown(mac)),
            Some(record) if record.is_new || record.status != PhoneStatus::Away => {
                Err(Unforgotten::Registered(mac))
            }
            Some(_) => Ok(()),
        }
    }
}

impl Handler<Forget> for Registrar {
    type Result = ResponseActFuture<Self, Result<(), Unforgotten>>;

    fn handle(&mut self, Forget(mac): Forget, _: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.may_be_forgotten(mac) {
            return Box::pin(async move { Err(refusal) }.into_actor(self));
        }
        if let Some(record) = self.telephones.get_mut(&mac) {
            record.leaves = true;
        }
        let saving = self.store.send(Save {
            telephones: Vec::new(),
            forgotten: vec![mac],
        });
        Box::pin(saving.into_actor(self).map(move |saved, registrar, ctx| {
            let record = registrar.telephones.get_mut(&mac);
            let left = record.is_some_and(|record| std::mem::take(&mut record.leaves));
            let refusal = match saved {
                Ok(Ok(())) if !left => Some(Unforgotten::Registered(mac)),
                Ok(Ok(())) => registrar.may_be_forgotten(mac).err(),
                Ok(Err(error)) => Some(error.into()),
                Err(_) => Some(StoreError("the telephone list is closed".to_owned()).into()),
            };
            if let Some(refusal) = refusal {
                // It came back meanwhile, and stays; or what changed of it meanwhile was not written.
                registrar.save(mac, ctx, |_, _| {});
                return Err(refusal);
            }
            if let Some(record) = registrar.telephones.remove(&mac) {
                registrar.told_lines(record.telephone.lines.is_empty(), false);
                // Who watches its lines keeps its actor, which is the phone's again if it returns.
                registrar
                    .forgotten
                    .retain(|_, phone| phone.upgrade().is_some());
                let phone = record.phone.as_ref();
                registrar
                    .forgotten
                    .extend(phone.map(|phone| (mac, phone.downgrade())));
            }
            let lines = users(&registrar.directory.of(mac));
            registrar.directory.forget(mac);
            tracing::info!(%mac, "telephone forgotten by an operator");
            registrar.lines_moved(lines, ctx);
            Ok(())
        }))
    }
}
