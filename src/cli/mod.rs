//! The command line: what can be asked of the program, and how it answers.

mod api;
mod certify;
mod check_config;
mod completions;
mod licenses;
mod man;
mod phones;
mod serve;
mod settings;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use serve::{Plan, Serve};

/// Open CSTA middleware for SIP desk phones: registrar and CSTA proxy.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  uacsta --demo                            look at it on this machine alone; nothing stays
  uacsta serve --config /etc/uacsta.toml   serve as that file says
  uacsta check-config /etc/uacsta.toml     is the file fine?
  uacsta phones                            which telephones are there?

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
    /// List the telephones, or put one into or out of operation
    Phones(phones::Phones),
    /// Show what is licensed and in use, add a licence, or issue some
    Licenses(licenses::Licenses),
    /// Have a running server read its configuration again
    Settings(settings::Settings),
    /// Try every service at a phone, and compare it with its maker's profile
    Certify(certify::Certify),
    /// Simulate phones of a maker, which register and call each other
    Simulate(crate::simulate::command::Simulate),
    /// Talk to a server as a CTI client: a console, or one command at a time
    Client(crate::client::command::Client),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print the manual page
    Man(man::Man),
}

/// Why a command did not do what it was asked; its display is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was asked, or configured, is wrong: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It did not work out: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl Cli {
    /// Runs a command that ends by itself, and hands `serve`, named or not, back for the program to run.
    ///
    /// # Errors
    /// What went wrong, with the exit code that belongs to it.
    pub fn run(self) -> Result<Option<Serve>, Failure> {
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

impl Failure {
    /// 2 for wrong usage or configuration, else 1.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl From<::settings::SettingsError> for Failure {
    fn from(error: ::settings::SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// An error and its causes in one sentence, each cause once: most errors tell theirs themselves.
pub fn sentence(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !said.contains(&told) {
            said = format!("{said}: {told}");
        }
        cause = error.source();
    }
    said
}

/// Where the data is.
#[derive(Args, Clone, Debug)]
struct Data {
    /// Data folder: telephone list, passwords, certificate, logs
    #[arg(
        long = "data",
        value_name = "DIR",
        env = "STATE_DIRECTORY",
        default_value = "uacsta-data"
    )]
    pub folder: PathBuf,
}

/// Writes to standard output; a reader that has seen enough (`| head`) is no failure.
fn print(text: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("standard output: {error}")))
        }
        _ => Ok(()),
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
