//! `admin.toml` in the data folder: what operators change while the server runs. It overrides all other settings.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{DataDirError, write_private};

/// The file `admin.toml`.
#[derive(Clone, Debug)]
pub struct Admin {
    file: PathBuf,
}

/// Why a change cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is invalid.
    #[error("{} cannot be changed: {what}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
}

impl Admin {
    /// The file in a data folder; it need not exist.
    pub fn of(data: &Path) -> Self {
        Self {
            file: data.join("admin.toml"),
        }
    }

    /// Adds a licence code to `licenses.codes`, whose codes count beside those of other settings. Returns whether it was not there.
    ///
    /// # Errors
    /// The file cannot be read, parsed or written; it is unchanged then.
    pub fn add_code(&self, code: &str) -> Result<bool, AdminError> {
        self.change_codes(|codes| {
            let is_new = codes.iter().all(|known| known.as_str() != Some(code));
            if is_new {
                codes.push(code.into());
            }
            is_new
        })
    }

    /// Removes a licence code. Returns whether it was there.
    ///
    /// # Errors
    /// As [`Self::add_code`].
    pub fn remove_code(&self, code: &str) -> Result<bool, AdminError> {
        self.change_codes(|codes| {
            let before = codes.len();
            codes.retain(|known| known.as_str() != Some(code));
            codes.len() < before
        })
    }

    fn change_codes<R>(&self, change: impl FnOnce(&mut Vec<Value>) -> R) -> Result<R, AdminError> {
        let text = match fs::read_to_string(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(|source| AdminError::Read {
                file: self.file.clone(),
                source,
            })?,
        };
        let invalid = |what: &str| AdminError::Invalid {
            file: self.file.clone(),
            what: what.to_owned(),
        };
        let mut all: Table = text
            .parse()
            .map_err(|error: toml::de::Error| invalid(error.message()))?;
        let codes = all
            .entry("licenses")
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| invalid("licenses is not a section"))?
            .entry("codes")
            .or_insert_with(|| Value::Array(Vec::new()))
            .as_array_mut()
            .ok_or_else(|| invalid("licenses.codes is not a list"))?;
        let changed = change(codes);
        let text = format!(
            "# Changed by operators while the server ran; overrides all other settings, except that licence codes add up.\n{all}"
        );
        write_private(&self.file, text.as_bytes())?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_are_added_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (admin, file) = (Admin::of(folder.path()), folder.path().join("admin.toml"));
        admin.add_code("AAAA").unwrap();
        fs::write(
            &file,
            fs::read_to_string(&file).unwrap() + "[logs]\nlevel = \"debug\"\n",
        )
        .unwrap();
        assert!(admin.add_code("BBBB").unwrap());
        assert!(!admin.add_code("AAAA").unwrap());
        assert!(admin.add_code("CCCC").unwrap());
        assert!(admin.remove_code("CCCC").unwrap());
        assert!(!admin.remove_code("CCCC").unwrap());
        let loaded = uacsta_config::load(None, Some(folder.path())).unwrap();
        assert_eq!(loaded.licenses.codes, ["AAAA", "BBBB"]);
        assert_eq!(loaded.logs.level, uacsta_config::Level::Debug);
        fs::write(&file, "licenses = 1").unwrap();
        let error = admin.add_code("DDDD").unwrap_err().to_string();
        assert!(
            error.contains("admin.toml cannot be changed: licenses is not a section"),
            "{error}"
        );
    }
}
