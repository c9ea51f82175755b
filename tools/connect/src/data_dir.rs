//! Files of a server's data folder that commands read, and whether a server uses the folder.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io::{self, Read as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::CommandError;

/// Locked exclusively by the server that uses the folder, until its process ends.
pub const LOCK: &str = "telephones.lock";
/// URL of the running server's API. On Unix its writer keeps it locked: a file that a killed server left is not.
pub const API_ADDRESS: &str = "api.url";
/// Where the running server listens, as JSON of [`Listening`]. Its writer keeps it locked as [`API_ADDRESS`].
pub const LISTENING: &str = "listening.json";
/// Token that authorises the command line at the API.
pub const API_TOKEN: &str = "cli.token";
/// Certificate that the server shows.
pub const CERTIFICATE: &str = "certificate.pem";
/// Journal of the phone list: a line of JSON for each entry and change.
pub const JOURNAL: &str = "telephones.jsonl";
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

/// Fails unless a server uses the folder; `otherwise` tells how to name a server elsewhere.
///
/// # Errors
/// No server uses it, or that cannot be found out.
pub fn require_running(folder: &Path, otherwise: &str) -> Result<(), CommandError> {
    if is_in_use(folder).map_err(|error| unreadable(folder, &error))? {
        return Ok(());
    }
    let folder = folder.display();
    Err(CommandError::Failed(format!(
        "no server runs with the data folder {folder}; start one (uacsta serve --data {folder}), name another folder with --data, or {otherwise}"
    )))
}

/// The error of a file that cannot be read, and what to do.
pub fn unreadable(file: &Path, error: &io::Error) -> CommandError {
    let text = format!(
        "{} cannot be read: {error}{}",
        file.display(),
        uacsta_config::remedy(error)
    );
    CommandError::Failed(text)
}

/// The content of a file that the running server keeps locked. `None` when it is missing or an earlier server wrote it.
///
/// # Errors
/// The file cannot be read.
pub fn announced(file: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    // Elsewhere a lock would keep others from reading the file.
    if cfg!(unix) && !is_locked(&file)? {
        return Ok(None);
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Where a running server listens.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Listening {
    /// The configuration file that it reads.
    pub config: Option<PathBuf>,
    /// The address of each open interface, by its setting, such as `phones.lan.tcp`.
    pub interfaces: BTreeMap<String, SocketAddr>,
    /// The file of the certificate that it shows.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
}

impl Listening {
    /// Reads the file of the server that uses the folder. `None` if no server has written it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(folder: &Path) -> io::Result<Option<Self>> {
        let Some(text) = announced(&folder.join(LISTENING))? else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_str(&text)?))
    }

    /// The address of an interface for programs on this machine: that of `{side}.lan`, else of `{side}.wan`.
    pub fn address(&self, side: &str, transport: &str) -> Option<SocketAddr> {
        let of = |network| {
            self.interfaces
                .get(&format!("{side}.{network}.{transport}"))
        };
        of("lan").or_else(|| of("wan")).copied().map(reachable)
    }
}

/// The address, or loopback in place of an unspecified one, for programs on this machine.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
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
