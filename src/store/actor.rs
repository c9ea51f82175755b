//! The actor that writes the phone list to disk on a thread of its own. Changes of 2 ms share one flush.

use std::{path::Path, time::Duration};

use actix::{Actor, Addr, AsyncContext, Context, Handler, ResponseFuture};
use actix_rt::Arbiter;
use tokio::sync::oneshot;
use uacsta_actors::phone_list::{ListedPhone, Save, StoreError};

use super::{Change, Lock, Store};

/// Answers each [`Save`] when its changes are on disk.
pub struct StoreActor {
    store: Store,
    pending: Vec<Change<ListedPhone>>,
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

/// The opened phone list.
pub struct Opened {
    /// Receives the changes.
    pub actor: Addr<StoreActor>,
    /// The actor's thread, stopped after the last change.
    pub arbiter: Arbiter,
    /// The stored phones.
    pub listed: Vec<ListedPhone>,
    /// False if the disk was full.
    pub writable: bool,
}

/// How long changes are collected before a flush.
const FLUSH_DELAY: Duration = Duration::from_millis(2);

impl StoreActor {
    /// Opens the list in a locked data folder and starts its actor.
    ///
    /// # Errors
    /// As [`Store::open_locked`].
    pub fn open(lock: Lock) -> Result<Opened, super::StoreError> {
        let (store, entries) = Store::open_locked::<ListedPhone>(lock)?;
        let writable = store.has_database();
        let arbiter = Arbiter::new();
        let actor = Self::start_in_arbiter(&arbiter.handle(), |_| Self {
            store,
            pending: Vec::new(),
            waiting: Vec::new(),
        });
        Ok(Opened {
            actor,
            arbiter,
            listed: entries.into_values().collect(),
            writable,
        })
    }

    /// Checks whether [`Self::open`] could read the phone list of a folder that no server uses. Writes nothing there.
    ///
    /// # Errors
    /// Why it could not.
    pub fn check(folder: &Path) -> Result<(), super::StoreError> {
        super::recovery::check::<ListedPhone>(folder)
    }

    fn flush(&mut self) {
        let changes = std::mem::take(&mut self.pending);
        let result = self
            .store
            .commit(&changes)
            .map_err(|error| StoreError(error.to_string()));
        for waiting in self.waiting.drain(..) {
            // The requester may have ended.
            let _ = waiting.send(result.clone());
        }
    }
}

impl Actor for StoreActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1 << 16);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if !self.waiting.is_empty() {
            self.flush();
        }
    }
}

impl Handler<Save> for StoreActor {
    type Result = ResponseFuture<Result<(), StoreError>>;

    fn handle(&mut self, save: Save, ctx: &mut Self::Context) -> Self::Result {
        if self.waiting.is_empty() {
            ctx.run_later(FLUSH_DELAY, |store, _| store.flush());
        }
        let changed = save.listed.into_iter();
        let changed = changed.map(|entry| (entry.id, Some(entry)));
        let removed = save.forgotten.into_iter().map(|phone| (phone, None));
        self.pending.extend(changed.chain(removed));
        let (saved, answer) = oneshot::channel();
        self.waiting.push(saved);
        Box::pin(async move {
            answer
                .await
                .unwrap_or_else(|_| Err(StoreError("the phone list is closed".to_owned())))
        })
    }
}
