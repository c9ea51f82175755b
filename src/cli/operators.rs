//! `uacsta operators`: lists, adds, changes and removes named operators.

use std::fmt::Write;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::{CommandError, completion};

use super::{query::Query, settings::read_password, table::columns};

/// The arguments of `operators`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta operators
  uacsta operators add anna --rights operate
  uacsta operators password anna < password.txt
  uacsta operators remove anna
  uacsta operators sessions                who is logged on
  uacsta operators sessions end Zk3_8aQw")]
pub(super) struct Operators {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the operators (the default)
    List,
    /// Add an operator; asks for the password, or reads it from a pipe
    Add(Add),
    /// Give an operator a new password and end its sessions
    Password(One),
    /// Remove an operator and end its sessions
    Remove(One),
    /// List who is logged on with a password, or end a session
    Sessions(Sessions),
}

#[derive(Args, Debug)]
struct Sessions {
    #[command(subcommand)]
    command: Option<SessionCommand>,
}

#[derive(Debug, Subcommand)]
enum SessionCommand {
    /// List the sessions (the default)
    List,
    /// End a session
    End {
        /// The session's id
        #[arg(allow_hyphen_values = true, add = ArgValueCompleter::new(completion::sessions))]
        id: String,
    },
}

#[derive(Args, Debug)]
struct One {
    /// The operator's name
    #[arg(add = ArgValueCompleter::new(completion::operators))]
    name: String,
}

#[derive(Args, Debug)]
struct Add {
    /// The name to log on with
    name: String,
    /// What the operator may do
    #[arg(long, value_enum, default_value_t = Rights::Read)]
    rights: Rights,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rights {
    /// See everything but secrets
    Read,
    /// Change phones too
    Operate,
    /// Change settings, licences and operators too
    Admin,
}

impl Rights {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

const PATH: &str = "/api/v1/operators";
const SESSIONS: &str = "/api/v1/sessions";

impl Operators {
    pub(super) fn run(self) -> Result<(), CommandError> {
        match self.command.as_ref().unwrap_or(&Command::List) {
            Command::List => {
                let list = self.query.list(PATH)?;
                self.query.show(&list, table)
            }
            Command::Add(Add { name, rights }) => {
                let password = read_password(name)?;
                let new = json!({ "name": name, "rights": rights.name(), "password": password });
                let added = self.query.send(Method::POST, PATH, Some(&new))?;
                self.query.show(&added, |_| format!("{name} is added\n"))
            }
            Command::Password(One { name }) => {
                let id = self.id(name)?;
                let password = read_password(name)?;
                let change = json!({ "password": password });
                let path = format!("{PATH}/{id}");
                let changed = self.query.send(Method::PATCH, &path, Some(&change))?;
                self.query
                    .show(&changed, |_| format!("{name} has a new password\n"))
            }
            Command::Remove(One { name }) => {
                let id = self.id(name)?;
                let path = format!("{PATH}/{id}");
                self.query.send(Method::DELETE, &path, None)?;
                self.query
                    .show(&json!({ "id": id }), |_| format!("{name} is removed\n"))
            }
            Command::Sessions(Sessions { command }) => match command {
                None | Some(SessionCommand::List) => {
                    let path = format!("{SESSIONS}?sort=-lastUsedAt");
                    let list = self.query.list(&path)?;
                    self.query.show(&list, session_table)
                }
                Some(SessionCommand::End { id }) => {
                    let path = format!("{SESSIONS}/{id}");
                    self.query.send(Method::DELETE, &path, None)?;
                    self.query.show(&json!({ "id": id }), |_| {
                        "the session has ended\n".to_owned()
                    })
                }
            },
        }
    }

    /// The id of the operator with this name, which may need escapes in a path.
    fn id(&self, name: &str) -> Result<String, CommandError> {
        let list = self.query.list(PATH)?;
        let mut all = list["items"].as_array().into_iter().flatten();
        let is_meant = |one: &&Value| {
            let known = one["name"].as_str().unwrap_or_default();
            known.to_lowercase() == name.to_lowercase()
        };
        let id = all.find(is_meant).and_then(|one| one["id"].as_str());
        let unknown = || {
            CommandError::Failed(format!(
                "there is no operator {name}; uacsta operators lists them"
            ))
        };
        id.map(str::to_owned).ok_or_else(unknown)
    }
}

fn table(list: &Value) -> String {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let rows = list["items"].as_array().into_iter().flatten();
    let rows: Vec<_> = rows
        .map(|one| (text(one, "name"), text(one, "rights")))
        .collect();
    if rows.is_empty() {
        return "no operators but admin\n".to_owned();
    }
    let widest = rows.iter().map(|(name, _)| name.chars().count()).max();
    let widest = widest.unwrap_or(0).max("NAME".len());
    let mut page = format!("{:widest$}  RIGHTS\n", "NAME");
    for (name, rights) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "{name:widest$}  {rights}");
    }
    page
}

fn session_table(list: &Value) -> String {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or("-").to_owned();
    // To the second: 2026-12-01T20:24:49.000Z.
    let time = |one: &Value, key: &str| {
        let time = text(one, key);
        time.get(..19).unwrap_or(&time).replace('T', " ")
    };
    let items = list["items"].as_array().into_iter().flatten();
    let mut rows = vec![
        [
            "ID",
            "OPERATOR",
            "SINCE (UTC)",
            "LAST USE (UTC)",
            "ADDRESS",
            "AGENT",
        ]
        .map(str::to_owned),
    ];
    rows.extend(items.map(|one| {
        [
            text(one, "id"),
            text(one, "operator"),
            time(one, "since"),
            time(one, "lastUsedAt"),
            text(one, "address"),
            text(one, "agent"),
        ]
    }));
    match rows.len() {
        1 => "nobody is logged on with a password\n".to_owned(),
        _ => columns(&rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_listed_with_their_times() {
        let list = json!({ "items": [{ "id": "Zk3", "operator": "anna", "since": "2026-12-01T20:24:49.000Z",
            "lastUsedAt": "2026-12-01T20:25:00.000Z", "address": "10.0.0.5", "agent": null }] });
        let table = session_table(&list);
        let row = "Zk3  anna      2026-12-01 20:24:49  2026-12-01 20:25:00  10.0.0.5  -";
        assert!(table.contains(row), "{table}");
        let nobody = session_table(&json!({ "items": [] }));
        assert_eq!(nobody, "nobody is logged on with a password\n");
    }

    #[test]
    fn operators_are_listed_with_their_rights() {
        let list = json!({ "items": [{ "name": "anna", "rights": "operate" }, { "name": "al", "rights": "read" }] });
        assert_eq!(table(&list), "NAME  RIGHTS\nanna  operate\nal    read\n");
        assert_eq!(table(&json!({ "items": [] })), "no operators but admin\n");
    }
}
