//! Errors of the phone list.

use std::{
    io,
    path::{Path, PathBuf},
};

use uacsta_config::remedy;

use super::database::LAYOUT;

/// Why the phone list cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has locked the data folder.
    #[error("{} is in use by another uacsta process; stop that one, or name another folder with --data", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// Neither the database nor the journal can be read.
    #[error(
        "cannot read the phone list in {} ({database}) nor its journal telephones.jsonl ({journal}); \
         restore one of them from a backup, or move both away to start with an empty list",
        folder.display()
    )]
    Unreadable {
        /// The data folder.
        folder: PathBuf,
        /// What is wrong with the database.
        database: String,
        /// What is wrong with the journal.
        journal: String,
    },
    /// A later version of the program wrote the database.
    #[error(
        "{} has layout {found} of a later uacsta version (this one supports {LAYOUT}); \
         install that version again, or restore a backup of this one",
        path.display()
    )]
    Newer {
        /// The database's folder.
        path: PathBuf,
        /// Its layout.
        found: u32,
    },
    /// A file operation failed.
    #[error("{} cannot be {action}: {source}{}", path.display(), remedy(source))]
    File {
        /// The operation.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// sled failed, or its content is damaged.
    #[error("the phone list cannot be read or written: {}", describe(.0))]
    Database(#[from] sled::Error),
    /// A value is not valid JSON, or has no JSON form.
    #[error("an entry of the phone list cannot be read or written as JSON: {0}")]
    Value(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether the database is damaged, and not just out of reach: no room, no permission, a later version.
    pub(super) fn is_damage(&self) -> bool {
        const NO_PERMISSION: [io::ErrorKind; 2] = [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
        ];
        let is_denied = |kind| NO_PERMISSION.contains(&kind);
        let is_newer = matches!(self, Self::Newer { .. });
        !is_newer && !self.is_disk_full() && !self.io_kind().is_some_and(is_denied)
    }

    /// Whether the disk, a quota or a limit of the process leaves no room.
    pub(super) fn is_disk_full(&self) -> bool {
        const FULL: [io::ErrorKind; 3] = [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ];
        self.io_kind().is_some_and(|kind| FULL.contains(&kind))
    }

    fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::File { source, .. } | Self::Database(sled::Error::Io(source)) => {
                Some(source.kind())
            }
            _ => None,
        }
    }
}

/// sled's error in words; its own text of a damaged file is that of a debugger.
fn describe(error: &sled::Error) -> String {
    match error {
        sled::Error::Corruption { .. } => "the database is damaged".to_owned(),
        error => error.to_string(),
    }
}

/// The error of a file operation.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sentences_for_people() {
        let damaged = sled::Error::Corruption { at: None, bt: () };
        assert_eq!(
            StoreError::from(damaged).to_string(),
            "the phone list cannot be read or written: the database is damaged"
        );
        let denied = failed("opened", Path::new("data/telephones.lock"))(
            io::ErrorKind::PermissionDenied.into(),
        );
        assert_eq!(
            denied.to_string(),
            "data/telephones.lock cannot be opened: permission denied; \
             run the command as the user of the server (sudo -u USER uacsta ...)"
        );
    }
}
