//! The phone list on disk: sled for the list, and a readable journal from which it can be rebuilt.

mod actor;
mod database;
mod error;
mod journal;
mod lock;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

pub use actor::StoreActor;
use database::{Copy, Database, FOLDER};
pub use error::StoreError;
use error::failed;
use journal::Journal;
pub use lock::Lock;
use serde::{Serialize, de::DeserializeOwned};
use tracing::{error, warn};
use uacsta_schema::phone_id::PhoneId;

/// One change: what is now stored for a phone, or `None` when it was removed.
pub type Change<T> = (PhoneId, Option<T>);

/// The list as it was stored.
pub type Entries<T> = BTreeMap<PhoneId, T>;

/// The opened list, locked against a second process.
#[derive(Debug)]
pub struct Store {
    lock: Lock,
    /// `None` after an I/O error, since sled 0.34 then refuses every call until it is opened anew, and where it found no room to be
    /// opened at all.
    database: Option<Database>,
    journal: Journal,
}

impl Store {
    /// Opens the list in `folder`, creating it where there is none. What the journal knows better than sled is restored
    /// from it; a database that does not open is kept aside as `telephones.damaged-<time>` and rebuilt. On a full disk the
    /// journal is the list ([`Self::is_whole`]), until a commit finds room.
    ///
    /// # Errors
    /// When another process has it open, when neither copy can be read, and when the folder cannot be written.
    pub fn open<T>(folder: &Path) -> Result<(Self, Entries<T>), StoreError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        Self::behind(Lock::take(folder)?)
    }

    /// The same in a folder that is taken.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn behind<T>(lock: Lock) -> Result<(Self, Entries<T>), StoreError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let (database, journal, entries) = match both(&lock.folder) {
            Ok((database, journal, entries)) => (Some(database), journal, entries),
            Err(error) => {
                // sled needs room to be opened. Who is listed does not have to wait for it.
                let (true, Ok(Some(changes))) = (
                    error.is_for_want_of_room(),
                    journal::read::<T>(&lock.folder),
                ) else {
                    return Err(error);
                };
                error!("the phone list is served from telephones.jsonl: {error}");
                let listed = changes.into_iter();
                let listed = listed.filter_map(|(key, value)| Some((key, value?)));
                (None, Journal::resume(&lock.folder)?, listed.collect())
            }
        };
        let store = Self {
            lock,
            database,
            journal,
        };
        Ok((store, entries))
    }

    /// Whether both copies are there; else the next commit tries to open the database.
    pub fn is_whole(&self) -> bool {
        self.database.is_some()
    }

    /// Puts changes on disk; when this returns they survive a crash and a power cut.
    ///
    /// # Errors
    /// When the disk refuses. Nothing is lost then but these changes, and the next call tries with a fresh database.
    pub fn commit<T>(&mut self, changes: &[Change<T>]) -> Result<(), StoreError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let database = match self.database.take() {
            Some(database) => database,
            None => self.reopened::<T>()?,
        };
        let database = match self.renewed::<T>(&database) {
            Ok(renewed) => renewed.unwrap_or(database),
            Err(error) => {
                self.database = Some(database);
                return Err(error);
            }
        };
        let before = match self.journal.append(changes) {
            Ok(before) => before,
            Err(error) => {
                self.database = Some(database);
                return Err(error);
            }
        };
        if let Err(error) = database.apply(changes) {
            // A journal that keeps what was refused would look like damage at the next start.
            self.journal.take_back(before)?;
            return Err(error);
        }
        if self.journal.is_long() {
            let fresh = database.entries::<T>();
            match fresh.and_then(|entries| Journal::create(&self.lock.folder, &entries)) {
                Ok(journal) => self.journal = journal,
                Err(error) => {
                    warn!("telephones.jsonl grows on: {error}");
                    self.journal.put_off();
                }
            }
        }
        self.database = Some(database);
        Ok(())
    }
}

impl Store {
    /// The database after an I/O error, or when there is room for it at last, with what the journal knows better.
    fn reopened<T>(&self) -> Result<Database, StoreError>
    where
        T: Serialize + DeserializeOwned + PartialEq,
    {
        let folder = &self.lock.folder;
        let journal = journal::read::<T>(folder);
        let database = match Database::open(folder) {
            Err(damage @ StoreError::Database(_)) if !damage.is_of_the_system() => {
                rebuild(folder, &journal, &damage)?
            }
            opened => opened?,
        };
        if let Ok(Some(mut newer)) = journal {
            let entries = database.entries::<T>()?;
            newer.retain(|(key, value)| entries.get(key) != value.as_ref());
            database.apply(&newer)?;
        }
        Ok(database)
    }

    /// What is removed under a server that runs would go with it, so it is written anew from what is still open.
    fn renewed<T>(&mut self, open: &Database) -> Result<Option<Database>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        let opened = open.is_there(&self.lock.folder);
        if opened && self.journal.is_there() {
            return Ok(None);
        }
        let all = open.entries::<T>()?;
        fs::create_dir_all(&self.lock.folder).map_err(failed("created", &self.lock.folder))?;
        self.lock.renew()?;
        let mut fresh = None;
        if !opened {
            let database = Database::open(&self.lock.folder)?;
            let entries = all.iter().map(|(key, value)| (*key, Some(value)));
            database.apply(&entries.collect::<Vec<_>>())?;
            fresh = Some(database);
        }
        self.journal = Journal::create(&self.lock.folder, &all)?;
        error!(folder = %self.lock.folder.display(), "files of the phone list were removed or exchanged, and were written anew: stop the server before they are touched");
        Ok(fresh)
    }
}

