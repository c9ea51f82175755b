//! Writes log lines: whole ones, and one for each event.

use std::{
    fs::File,
    io::{self, Write},
};

use uacsta_schema::escape_controls;

/// An event as one line. Controls in fields, which peers may send, are escaped, except `kept`.
pub(in crate::logs) fn one_line(event: &[u8], kept: &[char]) -> String {
    let text = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event));
    let mut line = escape_controls(&text, kept).into_owned();
    line.push('\n');
    line
}

/// Appends a line completely or not at all, so that the next line is not appended to a part of it.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_whole(file: &mut File, line: &[u8]) -> io::Result<()> {
    let mut rest = line;
    while !rest.is_empty() {
        let error = match file.write(rest) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(written) => {
                rest = rest.get(written..).unwrap_or_default();
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        let written = (line.len() - rest.len()) as u64;
        if written > 0
            && let Ok(metadata) = file.metadata()
        {
            // If the disk refuses this too, the part stays.
            let _ = file.set_len(metadata.len().saturating_sub(written));
        }
        return Err(error);
    }
    Ok(())
}
