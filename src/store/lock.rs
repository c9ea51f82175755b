//! Whose a data folder is: the lock of a server, which it loses with its life, however that ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use uacsta_connect::data_dir::LOCK;

use super::{StoreError, failed, is_at};

/// A data folder that no other process works on, until this is dropped. A lock beside sled's own: it tells a second process
/// from a damaged file.
#[derive(Debug)]
pub struct Lock {
    pub(super) folder: PathBuf,
    file: File,
}

/// Who looks whether a server runs holds the lock for that moment: as often it is tried, and after so long again.
const TRIES: u32 = 5;
const MOMENT: Duration = Duration::from_millis(20);

impl Lock {
    /// Takes a folder that is there.
    ///
    /// # Errors
    /// Another process has it, or the lock's file cannot be written.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed("opened", &path))?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => {
                    let folder = folder.to_owned();
                    return Ok(Self { folder, file });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(MOMENT),
                Err(TryLockError::Error(source)) => return Err(failed("locked", &path)(source)),
            }
        }
        Err(StoreError::InUse {
            folder: folder.to_owned(),
        })
    }

    /// Takes the folder once more where somebody has removed or exchanged the lock's file.
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
    fn folder_is_taken_while_its_lock_is_held() {
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
    fn who_looks_keeps_no_server_from_its_start() {
        let folder = tempfile::tempdir().unwrap();
        drop(Lock::take(folder.path()).unwrap());
        let looks = File::open(folder.path().join(LOCK)).unwrap();
        looks.try_lock_shared().unwrap();
        let starts = std::thread::scope(|scope| {
            let starting = scope.spawn(|| Lock::take(folder.path()));
            std::thread::sleep(MOMENT / 2);
            drop(looks);
            starting.join()
        });
        starts.unwrap().unwrap();
    }
}
