//! Reads the audit log by filters, the latest entries first.

use std::{io, path::Path};

use jiff::Timestamp;

use super::{
    Entry,
    file::{lines, numbers},
};

/// Which entries are read.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only entries before the one with this number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
    /// Only those of this log-on, in any case.
    pub who: Option<String>,
    /// Only those of this operation.
    pub operation: Option<String>,
    /// Only those of this time or later.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
    /// Only those with this text in a value, in lower case.
    pub text: Option<String>,
}

impl Query {
    /// The entries in the files of a kind that are not older than `oldest`: at most one more than the limit.
    pub(super) fn read(
        &self,
        folder: &Path,
        name: &str,
        oldest: Timestamp,
    ) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        // A file that gets the next number meanwhile is read twice.
        let mut before = self.before.unwrap_or(u64::MAX);
        for number in numbers() {
            let Some(lines) = lines(folder, name, number)? else {
                continue;
            };
            // A line that is cut off, since the disk was full, is no entry.
            let entries = lines.lines().rev();
            let entries = entries.filter_map(|line| serde_json::from_str::<Entry>(line).ok());
            for entry in entries {
                if entry.id >= before {
                    continue;
                }
                before = entry.id;
                if found.len() > self.limit {
                    return Ok(found);
                }
                if entry.at >= oldest && self.admits(&entry) {
                    found.push(entry);
                }
            }
        }
        Ok(found)
    }

    fn admits(&self, entry: &Entry) -> bool {
        let who = entry.who.as_deref().unwrap_or_default();
        let is_theirs = |name: &String| who.to_lowercase() == name.to_lowercase();
        self.who.as_ref().is_none_or(is_theirs)
            && (self.operation.is_none() || self.operation == entry.operation)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.text.as_ref().is_none_or(|text| has(entry, text))
    }
}

/// Whether a text of the entry has `part`, which is in lower case.
fn has(entry: &Entry, part: &str) -> bool {
    let texts = [
        &entry.who,
        &entry.from,
        &entry.operation,
        &entry.target,
        &entry.detail,
        &entry.request_id,
    ];
    let mut texts = texts.into_iter().flatten();
    texts.any(|text| text.to_lowercase().contains(part))
        || [&entry.before, &entry.after]
            .iter()
            .any(|value| value.to_string().to_lowercase().contains(part))
}
