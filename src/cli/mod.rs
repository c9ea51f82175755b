//! The command line: its subcommands and the order in which they run.

mod check_config;
mod completions;
mod licenses;
mod man;
mod phones;
mod serve;
mod settings;

use clap::{Parser, Subcommand};
pub use serve::{Plan, Serve};
use uacsta_connect::CommandError;
use uacsta_console::{Certify, Client};
use uacsta_simulator::Simulate;

/// Open CSTA middleware for SIP desk phones: registrar and CSTA proxy.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  uacsta --demo                            demonstration on this machine; nothing is kept
  uacsta serve --config /etc/uacsta.toml   run the server with this configuration
  uacsta check-config /etc/uacsta.toml     check a configuration file
  uacsta phones                            list the phones

Exit code: 0 success, 1 failure, 2 wrong usage or configuration."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve(Serve),
    /// Check a configuration file without starting a server
    CheckConfig(check_config::CheckConfig),
    /// List the phones; enable, disable or remove one
    Phones(phones::Phones),
    /// Show licences and what uses them, add a licence, or issue licences
    Licenses(licenses::Licenses),
    /// Reload the configuration of a running server; hash a password
    Settings(settings::Settings),
    /// Try every CSTA service at a phone and compare it with its maker's profile
    Certify(Certify),
    /// Simulate phones of a maker that register and call each other
    Simulate(Simulate),
    /// A CTI client: an interactive console, or one command at a time
    Client(Client),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print the manual page
    Man(man::Man),
}

impl Cli {
    /// Runs the subcommand; returns `serve`, which the program runs itself.
    ///
    /// # Errors
    /// The subcommand's error, which has an exit code.
    pub fn run(self) -> Result<Option<Serve>, CommandError> {
        match self.command.unwrap_or(Command::Serve(self.serve)) {
            Command::Serve(serve) => return Ok(Some(serve)),
            Command::CheckConfig(command) => command.run()?,
            Command::Phones(command) => command.run()?,
            Command::Licenses(command) => command.run()?,
            Command::Settings(command) => command.run()?,
            Command::Certify(command) => command.run()?,
            Command::Simulate(command) => command.run()?,
            Command::Client(command) => command.run()?,
            Command::Completions(command) => command.run()?,
            Command::Man(command) => command.run()?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default() {
        for line in [
            &["uacsta"][..],
            &["uacsta", "--demo"],
            &["uacsta", "serve", "--demo"],
        ] {
            let serve = Cli::try_parse_from(line).unwrap().run().unwrap();
            assert!(serve.is_some(), "{line:?}");
        }
        for wrong in [
            &["uacsta", "dance"][..],
            &["uacsta", "phones", "on"],
            &["uacsta", "--demo", "man"],
        ] {
            assert_eq!(
                Cli::try_parse_from(wrong).unwrap_err().exit_code(),
                2,
                "{wrong:?}"
            );
        }
    }
}
