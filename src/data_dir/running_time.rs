//! The server's total running time, by which the evaluation period is counted, stored in the data folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use uacsta_actors::clock::Clock;

use super::write_private;

/// The time that the server has run, including earlier runs.
pub struct RunningTime {
    files: [PathBuf; 2],
    before: Duration,
    clock: Arc<dyn Clock>,
}

/// Where it is stored: the removal of one file, or a spoilt one, does not begin the evaluation period again.
const FILES: [&str; 2] = ["trial", "telephones.time"];
/// How often it is written. A crash loses at most this much.
const WRITE_INTERVAL: Duration = Duration::from_secs(600);
const CENTURY: u64 = 100 * 365 * 24 * 3600;

impl RunningTime {
    /// Reads the time of earlier runs: the longest that a file tells. An invalid file counts as missing and is logged.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub fn open(data: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let files = FILES.map(|name| data.join(name));
        let mut before = 0;
        for file in &files {
            before = before.max(stored(file)?);
        }
        Ok(Self {
            files,
            before: Duration::from_secs(before),
            clock,
        })
    }

    /// The time of earlier runs.
    pub fn before(&self) -> Duration {
        self.before
    }

    /// Writes the time so far. If that fails, only the time since the last write is lost.
    pub fn write(&self) {
        let all = (self.before + self.clock.now()).as_secs();
        for file in &self.files {
            if let Err(error) = write_private(file, format!("{all}\n").as_bytes()) {
                tracing::warn!(%error, "cannot write the running time");
            }
        }
    }

    /// Writes it every 10 minutes, as long as it is polled.
    pub async fn keep(self: Arc<Self>) {
        loop {
            let time = Arc::clone(&self);
            // A disk that hangs must not block the thread.
            let _ = tokio::task::spawn_blocking(move || time.write()).await;
            tokio::time::sleep(WRITE_INTERVAL).await;
        }
    }
}

fn stored(file: &Path) -> io::Result<u64> {
    match fs::read(file) {
        Ok(octets) => Ok(seconds(&octets).unwrap_or_else(|| {
            tracing::warn!(file = %file.display(), "invalid running time, expected a number of seconds; using the copy");
            0
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// A running time beyond a century is no time that a server has run.
fn seconds(octets: &[u8]) -> Option<u64> {
    let seconds = std::str::from_utf8(octets).ok()?.trim().parse().ok()?;
    (seconds < CENTURY).then_some(seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug)]
    struct At(Duration);

    impl Clock for At {
        fn now(&self) -> Duration {
            self.0
        }

        fn wall(&self) -> u64 {
            0
        }
    }

    #[test]
    fn runs_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let run = |seconds| {
            let clock = Arc::new(At(Duration::from_secs(seconds)));
            let time = RunningTime::open(folder.path(), clock).unwrap();
            time.write();
            time.before().as_secs()
        };
        assert_eq!([run(100), run(50), run(0)], [0, 100, 150]);
        // A file that is removed, spoilt or older, as from a backup, does not matter as long as the other is there.
        for name in FILES {
            let file = folder.path().join(name);
            let expected = run(0);
            assert!(expected >= 150);
            fs::remove_file(&file).unwrap();
            assert_eq!(run(0), expected, "{name} removed");
            for text in [
                &b"soon"[..],
                b"0",
                b"",
                b"\xff\xfe",
                b"18446744073709551615",
            ] {
                fs::write(&file, text).unwrap();
                assert_eq!(run(0), expected, "{name}: {text:?}");
            }
        }
    }
}
