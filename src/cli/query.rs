//! The server that a command asks, and the form in which it prints the answers.

use clap::Args;
use reqwest::Method;
use serde_json::Value;
use uacsta_connect::{ApiArgs, CommandError, print};

/// The arguments of each command that asks a server.
#[derive(Args, Debug)]
pub(super) struct Query {
    /// Print the API's JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) server: ApiArgs,
}

impl Query {
    /// What the server answers to a GET.
    pub(super) fn get(&self, path: &str) -> Result<Value, CommandError> {
        self.server.request(Method::GET, path, None)
    }

    /// What the server answers to a request that changes something.
    pub(super) fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        self.server.request(method, path, body)
    }

    /// All pages of a list.
    pub(super) fn list(&self, path: &str) -> Result<Value, CommandError> {
        self.server.list(path)
    }

    /// Prints an answer as JSON, or as text for people.
    pub(super) fn show(
        &self,
        answer: &Value,
        text: impl FnOnce(&Value) -> String,
    ) -> Result<(), CommandError> {
        let text = match self.json {
            true => format!("{answer:#}\n"),
            false => text(answer),
        };
        print(text.as_bytes())
    }
}
