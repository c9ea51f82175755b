//! The files of the audit log: lines of JSON, in several files that are bounded by size and age.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::{SignedDuration, Timestamp};
use uacsta_config::Audit;

use super::Entry;

/// The file of changes.
pub(super) const CHANGES: &str = "audit.jsonl";
/// The file of refused requests: a flood of them displaces no change.
pub(super) const REFUSALS: &str = "audit.refused.jsonl";

/// Each is divided into so many files, of which the oldest is deleted first.
const PARTS: u32 = 8;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The size of all files of one kind together, in octets.
    size: u64,
    /// The age of the oldest entry.
    age: Duration,
}

/// The files of one kind: the current one, and older ones whose names end in `.1`, `.2` and so on.
pub(super) struct AuditFile {
    folder: PathBuf,
    name: &'static str,
    /// The time of the first entry in the current file.
    since: Option<Timestamp>,
}

impl From<&Audit> for Bounds {
    fn from(settings: &Audit) -> Self {
        Self {
            size: settings.max_size.bytes(),
            age: Duration::from_secs(u64::from(settings.keep_days) * 24 * 3600),
        }
    }
}

impl Bounds {
    /// The time before which entries are no longer kept.
    pub(super) fn oldest(&self, now: Timestamp) -> Timestamp {
        let age = SignedDuration::try_from(self.age).unwrap_or(SignedDuration::MAX);
        now.checked_sub(age).unwrap_or(Timestamp::MIN)
    }
}

impl AuditFile {
    pub(super) fn new(folder: &Path, name: &'static str) -> Self {
        let first = fs::File::open(path(folder, name, 0)).ok().and_then(|file| {
            let mut line = String::new();
            BufReader::new(file)
                .take(1 << 20)
                .read_line(&mut line)
                .ok()?;
            serde_json::from_str::<Entry>(&line).ok()
        });
        Self {
            folder: folder.to_owned(),
            name,
            since: first.map(|entry| entry.at),
        }
    }

    /// The highest number of an entry in the files; 0 where there is none.
    pub(super) fn last_id(&self) -> u64 {
        for number in 0..=PARTS {
            let lines = lines(&self.folder, self.name, number);
            let Ok(Some(lines)) = lines else { break };
            let entries = lines.lines().rev();
            let mut entries = entries.filter_map(|line| serde_json::from_str::<Entry>(line).ok());
            if let Some(last) = entries.next() {
                return last.id;
            }
        }
        0
    }

    /// Appends an entry: all of it, or nothing.
    pub(super) fn append(&mut self, entry: &Entry, bounds: Bounds) -> io::Result<()> {
        // Strings and numbers always have a JSON form.
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        let mut file = self.open()?;
        let mut size = file.seek(SeekFrom::End(0))?;
        if size > 0 && self.is_full(size + line.len() as u64, entry.at, bounds) {
            file.sync_data()?;
            self.shift()?;
            self.since = None;
            file = self.open()?;
            size = 0;
        }
        self.prune(bounds);
        if let Err(error) = file.write_all(&line) {
            // A part of a line would spoil the next one. If this fails too, the reader skips both.
            let _ = file.set_len(size);
            return Err(error);
        }
        self.since.get_or_insert(entry.at);
        Ok(())
    }

    /// Waits until what was appended is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.open()?.sync_data()
    }

    /// Opens the current file anew for each entry: another program may have moved it.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path(&self.folder, self.name, 0))
    }

    /// Whether the next entry begins a new file.
    fn is_full(&self, size: u64, now: Timestamp, bounds: Bounds) -> bool {
        let age = self.since.map(|since| now.duration_since(since));
        let age = age.and_then(|age| Duration::try_from(age).ok());
        size > bounds.size / u64::from(PARTS)
            || age.is_some_and(|age| age > bounds.age / PARTS + Duration::from_secs(1))
    }

    /// Gives each file the next number.
    fn shift(&self) -> io::Result<()> {
        for number in (0..PARTS).rev() {
            let [from, to] =
                [number, number + 1].map(|number| path(&self.folder, self.name, number));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Deletes files whose last entry is too old, and what is beyond the size. What cannot be deleted is tried again with the
    /// next entry.
    fn prune(&self, bounds: Bounds) {
        let mut size = 0;
        for number in 1..=PARTS {
            let path = path(&self.folder, self.name, number);
            let Ok(found) = path.metadata() else { continue };
            size += found.len();
            let written = found.modified().ok();
            let age = written.and_then(|at| SystemTime::now().duration_since(at).ok());
            let is_old = age.is_some_and(|age| age > bounds.age);
            // The current file has a part of its own.
            if is_old || size > bounds.size - bounds.size / u64::from(PARTS) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// The content of a file of a kind; `None` if there is no such file.
pub(super) fn lines(folder: &Path, name: &str, number: u32) -> io::Result<Option<String>> {
    match fs::read(path(folder, name, number)) {
        Ok(octets) => Ok(Some(String::from_utf8_lossy(&octets).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The numbers of all files of a kind, the latest first.
pub(super) fn numbers() -> impl Iterator<Item = u32> {
    0..=PARTS
}

fn path(folder: &Path, name: &str, number: u32) -> PathBuf {
    folder.join(match number {
        0 => name.to_owned(),
        _ => format!("{name}.{number}"),
    })
}
