//! The telephone list on its way to disk: what is written together, and what becomes of what the disk refuses.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult, WrapFuture};
use uacsta_schema::phone_id::PhoneId;

use super::Registrar;
use crate::telephones::{Save, StoreError, Telephone};

/// What follows when a telephone is on disk, or cannot be.
pub(super) type Saved = Box<dyn FnOnce(&mut Registrar, Result<(), StoreError>)>;

/// Asks whether the telephone list is on disk.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "OnDisk")]
pub struct IsOnDisk;

/// How far the telephone list is on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OnDisk {
    /// Whether the disk took what was written last.
    pub writable: bool,
    /// Telephones whose last change it lacks, those included that are being written.
    pub unsaved: usize,
}

/// How long a telephone that the disk refused waits for the next attempt.
const AGAIN: Duration = Duration::from_secs(5);

impl Registrar {
    /// Saves a telephone, then does the rest. What comes while the disk is busy is saved together, so that a storm of
    /// phones waits for a few writes and not for thousands.
    pub(super) fn save(
        &mut self,
        mac: PhoneId,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<(), StoreError>) + 'static,
    ) {
        if let Some(record) = self.telephones.get_mut(&mac) {
            record.unsaved = true;
            self.to_save.push((mac, Box::new(then)));
            if !self.saving {
                self.save_all(ctx);
            }
        }
    }

    fn save_all(&mut self, ctx: &mut Context<Self>) {
        let group = std::mem::take(&mut self.to_save);
        let telephones: Vec<Telephone> = group
            .iter()
            .filter_map(|(mac, _)| self.telephones.get(mac))
            .filter(|record| !record.leaves)
            .map(|record| record.telephone.clone())
            .collect();
        self.saving = true;
        let saving = self.store.send(Save {
            telephones,
            forgotten: Vec::new(),
        });
        ctx.spawn(saving.into_actor(self).map(move |saved, registrar, ctx| {
            let saved = saved
                .unwrap_or_else(|_| Err(StoreError("the telephone list is closed".to_owned())));
            if let Err(error) = &saved {
                tracing::error!(telephones = group.len(), %error, "the telephone list cannot be written");
            }
            for (mac, then) in group {
                if let Some(record) = registrar.telephones.get_mut(&mac) {
                    record.unsaved = saved.is_err();
                    record.is_new &= record.unsaved;
                }
                then(registrar, saved.clone());
            }
            registrar.saving = false;
            registrar.refused = saved.is_err();
            if !registrar.to_save.is_empty() {
                registrar.save_all(ctx);
            } else if saved.is_err() {
                registrar.save_later(ctx);
            }
        }));
    }

    /// What the disk refused is saved when it takes it.
    fn save_later(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.retrying, true) {
            return;
        }
        ctx.run_later(AGAIN, |registrar, ctx| {
            registrar.retrying = false;
            registrar.save_refused(ctx);
        });
    }

    pub(super) fn save_refused(&mut self, ctx: &mut Context<Self>) {
        // A new one is saved when its phone comes again.
        let listed = || self.telephones.values().filter(|record| !record.is_new);
        let mut unsaved: Vec<PhoneId> = listed()
            .filter(|record| record.unsaved)
            .map(|record| record.telephone.mac)
            .collect();
        if unsaved.is_empty() && self.refused {
            // Whether the disk takes anything again is found out with any of them.
            unsaved.extend(listed().next().map(|record| record.telephone.mac));
        }
        for mac in unsaved {
            self.save(mac, ctx, |_, _| {});
        }
    }
}

impl Handler<IsOnDisk> for Registrar {
    type Result = MessageResult<IsOnDisk>;

    fn handle(&mut self, _: IsOnDisk, _: &mut Self::Context) -> Self::Result {
        MessageResult(OnDisk {
            writable: !self.refused,
            unsaved: self
                .telephones
                .values()
                .filter(|record| record.unsaved)
                .count(),
        })
    }
}