/// The last change of each entry in the journal, none where there is none, or what is wrong with it.
type JournalText<T> = Result<Option<Vec<Change<T>>>, String>;

/// Opens both copies, and mends each from the other.
fn both<T>(folder: &Path) -> Result<(Database, Journal, Entries<T>), StoreError>
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    let journal = journal::read::<T>(folder);
    let readable = matches!(journal, Ok(Some(_)));
    if matches!(journal, Ok(None)) && !folder.join(FOLDER).exists() {
        // It comes first, so that a database without one is always amiss.
        Journal::create(folder, &Entries::<T>::new())?;
    }
    // sled mends a damaged file by cutting it, so what it had to begin with is copied first.
    let mut copy = Copy::of(folder);
    let read = || -> Result<_, StoreError> {
        let database = Database::open(folder)?;
        let entries = database.entries::<T>()?;
        Ok((database, entries))
    };
    let mut opened = read();
    if matches!(&opened, Err(error) if error.is_of_the_system()) {
        // The copy may have taken the last room on the disk.
        copy.discard();
        opened = read();
    }
    let rebuilt = opened.is_err();
    let (database, mut entries) = match opened {
        Ok(opened) => opened,
        Err(error) if error.is_of_the_system() => return Err(error),
        Err(error @ StoreError::Newer { .. }) => {
            copy.put_back()?;
            return Err(error);
        }
        Err(damage) => (rebuild(folder, &journal, &damage)?, Entries::new()),
    };
    let changes = match journal {
        Ok(Some(changes)) => changes,
        Ok(None) => {
            if copy.is_made() && entries.is_empty() {
                error!(
                    "the phone list is empty, and there is no telephones.jsonl to compare it with"
                );
            }
            Vec::new()
        }
        Err(reason) if entries.is_empty() => {
            // A damaged file may open as an empty list, which is no copy of anything.
            drop(database);
            copy.put_back()?;
            return Err(unreadable(folder, "it is empty", reason));
        }
        Err(reason) => {
            let kept = set_aside(folder, journal::NAME)?;
            error!(kept = %kept.display(), "the copy of the phone list was damaged and is written anew: {reason}");
            Vec::new()
        }
    };
    // The journal is written first: where the two differ, it is newer. A crash leaves only the last changes so.
    let differs = |(key, value): &Change<T>| entries.get(key) != value.as_ref();
    let mut tail = changes.iter().skip_while(|change| !differs(change));
    let crash = !entries.is_empty() && tail.all(differs);
    if !changes.is_empty() && !rebuilt && !crash {
        let kept = copy.keep()?;
        error!(kept = ?kept, "the phone list was damaged and is mended from telephones.jsonl");
    }
    let newer: Vec<Change<T>> = changes.into_iter().filter(differs).collect();
    if !newer.is_empty() {
        warn!(
            entries = newer.len(),
            "the phone list was completed from telephones.jsonl"
        );
        database.apply(&newer)?;
    }
    for (key, value) in newer {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(&key),
        };
    }
    let journal = match Journal::create(folder, &entries) {
        Err(error) if readable => {
            warn!("telephones.jsonl grows on: {error}");
            Journal::resume(folder)?
        }
        created => created?,
    };
    Ok((database, journal, entries))
}

/// Whether `path` still leads to that open file.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let place = |data: fs::Metadata| (data.dev(), data.ino());
        match (file.metadata(), fs::metadata(path)) {
            (Ok(open), Ok(there)) => place(open) == place(there),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Keeps a database aside that does not open, and begins a new one where the journal can fill it.
fn rebuild<T>(
    folder: &Path,
    journal: &JournalText<T>,
    damage: &StoreError,
) -> Result<Database, StoreError> {
    let journal = match journal {
        Ok(Some(_)) => None,
        Ok(None) => Some("there is none".to_owned()),
        Err(reason) => Some(reason.clone()),
    };
    if let Some(journal) = journal {
        return Err(unreadable(folder, damage, journal));
    }
    let kept = set_aside(folder, FOLDER)?;
    error!(kept = %kept.display(), "the phone list did not open and is rebuilt from telephones.jsonl: {damage}");
    Database::open(folder)
}

fn unreadable(folder: &Path, database: impl ToString, journal: String) -> StoreError {
    StoreError::Unreadable {
        folder: folder.to_owned(),
        database: database.to_string(),
        journal,
    }
}

fn set_aside(folder: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let (path, kept) = (folder.join(name), damaged_name(folder, name));
    fs::rename(&path, &kept).map_err(failed("renamed", &path))?;
    Ok(kept)
}

fn damaged_name(folder: &Path, name: &str) -> PathBuf {
    let time = jiff::Timestamp::now().as_millisecond();
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or_default().display();
    let mut kept = folder.join(format!("{stem}.damaged-{time}"));
    if let Some(extension) = path.extension() {
        kept.add_extension(extension);
    }
    kept
}

#[cfg(test)]
mod tests;
