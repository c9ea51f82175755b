//! The actor that puts telephones on disk: many changes share one flush, and each answer waits for it.

use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, ResponseFuture};
use actix_rt::Arbiter;
use tokio::sync::oneshot;
use uacsta_actors::telephones::{Save, StoreError, Telephone};

use crate::store::{self, Change, Lock, Store};

/// Keeps the telephone list, on a thread of its own: the disk keeps nobody else waiting.
pub struct Keeper {
    store: Store,
    gathered: Vec<Change<Telephone>>,
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

/// The list that was opened.
pub struct Opened {
    /// Who keeps it.
    pub keeper: Addr<Keeper>,
    /// The thread of it.
    pub arbiter: Arbiter,
    /// What it holds.
    pub telephones: Vec<Telephone>,
    /// Whether the disk has room for changes.
    pub writable: bool,
}

/// How long changes are gathered before they share a flush.
const GATHERING: Duration = Duration::from_millis(2);

impl Keeper {
    /// Opens the list in a data folder that is taken, and starts the keeper of it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(data: Lock) -> Result<Opened, store::StoreError> {
        let (store, entries) = Store::behind::<Telephone>(data)?;
        let writable = store.is_whole();
        let arbiter = Arbiter::new();
        let keeper = Self::start_in_arbiter(&arbiter.handle(), |_| Self {
            store,
            gathered: Vec::new(),
            waiting: Vec::new(),
        });
        Ok(Opened {
            keeper,
            arbiter,
            telephones: entries.into_values().collect(),
            writable,
        })
    }

    fn flush(&mut self) {
        let changes = std::mem::take(&mut self.gathered);
        let result = self
            .store
            .commit(&changes)
            .map_err(|error| StoreError(error.to_string()));
        for waiting in self.waiting.drain(..) {
            // Whoever asked may be gone; the telephone is on disk all the same.
            let _ = waiting.send(result.clone());
        }
    }
}

impl Actor for Keeper {
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

impl Handler<Save> for Keeper {
    type Result = ResponseFuture<Result<(), StoreError>>;

    fn handle(&mut self, save: Save, ctx: &mut Self::Context) -> Self::Result {
        if self.waiting.is_empty() {
            ctx.run_later(GATHERING, |keeper, _| keeper.flush());
        }
        let changed = save.telephones.into_iter();
        let changed = changed.map(|telephone| (telephone.mac, Some(telephone)));
        let forgotten = save.forgotten.into_iter().map(|mac| (mac, None));
        self.gathered.extend(changed.chain(forgotten));
        let (saved, answer) = oneshot::channel();
        self.waiting.push(saved);
        Box::pin(async move {
            answer
                .await
                .unwrap_or_else(|_| Err(StoreError("the telephone list is closed".to_owned())))
        })
    }
}
