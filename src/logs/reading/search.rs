//! Searches the lines of all log files, a bounded part of them at a time.

use std::{
    fmt,
    fs::File,
    io::{self, Seek as _},
    path::Path,
    str::FromStr,
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uacsta_config::Level;
use uacsta_schema::phone_id::PhoneId;

use super::{
    entry::{Entry, time_of},
    files::{LogFile, START, listed, start_of},
    lines::Lines,
};

/// Which lines are searched for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Lines of this severity or a higher one.
    pub level: Option<Level>,
    /// Lines about this phone.
    pub phone: Option<PhoneId>,
    /// Lines with this text, in lower case.
    pub text: Option<String>,
    /// Lines of this time or later.
    pub since: Option<Timestamp>,
    /// In which order.
    pub order: Order,
    /// How many lines at most.
    pub limit: usize,
}

/// The order of lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// The newest line first.
    NewestFirst,
    /// The oldest line first.
    OldestFirst,
}

/// A place between two lines. It stays valid when files are renamed by a rotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// Names the file by its first line.
    file: u64,
    /// In octets.
    offset: u64,
}

/// Lines that were found.
#[derive(Debug)]
pub struct Found {
    /// In the order of the query.
    pub lines: Vec<Entry>,
    /// Where the search goes on.
    pub at: Option<Position>,
    /// Whether all files were searched.
    pub is_end: bool,
    /// Whether lines were deleted before they were read: the file of the position is gone.
    pub missed: bool,
}

/// How many octets one search reads.
const MOST_READ: usize = 16 << 20;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.file, self.offset)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (file, offset) = text.split_once('.').ok_or(())?;
        Ok(Self {
            file: u64::from_str_radix(file, 16).map_err(|_| ())?,
            offset: offset.parse().map_err(|_| ())?,
        })
    }
}

impl Query {
    /// Whether this line is too old, and so are those that follow.
    fn is_before(&self, line: &[u8]) -> bool {
        let is_old = |since| time_of(line).is_some_and(|at| at < since);
        self.order == Order::NewestFirst && self.since.is_some_and(is_old)
    }

    /// The line, if it is searched for.
    fn admits(&self, line: &[u8]) -> Option<Entry> {
        let text = String::from_utf8_lossy(line);
        let has = |wanted: &String| text.to_lowercase().contains(wanted);
        if !self.text.as_ref().is_none_or(has) || self.phone.is_some() && !text.contains("phone") {
            return None;
        }
        let entry = Entry::parse(&text);
        let phone = || entry.fields.get("phone")?.parse().ok();
        let fits = self
            .level
            .is_none_or(|least| entry.level.is_some_and(|level| level as u8 <= least as u8))
            && self.phone.is_none_or(|wanted| phone() == Some(wanted))
            && self
                .since
                .is_none_or(|since| entry.at.is_none_or(|at| at >= since));
        fits.then_some(entry)
    }
}

/// Searches from a position on, else from the newest or oldest line on, until enough is found or read.
///
/// # Errors
/// A file cannot be read.
pub fn search(folder: &Path, query: &Query, from: Option<Position>) -> io::Result<Found> {
    let mut files = listed(folder)?;
    if query.order == Order::OldestFirst {
        files.reverse();
    }
    let mut found = Found {
        lines: Vec::new(),
        at: from,
        is_end: false,
        missed: false,
    };
    let start = from.map(|from| find(&files, from)).transpose()?.flatten();
    match (from, start) {
        (Some(_), None) => {
            found.missed = true;
            // What is older than the file that is gone is gone too.
            if query.order == Order::NewestFirst {
                files.clear();
            }
        }
        (_, start) => drop(files.drain(..start.unwrap_or(0))),
    }
    let mut left = MOST_READ;
    for (number, file) in files.iter().enumerate() {
        let start = from.filter(|_| number == 0 && !found.missed);
        let skipped = query
            .since
            .is_some_and(|since| !file.is_written_since(since));
        if start.is_none() && skipped {
            continue;
        }
        let Some(mut opened) = file.open()? else {
            // It was rotated meanwhile.
            return match found.at == from {
                true => search(folder, query, from),
                false => Ok(found),
            };
        };
        let Some(name) = name_of(&mut opened)? else {
            continue;
        };
        let offset = start.map(|start| start.offset);
        let mut lines = match query.order {
            Order::OldestFirst => Lines::forward(opened, offset.unwrap_or(0))?,
            Order::NewestFirst => Lines::backward(opened, offset.unwrap_or(file.size)),
        };
        while let Some((offset, line)) = lines.next()? {
            found.at = Some(Position { file: name, offset });
            if query.is_before(&line) {
                found.is_end = true;
                return Ok(found);
            }
            found.lines.extend(query.admits(&line));
            left = left.saturating_sub(line.len() + 1);
            if found.lines.len() >= query.limit || left == 0 {
                return Ok(found);
            }
        }
    }
    found.is_end = true;
    Ok(found)
}

/// The position behind the last line.
///
/// # Errors
/// A file cannot be read.
pub fn end(folder: &Path) -> io::Result<Option<Position>> {
    for file in listed(folder)? {
        let Some(mut opened) = file.open()? else {
            return end(folder);
        };
        if let Some(name) = name_of(&mut opened)? {
            let offset = Lines::end(opened, file.size)?;
            return Ok(Some(Position { file: name, offset }));
        }
    }
    Ok(None)
}

/// The place in the list of the file of a position.
fn find(files: &[LogFile], position: Position) -> io::Result<Option<usize>> {
    for (at, file) in files.iter().enumerate() {
        if file.size < position.offset {
            continue;
        }
        if let Some(mut opened) = file.open()?
            && name_of(&mut opened)? == Some(position.file)
        {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// A number for the first line of a file; `None` without a line.
fn name_of(file: &mut File) -> io::Result<Option<u64>> {
    file.rewind()?;
    let start = start_of(file)?;
    if start.last() != Some(&b'\n') && (start.len() as u64) < START {
        return Ok(None);
    }
    let hash = Sha256::digest(&start);
    let (first, _) = hash.split_at(8);
    Ok(first.try_into().ok().map(u64::from_be_bytes))
}
