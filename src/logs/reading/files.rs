//! The log files of a folder: their names, sizes and times.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::entry::time_of;
use crate::logs::file::{ignore_missing, is_same_file, number_of};

/// A log file.
#[derive(Debug)]
pub struct LogFile {
    /// Its name in the folder: `uacsta.log`, `uacsta.log.1` and so on.
    pub name: String,
    /// 0 is the current one; the others are the older, the higher.
    pub number: u32,
    /// In octets.
    pub size: u64,
    /// The time of its first line.
    pub first_at: Option<Timestamp>,
    /// When its last line was written.
    pub last_at: Option<Timestamp>,
    path: PathBuf,
    metadata: Metadata,
}

/// The most octets of a file's first line that tell it from other files.
pub(super) const START: u64 = 512;

impl LogFile {
    /// Opens it; `None` if it has another name by now, or is gone.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn open(&self) -> io::Result<Option<File>> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let is_same = is_same_file(&file.metadata()?, &self.metadata);
        Ok(is_same.then_some(file))
    }

    /// Whether it was written since that time.
    pub(super) fn is_written_since(&self, time: Timestamp) -> bool {
        self.last_at.is_none_or(|last| last >= time)
    }
}

/// The log files of a folder that may not exist, the newest first.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<LogFile>> {
    let mut all = listed(folder)?;
    for file in &mut all {
        // A file that was rotated meanwhile is listed without the time.
        if let Some(mut opened) = file.open()? {
            file.first_at = time_of(&start_of(&mut opened)?);
        }
    }
    Ok(all)
}

/// The same without the times of the first lines.
pub(super) fn listed(folder: &Path) -> io::Result<Vec<LogFile>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some((name, number)) = name.and_then(|name| Some((name.to_owned(), number_of(name)?)))
        else {
            continue;
        };
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            other => {
                ignore_missing(other.map(drop))?;
                continue;
            }
        };
        let last_at = metadata.modified().ok();
        all.push(LogFile {
            name,
            number,
            size: metadata.len(),
            first_at: None,
            last_at: last_at.and_then(|time| time.try_into().ok()),
            path,
            metadata,
        });
    }
    all.sort_by_key(|file| file.number);
    Ok(all)
}

/// Opens a log file by its name, and tells its size; `None` for other names and if there is no such file.
///
/// # Errors
/// It cannot be read.
pub fn open(folder: &Path, name: &str) -> io::Result<Option<(File, u64)>> {
    let found = listed(folder)?.into_iter().find(|file| file.name == name);
    let Some(found) = found else { return Ok(None) };
    let opened = found.open()?;
    Ok(opened.map(|file| (file, found.size)))
}

/// The first line of a file, or its start.
pub(super) fn start_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(START).read_to_end(&mut start)?;
    if let Some(end) = start.iter().position(|octet| *octet == b'\n') {
        start.truncate(end + 1);
    }
    Ok(start)
}
