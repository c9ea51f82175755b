//! `uacsta logs`: the lines of the server's log, by search and as they come; its files.

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::{ApiArgs, CommandError, completion, parse_number, print};
use uacsta_schema::{escape_controls, phone_id::PhoneId};

use super::{
    output::{LineBuffer, note, write},
    time::{local_time, parse_since},
};

/// The arguments of `logs`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta logs                                    the last 100 lines
  uacsta logs --level warn --since 24h
  uacsta logs --phone 00:04:13:aa:bb:cc --follow
  uacsta logs --grep \"log-on refused\" --lines 20
  uacsta logs --since \"2026-12-02 08:00\" --json | jq -r '.items[].fields.phone'
  uacsta logs files
  uacsta logs get uacsta.log.1 > older.log

docs/reference/log.md lists every line and what to do.")]
pub(super) struct Logs {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only lines about this phone
    #[arg(long, value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(completion::phones))]
    phone: Option<PhoneId>,
    /// Only lines of this severity or a higher one
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Only lines since then: a time, or 30m, 2h, 7d for so long ago
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<Timestamp>,
    /// Only lines with this text, in any case
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Show the last N lines [default: 100; all, with --since]
    #[arg(long, short = 'n', value_name = "N", value_parser = parse_number(1..=10_000_000_usize))]
    lines: Option<usize>,
    /// Go on with each line that comes, until Ctrl+C
    #[arg(long, short)]
    follow: bool,
    /// Print the API's JSON; with --follow, a line of the log a line
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ApiArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the log files
    Files,
    /// Print a log file
    Get(File),
}

/// The file that a subcommand is for.
#[derive(Args, Debug)]
struct File {
    /// Its name, as `uacsta logs files` lists it
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(completion::log_files))]
    file: String,
}

/// The severity of a line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How many lines are shown if nothing else is asked for.
const LINES: usize = 100;
/// The most lines that the API answers at once.
const PAGE: usize = 1000;

impl Logs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match &self.command {
            Some(Command::Files) => self.files(),
            Some(Command::Get(File { file })) => {
                let path = format!("/api/v1/logs/{}", super::percent_encoded(file));
                self.server.download(&path, "text/plain", write)
            }
            None if self.follow => self.follow(),
            None => self.search(),
        }
    }

    fn files(&self) -> Result<(), CommandError> {
        let list = self.server.list("/api/v1/logs")?;
        if self.json {
            return print(format!("{list:#}\n").as_bytes());
        }
        let mut text = format!(
            "{:16} {:>12}  {:19}  LAST LINE\n",
            "FILE", "SIZE", "FIRST LINE"
        );
        for file in list["items"].as_array().into_iter().flatten() {
            let member = |key: &str| file[key].as_str().unwrap_or_default();
            let size = file["size"].as_u64().unwrap_or_default();
            let time = |key: &str| local_time(member(key));
            let (name, first, last) = (member("name"), time("firstAt"), time("lastAt"));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:16} {size:>12}  {first:19}  {last}");
        }
        print(text.as_bytes())
    }

    fn search(&self) -> Result<(), CommandError> {
        let wanted = match (self.lines, self.since) {
            (Some(lines), _) => lines,
            (None, Some(_)) => usize::MAX,
            (None, None) => LINES,
        };
        let mut lines: Vec<Value> = Vec::new();
        let mut after = None;
        while lines.len() < wanted {
            let limit = PAGE.min(wanted - lines.len());
            let path = self.path(limit, after.as_deref());
            let mut page: Value = self.server.request(Method::GET, &path, None)?;
            let Some(items) = page["items"].as_array_mut() else {
                return Err(CommandError::Failed(
                    "unexpected answer: not a list; is this a uacsta server?".to_owned(),
                ));
            };
            lines.append(items);
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        lines.reverse();
        if self.json {
            let list = json!({ "items": lines, "next": after, "total": null });
            return print(format!("{list:#}\n").as_bytes());
        }
        if lines.is_empty() {
            note("no line of the log matches");
        }
        let text: String = lines.iter().map(shown).collect();
        print(text.as_bytes())
    }

    fn follow(&self) -> Result<(), CommandError> {
        let limit = self.lines.unwrap_or(match self.since {
            Some(_) => PAGE,
            None => 10,
        });
        let path = format!("{}&follow=true", self.path(limit.clamp(1, PAGE), None));
        let mut buffer = LineBuffer::default();
        self.server.download(&path, "application/json", |octets| {
            let lines = buffer.add(octets);
            let lines = lines.iter().map(|line| match self.json {
                true => format!("{}\n", escape_controls(line, &[])),
                false => shown(&serde_json::from_str(line).unwrap_or_default()),
            });
            write(lines.collect::<String>().as_bytes())
        })
    }

    /// The path with the filters.
    fn path(&self, limit: usize, after: Option<&str>) -> String {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|after| ("after", after.to_owned())));
        query.extend(self.phone.map(|phone| ("phone", phone.to_string())));
        let level = self.level.and_then(|level| level.to_possible_value());
        query.extend(level.map(|level| ("level", level.get_name().to_owned())));
        query.extend(self.since.map(|since| ("since", since.to_string())));
        query.extend(self.grep.clone().map(|text| ("q", text)));
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        format!("/api/v1/logs/lines?{query}")
    }
}

/// A line of the log as the terminal shows it.
fn shown(line: &Value) -> String {
    match line["text"].as_str() {
        Some(text) => format!("{}\n", escape_controls(text, &[])),
        None => "lines missed: their file was deleted before they were read\n".to_owned(),
    }
}
