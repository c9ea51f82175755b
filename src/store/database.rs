//! The phone list in sled 0.34, synced to disk before a change is acknowledged.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use uacsta_schema::{mac::Mac, phone_id::PhoneId};

use super::{Change, Entries, StoreError, error::failed, files::is_at};

/// The database's folder in the data folder.
pub(super) const FOLDER: &str = "telephones";

/// The layout of keys and values. A later layout is rejected.
pub(super) const LAYOUT: u32 = 1;
/// The tree and key that contain the layout.
const ABOUT: &str = "about";
const ABOUT_LAYOUT: &str = "layout";

/// A child process between fork and exec holds all our files, and so the lock of a database that was just closed.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// An open database, and the file in which sled keeps it.
#[derive(Debug)]
pub(super) struct Database {
    sled: sled::Db,
    file: File,
}

impl Database {
    /// Opens the database in the folder `path`, or creates it.
    ///
    /// # Errors
    /// sled or the disk refuses, or its layout is newer.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(16 << 20)
            // Every change is flushed before it is acknowledged.
            .flush_every_ms(None);
        let open = || without_panic(|| Ok(config.open()?));
        let mut opened = open();
        for _ in 1..LOCK_ATTEMPTS {
            if !matches!(&opened, Err(error) if is_locked(error)) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            opened = open();
        }
        let sled = opened?;
        let file_path = path.join("db");
        let file = File::open(&file_path).map_err(failed("opened", &file_path))?;
        let database = Self { sled, file };
        database.check_layout(path)?;
        Ok(database)
    }

    /// Writes the layout if it is missing, as in the first versions, which had the same.
    fn check_layout(&self, path: &Path) -> Result<(), StoreError> {
        let about = self.sled.open_tree(ABOUT)?;
        let Some(layout) = about.get(ABOUT_LAYOUT)? else {
            about.insert(ABOUT_LAYOUT, &LAYOUT.to_be_bytes())?;
            about.flush()?;
            return Ok(());
        };
        match <[u8; 4]>::try_from(layout.as_ref()).map(u32::from_be_bytes) {
            Ok(LAYOUT) => Ok(()),
            Ok(found) => Err(StoreError::Newer {
                path: path.to_owned(),
                found,
            }),
            Err(_) => Err(damaged("its layout is not a number")),
        }
    }

    /// Whether nobody has removed or replaced the database in the data folder.
    pub(super) fn is_there(&self, folder: &Path) -> bool {
        is_at(&self.file, &folder.join(FOLDER).join("db"))
    }

    pub(super) fn entries<T: DeserializeOwned>(&self) -> Result<Entries<T>, StoreError> {
        without_panic(|| {
            let mut entries = Entries::new();
            for item in self.sled.iter() {
                let (key, value) = item?;
                let id = id_of(&key).ok_or_else(|| damaged("a key is not a phone's"))?;
                entries.insert(id, serde_json::from_slice(&value)?);
            }
            Ok(entries)
        })
    }

    /// Applies changes and syncs them.
    pub(super) fn apply<T: Serialize>(&self, changes: &[Change<T>]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (id, value) in changes {
            match value {
                Some(value) => batch.insert(key_of(*id), serde_json::to_vec(value)?),
                None => batch.remove(key_of(*id)),
            }
        }
        self.sled.apply_batch(batch)?;
        self.sled.flush()?;
        // sled 0.34 flushes by sync_file_range, which does not survive a power cut.
        self.file.sync_data().map_err(sled::Error::from)?;
        Ok(())
    }
}

/// sled 0.34 panics on some damaged files.
fn without_panic<R>(work: impl FnOnce() -> Result<R, StoreError>) -> Result<R, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged("sled panicked")))
}

fn damaged(what: &str) -> StoreError {
    sled::Error::Unsupported(format!("the database is damaged: {what}")).into()
}

/// sled 0.34 has no error kind for it.
fn is_locked(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock"))
}

/// The prefix of an extension's key, longer than the six octets of a MAC address.
const EXTENSION: &[u8] = b"extension:";

fn key_of(id: PhoneId) -> Vec<u8> {
    match id {
        PhoneId::Mac(mac) => mac.octets().to_vec(),
        PhoneId::Extension(extension) => [EXTENSION, extension.as_str().as_bytes()].concat(),
    }
}

fn id_of(key: &[u8]) -> Option<PhoneId> {
    if let Ok(octets) = <[u8; 6]>::try_from(key) {
        return Some(Mac::new(octets).into());
    }
    let extension = str::from_utf8(key.strip_prefix(EXTENSION)?).ok()?;
    extension.parse().ok()
}
