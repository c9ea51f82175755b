//! `uacsta service`: shows whether phones and clients are served; stops and starts that.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use uacsta_connect::CommandError;

use super::{query::Query, time::local_time};

/// The arguments of `service`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta service
  uacsta service stop
  uacsta service start
  uacsta service restart

A stop ends the sessions of clients and phones in order and closes their interfaces; the server, its
API and its pages go on. Phones and clients come back by themselves after a start. A server that is
started again serves in any case.")]
pub(super) struct Service {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    query: Query,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// End the sessions of clients and phones, and close their interfaces
    Stop,
    /// Serve phones and clients again
    Start,
    /// Stop, then start
    Restart,
}

impl Service {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let service = match self.command {
            None => self.query.get("/api/v1/status")?["service"].take(),
            Some(Command::Stop) => self.change("stopped")?,
            Some(Command::Start) => self.change("running")?,
            Some(Command::Restart) => {
                self.change("stopped")?;
                self.change("running")?
            }
        };
        self.query
            .show(&service, |service| format!("{}\n", sentence(service)))
    }

    fn change(&self, state: &str) -> Result<Value, CommandError> {
        let body = json!({ "state": state });
        let path = "/api/v1/status/service";
        self.query.send(Method::PUT, path, Some(&body))
    }
}

/// Its state, since when, and by whom.
pub(super) fn sentence(service: &Value) -> String {
    let text = |key: &str| service[key].as_str();
    let since = text("since").map(local_time).unwrap_or_default();
    let by = text("by").map_or_else(String::new, |by| format!(", by {by}"));
    format!("{} since {since}{by}", text("state").unwrap_or_default())
}
