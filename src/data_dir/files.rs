//! Private files, written beside their place and renamed, so that they are there whole or not at all.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::DataDirError;
use crate::store::sync_folder;

/// A file on disk under a temporary name. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Prepared {
    path: PathBuf,
    file: NamedTempFile,
}

impl Prepared {
    /// Writes the content for `path`. Fails here if the disk is full.
    pub(super) fn new(path: &Path, content: &[u8]) -> Result<Self, DataDirError> {
        let folder = folder_of(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let write = || {
            // Readable by its owner alone, with a name that no other process knows.
            let mut file = Builder::new()
                .prefix(&format!("{name}."))
                .suffix(".new")
                .tempfile_in(folder)
                .map_err(without_path)?;
            // A NamedTempFile would add its path to the error.
            file.as_file_mut().write_all(content)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().map_err(failed("written", path))?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// Its final path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its temporary path.
    pub(super) fn temporary_path(&self) -> &Path {
        self.file.path()
    }

    /// Renames it to its final path, where it stays also when the power fails.
    pub(super) fn persist(self) -> Result<(), DataDirError> {
        let path = self.path.clone();
        self.rename()?;
        sync(&path)
    }

    /// Renames it to its final path.
    pub(super) fn rename(self) -> Result<(), DataDirError> {
        let renamed = self.file.persist(&self.path);
        let renamed = renamed.map_err(|refused| failed("written", &self.path)(refused.error));
        renamed.map(drop)
    }
}

/// Has a file that was renamed stay where it is when the power fails.
pub(super) fn sync(path: &Path) -> Result<(), DataDirError> {
    sync_folder(folder_of(path)).map_err(failed("written", path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The system's error without the path of the temporary file, which tells nobody anything.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    let reason = text.split(" at path ").next().unwrap_or_default();
    io::Error::new(error.kind(), reason)
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), DataDirError> {
    Prepared::new(path, content)?.persist()
}

/// The text of a file; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>, DataDirError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Creates the data folder if it is missing.
///
/// # Errors
/// It is not a folder, or cannot be created.
pub fn create_folder(data: &Path) -> Result<(), DataDirError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(data).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    });
    made.map_err(of_folder("created", data))
}

/// Checks that the folder can be written, or created if it is missing.
pub(crate) fn may_be_filled(data: &Path) -> Result<(), DataDirError> {
    for folder in data.ancestors() {
        let is_data = folder == data;
        let action = if is_data { "written" } else { "created" };
        // The last ancestor of a relative path is empty: the working directory.
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        match folder.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(of_folder("created", data)(error)),
            Ok(found) if !found.is_dir() => {
                let error = io::ErrorKind::NotADirectory;
                return Err(of_folder("created", data)(error.into()));
            }
            Ok(found) => return may_write(folder, &found).map_err(of_folder(action, data)),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn may_write(folder: &Path, _: &fs::Metadata) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_write(_: &Path, found: &fs::Metadata) -> io::Result<()> {
    match found.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

/// Whether every user of this machine may read or change a file, or write into a folder. A group may on purpose.
#[cfg(unix)]
pub(super) fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let found = path.metadata();
    found.is_ok_and(|found| {
        let rights = if found.is_dir() { 0o002 } else { 0o006 };
        found.permissions().mode() & rights != 0
    })
}

#[cfg(not(unix))]
pub(super) fn is_open_to_all(_: &Path) -> bool {
    false
}

/// The error of a file operation.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::File {
        action,
        path,
        source,
    }
}

fn of_folder(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::Folder {
        action,
        path,
        source,
    }
}
