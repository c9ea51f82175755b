//! Files of a server's data folder that commands read, and whether a server uses the folder.

use std::{
    fs::{File, TryLockError},
    io,
    path::Path,
};

/// Locked exclusively by the server that uses the folder, until its process ends.
pub const LOCK: &str = "telephones.lock";
/// URL of the running server's API. On Unix its writer keeps it locked: a file that a killed server left is not.
pub const API_ADDRESS: &str = "api.url";
/// Token that authorises the command line at the API.
pub const API_TOKEN: &str = "cli.token";
/// Certificate that the server shows.
pub const CERTIFICATE: &str = "certificate.pem";
/// Passwords that the first start generated.
pub const SECRETS: &str = "secrets.toml";

/// Whether a server uses the folder. Creates nothing.
///
/// # Errors
/// The lock file exists and cannot be opened or locked.
pub fn is_in_use(folder: &Path) -> io::Result<bool> {
    match File::open(folder.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        file => is_locked(&file?),
    }
}

/// Whether the server that wrote this [`API_ADDRESS`] file still runs. Always true where a lock would keep others from
/// reading the file, as on Windows.
///
/// # Errors
/// The file cannot be locked.
pub fn writer_runs(file: &File) -> io::Result<bool> {
    if cfg!(unix) {
        is_locked(file)
    } else {
        Ok(true)
    }
}

fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folder_is_in_use_while_its_lock_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(!is_in_use(&folder.join("none")).unwrap());
        assert!(!is_in_use(folder).unwrap() && !folder.join(LOCK).exists());
        let lock = File::create(folder.join(LOCK)).unwrap();
        lock.lock().unwrap();
        assert!(is_in_use(folder).unwrap());
        drop(lock);
        assert!(!is_in_use(folder).unwrap());
    }
}
