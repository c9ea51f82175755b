//! The phone list as JSON lines, one for each changed entry: readable by people, and the way back when sled fails.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use uacsta_schema::phone_id::PhoneId;

use super::{Change, Entries, StoreError, failed, is_at};

/// The journal's name in the data folder.
pub(super) const NAME: &str = "telephones.jsonl";

/// The journal, open for appending.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    end: End,
    most_lines: usize,
}

/// How far the journal goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    bytes: u64,
    lines: usize,
    /// Whether the last line lacks its end.
    open: bool,
}

impl Journal {
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
        let file = File::create(&fresh)
            .and_then(|mut file| {
                file.write_all(&text)?;
                file.sync_all()?;
                fs::rename(&fresh, &path)?;
                sync_folder(folder)?;
                Ok(file)
            })
            .map_err(|error| {
                // On a full disk the rest of it would only be in the way; it is overwritten next time anyhow.
                let _ = fs::remove_file(&fresh);
                failed("written", &path)(error)
            })?;
        let end = End {
            bytes: text.len() as u64,
            lines: entries.len(),
            open: false,
        };
        Ok(Self::at(path, file, end))
    }

    /// Goes on with the journal that is there, for when the disk has no room for a fresh one.
    pub(super) fn resume(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(NAME);
        let open = || {
            let text = fs::read(&path)?;
            let whole = whole(&text);
            let open = whole.last().is_some_and(|last| *last != b'\n');
            let ends = whole.iter().filter(|byte| **byte == b'\n').count();
            let end = End {
                bytes: whole.len() as u64,
                lines: ends + usize::from(open),
                open,
            };
            Ok((OpenOptions::new().write(true).open(&path)?, end))
        };
        let (file, end) = open().map_err(failed("opened", &path))?;
        let mut journal = Self::at(path, file, end);
        journal.take_back(end)?;
        Ok(journal)
    }

    /// Adds a line for each change and waits until they are on disk. Returns where it ended before.
    pub(super) fn append<T: Serialize>(
        &mut self,
        changes: &[Change<T>],
    ) -> Result<End, StoreError> {
        let before = self.end;
        let mut text = Vec::new();
        if before.open {
            text.push(b'\n');
        }
        for (mac, value) in changes {
            write_line(&mut text, *mac, value.as_ref())?;
        }
        let written = self.file.write_all(&text);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            self.take_back(before)?;
            return Err(failed("written", &self.path)(error));
        }
        self.end.bytes += text.len() as u64;
        self.end.lines += changes.len();
        self.end.open &= text.is_empty();
        Ok(before)
    }

    /// Cuts off what came after `end`, so that the next line begins where a line begins.
    pub(super) fn take_back(&mut self, end: End) -> Result<(), StoreError> {
        self.end = end;
        self.file
            .set_len(end.bytes)
            .and_then(|()| self.file.seek(SeekFrom::Start(end.bytes)))
            .map(drop)
            .map_err(failed("shortened", &self.path))
    }

    /// Whether nobody has removed it or put another in its place.
    pub(super) fn is_there(&self) -> bool {
        is_at(&self.file, &self.path)
    }

    /// Whether it has twice as many lines as the list had entries when it was written afresh.
    pub(super) fn is_long(&self) -> bool {
        self.end.lines > self.most_lines
    }

    /// Lets it grow to twice its length, since it cannot be written afresh now.
    pub(super) fn put_off(&mut self) {
        self.most_lines = 2 * self.end.lines;
    }

    fn at(path: PathBuf, file: File, end: End) -> Self {
        Self {
            path,
            file,
            end,
            most_lines: (2 * end.lines).max(LEAST_LINES),
        }
    }
}

/// The last change of each entry, in order; `None` where there is no journal.
///
/// # Errors
/// A sentence's end that says what is wrong with it. A last line that was cut is none: it was never acknowledged.
pub(super) fn read<T: DeserializeOwned>(folder: &Path) -> Result<Option<Vec<Change<T>>>, String> {
    let text = match fs::read(folder.join(NAME)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut changes = BTreeMap::new();
    let lines = whole(&text).split_inclusive(|byte| *byte == b'\n');
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

/// The journal without a last line that was cut. One that lacks nothing but its end, as an editor leaves it, is not.
fn whole(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n');
    let (lines, last) = text.split_at(end.map_or(0, |at| at + 1));
    match serde_json::from_slice::<IgnoredAny>(last) {
        Ok(_) => text,
        Err(_) => lines,
    }
}

/// A short journal is not worth a rewrite.
const LEAST_LINES: usize = 64;

#[derive(Serialize, Deserialize)]
struct Line<T> {
    mac: PhoneId,
    telephone: Option<T>,
}

fn write_line<T: Serialize>(
    text: &mut Vec<u8>,
    mac: PhoneId,
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
