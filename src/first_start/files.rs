//! Files of the data folder that their owner alone may read: prepared beside their place, and put there whole.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::FirstStartError;

/// A file that is on disk under a name of its own; dropped, it is gone again.
#[derive(Debug)]
pub(super) struct Prepared {
    path: PathBuf,
    file: NamedTempFile,
}

impl Prepared {
    /// Writes what is to stand at `path`. A disk without room is seen here.
    pub(super) fn new(path: &Path, content: &[u8]) -> Result<Self, FirstStartError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let write = || {
            // Its owner alone may read it, and no other process knows its name.
            let mut file = Builder::new()
                .prefix(&format!("{name}."))
                .suffix(".new")
                .tempfile_in(folder)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().map_err(failed("written", path))?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// Where it is to stand.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is for now.
    pub(super) fn for_now(&self) -> &Path {
        self.file.path()
    }

    /// Puts it in its place.
    pub(super) fn put(self) -> Result<(), FirstStartError> {
        match self.file.persist(&self.path) {
            Ok(_) => Ok(()),
            Err(refused) => Err(failed("written", &self.path)(refused.error)),
        }
    }
}

/// Writes a file that its owner alone may read, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), FirstStartError> {
    Prepared::new(path, content)?.put()
}

/// The text of a file; none where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, FirstStartError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Makes the data folder where there is none.
///
/// # Errors
/// When it is no folder, or cannot be made.
pub fn create_folder(data: &Path) -> Result<(), FirstStartError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(data).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    });
    made.map_err(failed("created", data))
}

/// Whether a folder can be written, or made where there is none.
pub(super) fn may_be_filled(data: &Path) -> Result<(), FirstStartError> {
    for folder in data.ancestors() {
        let is_data = folder == data;
        let action = if is_data { "written" } else { "created" };
        // What is left of a relative path is the folder that we are in.
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        match folder.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("created", data)(error)),
            Ok(found) if !found.is_dir() => {
                let error = io::ErrorKind::NotADirectory;
                return Err(failed("created", data)(error.into()));
            }
            Ok(found) => return may_write(folder, &found).map_err(failed(action, data)),
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

/// Whether every user of this machine may read or change it, or put files into the folder; a group may on purpose, and who
/// knows the names of files has none of them.
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

/// What the file system refused to do with a file.
pub(super) fn failed(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> FirstStartError {
    let path = path.to_owned();
    move |source| FirstStartError::File {
        action,
        path,
        source,
    }
}
