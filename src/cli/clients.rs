//! `uacsta clients`: lists the connected clients, shows one with its sessions and lines, or ends it.

use std::fmt::Write;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::{CommandError, completion};

use super::{
    percent_encoded,
    query::Query,
    table::columns,
    time::local_time,
    watch::{View, Watch, apply, is_about},
};

/// The arguments of `clients`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta clients
  uacsta clients --json | jq '.items[].user'
  uacsta clients --watch
  uacsta clients show ecsta
  uacsta clients end 19aef35c3a8

A client is named by its id or, if only one has logged on with it, by its user. A client that is
ended may log on again: to keep it out, change or remove its account first.")]
pub(super) struct Clients {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the connected clients (the default)
    List(Watch),
    /// Show a client with its sessions and monitored lines
    Show {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        watch: Watch,
    },
    /// End a client's sessions and its connection
    End(One),
}

#[derive(Args, Debug)]
struct One {
    /// The client's id, or its user
    #[arg(add = ArgValueCompleter::new(completion::clients))]
    client: String,
}

const PATH: &str = "/api/v1/clients";

impl Clients {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let all = self.watch.watch;
        match &self.command {
            None => self.list(all),
            Some(Command::List(watch)) => self.list(watch.watch || all),
            Some(Command::Show { one, watch }) => self.show(&one.client, watch.watch || all),
            Some(Command::End(_)) if all => Err(CommandError::Usage(
                "--watch shows the list, or a client: uacsta clients show CLIENT --watch"
                    .to_owned(),
            )),
            Some(Command::End(One { client })) => {
                self.query.send(Method::DELETE, &path(client), None)?;
                self.query.show(&json!({ "client": client }), |_| {
                    format!("client {client} is ended\n")
                })
            }
        }
    }

    fn list(&self, watch: bool) -> Result<(), CommandError> {
        let view = View {
            topics: "clients",
            read: &|| self.query.list(PATH),
            update: &|list, events| {
                apply(list, events);
                Ok(())
            },
            text: &table,
        };
        self.query.view(watch, &view)
    }

    fn show(&self, client: &str, watch: bool) -> Result<(), CommandError> {
        let read = || self.query.get(&path(client));
        let view = View {
            topics: "clients",
            read: &read,
            update: &|shown, events| {
                if events.iter().any(|event| is_about(event, &shown["id"])) {
                    *shown = read()?;
                }
                Ok(())
            },
            text: &details,
        };
        self.query.view(watch, &view)
    }
}

fn path(client: &str) -> String {
    format!("{PATH}/{}", percent_encoded(client))
}

/// The columns of the list and their members.
const COLUMNS: [(&str, &str); 8] = [
    ("ID", "id"),
    ("USER", "user"),
    ("ADDRESS", "address"),
    ("OVER", "transport"),
    ("SINCE", "since"),
    ("SESSIONS", "sessions"),
    ("MONITORS", "monitors"),
    ("REQUESTS", "requests"),
];

fn table(list: &Value) -> String {
    let clients = list["items"].as_array().map(Vec::as_slice);
    let clients = clients.unwrap_or_default();
    if clients.is_empty() {
        return "no client is connected\n".to_owned();
    }
    let mut rows = vec![COLUMNS.map(|(title, _)| title.to_owned())];
    let cells = |client: &Value| COLUMNS.map(|(_, key)| member(client, key));
    rows.extend(clients.iter().map(cells));
    columns(&rows)
}

/// A member, with a time in the local time zone.
fn member(client: &Value, key: &str) -> String {
    match client[key].as_str() {
        Some(time) if key == "since" => local_time(time),
        _ => cell(&client[key]),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('\n', "\\n"),
        other => other.to_string(),
    }
}

/// A client's members, a line each, then its sessions and lines.
fn details(client: &Value) -> String {
    let mut text = String::new();
    for (title, key) in COLUMNS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:9} {}", title.to_lowercase(), member(client, key));
    }
    for session in client["openSessions"].as_array().into_iter().flatten() {
        let _ = match session["line"].as_str() {
            None => writeln!(text, "session   with the server"),
            Some(line) => {
                let phone = cell(&session["phone"]);
                writeln!(
                    text,
                    "session   of line {} at phone {phone}",
                    cell(&line.into())
                )
            }
        };
    }
    for line in client["monitoredLines"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "monitors  {}", cell(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_listed_and_shown_with_their_sessions() {
        let mut client = json!({
            "id": "19ae", "user": "ecsta", "address": "10.0.0.7:50000", "transport": "TLS", "byFrontEnd": false,
            "since": "2026-12-02T08:00:00.000Z", "sessions": 2, "monitors": 1, "requests": 7,
        });
        let list = json!({ "items": [client] });
        let since = local_time("2026-12-02T08:00:00.000Z");
        let expected = format!(
            "\
ID    USER   ADDRESS         OVER  SINCE                SESSIONS  MONITORS  REQUESTS
19ae  ecsta  10.0.0.7:50000  TLS   {since}  2         1         7
"
        );
        assert_eq!(table(&list), expected);
        assert_eq!(table(&json!({ "items": [] })), "no client is connected\n");
        client["openSessions"] = json!([{ "line": null, "phone": null }, { "line": "215", "phone": "00:04:13:00:00:01" }]);
        client["monitoredLines"] = json!(["sip:215@pbx.example\nx"]);
        let shown = details(&client);
        let expected = "session   with the server\nsession   of line 215 at phone 00:04:13:00:00:01\nmonitors  sip:215@pbx.example\\nx\n";
        assert!(shown.ends_with(expected), "{shown}");
    }
}
