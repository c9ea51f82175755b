//! Reads a file line by line in either direction, in bounded memory.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
};

/// The lines of a file from an offset on, or before it.
pub(super) enum Lines {
    Forward(Forward),
    Backward(Backward),
}

/// Towards the end of the file.
pub(super) struct Forward {
    file: BufReader<File>,
    /// Where the next line begins.
    at: u64,
}

/// Towards the start of the file.
pub(super) struct Backward {
    file: File,
    /// The offset of the first octet in `before`.
    at: u64,
    /// Read, but not returned yet.
    before: Vec<u8>,
}

/// The longest line, in octets. A line of the log is shorter; a longer one is divided.
const LONGEST: usize = 1 << 20;
/// How much is read at a time.
const BLOCK: usize = 64 << 10;

impl Lines {
    pub(super) fn forward(mut file: File, from: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(from))?;
        let file = BufReader::with_capacity(BLOCK, file);
        Ok(Self::Forward(Forward { file, at: from }))
    }

    pub(super) fn backward(file: File, end: u64) -> Self {
        Self::Backward(Backward {
            file,
            at: end,
            before: Vec::new(),
        })
    }

    /// The offset behind the last line of a file of that size.
    pub(super) fn end(file: File, size: u64) -> io::Result<u64> {
        let mut lines = Backward {
            file,
            at: size,
            before: Vec::new(),
        };
        lines.skip_incomplete()?;
        Ok(lines.at + lines.before.len() as u64)
    }

    /// The next line without its line end, and the offset behind it in the direction of reading. What has no line end is still
    /// being written, and is left out.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        match self {
            Self::Forward(lines) => lines.next(),
            Self::Backward(lines) => lines.next(),
        }
    }
}

impl Forward {
    fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut line = Vec::new();
        let mut rest = (&mut self.file).take(LONGEST as u64);
        let read = rest.read_until(b'\n', &mut line)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if read < LONGEST {
            return Ok(None);
        }
        self.at += read as u64;
        Ok(Some((self.at, line)))
    }
}

impl Backward {
    fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        if !self.skip_incomplete()? {
            return Ok(None);
        }
        loop {
            let text = self.before.len() - 1;
            let start = line_end(&self.before[..text]);
            if start > 0 || self.before.len() > LONGEST || !self.read()? {
                let mut line = self.before.split_off(start);
                line.pop();
                return Ok(Some((self.at + start as u64, line)));
            }
        }
    }

    /// Leaves out what is behind the last line end; whether there is a line before.
    fn skip_incomplete(&mut self) -> io::Result<bool> {
        while self.before.last() != Some(&b'\n') {
            let end = line_end(&self.before);
            self.before.truncate(end);
            if end == 0 && !self.read()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the block before; whether there was one.
    fn read(&mut self) -> io::Result<bool> {
        let length = self.at.min(BLOCK as u64);
        self.at -= length;
        let mut block = vec![0; length as usize];
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.read_exact(&mut block)?;
        block.append(&mut self.before);
        self.before = block;
        Ok(length > 0)
    }
}

/// The length up to the last line end, with it; 0 if there is none.
fn line_end(octets: &[u8]) -> usize {
    let last = octets.iter().rposition(|octet| *octet == b'\n');
    last.map_or(0, |at| at + 1)
}
