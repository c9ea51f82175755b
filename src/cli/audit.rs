//! `uacsta audit`: who changed what, as lines of text or JSON, and live.

use std::{fmt::Write, thread, time::Duration};

use clap::Args;
use clap_complete::ArgValueCompleter;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;
use uacsta_connect::{ApiArgs, CommandError, completion, parse_number, print};
use uacsta_schema::escape_controls;

use super::{
    output::note,
    time::{local_time, parse_since},
};

/// The arguments of `audit`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta audit
  uacsta audit --since 24h --who anna
  uacsta audit --since 2026-12-01 --operation removePhone --json
  uacsta audit --follow

Refused requests are listed too, at most one a minute of a kind from an address. Reading is not
logged.")]
pub(super) struct Audit {
    /// Only entries since then: a time, a day, or how long ago (30m, 24h)
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<Timestamp>,
    /// Only entries before then
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    until: Option<Timestamp>,
    /// Only entries of this operator; cli.token: the command line
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completion::operators))]
    who: Option<String>,
    /// Only entries of this operation of the API, such as removePhone
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only entries with this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// The latest entries to show; all with --since
    #[arg(long, short = 'n', visible_alias = "lines", value_name = "COUNT", default_value_t = 100, value_parser = parse_number(1..=1000_u16))]
    limit: u16,
    /// Go on with each entry that comes, until Ctrl+C
    #[arg(long, short)]
    follow: bool,
    /// Print the API's JSON; with --follow, an entry a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ApiArgs,
}

const PATH: &str = "/api/v1/audit";
/// How often new entries are asked for.
const INTERVAL: Duration = Duration::from_secs(1);

impl Audit {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let list = if self.since.is_some() {
            self.server.list(&self.path()?)?
        } else {
            let path = format!("{}&limit={}", self.path()?, self.limit);
            self.server.request(Method::GET, &path, None)?
        };
        if self.json && !self.follow {
            return print(format!("{list:#}\n").as_bytes());
        }
        let mut last = self.print(&list, None)?;
        if !self.follow {
            if last.is_none() {
                note("no entry of the audit log matches");
            }
            return Ok(());
        }
        loop {
            thread::sleep(INTERVAL);
            // More than a thousand entries a second are not written.
            let path = format!("{}&limit=1000", self.path()?);
            let list = self.server.request(Method::GET, &path, None)?;
            last = self.print(&list, last)?;
        }
    }

    fn path(&self) -> Result<String, CommandError> {
        let parameters = [
            ("since", self.since.map(|time| time.to_string())),
            ("until", self.until.map(|time| time.to_string())),
            ("who", self.who.clone()),
            ("operation", self.operation.clone()),
            ("q", self.grep.clone()),
        ];
        let given = parameters.into_iter();
        let given: Vec<_> = given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let query = serde_urlencoded::to_string(given)
            .map_err(|error| CommandError::Usage(error.to_string()))?;
        Ok(format!("{PATH}?{query}"))
    }

    /// Prints the entries after the one with the number `last`, the oldest first; returns the number of the latest.
    fn print(&self, list: &Value, last: Option<u64>) -> Result<Option<u64>, CommandError> {
        let number = |entry: &Value| entry["id"].as_u64().unwrap_or(0);
        let entries = list["items"].as_array().map(Vec::as_slice);
        let entries = entries.unwrap_or_default();
        let new = entries.iter().rev();
        let new = new.filter(|entry| last.is_none_or(|last| number(entry) > last));
        let text: String = new
            .map(|entry| match self.json {
                true => format!("{entry}\n"),
                false => line(entry),
            })
            .collect();
        print(text.as_bytes())?;
        Ok(entries.first().map(number).or(last))
    }
}

/// An entry as a line of text. Who wrote a part of it may not have meant well.
fn line(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or("-");
    let mut line = format!(
        "{}  {} from {}  {} {}",
        local_time(text("at")),
        text("who"),
        text("from"),
        text("operation"),
        text("target")
    );
    let change = (&entry["before"], &entry["after"]);
    // Writing to a String cannot fail.
    let _ = match change {
        (Value::Null, Value::Null) => Ok(()),
        (Value::Null, after) => write!(line, "  {after}"),
        (before, Value::Null) => write!(line, "  was {before}"),
        (before, after) => write!(line, "  {before} -> {after}"),
    };
    let _ = write!(line, "  {}", text("outcome"));
    if let Some(detail) = entry["detail"].as_str() {
        let _ = write!(line, ": {detail}");
    }
    if let Some(times) = entry["times"].as_u64().filter(|times| *times > 1) {
        let _ = write!(line, " ({times} times)");
    }
    format!("{}\n", escape_controls(&line, &[]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_are_lines_whatever_their_texts_hold() {
        let mut entry = json!({
            "at": "2026-12-02T08:00:00.000Z", "who": "anna", "from": "10.0.0.7", "operation": "changePhone",
            "target": "/api/v1/phones/000413000001", "before": { "inOperation": true }, "after": { "inOperation": false },
            "outcome": "done", "detail": null, "times": 1,
        });
        let expected = "  anna from 10.0.0.7  changePhone /api/v1/phones/000413000001  \
            {\"inOperation\":true} -> {\"inOperation\":false}  done\n";
        let at = local_time("2026-12-02T08:00:00.000Z");
        assert_eq!(line(&entry), at + expected);
        entry["who"] = "x\n2026\u{1b}[2J\u{9b}2J\u{202e}".into();
        (entry["detail"], entry["times"]) = ("no\r\nright".into(), 7.into());
        let written = line(&entry);
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(
            !written.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']),
            "{written}"
        );
        assert!(
            written.ends_with("done: no\\r\\nright (7 times)\n"),
            "{written}"
        );
    }
}
