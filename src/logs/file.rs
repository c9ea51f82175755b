//! A log file that begins anew at its largest size, and at midnight if asked; it never fails, and never forges a line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::{Zoned, civil::Date};

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

impl Shape {
    /// Whether a file can be written there; nothing that it takes to see that stays.
    pub(super) fn try_out(&self) -> io::Result<()> {
        let file = self.folder.join(NAME);
        let new = |path: &&Path| !path.exists();
        let made: Vec<&Path> = self.folder.ancestors().take_while(new).collect();
        let is_new = !file.exists();
        let opened = self.open().map(drop);
        if is_new {
            // Where it could not be made, this says what is known.
            let _ = fs::remove_file(&file);
        }
        for folder in made {
            let _ = fs::remove_dir(folder);
        }
        opened
    }

    /// Makes the folder where there is none, and opens the current file.
    pub(super) fn open(&self) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        options.open(self.folder.join(NAME))
    }
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
            let stays = shape.folder == self.current.folder;
            self.current = shape;
            // What is asked for from now on is deleted at a midnight that comes, not for one that has passed.
            let open = self.open.take().filter(|_| stays);
            self.open = open.map(|open| Open { day: today, ..open });
            self.prune();
        }
        let mut open = match self.open.take() {
            Some(open) if !self.is_elsewhere(&open) => open,
            _ => self.open(today)?,
        };
        if self.current.delete_daily && open.day != today {
            self.delete_from(0)?;
            open = self.open(today)?;
        } else if open.size > 0 && open.size + line.len() as u64 > self.current.max_size {
            self.shift()?;
            open = self.open(today)?;
        }
        write_whole(&mut open.file, line)?;
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
        let file = self.current.open()?;
        let about = file.metadata()?;
        self.prune();
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
        let last = self.current.keep.saturating_sub(1);
        self.delete_from(last)?;
        for number in (0..last).rev() {
            match fs::rename(self.path(number), self.path(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what is left of a time when more were kept. What cannot be removed goes with the next new file.
    fn prune(&self) {
        let _ = self.delete_from(self.current.keep.max(1));
    }

    /// Removes the files that have this number or a higher one, however many there are.
    fn delete_from(&self, first: u32) -> io::Result<()> {
        for entry in fs::read_dir(&self.current.folder)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(number_of);
            if number.is_some_and(|number| number >= first) {
                remove(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, number: u32) -> PathBuf {
        let name = match number {
            0 => NAME.to_owned(),
            _ => format!("{NAME}.{number}"),
        };
        self.current.folder.join(name)
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

const NAME: &str = "uacsta.log";

/// Which log file bears a name, if one does.
fn number_of(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(NAME)?;
    if rest.is_empty() {
        return Some(0);
    }
    let digits = rest.strip_prefix('.')?;
    let number: u32 = digits.parse().ok()?;
    // Another's name would be another number.
    (number > 0 && number.to_string() == digits).then_some(number)
}

/// Writes all of a line, or nothing: what would follow half a one would be part of it.
fn write_whole(file: &mut File, line: &[u8]) -> io::Result<()> {
    let mut rest = line;
    while !rest.is_empty() {
        let written = file.write(rest);
        match written {
            Ok(some @ 1..) => rest = rest.get(some..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            failed => {
                let half = (line.len() - rest.len()) as u64;
                if half > 0 {
                    // A disk that lets nothing be taken back keeps it.
                    let _ = file
                        .metadata()
                        .and_then(|about| file.set_len(about.len().saturating_sub(half)));
                }
                return Err(failed
                    .err()
                    .unwrap_or_else(|| io::ErrorKind::WriteZero.into()));
            }
        }
    }
    Ok(())
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
    fn what_is_kept_no_longer_goes_and_what_is_another_s_stays() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Arc::new(ArcSwap::from_pointee(shaped(folder.path(), 4, 10, false)));
        let mut file = RotatingFile::new(Arc::clone(&shape), Vec::new());
        for line in 1..=9 {
            file.write_all(format!("{line}\n").as_bytes()).unwrap();
            file.write_all(b"-\n").unwrap();
        }
        let others = ["uacsta.log.1.gz", "uacsta.log.07", "uacsta.log.old"];
        for name in others {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(contents(folder.path()).len(), 9 + 3);
        shape.store(Arc::new(shaped(folder.path(), 4, 3, false)));
        file.write_all(b"new\n").unwrap();
        let kept = |expected: &[(&str, &str)]| {
            let mut found = contents(folder.path());
            found.retain(|(name, _)| !others.contains(&name.as_str()));
            assert_eq!(found, named(expected));
        };
        kept(&[
            ("uacsta.log", "new\n"),
            ("uacsta.log.1", "9\n-\n"),
            ("uacsta.log.2", "8\n-\n"),
        ]);
        // A start with fewer.
        rotating(folder.path(), 10, 2, false)
            .write_all(b"more\n")
            .unwrap();
        kept(&[("uacsta.log", "new\nmore\n"), ("uacsta.log.1", "9\n-\n")]);
        // Midnight takes all of them, however many are kept now.
        fs::write(folder.path().join("uacsta.log.5"), "").unwrap();
        let mut daily = rotating(folder.path(), 10, 9, true);
        let tomorrow = Zoned::now().date().tomorrow().unwrap();
        daily.try_write(b"day\n", tomorrow).unwrap();
        kept(&[("uacsta.log", "day\n")]);
        assert_eq!(contents(folder.path()).len(), 1 + 3);
    }

    #[test]
    fn what_is_deleted_daily_from_now_on_is_deleted_at_the_next_midnight() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Arc::new(ArcSwap::from_pointee(shaped(folder.path(), 99, 3, false)));
        let mut file = RotatingFile::new(Arc::clone(&shape), Vec::new());
        let today = Zoned::now().date();
        let tomorrow = today.tomorrow().unwrap();
        file.try_write(b"one\n", today).unwrap();
        file.try_write(b"two\n", tomorrow).unwrap();
        shape.store(Arc::new(shaped(folder.path(), 99, 3, true)));
        file.try_write(b"three\n", tomorrow).unwrap();
        assert_eq!(contents(folder.path())[0].1, "one\ntwo\nthree\n");
        let after = tomorrow.tomorrow().unwrap();
        file.try_write(b"four\n", after).unwrap();
        assert_eq!(contents(folder.path()), named(&[("uacsta.log", "four\n")]));
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
    fn of_what_is_tried_out_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (here, new) = (folder.path().join("here"), folder.path().join("new/logs"));
        fs::create_dir(&here).unwrap();
        fs::write(here.join(NAME), "one\n").unwrap();
        let try_out = |folder: &Path| shaped(folder, 9, 9, false).try_out();
        for folder in [&here, &new] {
            try_out(folder).unwrap();
        }
        assert_eq!(contents(&here), named(&[(NAME, "one\n")]));
        assert!(!folder.path().join("new").exists());
        try_out(&here.join(NAME).join("logs")).unwrap_err();
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
