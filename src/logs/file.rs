//! A log file that begins anew at its largest size, and at midnight if asked; it never fails, and never forges a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Zoned;
use jiff::civil::Date;

/// `uacsta.log`, and the older `uacsta.log.1`, `uacsta.log.2` and so on.
pub(super) struct RotatingFile<C> {
    shape: Arc<ArcSwap<Shape>>,
    /// The shape that the open file has.
    current: Arc<Shape>,
    open: Option<Open>,
    /// Who hears that lines are lost, and when it was told so last.
    complaints: C,
    complained: Option<Instant>,
    /// When it was last seen that the file still lies where it ought to.
    looked: Instant,
}

/// Where log files lie, and when a new one begins.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Shape {
    /// Their folder.
    pub(super) folder: PathBuf,
    /// The largest size of one, in octets.
    pub(super) max_size: u64,
    /// How many there are, the current one among them.
    pub(super) keep: u32,
    /// Whether to begin afresh at midnight.
    pub(super) delete_daily: bool,
}

struct Open {
    file: File,
    size: u64,
    day: Date,
}

impl<C: Write> RotatingFile<C> {
    /// Nothing is opened before the first line is written. What `shape` holds may be exchanged at any time.
    pub(super) fn new(shape: Arc<ArcSwap<Shape>>, complaints: C) -> Self {
        Self {
            current: shape.load_full(),
            shape,
            open: None,
            complaints,
            complained: None,
            looked: Instant::now(),
        }
    }

    fn try_write(&mut self, line: &[u8], today: Date) -> io::Result<()> {
        if !Arc::ptr_eq(&self.current, &self.shape.load()) {
            let shape = self.shape.load_full();
            if shape.folder != self.current.folder {
                self.open = None;
            }
            self.current = shape;
        }
        let mut open = match self.open.take() {
            Some(open) if !self.is_elsewhere(&open) => open,
            _ => self.open(today)?,
        };
        if self.current.delete_daily && open.day != today {
            self.delete_all()?;
            open = self.open(today)?;
        } else if open.size > 0 && open.size + line.len() as u64 > self.current.max_size {
            self.shift()?;
            open = self.open(today)?;
        }
        open.file.write_all(line)?;
        open.size += line.len() as u64;
        self.open = Some(open);
        Ok(())
    }

    /// Whether another program has moved or removed the file that is written.
    fn is_elsewhere(&mut self, open: &Open) -> bool {
        const LOOK: Duration = Duration::from_secs(1);
        if self.looked.elapsed() < LOOK {
            return false;
        }
        self.looked = Instant::now();
        match (open.file.metadata(), fs::metadata(self.path(0))) {
            (Ok(ours), Ok(there)) => !same_file(&ours, &there),
            _ => true,
        }
    }

