//! `uacsta phones`: lists the phones; shows, adds, names, enables, disables and removes one, and restarts its session.

use std::{cell::RefCell, ffi::OsString, fmt::Write};

use clap::{
    Args, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use clap_complete::ArgValueCompleter;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::{CommandError, completion};
use uacsta_schema::{escape_controls, phone_id::PhoneId};

use super::{
    query::Query,
    table::{columns, counted},
    watch::{View, Watch, apply, is_about},
};

/// The arguments of `phones`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta phones
  uacsta phones --json | jq '.items[].id'
  uacsta phones 00:04:13:aa:bb:cc
  uacsta phones 00:04:13:aa:bb:cc --watch      show it anew with each change
  uacsta phones add 00:04:13:aa:bb:cc          list a phone before it comes
  uacsta phones name 00:04:13:aa:bb:cc Reception
  uacsta phones off 00:04:13:aa:bb:cc
  uacsta phones restart-session 00:04:13:aa:bb:cc
  uacsta phones forget 00:04:13:aa:bb:cc
  uacsta phones --server https://10.0.0.5:8080 --ca ca.pem --token-file cli.token

--ca is a copy of ca.pem from the server's data folder, so that the command trusts the server.
Without web.tls on the server, forward the port with ssh -L 8080:127.0.0.1:8080 HOST, and give
--server http://127.0.0.1:8080.")]
pub(super) struct Phones {
    /// Show this phone alone, with the reason why it is not controlled, and what to do
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(completion::phones))]
    phone: Option<PhoneId>,
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the phones (the default)
    List(Watch),
    /// List a phone before it comes, so that it says why it does not
    Add(New),
    /// Give a phone a name for people, such as whose it is; clients do not see it
    Name(Name),
    /// Enable a phone: clients may monitor and control it
    On(One),
    /// Disable a phone: its session ends, and clients see it as out of service
    Off(One),
    /// End the CSTA session with a phone in order, and open the next one
    RestartSession(One),
    /// Remove a phone that is away, and its lines; it is new if it registers again
    Forget(One),
}

/// A phone that is not listed yet.
#[derive(Args, Debug)]
struct New {
    /// MAC address, with or without separators, or the extension that the phone will log on with
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone)]
    phone: PhoneId,
    /// A name for people, such as whose phone it is
    #[arg(long)]
    name: Option<String>,
}

/// A phone and its name.
#[derive(Args, Debug)]
struct Name {
    /// MAC address, with or without separators, or the extension that the phone is listed under
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(completion::phones))]
    phone: PhoneId,
    /// At most 64 characters
    #[arg(required_unless_present = "none", conflicts_with = "none")]
    name: Option<String>,
    /// Take the name from it
    #[arg(long)]
    none: bool,
}

/// The phone that a subcommand is for.
#[derive(Args, Debug)]
struct One {
    /// MAC address, with or without separators, or the extension that the phone is listed under
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(completion::phones))]
    phone: PhoneId,
}

const PATH: &str = "/api/v1/phones";

