//! The command line: its subcommands and the order in which they run.

mod accounts;
mod audit;
mod bundle;
mod check_config;
mod clients;
mod completions;
mod licenses;
mod logs;
mod man;
mod operators;
mod output;
mod phones;
mod query;
mod serve;
mod service;
mod settings;
mod status;
mod table;
mod time;
mod trace;
mod unused_options;
mod watch;
mod web;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::CompleteEnv;
pub use serve::{Plan, Serve};
use uacsta_connect::{CommandError, DataArgs};
use uacsta_console::{Certify, Client};
use uacsta_simulator::Simulate;
use unused_options::{OF_SERVER, unused_options};

/// Open CSTA middleware for SIP desk phones: registrar and CSTA proxy.
#[derive(Debug, Parser)]
#[command(
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Examples:
  uacsta serve --demo                      demonstration on this machine; nothing is kept
  uacsta serve --config /etc/uacsta.toml   run the server with this configuration
  uacsta check-config /etc/uacsta.toml     check a configuration file
  uacsta phones                            list the phones

Options may stand before or after a subcommand. uacsta help COMMAND explains a command.
Exit code: 0 success, 1 failure, 2 wrong usage or configuration."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    // Every command that uses it has it as its own.
    #[command(flatten)]
    _data: DataArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Serve),
    /// Check a configuration file without starting a server
    CheckConfig(check_config::CheckConfig),
    /// Show the state of the server: phones, lines, connections and warnings
    Status(status::Status),
    /// Show whether phones and clients are served; stop or start that
    Service(service::Service),
    /// List the phones; show, add, enable, disable or remove one; restart its session
    Phones(phones::Phones),
    /// List the connected clients; show or end one
    Clients(clients::Clients),
    /// List, add, change and remove accounts of clients and programs, and their tokens
    Accounts(accounts::Accounts),
    /// Show the last SIP messages of a phone or client, or follow them
    Trace(trace::Trace),
    /// Build a support bundle: logs, state and settings without secrets in a zip file
    Bundle(bundle::Bundle),
    /// Show, search and follow the server's log; list and print its files
    Logs(logs::Logs),
    /// List, add, change and remove named operators
    Operators(operators::Operators),
    /// Show who changed what, and which requests were refused
    Audit(audit::Audit),
    /// Show licences and what uses them, add or remove one, or issue licences
    Licenses(licenses::Licenses),
    /// Show, set, reset and undo settings of the running server; reload its configuration
    Settings(settings::Settings),
    /// Print a link that logs a browser on, once
    Web(web::Web),
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
    /// Parses the arguments; with a wrong one the program ends, and also after it has answered a shell that completes a line.
    pub fn of_arguments() -> Self {
        CompleteEnv::with_factory(Self::command)
            .var(completions::VARIABLE)
            .complete();
        let words: Vec<OsString> = std::env::args_os().collect();
        Self::try_parse_from(&words).unwrap_or_else(|error| phones::with_tip(error, &words).exit())
    }

    /// Runs the subcommand; returns `serve`, which the program runs itself.
    ///
    /// # Errors
    /// The subcommand's error, which has an exit code.
    pub fn run(self) -> Result<Option<Serve>, CommandError> {
        match self.command {
            Command::Serve(serve) => return Ok(Some(serve)),
            Command::CheckConfig(command) => command.run()?,
            Command::Status(command) => command.run()?,
            Command::Service(command) => command.run()?,
            Command::Phones(command) => command.run()?,
            Command::Clients(command) => command.run()?,
            Command::Accounts(command) => command.run()?,
            Command::Trace(command) => command.run()?,
            Command::Bundle(command) => command.run()?,
            Command::Logs(command) => command.run()?,
            Command::Operators(command) => command.run()?,
            Command::Audit(command) => command.run()?,
            Command::Licenses(command) => command.run()?,
            Command::Settings(command) => command.run()?,
            Command::Web(command) => command.run()?,
            Command::Certify(command) => command.run()?,
            Command::Simulate(command) => command.run()?,
            Command::Client(command) => command.run()?,
            Command::Completions(command) => command.run()?,
            Command::Man(command) => command.run()?,
        }
        Ok(None)
    }
}

/// A segment of a path (RFC 3986, section 3.3).
fn percent_encoded(segment: &str) -> String {
    let encode = |octet: u8| match octet {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(octet).to_string()
        }
        _ => format!("%{octet:02X}"),
    };
    segment.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn names_in_paths_are_encoded() {
        for (name, expected) in [("ecsta", "ecsta"), ("a b/c@ü", "a%20b%2Fc%40%C3%BC")] {
            assert_eq!(percent_encoded(name), expected);
        }
    }

    #[test]
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_says_what_a_command_does_in_lines_of_at_most_100_characters() {
        fn check(command: &mut clap::Command, path: &str) {
            assert!(command.get_about().is_some(), "{path} has no description");
            let help = command.render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{path}: {line}");
            }
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path} {argument}");
            }
            for inner in command.get_subcommands_mut() {
                let path = format!("{path} {}", inner.get_name());
                check(inner, &path);
            }
        }
        let mut program = Cli::command();
        program.build();
        check(&mut program, "uacsta");
        for command in program
            .get_subcommands()
            .filter(|it| it.get_name() != "help")
        {
            let after = command.get_after_help().map(ToString::to_string);
            let has_example = after.is_some_and(|text| text.contains("Example"));
            assert!(has_example, "{} has no example", command.get_name());
        }
    }

    #[test]
    fn command_is_required() {
        for wrong in [
            &["uacsta"][..],
            &["uacsta", "--demo"],
            &["uacsta", "dance"],
            &["uacsta", "phones", "on"],
        ] {
            let error = Cli::try_parse_from(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn help_leaves_out_the_options_of_a_server_where_none_is_asked() {
        for path in [
            &["licenses", "key"][..],
            &["licenses", "issue"],
            &["settings", "hash"],
            &["man"],
            &["completions"],
        ] {
            let mut program = Cli::command();
            program.build();
            let mut command = &mut program;
            for name in path {
                command = command.find_subcommand_mut(name).unwrap();
            }
            let help = command.render_help().to_string();
            for option in ["--data", "--server", "--token-file", "--json"] {
                assert!(!help.contains(option), "{path:?}: {help}");
            }
        }
        assert!(Cli::try_parse_from(["uacsta", "man", "--data", "x"]).is_ok());
    }

    #[test]
    fn options_stand_before_or_after_a_subcommand() {
        for line in [
            "uacsta --data x serve --config y",
            "uacsta --data x phones --json off 000413000001",
            "uacsta phones --data x off --json 000413000001",
            "uacsta phones off 000413000001 --json --data x",
            "uacsta licenses --data x add AAAA --json",
            "uacsta settings --server http://a --token-file b reload --data x",
            "uacsta client --tls --insecure lines --data x --server a:1 --user u --json",
            "uacsta --data x client watch 215 --password-file y",
            "uacsta certify --data x 000413000001",
            "uacsta simulate --data x",
            "uacsta check-config --data x",
            "uacsta --data x licenses --json key file",
            "uacsta settings hash --data x --json user",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let parsed = format!("{:?}", cli.command);
            assert!(parsed.contains(r#"data: Some("x")"#), "{line}: {parsed}");
        }
    }
}
