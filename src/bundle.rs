//! Writes a support bundle: a zip file without a name in the data folder, part by part.

use std::{
    fs::File,
    io::{self, Read as _, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{
    logs::reading::{self, LogFile},
    operations::ResultFile,
};

/// A bundle that is being written. Nothing of it is left if it is dropped.
pub struct Bundle {
    zip: ZipWriter<Disk>,
    /// How many octets of logs it may still take.
    logs_left: u64,
}

/// The most octets of log files, before they are compressed.
const MOST_LOGS: u64 = 64 << 20;

impl Bundle {
    /// Begins a bundle on the disk of the data folder.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn begin(data: &Path) -> io::Result<Self> {
        Ok(Self {
            zip: ZipWriter::new(Disk::from(tempfile::tempfile_in(data)?)),
            logs_left: MOST_LOGS,
        })
    }

    /// Adds a file with this content.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.start(name)?;
        self.zip.write_all(content)
    }

    /// Adds a log file, or its last part if there is no room for all of it.
    ///
    /// # Errors
    /// It cannot be read, or the disk cannot be written.
    pub fn add_log(&mut self, folder: &Path, log: &LogFile) -> io::Result<()> {
        // A file that was rotated meanwhile is left out.
        let Some((mut file, size)) = reading::open(folder, &log.name)? else {
            return Ok(());
        };
        let length = size.min(self.logs_left);
        if length == 0 {
            return Ok(());
        }
        self.logs_left -= length;
        file.seek(SeekFrom::Start(size - length))?;
        self.start(&format!("logs/{}", log.name))?;
        io::copy(&mut file.take(length), &mut self.zip).map(drop)
    }

    /// Ends it.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn finish(self) -> io::Result<ResultFile> {
        let Disk { file, has_failed } = self.zip.finish()?;
        if has_failed {
            return Err(io::Error::other("a part of it is missing"));
        }
        Ok(ResultFile {
            size: file.metadata()?.len(),
            file: Arc::new(Mutex::new(file)),
        })
    }

    fn start(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(local_time());
        Ok(self.zip.start_file(name, options)?)
    }
}

/// The time that the files of the bundle have, by the clock on the wall, as in every zip file.
fn local_time() -> DateTime {
    let now = jiff::Zoned::now();
    let part = |part: i8| part.unsigned_abs();
    let (date, time) = (now.date(), now.time());
    let time = DateTime::from_date_and_time(
        date.year().unsigned_abs(),
        part(date.month()),
        part(date.day()),
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
    );
    time.unwrap_or_default()
}

/// A file that takes what is written after an error without keeping it: a `ZipWriter` that is dropped ends its archive, and
/// prints to standard error if it cannot.
struct Disk {
    file: File,
    has_failed: bool,
}

impl From<File> for Disk {
    fn from(file: File) -> Self {
        Self {
            file,
            has_failed: false,
        }
    }
}

impl Write for Disk {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if !self.has_failed {
            let written = self.file.write(octets);
            self.has_failed = written.is_err();
            return written;
        }
        // The position is as if it had been written, for whoever asks.
        let length = i64::try_from(octets.len()).map_err(io::Error::other)?;
        self.file.seek(SeekFrom::Current(length))?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn archive_on_a_full_disk_fails_once_and_ends_in_silence() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut zip = ZipWriter::new(Disk::from(full));
        let options = SimpleFileOptions::default();
        let refused = zip.start_file("a", options).unwrap_err();
        assert!(refused.to_string().contains("No space left"), "{refused}");
        // What dropping it does too, and would print an error of.
        assert!(zip.finish().unwrap().has_failed);
    }
}
