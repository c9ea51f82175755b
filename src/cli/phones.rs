//! `uacsta phones`: lists the phones; shows, adds, enables, disables and removes one.

use std::{ffi::OsString, fmt::Write};

use clap::{
    Args, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::{ApiArgs, CommandError, print};
use uacsta_schema::{escape_controls, phone_id::PhoneId};

use super::table::{columns, counted};

/// The arguments of `phones`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta phones
  uacsta phones --json | jq '.items[].id'
  uacsta phones 00:04:13:aa:bb:cc
  uacsta phones add 00:04:13:aa:bb:cc          list a phone before it comes
  uacsta phones off 00:04:13:aa:bb:cc
  uacsta phones forget 00:04:13:aa:bb:cc
  uacsta phones --server https://10.0.0.5:8080 --ca ca.pem --token-file cli.token

--ca is a copy of ca.pem from the server's data folder, so that the command trusts the server.
Without web.tls on the server, forward the port with ssh -L 8080:127.0.0.1:8080 HOST, and give
--server http://127.0.0.1:8080.")]
pub(super) struct Phones {
    /// Show this phone alone, with the reason why it is not controlled, and what to do
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone)]
    phone: Option<PhoneId>,
    #[command(subcommand)]
    command: Option<Command>,
    /// Print the API's JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ApiArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the phones (the default)
    List,
    /// List a phone before it comes, so that it says why it does not
    Add(One),
    /// Enable a phone: clients may monitor and control it
    On(One),
    /// Disable a phone: its session ends, and clients see it as out of service
    Off(One),
    /// Remove a phone that is away, and its lines; it counts as new if it registers again
    Forget(One),
}

/// The phone that a subcommand is for.
#[derive(Args, Debug)]
struct One {
    /// MAC address, with or without separators, or the extension that the phone is listed under
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone)]
    phone: PhoneId,
}

impl Phones {
    pub(super) fn run(self) -> Result<(), CommandError> {
        if let Some(phone) = self.phone {
            return match self.command {
                None => self.show(phone),
                Some(_) => Err(CommandError::Usage(
                    "give the phone after the command, as in: uacsta phones off PHONE".to_owned(),
                )),
            };
        }
        match self.command.as_ref().unwrap_or(&Command::List) {
            Command::List => self.list(),
            Command::Add(One { phone }) => self.add(*phone),
            Command::On(One { phone }) => self.switch(*phone, true),
            Command::Off(One { phone }) => self.switch(*phone, false),
            Command::Forget(One { phone }) => self.forget(*phone),
        }
    }

    fn list(&self) -> Result<(), CommandError> {
        let phones = self.server.list("/api/v1/phones")?;
        let status: Value = self.server.request(Method::GET, "/api/v1/status", None)?;
        self.print(&phones, &table(&phones, &status))
    }

    fn show(&self, phone: PhoneId) -> Result<(), CommandError> {
        let answer: Value = self.server.request(Method::GET, &path(phone), None)?;
        self.print(&answer, &details(&answer))
    }

    fn add(&self, phone: PhoneId) -> Result<(), CommandError> {
        let body = json!({ "id": phone });
        let answer: Value = self
            .server
            .request(Method::POST, "/api/v1/phones", Some(&body))?;
        self.print(&answer, &format!("{phone} is listed\n"))
    }

    fn switch(&self, phone: PhoneId, in_operation: bool) -> Result<(), CommandError> {
        let body = json!({ "inOperation": in_operation });
        let path = path(phone);
        let answer: Value = self.server.request(Method::PATCH, &path, Some(&body))?;
        if !answer.is_object() {
            return Err(CommandError::Failed(
                "unexpected answer: not a JSON object; is this a uacsta server?".to_owned(),
            ));
        }
        let state = if in_operation { "enabled" } else { "disabled" };
        // A phone may be named by its number.
        self.print(&answer, &format!("{} is {state}\n", cell(&answer, "id")))
    }

    fn forget(&self, phone: PhoneId) -> Result<(), CommandError> {
        let _: Value = self.server.request(Method::DELETE, &path(phone), None)?;
        self.print(&json!({ "id": phone }), &format!("{phone} is removed\n"))
    }

    /// Prints the API's answer with `--json`, else `text`.
    fn print(&self, answer: &Value, text: &str) -> Result<(), CommandError> {
        if self.json {
            print(format!("{answer:#}\n").as_bytes())
        } else {
            print(text.as_bytes())
        }
    }
}

