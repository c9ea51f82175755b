//! Writes a support bundle: a zip file without a name in the data folder, part by part.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Arc, Mutex},
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    logs::reading::{self, LogFile},
    operations::ResultFile,
};

/// A bundle that is being written. Nothing of it is left if it is dropped.
pub struct Bundle {
    zip: ZipWriter<File>,
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
            zip: ZipWriter::new(tempfile::tempfile_in(data)?),
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
        let file = self.zip.finish()?;
        Ok(ResultFile {
            size: file.metadata()?.len(),
            file: Arc::new(Mutex::new(file)),
        })
    }

    fn start(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        Ok(self.zip.start_file(name, options)?)
    }
}
