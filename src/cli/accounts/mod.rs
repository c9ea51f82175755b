//! `uacsta accounts`: lists, adds, changes and removes accounts of clients and programs.

mod text;
mod tokens;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use text::{details, table};
use tokens::Tokens;
use uacsta_connect::CommandError;

use super::{percent_encoded, query::Query, settings::read_password};

/// The arguments of `accounts`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta accounts
  uacsta accounts add crm --watch '*' --control 215,216 < password.txt
  uacsta accounts set crm --control '*'      in place of its former rights
  uacsta accounts show crm
  uacsta accounts password crm < password.txt
  uacsta accounts remove crm
  uacsta accounts tokens crm                 the tokens of its programs
  uacsta accounts tokens crm add \"wall display\" --ends 90d
  uacsta accounts tokens crm remove 5f0e6b1c9a42

LINES are names of lines as clients use them, separated by commas; * is every line. Accounts of the
settings (clients.user, clients.accounts) are changed there; they have tokens all the same.")]
pub(super) struct Accounts {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the accounts (the default)
    List,
    /// Show an account with all its rights
    Show(One),
    /// Add an account; asks for the password, or reads it from a pipe
    Add(Add),
    /// Change rights or numbers of an account; sessions that they do not allow end
    Set(Set),
    /// Give an account a new password
    Password(One),
    /// Remove an account; its sessions and tokens end
    Remove(One),
    /// List, add and remove the tokens with which programs use the API
    Tokens(Tokens),
}

#[derive(Args, Debug)]
struct One {
    /// The account's user name, or its id
    account: String,
}

#[derive(Args, Debug)]
struct Add {
    /// The name to log on with
    user: String,
    #[command(flatten)]
    rights: Rights,
    /// A phone number of the user's own; may be repeated
    #[arg(long = "number", value_name = "NUMBER")]
    numbers: Vec<String>,
}

#[derive(Args, Debug)]
struct Set {
    /// The account's user name, or its id
    account: String,
    #[command(flatten)]
    rights: Rights,
    /// Take all rights from it
    #[arg(long, conflicts_with_all = ["status", "watch", "control"])]
    no_rights: bool,
    /// A phone number of the user's own, in place of the former ones; may be repeated
    #[arg(long = "number", value_name = "NUMBER", conflicts_with = "no_numbers")]
    numbers: Vec<String>,
    /// Take all numbers from it
    #[arg(long)]
    no_numbers: bool,
}

/// Rights by level. Each level includes those before it.
#[derive(Args, Debug)]
struct Rights {
    /// Lines that it may see, with their state
    #[arg(long, value_name = "LINES", value_delimiter = ',')]
    status: Vec<String>,
    /// Lines that it may monitor too
    #[arg(long, value_name = "LINES", value_delimiter = ',')]
    watch: Vec<String>,
    /// Lines that it may control too
    #[arg(long, value_name = "LINES", value_delimiter = ',')]
    control: Vec<String>,
}

impl Rights {
    /// As the API has them.
    fn value(&self) -> Vec<Value> {
        let levels = [
            ("status", &self.status),
            ("watch", &self.watch),
            ("control", &self.control),
        ];
        let named = levels.into_iter().filter(|(_, lines)| !lines.is_empty());
        named
            .map(|(level, lines)| json!({ "level": level, "lines": lines }))
            .collect()
    }
}

impl Set {
    /// The members that change.
    fn change(&self) -> Result<Value, CommandError> {
        let mut change = Map::new();
        let rights = self.rights.value();
        if self.no_rights || !rights.is_empty() {
            change.insert("rights".to_owned(), rights.into());
        }
        if self.no_numbers || !self.numbers.is_empty() {
            change.insert("numbers".to_owned(), json!(self.numbers));
        }
        if change.is_empty() {
            let what = "name what changes: --status, --watch and --control, or --no-rights; --number, or --no-numbers";
            return Err(CommandError::Usage(what.to_owned()));
        }
        Ok(change.into())
    }
}

const PATH: &str = "/api/v1/accounts";

/// The path of an account.
fn path(account: &str) -> String {
    format!("{PATH}/{}", percent_encoded(account))
}

impl Accounts {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let query = &self.query;
        match self.command.unwrap_or(Command::List) {
            Command::List => {
                let list = query.list(PATH)?;
                query.show(&list, table)
            }
            Command::Show(One { account }) => query.show(&query.get(&path(&account))?, details),
            Command::Add(Add {
                user,
                rights,
                numbers,
            }) => {
                let password = read_password(&user)?;
                let rights = rights.value();
                let new = json!({ "user": user, "password": password, "rights": rights, "numbers": numbers });
                let added = query.send(Method::POST, PATH, Some(&new))?;
                let none = match rights.is_empty() {
                    true => "; it has no rights yet: uacsta accounts set",
                    false => "",
                };
                query.show(&added, |_| format!("{user} is added{none}\n"))
            }
            Command::Set(set) => {
                let (path, change) = (path(&set.account), set.change()?);
                let changed = query.send(Method::PATCH, &path, Some(&change))?;
                query.show(&changed, details)
            }
            Command::Password(One { account }) => {
                let password = read_password(&account)?;
                let change = json!({ "password": password });
                let path = path(&account);
                let changed = query.send(Method::PATCH, &path, Some(&change))?;
                query.show(&changed, |_| format!("{account} has a new password\n"))
            }
            Command::Remove(One { account }) => {
                query.send(Method::DELETE, &path(&account), None)?;
                let removed = json!({ "account": account });
                query.show(&removed, |_| format!("{account} is removed\n"))
            }
            Command::Tokens(tokens) => tokens.run(query),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        accounts: Accounts,
    }

    fn set(arguments: &str) -> Result<Value, String> {
        let line = format!("uacsta set crm {arguments}");
        let parsed = Line::try_parse_from(line.split_whitespace());
        match parsed.map_err(|error| error.to_string())?.accounts.command {
            Some(Command::Set(set)) => set.change().map_err(|error| error.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn set_changes_what_is_named_alone() {
        for (arguments, expected) in [
            (
                "--watch * --control 215,216 --control 217",
                json!({ "rights": [{ "level": "watch", "lines": ["*"] }, { "level": "control", "lines": ["215", "216", "217"] }] }),
            ),
            ("--no-rights", json!({ "rights": [] })),
            ("--number +4930123", json!({ "numbers": ["+4930123"] })),
            (
                "--no-numbers --status *",
                json!({ "rights": [{ "level": "status", "lines": ["*"] }], "numbers": [] }),
            ),
        ] {
            assert_eq!(set(arguments).unwrap(), expected, "{arguments}");
        }
        for (wrong, expected) in [
            ("", "name what changes"),
            ("--no-rights --watch *", "cannot be used with"),
            ("--no-numbers --number 1", "cannot be used with"),
            ("--control", "a value is required"),
        ] {
            let said = set(wrong).unwrap_err();
            assert!(said.contains(expected), "{wrong}: {said}");
        }
    }
}