impl Phones {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let wrong = |text: &str| Err(CommandError::Usage(text.to_owned()));
        match (&self.command, self.phone) {
            (Some(_), Some(_)) => {
                wrong("give the phone after the command, as in: uacsta phones off PHONE")
            }
            (Some(Command::List(watch)), None) => self.list(watch.watch || self.watch.watch),
            (Some(_), None) if self.watch.watch => {
                wrong("--watch shows the list, or a phone: uacsta phones PHONE --watch")
            }
            (None, None) => self.list(self.watch.watch),
            (None, Some(phone)) => self.show(phone),
            (Some(Command::Add(new)), None) => self.add(new),
            (Some(Command::Name(name)), None) => self.name(name),
            (Some(Command::On(One { phone })), None) => self.switch(*phone, true),
            (Some(Command::Off(One { phone })), None) => self.switch(*phone, false),
            (Some(Command::RestartSession(One { phone })), None) => self.restart_session(*phone),
            (Some(Command::Forget(One { phone })), None) => self.forget(*phone),
        }
    }

    fn list(&self, watch: bool) -> Result<(), CommandError> {
        let status = RefCell::new(Value::Null);
        let count = || {
            *status.borrow_mut() = self.query.get("/api/v1/status")?;
            Ok(())
        };
        self.query.view(
            watch,
            &View {
                // The monitors of clients are counted below the list.
                topics: "phones,clients",
                read: &|| {
                    count()?;
                    self.query.list(PATH)
                },
                update: &|list, events| {
                    let of_phones = |event: &&Value| {
                        let kind = event["type"].as_str().unwrap_or_default();
                        kind.starts_with("phone.")
                    };
                    let of_phones: Vec<Value> = events.iter().filter(of_phones).cloned().collect();
                    apply(list, &of_phones);
                    count()
                },
                text: &|list| table(list, &status.borrow()),
            },
        )
    }

    fn show(&self, phone: PhoneId) -> Result<(), CommandError> {
        let read = || self.query.get(&path(phone));
        self.query.view(
            self.watch.watch,
            &View {
                topics: "phones",
                read: &read,
                update: &|shown, events| {
                    if events.iter().any(|event| is_about(event, &shown["id"])) {
                        *shown = read()?;
                    }
                    Ok(())
                },
                text: &details,
            },
        )
    }

    fn add(&self, New { phone, name }: &New) -> Result<(), CommandError> {
        let body = json!({ "id": phone, "displayName": name });
        let answer = self.query.send(Method::POST, PATH, Some(&body))?;
        self.query.show(&answer, |_| format!("{phone} is listed\n"))
    }

    fn change(&self, phone: PhoneId, change: &Value) -> Result<Value, CommandError> {
        let path = path(phone);
        let answer = self.query.send(Method::PATCH, &path, Some(change))?;
        match answer.is_object() {
            true => Ok(answer),
            false => Err(CommandError::Failed(
                "unexpected answer: not a JSON object; is this a uacsta server?".to_owned(),
            )),
        }
    }

    fn name(&self, Name { phone, name, .. }: &Name) -> Result<(), CommandError> {
        let answer = self.change(*phone, &json!({ "displayName": name }))?;
        let called = match name {
            Some(name) => format!("is named {}", escape_controls(name, &[])),
            None => "has no name".to_owned(),
        };
        self.query
            .show(&answer, |phone| format!("{} {called}\n", cell(phone, "id")))
    }

    fn switch(&self, phone: PhoneId, in_operation: bool) -> Result<(), CommandError> {
        let answer = self.change(phone, &json!({ "inOperation": in_operation }))?;
        let state = if in_operation { "enabled" } else { "disabled" };
        // A phone may be named by its number.
        self.query.show(&answer, |phone| {
            format!("{} is {state}\n", cell(phone, "id"))
        })
    }

    fn restart_session(&self, phone: PhoneId) -> Result<(), CommandError> {
        let path = format!("{}/restartSession", path(phone));
        let answer = self.query.send(Method::POST, &path, None)?;
        self.query.show(&answer, |phone| {
            let phone = cell(phone, "id");
            format!("the session with {phone} has ended; the next one is being opened\n")
        })
    }

    fn forget(&self, phone: PhoneId) -> Result<(), CommandError> {
        self.query.send(Method::DELETE, &path(phone), None)?;
        self.query
            .show(&json!({ "id": phone }), |_| format!("{phone} is removed\n"))
    }
}

/// Adds to the error of `phones PHONE off` where the phone belongs.
pub(super) fn with_tip(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let words = words.iter().map(|word| word.to_string_lossy());
    let mut words = words.skip_while(|word| word != "phones").skip(1);
    let is_incomplete = error.kind() == ErrorKind::MissingRequiredArgument;
    if let (true, Some(phone), Some(command)) = (is_incomplete, words.next(), words.next())
        && !phone.starts_with('-')
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
    format!("{PATH}/{}", phone.bare())
}

const COLUMNS: [(&str, &str); 10] = [
    ("PHONE", "id"),
    ("NAME", "displayName"),
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
                { "id": "00:04:13:00:00:01", "mac": "00:04:13:00:00:01", "displayName": "Reception", "maker": "snom", "model": "D345", "firmware": "10.1.159.12",
                  "address": "10.0.0.7", "state": "controlled", "lines": ["100", "101"], "inOperation": true },
                { "id": "00:15:65:00:00:02", "mac": "00:15:65:00:00:02", "maker": "Yealink", "model": null, "firmware": null,
                  "address": null, "state": "away", "lines": [], "inOperation": false,
                  "reason": { "code": "notInOperation", "detail": "An operator switched the phone off." } },
                { "id": "215", "mac": "00:04:13:00:00:03", "maker": "snom", "state": "away", "inOperation": true },
            ],
        });
        let expected = "\
PHONE                    NAME       MAKER    MODEL  FIRMWARE     ADDRESS   LAST LOGIN  STATUS      LINES    REASON
00:04:13:00:00:01        Reception  snom     D345   10.1.159.12  10.0.0.7              controlled  100 101
00:15:65:00:00:02                   Yealink                                            away, off            An operator switched the phone off.
215 (00:04:13:00:00:03)             snom                                               away
3 phones, 1 connected, 2 lines monitored
";
        let status = json!({ "connectedPhones": 1, "monitoredLines": 2 });
        assert_eq!(table(&answer, &status), expected);
    }
}