    fn open(&self, today: Date) -> io::Result<Open> {
        fs::create_dir_all(&self.current.folder)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(0))?;
        let about = file.metadata()?;
        // A file that an earlier run has left may be of yesterday.
        let written = about.modified().ok().filter(|_| about.len() > 0);
        let day = written
            .and_then(|time| Zoned::try_from(time).ok())
            .map_or(today, |time| time.date());
        Ok(Open {
            file,
            size: about.len(),
            day,
        })
    }

    /// Makes room for a new current file: each takes the next number, and the last goes.
    fn shift(&self) -> io::Result<()> {
        if self.current.keep <= 1 {
            return remove(self.path(0));
        }
        remove(self.path(self.current.keep - 1))?;
        for number in (0..self.current.keep - 1).rev() {
            match fs::rename(self.path(number), self.path(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn delete_all(&self) -> io::Result<()> {
        (0..self.current.keep).try_for_each(|number| remove(self.path(number)))
    }

    fn path(&self, number: u32) -> PathBuf {
        match number {
            0 => self.current.folder.join("uacsta.log"),
            _ => self.current.folder.join(format!("uacsta.log.{number}")),
        }
    }

    /// Says that lines are lost, once a minute.
    fn complain(&mut self, error: &io::Error, now: Instant) {
        const AGAIN: Duration = Duration::from_secs(60);
        let told = self.complained;
        if told.is_none_or(|last| now.saturating_duration_since(last) >= AGAIN) {
            self.complained = Some(now);
            let folder = self.current.folder.display();
            let line = format!("log lines in {folder} are lost: {error}\n");
            // Where standard error is gone too, nobody is left to tell.
            let _ = self.complaints.write_all(line.as_bytes());
        }
    }
}

#[cfg(unix)]
fn same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// There an open file cannot be moved.
#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

impl<C: Write> Write for RotatingFile<C> {
    /// Takes one event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = one_line(event);
        if let Err(error) = self.try_write(&line, Zoned::now().date()) {
            self.open = None;
            self.complain(&error, Instant::now());
            return Err(error);
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn remove(path: PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a phone or client sends is logged too: its line breaks must not begin a line of ours.
fn one_line(event: &[u8]) -> Vec<u8> {
    let text = event.strip_suffix(b"\n").unwrap_or(event);
    let mut line = Vec::with_capacity(event.len() + 1);
    for byte in text {
        match byte {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            _ => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn shaped(folder: &Path, max_size: u64, keep: u32, delete_daily: bool) -> Shape {
        Shape {
            folder: folder.to_owned(),
            max_size,
            keep,
            delete_daily,
        }
    }

    fn rotating(
        folder: &Path,
        max_size: u64,
        keep: u32,
        delete_daily: bool,
    ) -> RotatingFile<Vec<u8>> {
        let shape = shaped(folder, max_size, keep, delete_daily);
        RotatingFile::new(Arc::new(ArcSwap::from_pointee(shape)), Vec::new())
    }

    fn contents(folder: &Path) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn named(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn begins_anew_at_its_size_and_keeps_a_few() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = rotating(folder.path(), 10, 3, false);
        for line in [
            "one\n",
            "two\n",
            "three\n",
            "four five six\n",
            "seven\n",
            "8\n",
        ] {
            file.write_all(line.as_bytes()).unwrap();
        }
        let expected = named(&[
            ("uacsta.log", "seven\n8\n"),
            ("uacsta.log.1", "four five six\n"),
            ("uacsta.log.2", "three\n"),
        ]);
        assert_eq!(contents(folder.path()), expected);

        // Another run goes on where this one ended, and keeps fewer.
        let mut file = rotating(folder.path(), 10, 1, false);
        file.write_all(b"9\n").unwrap();
        file.write_all(b"ten\n").unwrap();
        assert_eq!(contents(folder.path())[0].1, "ten\n");
    }

    #[test]
    fn moves_to_another_folder() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let shape = Arc::new(ArcSwap::from_pointee(shaped(here.path(), 100, 3, false)));
        let mut file = RotatingFile::new(Arc::clone(&shape), Vec::new());
        file.write_all(b"one\n").unwrap();
        shape.store(Arc::new(shaped(there.path(), 5, 2, false)));
        file.write_all(b"two\n").unwrap();
        file.write_all(b"three\n").unwrap();
        assert_eq!(contents(here.path()), named(&[("uacsta.log", "one\n")]));
        let expected = named(&[("uacsta.log", "three\n"), ("uacsta.log.1", "two\n")]);
        assert_eq!(contents(there.path()), expected);
    }

    #[test]
    fn begins_anew_at_midnight() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = rotating(folder.path(), 5, 3, true);
        let day = Zoned::now().date();
        for line in [b"one\n", b"two\n"] {
            file.try_write(line, day).unwrap();
        }
        assert_eq!(contents(folder.path()).len(), 2);
        file.try_write(b"new\n", day.tomorrow().unwrap()).unwrap();
        assert_eq!(contents(folder.path()), named(&[("uacsta.log", "new\n")]));
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::write(&logs, "in the way").unwrap();
        let mut file = rotating(&logs, 100, 3, false);
        file.write_all(b"lost\n").unwrap_err();
        let told = String::from_utf8(file.complaints.clone()).unwrap();
        assert!(told.contains("are lost") && told.contains("logs"), "{told}");
        fs::remove_file(&logs).unwrap();
        file.write_all(b"written\n").unwrap();
        assert_eq!(contents(&logs), named(&[("uacsta.log", "written\n")]));
    }

    #[test]
    fn lost_lines_are_told_once_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = rotating(folder.path(), 100, 3, false);
        let (begun, error) = (Instant::now(), io::Error::from(io::ErrorKind::StorageFull));
        for (second, told) in [
            (0, 1),
            (1, 1),
            (59, 1),
            (60, 2),
            (61, 2),
            (119, 2),
            (500, 3),
        ] {
            file.complain(&error, begun + Duration::from_secs(second));
            let lines = file
                .complaints
                .iter()
                .filter(|octet| **octet == b'\n')
                .count();
            assert_eq!(lines, told, "{second}");
        }
    }

    #[test]
    fn no_line_is_forged() {
        assert_eq!(one_line(b"a\r\nERROR b\n"), b"a\\r\\nERROR b\n");
    }
}