/// Adds to the error of `phones PHONE off` where the phone belongs.
pub(super) fn with_tip(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let words = words.iter().map(|word| word.to_string_lossy());
    let mut words = words.skip_while(|word| word != "phones").skip(1);
    let is_incomplete = error.kind() == ErrorKind::MissingRequiredArgument;
    if let (true, Some(phone), Some(command)) = (is_incomplete, words.next(), words.next())
        && uacsta_connect::parse_phone(&phone).is_ok()
        && Command::has_subcommand(&command)
    {
        let tip = format!("the phone follows the command: uacsta phones {command} {phone}");
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

fn path(phone: PhoneId) -> String {
    format!("/api/v1/phones/{}", phone.bare())
}

const COLUMNS: [(&str, &str); 9] = [
    ("PHONE", "id"),
    ("MAKER", "maker"),
    ("MODEL", "model"),
    ("FIRMWARE", "firmware"),
    ("ADDRESS", "address"),
    ("LAST LOGIN", "lastLogOnAt"),
    ("STATUS", "state"),
    ("LINES", "lines"),
    ("REASON", "reason"),
];

/// Aligned columns, then a line with the counts.
fn table(answer: &Value, status: &Value) -> String {
    let phones = answer.get("items").and_then(Value::as_array);
    let phones = phones.map(Vec::as_slice).unwrap_or_default();
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned())];
    rows.extend(
        phones
            .iter()
            .map(|phone| COLUMNS.map(|(_, key)| cell(phone, key))),
    );
    let mut text = columns(&rows);
    let count = |key: &str| status.get(key).and_then(Value::as_u64).unwrap_or(0);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{}, {} connected, {} monitored",
        counted(phones.len() as u64, "phone"),
        count("connectedPhones"),
        counted(count("monitoredLines"), "line")
    );
    text
}

/// A phone's members, a line each, with the reason in full.
fn details(phone: &Value) -> String {
    let mut text = String::new();
    let mut line = |title: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{title:12}{value}");
        }
    };
    for (title, key) in COLUMNS {
        if key != "reason" {
            line(title, &cell(phone, key));
        }
    }
    let reason = |key: &str| {
        phone
            .pointer(&format!("/reason/{key}"))
            .and_then(Value::as_str)
    };
    if let (Some(code), Some(detail)) = (reason("code"), reason("detail")) {
        let since = reason("since").map(local_time).unwrap_or_default();
        let since = match &*since {
            "" => String::new(),
            since => format!(" since {since}"),
        };
        line("REASON", &format!("{code}{since}"));
        line("", &escape_controls(detail, &[]));
        line("TO DO", reason("remedy").unwrap_or_default());
    }
    text
}

fn cell(phone: &Value, key: &str) -> String {
    let out = phone.get("inOperation") == Some(&Value::Bool(false));
    let value = match phone.get(key) {
        Some(Value::Object(reason)) => reason.get("detail"),
        value => value,
    };
    match value {
        Some(Value::String(time)) if key == "lastLogOnAt" => local_time(time),
        Some(Value::String(text)) if key == "state" && out => format!("{text}, off"),
        Some(Value::String(name)) if key == "id" => match phone.get("mac") {
            Some(Value::String(mac)) if mac != name => format!("{name} ({mac})"),
            _ => name.clone(),
        },
        Some(Value::String(text)) => escape_controls(text, &[]).into_owned(),
        Some(Value::Array(items)) => {
            let names = items.iter().filter_map(Value::as_str);
            escape_controls(&names.collect::<Vec<_>>().join(" "), &[]).into_owned()
        }
        _ => String::new(),
    }
}

/// Shows a time of the API in the local time zone.
fn local_time(time: &str) -> String {
    let time: Option<jiff::Timestamp> = time.parse().ok();
    time.map_or_else(String::new, |time| {
        let here = time.to_zoned(jiff::tz::TimeZone::system());
        here.strftime("%Y-%m-%d %H:%M").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let answer = json!({
            "items": [
                { "id": "00:04:13:00:00:01", "mac": "00:04:13:00:00:01", "maker": "snom", "model": "D345", "firmware": "10.1.159.12",
                  "address": "10.0.0.7", "state": "controlled", "lines": ["100", "101"], "inOperation": true },
                { "id": "00:15:65:00:00:02", "mac": "00:15:65:00:00:02", "maker": "Yealink", "model": null, "firmware": null,
                  "address": null, "state": "away", "lines": [], "inOperation": false,
                  "reason": { "code": "notInOperation", "detail": "An operator switched the phone off." } },
                { "id": "215", "mac": "00:04:13:00:00:03", "maker": "snom", "state": "away", "inOperation": true },
            ],
        });
        let expected = "\
PHONE                    MAKER    MODEL  FIRMWARE     ADDRESS   LAST LOGIN  STATUS      LINES    REASON
00:04:13:00:00:01        snom     D345   10.1.159.12  10.0.0.7              controlled  100 101
00:15:65:00:00:02        Yealink                                            away, off            An operator switched the phone off.
215 (00:04:13:00:00:03)  snom                                               away
3 phones, 1 connected, 2 lines monitored
";
        let status = json!({ "connectedPhones": 1, "monitoredLines": 2 });
        assert_eq!(table(&answer, &status), expected);
    }
}
