//! The log file, rotated by size and optionally deleted daily. Write errors are reported once a minute.

mod line;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::{Zoned, civil::Date};
pub(super) use line::one_line;
use line::write_whole;

/// `uacsta.log`, and the older `uacsta.log.1`, `uacsta.log.2` and so on.
pub(super) struct RotatingFile<E> {
    shared: Arc<ArcSwap<FileConfig>>,
    /// The configuration of the open file.
    config: Arc<FileConfig>,
    open: Option<OpenFile>,
    error_output: E,
    reported_at: Option<Instant>,
    /// When the path of the open file was checked last.
    checked_at: Instant,
}

/// Where log files are, and when a new one begins.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct FileConfig {
    pub(super) folder: PathBuf,
    /// In octets.
    pub(super) max_size: u64,
    /// How many files there are, the current one included.
    pub(super) keep: u32,
    /// Deletes all files at midnight, local time.
    pub(super) delete_daily: bool,
}

struct OpenFile {
    file: File,
    size: u64,
    day: Date,
}

const NAME: &str = "uacsta.log";
/// How often the path of the open file is checked: another program may rotate it.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often lost lines are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

impl FileConfig {
    /// Tests whether the file can be written. Removes what it creates for that.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn test_write(&self) -> io::Result<()> {
        let file = self.folder.join(NAME);
        let is_missing = |path: &&Path| !path.exists();
        let created: Vec<&Path> = self.folder.ancestors().take_while(is_missing).collect();
        let is_new = !file.exists();
        let opened = self.open().map(drop);
        // These fail only for what could not be created.
        if is_new {
            let _ = fs::remove_file(&file);
        }
        for folder in created {
            let _ = fs::remove_dir(folder);
        }
        opened
    }

    /// Opens the current file, and creates its folder if it is missing.
    fn open(&self) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        options.open(self.folder.join(NAME))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(match number {
            0 => NAME.to_owned(),
            _ => format!("{NAME}.{number}"),
        })
    }

    /// Gives each file the next number, and deletes the last.
    fn shift(&self) -> io::Result<()> {
        let last = self.keep.saturating_sub(1);
        self.delete_from(last)?;
        for number in (0..last).rev() {
            let renamed = fs::rename(self.path(number), self.path(number + 1));
            ignore_missing(renamed)?;
        }
        Ok(())
    }

    /// Deletes surplus files. What cannot be deleted is retried with the next new file.
    fn prune(&self) {
        let _ = self.delete_from(self.keep.max(1));
    }

    /// Deletes all files with this number or a higher one.
    fn delete_from(&self, first: u32) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(number_of);
            if number.is_some_and(|number| number >= first) {
                ignore_missing(fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }
}

impl<E: Write> RotatingFile<E> {
    /// Opens the file with the first line. `shared` may be changed at any time; `error_output` is told of lost lines.
    pub(super) fn new(shared: Arc<ArcSwap<FileConfig>>, error_output: E) -> Self {
        Self {
            config: shared.load_full(),
            shared,
            open: None,
            error_output,
            reported_at: None,
            checked_at: Instant::now(),
        }
    }

    fn try_write(&mut self, line: &[u8], today: Date) -> io::Result<()> {
        self.update_config(today);
        let mut open = match self.open.take() {
            Some(open) if !self.was_moved(&open) => open,
            _ => self.open(today)?,
        };
        if self.config.delete_daily && open.day != today {
            self.config.delete_from(0)?;
            open = self.open(today)?;
        } else if open.size > 0 && open.size + line.len() as u64 > self.config.max_size {
            self.config.shift()?;
            open = self.open(today)?;
        }
        write_whole(&mut open.file, line)?;
        open.size += line.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    fn update_config(&mut self, today: Date) {
        if Arc::ptr_eq(&self.config, &self.shared.load()) {
            return;
        }
        let config = self.shared.load_full();
        let same_folder = config.folder == self.config.folder;
        self.config = config;
        // `delete_daily` applies from the next midnight on.
        let open = self.open.take().filter(|_| same_folder);
        self.open = open.map(|open| OpenFile { day: today, ..open });
        self.config.prune();
    }

    /// Whether another program has moved or removed the open file.
    fn was_moved(&mut self, open: &OpenFile) -> bool {
        if self.checked_at.elapsed() < CHECK_INTERVAL {
            return false;
        }
        self.checked_at = Instant::now();
        match (open.file.metadata(), fs::metadata(self.config.path(0))) {
            (Ok(ours), Ok(there)) => !is_same_file(&ours, &there),
            _ => true,
        }
    }

    fn open(&self, today: Date) -> io::Result<OpenFile> {
        let file = self.config.open()?;
        let metadata = file.metadata()?;
        self.config.prune();
        // The file of an earlier run may be of another day.
        let written = metadata.modified().ok().filter(|_| metadata.len() > 0);
        let day = written
            .and_then(|time| Zoned::try_from(time).ok())
            .map_or(today, |time| time.date());
        Ok(OpenFile {
            file,
            size: metadata.len(),
            day,
        })
    }

    fn report_error(&mut self, error: &io::Error, now: Instant) {
        let is_due = |last| now.saturating_duration_since(last) >= REPORT_INTERVAL;
        if self.reported_at.is_none_or(is_due) {
            self.reported_at = Some(now);
            let folder = self.config.folder.display();
            let line = format!("log lines in {folder} are lost: {error}\n");
            // There is no other output.
            let _ = self.error_output.write_all(line.as_bytes());
        }
    }
}

impl<E: Write> Write for RotatingFile<E> {
    /// Writes one event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = one_line(event, &[]);
        if let Err(error) = self.try_write(line.as_bytes(), Zoned::now().date()) {
            self.open = None;
            self.report_error(&error, Instant::now());
            return Err(error);
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The number of a log file by its name; `None` for other files.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(NAME)?;
    if rest.is_empty() {
        return Some(0);
    }
    let digits = rest.strip_prefix('.')?;
    let number: u32 = digits.parse().ok()?;
    // `uacsta.log.07` is not ours.
    (number > 0 && number.to_string() == digits).then_some(number)
}

pub(super) fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(unix)]
pub(super) fn is_same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Other systems do not let an open file be moved.
#[cfg(not(unix))]
pub(super) fn is_same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}
