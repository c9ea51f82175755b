//! The journal of the phone list: one JSON line for each change, in the order of the changes.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use uacsta_connect::data_dir::JOURNAL;
use uacsta_schema::phone_id::PhoneId;

use super::{
    Change, Entries, StoreError,
    error::failed,
    files::{is_at, sync_folder},
};

/// The journal, open for appending.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    end: End,
    /// More lines than this make it worth compacting.
    max_lines: usize,
}

/// How far the journal is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    bytes: u64,
    lines: usize,
    /// The last line lacks its line feed.
    unterminated: bool,
}

impl Journal {
    /// Replaces the journal by a compact one: a line for each entry.
    ///
    /// # Errors
    /// The disk refuses; the old journal is unchanged then.
    pub(super) fn create<T: Serialize>(
        folder: &Path,
        entries: &Entries<T>,
    ) -> Result<Self, StoreError> {
        let mut text = Vec::new();
        for (id, value) in entries {
            write_line(&mut text, *id, Some(value))?;
        }
        let path = folder.join(JOURNAL);
        let temporary = folder.join("telephones.jsonl.new");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let write = || {
            let mut file = options.open(&temporary)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            sync_folder(folder)?;
            Ok(file)
        };
        let file = write().map_err(|error| {
            // It takes room on a full disk; the next attempt overwrites it anyway.
            let _ = fs::remove_file(&temporary);
            failed("written", &path)(error)
        })?;
        let end = End {
            bytes: text.len() as u64,
            lines: entries.len(),
            unterminated: false,
        };
        Ok(Self::new(path, file, end))
    }

    /// Opens the existing journal to append to it, if the disk has no room for a compact one.
    ///
    /// # Errors
    /// It cannot be opened for writing.
    pub(super) fn resume(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(JOURNAL);
        let open = || {
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let text = without_torn_line(&text);
            let unterminated = text.last().is_some_and(|last| *last != b'\n');
            let terminated = text.iter().filter(|byte| **byte == b'\n').count();
            let end = End {
                bytes: text.len() as u64,
                lines: terminated + usize::from(unterminated),
                unterminated,
            };
            Ok((file, end))
        };
        let (file, end) = open().map_err(failed("opened", &path))?;
        let mut journal = Self::new(path, file, end);
        journal.truncate(end)?;
        Ok(journal)
    }

    fn new(path: PathBuf, file: File, end: End) -> Self {
        Self {
            path,
            file,
            end,
            max_lines: (2 * end.lines).max(MIN_LINES),
        }
    }

    /// Appends a line for each change and syncs them. Returns the end before.
    ///
    /// # Errors
    /// The disk refuses; nothing is appended then.
    pub(super) fn append<T: Serialize>(
        &mut self,
        changes: &[Change<T>],
    ) -> Result<End, StoreError> {
        let before = self.end;
        let mut text = Vec::new();
        if before.unterminated {
            text.push(b'\n');
        }
        for (id, value) in changes {
            write_line(&mut text, *id, value.as_ref())?;
        }
        let written = self.file.write_all(&text);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            self.truncate(before)?;
            return Err(failed("written", &self.path)(error));
        }
        self.end = End {
            bytes: before.bytes + text.len() as u64,
            lines: before.lines + changes.len(),
            unterminated: before.unterminated && text.is_empty(),
        };
        Ok(before)
    }

    /// Removes everything after `end`.
    pub(super) fn truncate(&mut self, end: End) -> Result<(), StoreError> {
        self.end = end;
        self.file
            .set_len(end.bytes)
            .and_then(|()| self.file.seek(SeekFrom::Start(end.bytes)))
            .map(drop)
            .map_err(failed("shortened", &self.path))
    }

    /// The last change of each entry, in order. Reads the open file, also if it was removed.
    pub(super) fn changes<T: DeserializeOwned>(&mut self) -> Result<Vec<Change<T>>, StoreError> {
        let mut text = Vec::new();
        let mut read = || {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.read_to_end(&mut text)?;
            self.file.seek(SeekFrom::Start(self.end.bytes))
        };
        read().map_err(failed("read", &self.path))?;
        parse(&text).map_err(|error| {
            failed("read", &self.path)(io::Error::new(io::ErrorKind::InvalidData, error))
        })
    }

    /// The entries after all changes.
    pub(super) fn entries<T: DeserializeOwned>(&mut self) -> Result<Entries<T>, StoreError> {
        let changes = self.changes()?.into_iter();
        let entries = changes.filter_map(|(id, value)| Some((id, value?)));
        Ok(entries.collect())
    }

    /// Whether nobody has removed or replaced its file.
    pub(super) fn is_there(&self) -> bool {
        is_at(&self.file, &self.path)
    }

    /// Whether it should be compacted: it has twice as many lines as when it was created.
    pub(super) fn is_long(&self) -> bool {
        self.end.lines > self.max_lines
    }

    /// After a failed compaction, the next one is due at twice the length.
    pub(super) fn postpone_compaction(&mut self) {
        self.max_lines = 2 * self.end.lines;
    }
}

/// The last change of each entry, in order; `None` if there is no journal.
///
/// # Errors
/// What is damaged. An incomplete last line is no damage: it was never acknowledged.
pub(super) fn read<T: DeserializeOwned>(folder: &Path) -> Result<Option<Vec<Change<T>>>, String> {
    match fs::read(folder.join(JOURNAL)) {
        Ok(text) => parse(&text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<Vec<Change<T>>, String> {
    let mut changes = BTreeMap::new();
    let lines = without_torn_line(text).split_inclusive(|byte| *byte == b'\n');
    for (index, line) in lines.enumerate() {
        let line: Line<T> =
            serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        changes.insert(line.mac, (index, line.telephone));
    }
    let mut changes: Vec<_> = changes.into_iter().collect();
    changes.sort_by_key(|(_, (index, _))| *index);
    let in_order = changes.into_iter();
    Ok(in_order.map(|(id, (_, value))| (id, value)).collect())
}

/// Cuts off an incomplete last line. A complete one that lacks its line feed stays, as an editor may leave it.
fn without_torn_line(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte == b'\n');
    let (lines, last) = text.split_at(end.map_or(0, |at| at + 1));
    if serde_json::from_slice::<IgnoredAny>(last).is_ok() {
        text
    } else {
        lines
    }
}

/// A shorter journal is not compacted.
const MIN_LINES: usize = 64;

/// The names are those of version 0.1.
#[derive(Serialize, Deserialize)]
struct Line<T> {
    mac: PhoneId,
    telephone: Option<T>,
}

fn write_line<T: Serialize>(
    text: &mut Vec<u8>,
    id: PhoneId,
    value: Option<&T>,
) -> Result<(), StoreError> {
    let line = Line {
        mac: id,
        telephone: value,
    };
    serde_json::to_writer(&mut *text, &line)?;
    text.push(b'\n');
    Ok(())
}
