//! Files that are replaced together, and put back if something else of their change fails.

use std::{fs, io, path::PathBuf};

use super::{
    DataDirError,
    files::{Prepared, failed, read, sync},
};

/// New files on disk under temporary names, each with a copy of its former content. Dropping them changes nothing.
#[derive(Debug)]
pub struct Replacements(Vec<Replacement>);

#[derive(Debug)]
struct Replacement {
    new: Prepared,
    former: Former,
}

/// Files that are in place and can be put back.
#[derive(Debug)]
pub struct Replaced(Vec<Former>);

/// What a file was before; `None`: it did not exist.
#[derive(Debug)]
struct Former {
    path: PathBuf,
    content: Option<Prepared>,
}

impl Replacements {
    /// Writes all under temporary names.
    ///
    /// # Errors
    /// A file cannot be written, as on a full disk, or its former content cannot be read.
    pub(super) fn prepare<const FILES: usize>(
        files: [(PathBuf, String); FILES],
    ) -> Result<Self, DataDirError> {
        let prepared = files.into_iter().map(|(path, text)| {
            let former = read(&path)?;
            let former = former.map(|text| Prepared::new(&path, text.as_bytes()));
            Ok(Replacement {
                new: Prepared::new(&path, text.as_bytes())?,
                former: Former {
                    content: former.transpose()?,
                    path,
                },
            })
        });
        Ok(Self(prepared.collect::<Result<_, DataDirError>>()?))
    }

    /// Puts the files in place, in their order.
    ///
    /// # Errors
    /// The first file that cannot be written; all are as before then.
    pub fn write(self) -> Result<Replaced, DataDirError> {
        let mut replaced = Replaced(Vec::new());
        for Replacement { new, former } in self.0 {
            let path = former.path.clone();
            let renamed = new.rename();
            if renamed.is_ok() {
                replaced.0.push(former);
            }
            if let Err(error) = renamed.and_then(|()| sync(&path)) {
                replaced.put_back();
                return Err(error);
            }
        }
        Ok(replaced)
    }
}

impl Replaced {
    /// Puts the former files back, as far as the disk lets it.
    pub fn put_back(self) {
        for Former { path, content } in self.0.into_iter().rev() {
            let put = match content {
                Some(content) => content.persist(),
                None => match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(failed("removed", &path)(error))
                    }
                    _ => sync(&path),
                },
            };
            if let Err(error) = put {
                tracing::error!(%error, "cannot undo a change of settings that failed; the next start has its values");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_are_replaced_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        let replace = |text: &str| {
            let files = [&first, &second].map(|path| (path.clone(), text.to_owned()));
            Replacements::prepare(files).unwrap()
        };
        let text = |path| fs::read_to_string(path).ok();
        let both = || (text(&first), text(&second));
        let named = || fs::read_dir(folder.path()).unwrap().count();

        // The second cannot be replaced, once it is a folder.
        for former in [None, Some("old".to_owned())] {
            if former.is_some() {
                replace("old").write().unwrap();
            }
            let prepared = replace("new");
            let _ = fs::remove_file(&second);
            fs::create_dir(&second).unwrap();
            assert!(prepared.write().is_err());
            assert_eq!(text(&first), former);
            fs::remove_dir(&second).unwrap();
        }
        fs::remove_file(&first).unwrap();
        assert_eq!(named(), 0);

        replace("one").write().unwrap().put_back();
        assert_eq!(both(), (None, None));
        replace("one").write().unwrap();
        let replaced = replace("two").write().unwrap();
        assert_eq!(both(), (Some("two".into()), Some("two".into())));
        replaced.put_back();
        assert_eq!(both(), (Some("one".into()), Some("one".into())));
        assert_eq!(named(), 2);
    }
}
