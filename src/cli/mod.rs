//! The command line: what can be asked of the program, and how it answers.

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
  uacsta --demo                            look at it on this machine alone; nothing stays
  uacsta serve --config /etc/uacsta.toml   serve as that file says
  uacsta check-config /etc/uacsta.toml     is the file fine?
  uacsta phones                            which phones are there?

Exit code: 0 fine, 1 failed, 2 wrong usage or configuration."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve phones and clients (what the program does when it is asked for nothing else)
    Serve(Serve),
    /// Check a configuration file without serving
    CheckConfig(check_config::CheckConfig),
    /// List the phones, or put one into or out of operation
    Phones(phones::Phones),
    /// Show what is licensed and in use, add a licence, or issue some
    Licenses(licenses::Licenses),
    /// Have a running server read its configuration again
    Settings(settings::Settings),
    /// Try every service at a phone, and compare it with its maker's profile
    Certify(Certify),
    /// Simulate phones of a maker, which register and call each other
    Simulate(Simulate),
    /// Talk to a server as a CTI client: a console, or one command at a time
    Client(Client),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print the manual page
    Man(man::Man),
}

impl Cli {
    /// Runs a command that ends by itself, and hands `serve`, named or not, back for the program to run.
    ///
    /// # Errors
    /// What went wrong, with the exit code that belongs to it.
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
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default() {
        for line in [
            &["uacsta"][..],
            &["uacsta", "--demo"],
            &["uacsta", "serve", "--demo"],
        ] {
            let asked = Cli::try_parse_from(line).unwrap().run().unwrap();
            assert!(asked.is_some(), "{line:?}");
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
