//! A file that tells commands how to reach the running server. It is locked while the server lives.

use std::{
    cell::RefCell,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use actix_rt::task::JoinHandle;

use super::files::write_private;

/// The file, and the lock on it.
pub struct Announcement {
    file: PathBuf,
    /// Retries writing it.
    retry: Option<JoinHandle<()>>,
    held: Rc<RefCell<Option<File>>>,
}

/// How long to wait before the file is written again.
const RETRY: Duration = Duration::from_secs(5);

impl Announcement {
    /// The file `name` in the data folder, not written yet.
    pub fn new(data: &Path, name: &str) -> Self {
        Self {
            file: data.join(name),
            retry: None,
            held: Rc::default(),
        }
    }

    /// Writes the file; retries until the disk has room.
    pub fn write(&mut self, text: String) {
        if let Some(before) = self.retry.take() {
            before.abort();
        }
        let (file, held) = (self.file.clone(), Rc::clone(&self.held));
        let write = move || write_locked(&file, &text).map(|file| held.replace(Some(file)));
        if let Err(error) = write() {
            tracing::error!(file = %self.file.display(), %error, "commands on this machine cannot find the server until this file is written");
            self.retry = Some(actix_rt::spawn(async move {
                loop {
                    actix_rt::time::sleep(RETRY).await;
                    if write().is_ok() {
                        break;
                    }
                }
            }));
        }
    }

    /// Removes the file.
    pub fn remove(&self) {
        if let Err(error) = remove(&self.file) {
            tracing::warn!(file = %self.file.display(), %error, "cannot remove the file");
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Some(retry) = self.retry.take() {
            retry.abort();
        }
    }
}

/// Removes the file `name` that an earlier server left in the data folder.
///
/// # Errors
/// If it exists and cannot be removed.
pub fn remove_announcement(data: &Path, name: &str) -> io::Result<()> {
    remove(&data.join(name))
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the file and locks it. The lock ends with the process, so a reader can tell whether the server still runs.
fn write_locked(path: &Path, text: &str) -> Result<File, String> {
    write_private(path, text.as_bytes()).map_err(|error| error.to_string())?;
    let file = File::open(path).map_err(|error| error.to_string())?;
    // On other systems a lock prevents reading.
    #[cfg(unix)]
    file.lock().map_err(|error| error.to_string())?;
    Ok(file)
}
