//! The telephone list on disk: sled for the list, and a readable journal from which it can be rebuilt.

mod database;
mod lock;
mod mirror;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{error, warn};
use uacsta_schema::phone_id::PhoneId;

use database::{Copy, Database, FOLDER, LAYOUT};
use mirror::Mirror;

pub use lock::{Lock, is_taken};

/// One change: what is now stored for a telephone, or `None` when it was removed.
pub type Change<T> = (PhoneId, Option<T>);

/// The list as it was stored.
pub type Entries<T> = BTreeMap<PhoneId, T>;

/// The opened list, locked against a second process.
#[derive(Debug)]
pub struct Store {
    lock: Lock,
    /// `None` after an I/O error: sled 0.34 then refuses every call until it is opened anew.
    database: Option<Database>,
    mirror: Mirror,
}

/// Why the list cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on it.
    #[error("{} is in use by another uacsta process", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// Neither copy can be read.
    #[error(
        "the telephone list in {} cannot be read ({database}), and neither can its copy telephones.jsonl ({mirror}); \
         restore one of them from a backup, or move both away to begin with an empty list",
        folder.display()
    )]
    Unreadable {
        /// The data folder.
        folder: PathBuf,
        /// What sled says.
        database: String,
        /// What is wrong with the journal.
        mirror: String,
    },
    /// A later version of the program has written it.
    #[error(
        "the telephone list in {} has the layout {found} of a later uacsta, and this one knows {LAYOUT}; \
         install that version again, or restore the data folder from a backup of this one",
        folder.display()
    )]
    Newer {
        /// The data folder.
        folder: PathBuf,
        /// The layout that it has.
        found: u32,
    },
    /// The file system refused.
    #[error("{} cannot be {action}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// sled refused.
    #[error("the telephone list cannot be written: {0}")]
    Database(#[from] sled::Error),
    /// A value has no JSON form.
    #[error("an entry of the telephone list cannot be written as JSON: {0}")]
    Value(#[from] serde_json::Error),
}

impl Store {
    /// Opens the list in `folder`, creating it where there is none. What the journal knows better than sled is restored
    /// from it; a database that does not open is kept aside as `telephones.damaged-<time>` and rebuilt.
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
        let folder = &*lock.folder.clone();
        let journal = mirror::read::<T>(folder);
        let readable = matches!(journal, Ok(Some(_)));
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
                        "the telephone list is empty, and there is no telephones.jsonl to compare it with"
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
                let kept = set_aside(folder, mirror::NAME)?;
                error!(kept = %kept.display(), "the copy of the telephone list was damaged and is written anew: {reason}");
                Vec::new()
            }
        };
        // The journal is written first: where the two differ, it is newer. A crash leaves only the last changes so.
        let differs = |(key, value): &Change<T>| entries.get(key) != value.as_ref();
        let mut tail = changes.iter().skip_while(|change| !differs(change));
        let crash = !entries.is_empty() && tail.all(differs);
        if !changes.is_empty() && !rebuilt && !crash {
            let kept = copy.keep()?;
            error!(kept = ?kept, "the telephone list was damaged and is mended from telephones.jsonl");
        }
        let newer: Vec<Change<T>> = changes.into_iter().filter(differs).collect();
        if !newer.is_empty() {
            warn!(
                entries = newer.len(),
                "the telephone list was completed from telephones.jsonl"
            );
            database.apply(&newer)?;
        }
        for (key, value) in newer {
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        let mirror = match Mirror::create(folder, &entries) {
            Err(error) if readable => {
                warn!("telephones.jsonl grows on: {error}");
                Mirror::resume(folder)?
            }
            created => created?,
        };
        let store = Self {
            database: Some(database),
            mirror,
            lock,
        };
        Ok((store, entries))
    }

    /// Puts changes on disk; when this returns they survive a crash and a power cut.
    ///
    /// # Errors
    /// When the disk refuses. Nothing is lost then but these changes, and the next call tries with a fresh database.
    pub fn commit<T>(&mut self, changes: &[Change<T>]) -> Result<(), StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::open(&self.lock.folder)?,
        };
        let database = match self.renewed::<T>(&database) {
            Ok(renewed) => renewed.unwrap_or(database),
            Err(error) => {
                self.database = Some(database);
                return Err(error);
            }
        };
        let before = match self.mirror.append(changes) {
            Ok(before) => before,
            Err(error) => {
                self.database = Some(database);
                return Err(error);
            }
        };
        if let Err(error) = database.apply(changes) {
            // A journal that keeps what was refused would look like damage at the next start.
            self.mirror.take_back(before)?;
            return Err(error);
        }
        if self.mirror.is_long() {
            let fresh = database.entries::<T>();
            match fresh.and_then(|entries| Mirror::create(&self.lock.folder, &entries)) {
                Ok(mirror) => self.mirror = mirror,
                Err(error) => {
                    warn!("telephones.jsonl grows on: {error}");
                    self.mirror.put_off();
                }
            }
        }
        self.database = Some(database);
        Ok(())
    }
}

impl Store {
    /// What is removed under a server that runs would go with it, so it is written anew from what is still open.
    fn renewed<T>(&mut self, open: &Database) -> Result<Option<Database>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        let opened = open.is_there(&self.lock.folder);
        if opened && self.mirror.is_there() {
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
        self.mirror = Mirror::create(&self.lock.folder, &all)?;
        error!(folder = %self.lock.folder.display(), "files of the telephone list were removed or exchanged, and were written anew: stop the server before they are touched");
        Ok(fresh)
    }
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

impl StoreError {
    /// Whether a file could not be used for reasons that say nothing about what is in it.
    fn is_of_the_system(&self) -> bool {
        let (Self::File { source, .. } | Self::Database(sled::Error::Io(source))) = self else {
            return false;
        };
        matches!(
            source.kind(),
            io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
        )
    }
}

/// Keeps a database aside that does not open, and begins a new one where the journal can fill it.
fn rebuild<T>(
    folder: &Path,
    journal: &Result<Option<Vec<Change<T>>>, String>,
    damage: &StoreError,
) -> Result<Database, StoreError> {
    let mirror = match journal {
        Ok(Some(_)) => None,
        Ok(None) => Some("there is none".to_owned()),
        Err(reason) => Some(reason.clone()),
    };
    if let Some(mirror) = mirror {
        return Err(unreadable(folder, damage, mirror));
    }
    let kept = set_aside(folder, FOLDER)?;
    error!(kept = %kept.display(), "the telephone list did not open and is rebuilt from telephones.jsonl: {damage}");
    Database::open(folder)
}

fn unreadable(folder: &Path, database: impl ToString, mirror: String) -> StoreError {
    StoreError::Unreadable {
        folder: folder.to_owned(),
        database: database.to_string(),
        mirror,
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

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
