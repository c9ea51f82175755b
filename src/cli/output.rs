//! Writes to standard output while an answer is still being read, and notes to standard error.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
};

use uacsta_connect::CommandError;

/// Collects octets into whole lines.
#[derive(Default)]
pub(super) struct LineBuffer(Vec<u8>);

impl LineBuffer {
    /// Adds octets; the lines that they complete. An empty line only shows that the connection stands, and is left out.
    pub(super) fn add(&mut self, octets: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(octets);
        let end = self.0.iter().rposition(|octet| *octet == b'\n');
        let whole: Vec<u8> = self.0.drain(..end.map_or(0, |end| end + 1)).collect();
        let whole = String::from_utf8_lossy(&whole);
        let lines = whole.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }
}

/// Writes a note for people to standard error, which what reads standard output does not see.
pub(super) fn note(text: &str) {
    // A line that cannot be written is left out: eprintln would panic.
    let _ = writeln!(io::stderr(), "uacsta: {text}");
}

/// Writes at once; breaks off when nobody reads it any more.
pub(super) fn write(octets: &[u8]) -> Result<ControlFlow<()>, CommandError> {
    let mut output = io::stdout().lock();
    match output.write_all(octets).and_then(|()| output.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(CommandError::Failed(format!("standard output: {error}"))),
    }
}
