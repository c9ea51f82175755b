//! A value in a private JSON file of the data folder: read at the start, replaced as a whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use serde::{Serialize, de::DeserializeOwned};

use super::{DataDirError, write_private};

/// A value and its file.
pub(crate) struct Kept<T> {
    file: PathBuf,
    value: ArcSwap<T>,
    /// Why the file could not be read.
    fault: Option<String>,
}

/// Why a value cannot be replaced.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file could not be read at the start.
    #[error("{} cannot be read: {reason}; mend or remove the file, and restart the server", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
}

impl<T: Default + DeserializeOwned + Serialize> Kept<T> {
    /// Reads the file. One that cannot be read is left as it is.
    pub(crate) fn open(file: PathBuf) -> Self {
        let read = match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            Err(error) => Err(error.to_string()),
            Ok(text) => serde_json::from_slice(&text).map_err(|error| error.to_string()),
        };
        Self {
            fault: read.as_ref().err().cloned(),
            value: ArcSwap::from_pointee(read.unwrap_or_default()),
            file,
        }
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Why the file could not be read.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Fails if the file could not be read at the start.
    pub(crate) fn check(&self) -> Result<(), KeptError> {
        let Some(reason) = self.fault.clone() else {
            return Ok(());
        };
        let file = self.file.clone();
        Err(KeptError::Unreadable { file, reason })
    }

    /// The value as it is.
    pub(crate) fn load(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// Replaces the value once it is on disk, for which it waits.
    pub(crate) fn replace(&self, value: T) -> Result<(), KeptError> {
        self.check()?;
        // Strings and numbers always have a JSON form.
        let text = serde_json::to_vec_pretty(&value).unwrap_or_default();
        write_private(&self.file, &text)?;
        self.value.store(Arc::new(value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn value_is_kept_and_a_file_that_cannot_be_read_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("names.json");
        let kept: Kept<Vec<String>> = Kept::open(file.clone());
        assert!(kept.load().is_empty() && kept.fault().is_none());
        kept.replace(vec!["anna".to_owned()]).unwrap();
        assert_eq!(*kept.load(), ["anna"]);
        assert_eq!(*Kept::<Vec<String>>::open(file.clone()).load(), ["anna"]);

        fs::write(&file, "rubbish").unwrap();
        let kept: Kept<Vec<String>> = Kept::open(file.clone());
        assert!(kept.fault().is_some());
        let error = kept.replace(Vec::new()).unwrap_err();
        assert!(error.to_string().contains("names.json cannot be read"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "rubbish");
    }

    #[test]
    fn value_that_cannot_be_written_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gone").join("names.json");
        let kept: Kept<Vec<String>> = Kept::open(file);
        let refused = kept.replace(vec!["anna".to_owned()]);
        assert!(matches!(refused, Err(KeptError::Write(_))));
        assert!(kept.load().is_empty());
    }
}
