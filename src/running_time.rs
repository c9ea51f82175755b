//! How long the server has run in all: what the trial is counted by, kept in the data folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use uacsta_actors::clock::Clock;

use crate::first_start::write_private;

/// The time that the server has run, before this run and in it.
pub struct RunningTime {
    file: PathBuf,
    before: Duration,
    clock: Arc<dyn Clock>,
}

/// How often it is written. What a crash takes is less than this.
const OFTEN: Duration = Duration::from_secs(600);

impl RunningTime {
    /// Reads what earlier runs have used. A file that somebody has spoilt counts as none, and is said.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn open(data: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = data.join("trial");
        let before = match fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().unwrap_or_else(|_| {
                tracing::warn!(file = %file.display(), "the file does not hold a number of seconds; the trial is counted anew");
                0
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self {
            file,
            before: Duration::from_secs(before),
            clock,
        })
    }

    /// How long earlier runs took.
    pub fn before(&self) -> Duration {
        self.before
    }

    /// Writes how long the server has run by now. A disk that is full costs nothing but the time since the last writing.
    pub fn write(&self) {
        let all = (self.before + self.clock.now()).as_secs();
        if let Err(error) = write_private(&self.file, format!("{all}\n").as_bytes()) {
            tracing::warn!(%error, "how long the server has run cannot be written");
        }
    }

    /// Writes it now and then, for as long as it is polled.
    pub async fn keep(self: Arc<Self>) {
        loop {
            let time = Arc::clone(&self);
            // A disk that hangs must not hold a phone up.
            let _ = tokio::task::spawn_blocking(move || time.write()).await;
            tokio::time::sleep(OFTEN).await;
        }
    }
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
        fs::write(folder.path().join("trial"), "soon").unwrap();
        assert_eq!(run(1), 0);
    }
}
