//! A program that runs beside the server, with all that it wrote.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::{
    support::PATIENCE,
    transcript::{Traced, messages},
};

/// A running program; it is killed when dropped.
pub struct Program {
    name: String,
    child: Child,
    folder: TempDir,
    trace: PathBuf,
}

impl Program {
    /// Starts it with a folder of its own as home. What it writes is its trace, unless `trace` names a file of that folder.
    pub fn start(mut command: Command, folder: TempDir, trace: Option<&str>) -> Self {
        let output = folder.path().join("output");
        let written = File::create(&output).unwrap();
        command
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(written.try_clone().unwrap())
            .stderr(written);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self {
            name,
            child,
            trace: trace.map_or(output, |file| folder.path().join(file)),
            folder,
        }
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        let _ = writeln!(input, "{line}");
    }

    /// What it wrote so far.
    pub fn trace(&self) -> String {
        read(&self.trace)
    }

    /// How many of its messages are such.
    pub fn count(&self, such: impl Fn(&Traced) -> bool) -> usize {
        messages(&self.trace())
            .iter()
            .filter(|message| such(message))
            .count()
    }

    /// Waits until its trace has so many such messages.
    pub async fn until(&self, what: &str, least: usize, such: impl Fn(&Traced) -> bool) {
        let wait = async {
            while self.count(&such) < least {
                sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(2 * PATIENCE, wait).await.is_err() {
            panic!(
                "{} has not {least} times {what}:\n{}",
                self.name,
                self.trace()
            );
        }
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        Path::new(&format!("/proc/{}/stat", self.child.id())).exists()
    }

    /// Asks it to end (SIGTERM), as processes of its own would outlive one that is killed, and waits.
    pub fn stop(&mut self) {
        let told = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        if told.is_ok_and(|status| status.success()) {
            let _ = self.child.wait();
        }
    }

    /// Waits for its end.
    pub async fn ended(&mut self) {
        let wait = async {
            while self.child.try_wait().unwrap().is_none() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(PATIENCE, wait).await.is_err() {
            panic!("{} does not end:\n{}", self.name, self.trace());
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}
