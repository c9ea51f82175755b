//! The telephone list as JSON lines, one for each changed entry: readable by people, and the way back when sled fails.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uacsta_schema::mac::Mac;

use super::{Change, Entries, StoreError, failed};

/// The journal's name in the data folder.
pub(super) const NAME: &str = "telephones.jsonl";

/// The journal, open for appending.
#[derive(Debug)]
pub(super) struct Mirror {
    path: PathBuf,
    file: File,
    /// Bytes that are known to be whole lines.
    length: u64,
    lines: usize,
    most_lines: usize,
}

impl Mirror {
    /// Writes the list afresh and puts it in the place of the old journal.
    pub(super) fn create<T: Serialize>(
        folder: &Path,
        entries: &Entries<T>,
    ) -> Result<Self, StoreError> {
        let mut text = Vec::new();
        for (mac, value) in entries {
            write_line(&mut text, *mac, Some(value))?;
        }
        let path = folder.join(NAME);
        let fresh = folder.join("telephones.jsonl.new");
        let mut file = File::create(&fresh).map_err(failed("created", &fresh))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&fresh, &path))
            .and_then(|()| sync_folder(folder))
            .map_err(failed("written", &path))?;
        Ok(Self {
            path,
            file,
            length: text.len() as u64,
            lines: entries.len(),
            most_lines: (2 * entries.len()).max(LEAST_LINES),
        })
    }

    /// Adds a line for each change and waits until they are on disk.
    pub(super) fn append<T: Serialize>(&mut self, changes: &[Change<T>]) -> Result<(), StoreError> {
        let mut text = Vec::new();
        for (mac, value) in changes {
            write_line(&mut text, *mac, value.as_ref())?;
        }
        let written = self
            .file
            .write_all(&text)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.take_back().map_err(failed("shortened", &self.path))?;
            return Err(failed("written", &self.path)(error));
        }
        self.length += text.len() as u64;
        self.lines += changes.len();
        Ok(())
    }

    /// Whether it has twice as many lines as the list had entries when it was written afresh.
    pub(super) fn is_long(&self) -> bool {
        self.lines > self.most_lines
    }

    /// Cuts off what a failed append has left, so that the next line begins where a line begins.
    fn take_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.length)).map(drop)
    }
}

/// The last change of each entry, in order; `None` where there is no journal.
///
/// # Errors
/// A sentence's end that says what is wrong with it. A last line without its end is none: it was never acknowledged.
pub(super) fn read<T: DeserializeOwned>(folder: &Path) -> Result<Option<Vec<Change<T>>>, String> {
    let text = match fs::read(folder.join(NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut changes = BTreeMap::new();
    let lines = text
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"));
    for (index, line) in lines.enumerate() {
        let line: Line<T> =
            serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        changes.insert(line.mac, (index, line.telephone));
    }
    let mut changes: Vec<_> = changes.into_iter().collect();
    changes.sort_by_key(|(_, (index, _))| *index);
    let in_order = changes
        .into_iter()
        .map(|(key, (_, telephone))| (key, telephone));
    Ok(Some(in_order.collect()))
}

/// A short journal is not worth a rewrite.
const LEAST_LINES: usize = 64;

#[derive(Serialize, Deserialize)]
struct Line<T> {
    mac: Mac,
    telephone: Option<T>,
}

fn write_line<T: Serialize>(
    text: &mut Vec<u8>,
    mac: Mac,
    telephone: Option<&T>,
) -> Result<(), StoreError> {
    serde_json::to_writer(&mut *text, &Line { mac, telephone })?;
    text.push(b'\n');
    Ok(())
}

/// Makes a rename last: the folder's own entry must be on disk too.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
