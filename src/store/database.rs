//! sled 0.34, made to keep what it acknowledges: flushed and synchronised, and copied before it mends itself.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tracing::warn;
use uacsta_schema::{mac::Mac, phone_id::PhoneId};

use super::{Change, Entries, StoreError, damaged_name, failed, is_at};

/// The database's folder in the data folder.
pub(super) const FOLDER: &str = "telephones";

/// How keys and values are laid out; a later layout is refused, and left as it is.
pub(super) const LAYOUT: u32 = 1;
/// The tree beside the list that says so.
const ABOUT: &str = "about";
const ABOUT_LAYOUT: &str = "layout";

/// How often a database is tried whose lock somebody has, and after how long again.
const TRIES: u32 = 50;
const MOMENT: Duration = Duration::from_millis(20);

/// Whether an error says that somebody has the database; sled 0.34 has no kind for it.
fn is_of_a_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

/// sled, and the file in which it keeps everything.
#[derive(Debug)]
pub(super) struct Database {
    sled: sled::Db,
    file: File,
}

impl Database {
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FOLDER);
        let config = sled::Config::new()
            .path(&path)
            .cache_capacity(16 << 20)
            // Every change is flushed before it is acknowledged.
            .flush_every_ms(None);
        // On some damage sled 0.34 panics where it ought to return an error.
        let open = || {
            catch_unwind(AssertUnwindSafe(|| config.open())).unwrap_or_else(|_| {
                let message = "the database is damaged".to_owned();
                Err(sled::Error::Unsupported(message))
            })
        };
        let mut opened = open();
        // Our own lock is beside it; whoever has this one still is about to end: a child of ours that has not become its
        // program yet has all our files.
        for _ in 0..TRIES {
            match &opened {
                Err(error) if is_of_a_lock(error) => std::thread::sleep(MOMENT),
                _ => break,
            }
            opened = open();
        }
        let sled = opened?;
        let file_path = path.join("db");
        let file = File::open(&file_path).map_err(failed("opened", &file_path))?;
        let database = Self { sled, file };
        database.check_layout(folder)?;
        Ok(database)
    }

    /// Marks a list that bears no mark, as those of the first versions; their layout is the same.
    fn check_layout(&self, folder: &Path) -> Result<(), StoreError> {
        let about = self.sled.open_tree(ABOUT)?;
        match about.get(ABOUT_LAYOUT)? {
            None => {
                about.insert(ABOUT_LAYOUT, &LAYOUT.to_be_bytes())?;
                about.flush()?;
                Ok(())
            }
            Some(mark) => match <[u8; 4]>::try_from(mark.as_ref()).map(u32::from_be_bytes) {
                Ok(LAYOUT) => Ok(()),
                Ok(found) => Err(StoreError::Newer {
                    folder: folder.to_owned(),
                    found,
                }),
                Err(_) => {
                    Err(sled::Error::Unsupported("its layout has no number".to_owned()).into())
                }
            },
        }
    }

    /// Whether nobody has removed it or put another in its place.
    pub(super) fn is_there(&self, folder: &Path) -> bool {
        is_at(&self.file, &folder.join(FOLDER).join("db"))
    }

    pub(super) fn entries<T: DeserializeOwned>(&self) -> Result<Entries<T>, StoreError> {
        let damaged = |what: &str| sled::Error::Unsupported(what.to_owned());
        let read = || {
            let mut entries = Entries::new();
            for item in self.sled.iter() {
                let (key, value) = item?;
                let id = id_of(&key).ok_or_else(|| damaged("a key names no phone"))?;
                entries.insert(id, serde_json::from_slice(&value)?);
            }
            Ok(entries)
        };
        catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(damaged("the database is damaged").into()))
    }

    pub(super) fn apply<T: Serialize>(&self, changes: &[Change<T>]) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key_of(*key), serde_json::to_vec(value)?),
                None => batch.remove(key_of(*key)),
            }
        }
        self.sled.apply_batch(batch)?;
        self.sled.flush()?;
        // sled 0.34 flushes by sync_file_range, which a power cut may undo.
        self.file.sync_data().map_err(sled::Error::from)?;
        Ok(())
    }
}

/// Comes before an extension in its key, which is so never as long as the six octets of a MAC address.
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

/// The database as it was before it was opened; dropped, it goes.
pub(super) struct Copy<'a> {
    folder: &'a Path,
    path: PathBuf,
    made: bool,
}

impl<'a> Copy<'a> {
    pub(super) fn of(folder: &'a Path) -> Self {
        let from = folder.join(FOLDER);
        let mut copy = Self {
            folder,
            path: folder.join("telephones.before"),
            made: from.exists(),
        };
        if copy.made
            && let Err(error) = copy_folder(&from, &copy.path)
        {
            warn!("the phone list cannot be copied before it is opened: {error}");
            copy.discard();
        }
        copy
    }

    /// Whether there was a database.
    pub(super) fn is_made(&self) -> bool {
        self.made
    }

    /// Does without it.
    pub(super) fn discard(&mut self) {
        self.made = false;
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(path = %self.path.display(), "cannot be removed: {error}");
        }
    }

    /// Keeps it as `telephones.damaged-<time>`.
    pub(super) fn keep(&self) -> Result<Option<PathBuf>, StoreError> {
        let kept = damaged_name(self.folder, FOLDER);
        self.rename(&kept).map(|made| made.then_some(kept))
    }

    /// Undoes what opening did, so that a refused start leaves everything as it was.
    pub(super) fn put_back(&self) -> Result<(), StoreError> {
        let path = self.folder.join(FOLDER);
        if self.made {
            fs::remove_dir_all(&path).map_err(failed("removed", &path))?;
        }
        self.rename(&path).map(drop)
    }

    fn rename(&self, to: &Path) -> Result<bool, StoreError> {
        if self.made {
            fs::rename(&self.path, to).map_err(failed("renamed", &self.path))?;
        }
        Ok(self.made)
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        self.discard();
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, target) = (entry?.path(), to);
        let target = target.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() {
            copy_folder(&entry, &target)?;
        } else {
            fs::copy(&entry, &target)?;
        }
    }
    Ok(())
}
