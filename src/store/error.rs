//! Why the phone list cannot be opened or changed, and whether that says anything about what is in it.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::database::LAYOUT;

/// Why the list cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process works on it.
    #[error("{} is in use by another uacsta process", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// Neither copy can be read.
    #[error(
        "the phone list in {} cannot be read ({database}), and neither can its copy telephones.jsonl ({journal}); \
         restore one of them from a backup, or move both away to begin with an empty list",
        folder.display()
    )]
    Unreadable {
        /// The data folder.
        folder: PathBuf,
        /// What sled says.
        database: String,
        /// What is wrong with the journal.
        journal: String,
    },
    /// A later version of the program has written it.
    #[error(
        "the phone list in {} has the layout {found} of a later uacsta, and this one knows {LAYOUT}; \
         install that version again, or restore the data folder from a backup of this one",
        folder.display()
    )]
    Newer {
        /// The data folder.
        folder: PathBuf,
        /// The layout that it has.
        found: u32,
    },
    /// The file system refused.
    #[error("{} cannot be {action}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// sled refused.
    #[error("the phone list cannot be written: {0}")]
    Database(#[from] sled::Error),
    /// A value has no JSON form.
    #[error("an entry of the phone list cannot be written as JSON: {0}")]
    Value(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether a file could not be used for reasons that say nothing about what is in it.
    pub(super) fn is_of_the_system(&self) -> bool {
        const BY_RIGHTS: [io::ErrorKind; 2] = [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
        ];
        let refused = |kind| BY_RIGHTS.contains(&kind);
        self.is_for_want_of_room() || self.kind().is_some_and(refused)
    }

    /// Whether the disk, a quota or a limit of the process leaves no room.
    pub(super) fn is_for_want_of_room(&self) -> bool {
        const FULL: [io::ErrorKind; 3] = [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::FileTooLarge,
        ];
        self.kind().is_some_and(|kind| FULL.contains(&kind))
    }

    fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::File { source, .. } | Self::Database(sled::Error::Io(source)) => {
                Some(source.kind())
            }
            _ => None,
        }
    }
}

/// What a file system refuses, as an error.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File {
        action,
        path,
        source,
    }
}
