//! The phone list on disk: a journal that decides, and a sled database completed from it.

mod actor;
mod database;
mod error;
mod files;
mod journal;
mod lock;
mod recovery;

use std::{collections::BTreeMap, fs, path::Path};

pub use actor::StoreActor;
use database::Database;
pub use error::StoreError;
use error::failed;
pub(crate) use files::sync_folder;
use journal::Journal;
pub use lock::Lock;
use serde::{Serialize, de::DeserializeOwned};
use tracing::{error, warn};
use uacsta_schema::phone_id::PhoneId;

/// A phone and its new value, or `None` if it is removed.
pub type Change<T> = (PhoneId, Option<T>);

/// The stored list.
pub type Entries<T> = BTreeMap<PhoneId, T>;

/// A value that can be stored.
pub trait Value: Serialize + DeserializeOwned + PartialEq {}

impl<T: Serialize + DeserializeOwned + PartialEq> Value for T {}

/// The opened list in a locked data folder.
///
/// A change is synced to the journal first and then written to sled. `recovery::complete` is the only place that brings sled up
/// to date.
#[derive(Debug)]
pub struct Store {
    lock: Lock,
    journal: Journal,
    /// `None` until there is room to open it, and after an error, since sled 0.34 refuses all calls then.
    database: Option<Database>,
}

impl Store {
    /// Locks `folder` and opens the list, as [`Self::open_locked`].
    ///
    /// # Errors
    /// As [`Lock::take`] and [`Self::open_locked`].
    pub fn open<T: Value>(folder: &Path) -> Result<(Self, Entries<T>), StoreError> {
        Self::open_locked(Lock::take(folder)?)
    }

    /// Opens the list, or creates an empty one. A damaged file is kept as `telephones.damaged-<time>` and restored from the other
    /// one. If the disk is too full to open sled, the list is read from the journal ([`Self::has_database`]).
    ///
    /// # Errors
    /// Neither file can be read, a later version wrote them, or the folder cannot be written.
    pub fn open_locked<T: Value>(lock: Lock) -> Result<(Self, Entries<T>), StoreError> {
        let folder = &lock.folder;
        let changes = match journal::read::<T>(folder) {
            Ok(Some(changes)) => changes,
            missing => recovery::restore_journal(folder, missing.err())?,
        };
        let (database, entries) = match recovery::complete(folder, changes) {
            Ok((database, entries)) => (Some(database), entries),
            Err(full) if full.is_disk_full() => {
                error!(error = %full, "serving the phone list from telephones.jsonl until there is room on the disk");
                (None, Journal::resume(folder)?.entries()?)
            }
            Err(error) => return Err(error),
        };
        let journal = match Journal::create(folder, &entries) {
            Ok(journal) => journal,
            Err(error) => {
                warn!(%error, "cannot compact telephones.jsonl; appending to it");
                Journal::resume(folder)?
            }
        };
        let store = Self {
            lock,
            journal,
            database,
        };
        Ok((store, entries))
    }

    /// Whether sled is open. If not, each commit tries to open it.
    pub fn has_database(&self) -> bool {
        self.database.is_some()
    }

    /// Writes changes to disk. When this returns, they survive a crash and a power cut.
    ///
    /// # Errors
    /// The disk refuses. Nothing is changed then.
    pub fn commit<T: Value>(&mut self, changes: &[Change<T>]) -> Result<(), StoreError> {
        self.restore_removed_files::<T>()?;
        let database = match self.database.take() {
            Some(database) => database,
            None => recovery::complete(&self.lock.folder, self.journal.changes::<T>()?)?.0,
        };
        let database = self.database.insert(database);
        let before = self.journal.append(changes)?;
        if let Err(error) = database.apply(changes) {
            self.database = None;
            // The next start must not apply what was refused.
            self.journal.truncate(before)?;
            return Err(error);
        }
        if self.journal.is_long() {
            self.compact::<T>();
        }
        Ok(())
    }

    fn compact<T: Value>(&mut self) {
        let entries = self.journal.entries::<T>();
        match entries.and_then(|entries| Journal::create(&self.lock.folder, &entries)) {
            Ok(journal) => self.journal = journal,
            Err(error) => {
                warn!(%error, "cannot compact telephones.jsonl; appending to it");
                self.journal.postpone_compaction();
            }
        }
    }

    /// Writes files again that somebody has removed or replaced, from the open journal.
    fn restore_removed_files<T: Value>(&mut self) -> Result<(), StoreError> {
        let folder = &self.lock.folder;
        let is_database_there = |database: &Database| database.is_there(folder);
        let database_there = self.database.as_ref().is_none_or(is_database_there);
        if database_there && self.journal.is_there() {
            return Ok(());
        }
        let entries = self.journal.entries::<T>()?;
        fs::create_dir_all(folder).map_err(failed("created", folder))?;
        self.lock.renew()?;
        self.journal = Journal::create(&self.lock.folder, &entries)?;
        if !database_there {
            let changes = self.journal.changes::<T>()?;
            self.database = Some(recovery::complete(&self.lock.folder, changes)?.0);
        }
        error!(folder = %self.lock.folder.display(), "files of the phone list were removed or replaced, and were written again: stop the server before you touch them");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
