//! `uacsta settings`: what can be done with the settings of a running server.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::api::Server;
use super::{Failure, print};

/// The arguments of `settings`.
#[derive(Args, Debug)]
pub(super) struct Settings {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Have the running server read its configuration again, as SIGHUP does
    #[command(
        after_help = "The configuration is checked first, and holds as a whole or not at all. Connections stand.

Examples:
  uacsta settings reload
  uacsta settings reload --server http://10.0.0.5:8080 --token-file cli.token"
    )]
    Reload(Server),
}

impl Settings {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Command::Reload(server) = self.command;
        let _: Value = server.ask(Method::POST, "/api/reload", None)?;
        print(b"the configuration was read again and holds now\n")
    }
}
