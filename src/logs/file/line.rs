//! Writes log lines: whole ones, and one for each event.

use std::{
    fs::File,
    io::{self, Write},
};

/// An event as one line. Line breaks in fields, which peers may send, are escaped.
pub(super) fn one_line(event: &[u8]) -> Vec<u8> {
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
