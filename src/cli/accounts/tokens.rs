//! `uacsta accounts tokens`: lists, adds and removes the tokens of an account.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::CommandError;
use uacsta_schema::escape_controls;

use super::path;
use crate::cli::{
    output::note,
    percent_encoded,
    query::Query,
    table::columns,
    time::{local_time, parse_end},
};

#[derive(Args, Debug)]
pub(super) struct Tokens {
    /// The account's user name, or its id
    account: String,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the tokens with their last use (the default)
    List,
    /// Make a token and print it, this once
    Add(Add),
    /// Remove a token: its next request is refused, its open streams end
    Remove {
        /// The token's id, or its name if no other has it
        token: String,
    },
}

#[derive(Args, Debug)]
struct Add {
    /// What the token is for, such as the program that gets it
    name: String,
    /// When it ends: a time, or how long it is good, such as 90d [default: when it is removed]
    #[arg(long, value_name = "TIME", value_parser = parse_end)]
    ends: Option<Timestamp>,
}

impl Tokens {
    pub(super) fn run(self, query: &Query) -> Result<(), CommandError> {
        let tokens = format!("{}/tokens", path(&self.account));
        match self.command.unwrap_or(Command::List) {
            Command::List => {
                let list = query.list(&tokens)?;
                query.show(&list, table)
            }
            Command::Add(Add { name, ends }) => {
                let new = json!({ "name": name, "endsAt": ends });
                let made = query.send(Method::POST, &tokens, Some(&new))?;
                let text =
                    |made: &Value| format!("{}\n", made["token"].as_str().unwrap_or_default());
                query.show(&made, text)?;
                // A script takes the token alone.
                note("this token is not shown again; a program sends it as Authorization: Bearer");
                Ok(())
            }
            Command::Remove { token } => {
                let list = query.list(&tokens)?;
                let id = found(&list, &token).map_err(CommandError::Failed)?;
                let path = format!("{tokens}/{}", percent_encoded(&id));
                query.send(Method::DELETE, &path, None)?;
                let removed = json!({ "id": id });
                query.show(&removed, |_| format!("token {token} is removed\n"))
            }
        }
    }
}

/// The id of the token with this id, or of the only one with this name.
fn found(list: &Value, token: &str) -> Result<String, String> {
    let items = || list["items"].as_array().into_iter().flatten();
    let with = |key: &'static str| items().filter(move |one| one[key] == token);
    let named = with("name").count();
    if named > 1 && with("id").next().is_none() {
        return Err(format!(
            "{named} tokens are called {token}; name one by its id"
        ));
    }
    let one = with("id").chain(with("name")).next();
    let id = one.and_then(|one| one["id"].as_str()).map(str::to_owned);
    id.ok_or_else(|| {
        format!("the account has no token {token}; uacsta accounts tokens ACCOUNT lists them")
    })
}

fn table(list: &Value) -> String {
    const TITLES: [&str; 6] = ["ID", "NAME", "CREATED", "ENDS", "LAST USE", "ADDRESS"];
    let items = list["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if items.is_empty() {
        return "the account has no tokens\n".to_owned();
    }
    let text = |one: &Value, key: &str| {
        escape_controls(one[key].as_str().unwrap_or("-"), &[]).into_owned()
    };
    let time = |one: &Value, key: &str, none: &str| {
        one[key]
            .as_str()
            .map_or_else(|| none.to_owned(), local_time)
    };
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(items.iter().map(|one| {
        [
            text(one, "id"),
            text(one, "name"),
            time(one, "createdAt", "-"),
            time(one, "endsAt", "when removed"),
            time(one, "lastUsedAt", "never"),
            text(one, "lastUsedFrom"),
        ]
    }));
    columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_listed_with_their_end_and_last_use() {
        let at = local_time("2026-12-02T08:00:00.000Z");
        let list = json!({ "items": [
            { "id": "a1", "name": "wall", "createdAt": "2026-12-02T08:00:00.000Z", "endsAt": null, "lastUsedAt": null, "lastUsedFrom": null },
            { "id": "b2", "name": "crm", "createdAt": "2026-12-02T08:00:00.000Z", "endsAt": "2026-12-02T08:00:00.000Z",
              "lastUsedAt": "2026-12-02T08:00:00.000Z", "lastUsedFrom": "10.0.0.5" },
        ] });
        let expected = format!(
            "\
ID  NAME  CREATED              ENDS                 LAST USE             ADDRESS
a1  wall  {at}  when removed         never                -
b2  crm   {at}  {at}  {at}  10.0.0.5
"
        );
        assert_eq!(table(&list), expected);
        assert_eq!(
            table(&json!({ "items": [] })),
            "the account has no tokens\n"
        );
    }

    #[test]
    fn token_is_found_by_its_id_or_its_only_name() {
        let list = json!({ "items": [{ "id": "a1", "name": "wall" }, { "id": "b2", "name": "crm" }, { "id": "c3", "name": "crm" }] });
        for (named, expected) in [
            ("a1", Some("a1")),
            ("wall", Some("a1")),
            ("c3", Some("c3")),
            ("crm", None),
            ("x", None),
        ] {
            assert_eq!(found(&list, named).ok().as_deref(), expected, "{named}");
        }
    }
}
