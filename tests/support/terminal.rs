//! The built program on a pseudo-terminal, as a person has it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Child, Command},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use super::{PATIENCE, process::program};

/// The program on a pseudo-terminal.
pub struct Terminal {
    keys: File,
    shown: Arc<Mutex<String>>,
    child: Child,
}

impl Terminal {
    /// Starts the program with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(arguments);
        Self::run(command)
    }

    /// Starts a command.
    ///
    /// # Panics
    /// The system has no pseudo-terminal.
    pub fn run(mut command: Command) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let name = name.to_str().unwrap();
        let screen = || File::options().read(true).write(true).open(name).unwrap();
        let child = command
            .env("TERM", "xterm")
            .stdin(screen())
            .stdout(screen())
            .stderr(screen())
            .spawn()
            .unwrap();
        let keys = File::from(keys);
        let mut output = keys.try_clone().unwrap();
        let shown = Arc::<Mutex<String>>::default();
        let all = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            // Reading fails once the program has ended.
            while let Ok(length) = output.read(&mut part) {
                let part = String::from_utf8_lossy(&part[..length]);
                all.lock().unwrap().push_str(&part);
            }
        });
        Self { keys, shown, child }
    }

    /// The terminal's other end.
    pub fn keys(&self) -> &File {
        &self.keys
    }

    /// All that was shown.
    pub fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Types keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the text is shown after the first `from` octets; where the text ends.
    pub async fn until(&self, from: usize, text: &str) -> usize {
        let begun = Instant::now();
        loop {
            let shown = self.shown();
            let found = shown.get(from..).and_then(|new| new.find(text));
            if let Some(at) = found {
                return from + at + text.len();
            }
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in {shown:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until what is typed is no longer shown: a prompt precedes that.
    pub async fn until_hidden(&self) {
        let begun = Instant::now();
        while tcgetattr(&self.keys)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO)
        {
            assert!(
                begun.elapsed() < PATIENCE,
                "keys are shown: {:?}",
                self.shown()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the program's end; its exit code.
    pub fn end(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
