//! `uacsta settings`: shows and changes the settings of a running server, reloads its configuration, and hashes passwords.

mod completion;
mod hash;
mod secret_input;
mod text;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;
use hash::Hash;
use reqwest::Method;
pub(super) use secret_input::{read_password, read_secret};
use serde_json::{Value, json};
use uacsta_connect::CommandError;

use super::{OF_SERVER, query::Query, unused_options};

/// The arguments of `settings`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta settings list logs
  uacsta settings get advanced.request_timeout
  uacsta settings set advanced.request_timeout 5
  uacsta settings undo
  uacsta settings reload
  uacsta settings hash ecsta < password.txt")]
pub(super) struct Settings {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the settings with their values and what sets them
    List(List),
    /// Show a setting: value, default, what sets it, range and description
    Get(Get),
    /// Set a setting of the running server; it is kept over restarts
    #[command(
        after_help = "The change is checked, then applied at once, or nothing changes. Lists are written with commas or
as in TOML. The value of a secret is read from the terminal or a pipe.

Examples:
  uacsta settings set logs.level debug
  uacsta settings set web.names cti.example.com,10.0.0.5
  uacsta settings set phones.password < password.txt"
    )]
    Set(Set),
    /// Return settings to the value of the file, or to the default
    Reset(Reset),
    /// Show who changed which setting when, the latest first
    History,
    /// Undo a change of the last minute
    Undo(Undo),
    /// Reload the configuration of the running server, as SIGHUP does
    #[command(
        after_help = "The configuration is checked, then applied as a whole or not at all. Connections stay.

Examples:
  uacsta settings reload
  uacsta settings reload --server https://10.0.0.5:8080 --ca ca.pem --token-file cli.token"
    )]
    Reload,
    /// Print the hash of a client's password for a settings file
    #[command(
        args = unused_options(&OF_SERVER),
        after_help = "Asks for the password twice, without showing it, or reads it from a pipe. The hash replaces the
password in clients.password or an account; it is valid for this user and realm only.

Examples:
  uacsta settings hash ecsta < password.txt
  uacsta settings hash anna --realm pbx.example"
    )]
    Hash(Hash),
}

#[derive(Args, Debug)]
struct List {
    /// Only settings whose key contains this, such as logs
    part: Option<String>,
}

#[derive(Args, Debug)]
struct Get {
    /// The setting, such as logs.level
    #[arg(value_parser = parse_key, add = ArgValueCompleter::new(completion::keys))]
    key: String,
}

#[derive(Args, Debug)]
struct Set {
    /// The setting, such as logs.level
    #[arg(value_parser = parse_key, add = ArgValueCompleter::new(completion::keys))]
    key: String,
    /// The value; left out, it is read from the terminal or a pipe
    #[arg(allow_hyphen_values = true, add = ArgValueCompleter::new(completion::values))]
    value: Option<String>,
}

#[derive(Args, Debug)]
struct Reset {
    /// The settings, such as logs.level
    #[arg(required = true, value_name = "KEY", value_parser = parse_key, add = ArgValueCompleter::new(completion::keys))]
    keys: Vec<String>,
}

#[derive(Args, Debug)]
struct Undo {
    /// The change, as the history names it [default: the latest]
    change: Option<String>,
}

const SETTINGS: &str = "/api/v1/settings";

impl Settings {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let query = &self.query;
        match self.command {
            Command::Hash(hash) => hash.run(),
            Command::Reload => {
                let path = format!("{SETTINGS}/reload");
                let answer = query.send(Method::POST, &path, None)?;
                query.show(&answer, |_| "configuration reloaded\n".to_owned())
            }
            Command::List(List { part }) => {
                let mut list = query.get(SETTINGS)?;
                if let (Some(part), Some(items)) = (part, list["items"].as_array_mut()) {
                    items.retain(|one| one["key"].as_str().is_some_and(|key| key.contains(&part)));
                    if items.is_empty() && !query.json {
                        return Err(CommandError::Failed(format!(
                            "no setting's key contains {part}; uacsta settings list shows all"
                        )));
                    }
                    list["total"] = items.len().into();
                }
                query.show(&list, text::list)
            }
            Command::Get(Get { key }) => {
                let setting = query.get(&format!("{SETTINGS}/{key}"))?;
                query.show(&setting, text::setting)
            }
            Command::Set(Set { key, value }) => {
                let value = value_of(&key, value)?;
                change(query, &json!({ key: value }))
            }
            Command::Reset(Reset { keys }) => {
                let values: Value = keys.into_iter().map(|key| (key, Value::Null)).collect();
                change(query, &values)
            }
            Command::History => {
                let list = query.list(&format!("{SETTINGS}/history"))?;
                query.show(&list, text::history)
            }
            Command::Undo(Undo { change }) => undo(query, change),
        }
    }
}

fn change(query: &Query, values: &Value) -> Result<(), CommandError> {
    let answer = query.send(Method::PATCH, SETTINGS, Some(values))?;
    query.show(&answer, text::changed)
}

fn undo(query: &Query, id: Option<String>) -> Result<(), CommandError> {
    let id = match id {
        Some(id) => id,
        None => {
            let latest = query.get(&format!("{SETTINGS}/history?limit=1"))?;
            let id = latest["items"][0]["change"].as_str().map(str::to_owned);
            id.ok_or_else(|| CommandError::Failed("no setting was changed yet".to_owned()))?
        }
    };
    let path = format!("{SETTINGS}/undo");
    let answer = query.send(Method::POST, &path, Some(&json!({ "id": id })))?;
    query.show(&answer, text::changed)
}

/// The value in the type of the setting. A secret is not taken from the arguments, which every user of the machine can read.
fn value_of(key: &str, text: Option<String>) -> Result<Value, CommandError> {
    // The accounts contain passwords.
    let is_secret =
        ::uacsta_config::shown(key, Value::from("")).is_null() || key == "clients.accounts";
    let text = match text {
        Some(_) if is_secret => {
            return Err(CommandError::Usage(format!(
                "{key} is a secret, and every user of this machine can read the arguments of commands: leave it out, and type it when asked, or give it on standard input"
            )));
        }
        Some(text) => text,
        None => read_secret(&format!("{key}: "), |_| Ok(()))?,
    };
    Ok(::uacsta_config::value_of_text(key, &text))
}

fn parse_key(key: &str) -> Result<String, String> {
    match ::uacsta_config::known(key) {
        Ok(()) => Ok(key.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_setting_is_named_with_the_nearest() {
        assert!(parse_key("logs.level").is_ok());
        let said = parse_key("logs.levle").err().unwrap_or_default();
        assert_eq!(
            said,
            "logs.levle is not a setting; did you mean logs.level?"
        );
        for section in ["logs", "phones.lan"] {
            assert_eq!(
                parse_key(section),
                Err(format!(
                    "{section} is a section; uacsta settings list {section} shows its settings"
                ))
            );
        }
    }

    #[test]
    fn secret_among_the_arguments_is_refused() {
        let refused = value_of("web.password", Some("twelve letters".to_owned()));
        let said = refused
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(said.starts_with("web.password is a secret"), "{said}");
        let value = value_of("logs.keep", Some("3".to_owned())).ok();
        assert_eq!(value, Some(json!(3)));
    }
}
