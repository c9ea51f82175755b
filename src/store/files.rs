//! File operations of the phone list.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{StoreError, error::failed};

/// How many copies of a damaged folder are kept.
pub(super) const KEPT: usize = 5;

/// Whether `path` still leads to the open file.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |data: fs::Metadata| (data.dev(), data.ino());
        match (file.metadata(), fs::metadata(path)) {
            (Ok(open), Ok(there)) => identity(open) == identity(there),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Renames a damaged file or folder, and returns its new path.
pub(super) fn set_aside(folder: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let (path, kept) = (folder.join(name), damaged_path(folder, name));
    fs::rename(&path, &kept).map_err(failed("renamed", &path))?;
    Ok(kept)
}

/// Removes all but the [`KEPT`] newest copies of a damaged folder, which must not fill the disk.
pub(super) fn prune_copies(folder: &Path, name: &str) {
    if let Err(error) = try_prune(folder, name) {
        tracing::warn!(%error, "cannot remove old copies of the damaged phone list");
    }
}

fn try_prune(folder: &Path, name: &str) -> io::Result<()> {
    let prefix = format!("{name}.damaged-");
    let mut copies: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && starts_with(path, &prefix))
        .collect();
    // Their names end with the time.
    copies.sort();
    let surplus = copies.len().saturating_sub(KEPT);
    copies.drain(..surplus).try_for_each(fs::remove_dir_all)
}

fn starts_with(path: &Path, prefix: &str) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| name.starts_with(prefix))
}

/// `name` with `damaged-<milliseconds>` before its extension.
pub(super) fn damaged_path(folder: &Path, name: &str) -> PathBuf {
    let time = jiff::Timestamp::now().as_millisecond();
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let mut kept = folder.join(format!("{stem}.damaged-{time}"));
    kept.add_extension(extension);
    kept
}

pub(super) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Makes a rename durable: the folder's entry must be on disk too.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
