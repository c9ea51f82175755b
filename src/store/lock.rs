//! Exclusive lock on the data folder, released by the OS when the process dies.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use uacsta_connect::data_dir::LOCK;

use super::{StoreError, error::failed, files::is_at};

/// A locked data folder, until it is dropped. sled's own lock cannot be told from a damaged file.
#[derive(Debug)]
pub struct Lock {
    pub(super) folder: PathBuf,
    file: File,
}

/// A command that checks whether a server runs holds the lock for a moment.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

impl Lock {
    /// Locks an existing folder.
    ///
    /// # Errors
    /// Another process holds the lock, or its file cannot be written.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed("opened", &path))?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => {
                    let folder = folder.to_owned();
                    return Ok(Self { folder, file });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(source)) => return Err(failed("locked", &path)(source)),
            }
        }
        Err(StoreError::InUse {
            folder: folder.to_owned(),
        })
    }

    /// Locks the folder again if somebody has removed or replaced the lock's file.
    pub(super) fn renew(&mut self) -> Result<(), StoreError> {
        if !is_at(&self.file, &self.folder.join(LOCK)) {
            *self = Self::take(&self.folder)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_connect::data_dir::is_in_use;

    use super::*;

    #[test]
    fn folder_is_in_use_while_lock_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let lock = Lock::take(folder).unwrap();
        assert!(is_in_use(folder).unwrap());
        let second = Lock::take(folder);
        assert!(matches!(second, Err(StoreError::InUse { .. })));
        drop(lock);
        assert!(!is_in_use(folder).unwrap() && folder.join(LOCK).exists());
    }

    #[test]
    fn check_for_running_server_does_not_prevent_start() {
        let folder = tempfile::tempdir().unwrap();
        drop(Lock::take(folder.path()).unwrap());
        let looks = File::open(folder.path().join(LOCK)).unwrap();
        looks.try_lock_shared().unwrap();
        let starts = std::thread::scope(|scope| {
            let starting = scope.spawn(|| Lock::take(folder.path()));
            std::thread::sleep(PAUSE / 2);
            drop(looks);
            starting.join()
        });
        starts.unwrap().unwrap();
    }
}
