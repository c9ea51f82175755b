//! `uacsta client`: a CTI console, interactive or with a single command.

use std::{io, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand as _, error::ErrorKind};
use uacsta_connect::{CommandError, ConnectArgs, Side, Target, stop_signal};
use uacsta_schema::escape_controls;

use crate::{
    Console, ConsoleError,
    commands::{Command, RunError},
    output::Output,
    prompt::Prompt,
};

/// The arguments of `client`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  uacsta client                                interactive; help lists the commands
  uacsta client lines --json
  uacsta client dial 215 216
  uacsta client watch 215 216 --json --for 30s
  UACSTA_CLIENTS_PASSWORD=... uacsta client --server pbx.example:5071 --tls --ca ca.pem lines

The password is that of --password-file, else of UACSTA_CLIENTS_PASSWORD, else of the settings of
the server with the data folder.")]
pub struct Client {
    #[command(flatten)]
    connect: ConnectArgs,
    /// User name [default: clients.user of the server's settings, else ecsta]
    #[arg(long, global = true)]
    user: Option<String>,
    /// Print JSON, one value a line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// A line typed in interactive mode.
#[derive(Debug, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    override_help = command_list()
)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

impl Client {
    /// Runs the command, or the interactive console.
    ///
    /// # Errors
    /// Why it failed, with the exit code.
    pub fn run(self) -> Result<(), CommandError> {
        let target = self.connect.target(Side::Clients)?;
        let user = self.user.as_deref().or(target.user.as_deref());
        let user = user.unwrap_or("ecsta");
        let server = &target.server;
        actix_rt::System::new().block_on(async {
            let connected = Console::connect(server, user, &target.password).await;
            let mut console = connected.map_err(|error| explained(error, user, &target))?;
            let address = server.address();
            let running = self.carry_out(&mut console, &address);
            let done = tokio::select! {
                // First, so that the signals have their handlers before anything is printed.
                biased;
                () = stop_signal() => match &self.command {
                    None | Some(Command::Watch { .. }) => Ok(()),
                    Some(_) => Err(RunError::Interrupted),
                },
                done = running => done,
            };
            console.log_off().await;
            match done {
                // A closed pipe (`| head`) is not an error.
                Err(RunError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                done => Ok(done?),
            }
        })
    }

    async fn carry_out(&self, console: &mut Console, server: &str) -> Result<(), RunError> {
        let Some(command) = &self.command else {
            return interactive(console, self.json, server).await;
        };
        let mut out = io::stdout();
        let mut output = Output {
            out: &mut out,
            json: self.json,
        };
        single(command, console, &mut output).await
    }
}

/// Carries out one command. `watch` runs until its time is over.
async fn single(
    command: &Command,
    console: &mut Console,
    output: &mut Output<'_>,
) -> Result<(), RunError> {
    command.run(console, output).await?;
    let Command::Watch { time, .. } = command else {
        return Ok(());
    };
    let end = tokio::time::sleep(time.unwrap_or(Duration::MAX));
    tokio::pin!(end);
    loop {
        tokio::select! {
            event = console.next() => output.event(&event?)?,
            () = &mut end => return Ok(()),
        }
    }
}

async fn interactive(console: &mut Console, json: bool, server: &str) -> Result<(), RunError> {
    let (mut prompt, mut out) = Prompt::start(completions())?;
    let mut output = Output {
        out: &mut *out,
        json,
    };
    if !json {
        writeln!(
            output.out,
            "Connected to {server}. help lists the commands; quit leaves."
        )?;
    }
    if prompt.is_terminal() {
        // For completion; an account may be allowed to list none.
        let _ = console.lines().await;
    }
    loop {
        prompt.offer_lines(console.known_lines());
        prompt.ask();
        let line = loop {
            tokio::select! {
                event = console.next() => output.event(&event?)?,
                line = prompt.line() => break line,
            }
        };
        let Some(line) = line else { return Ok(()) };
        if !run_line(&line, console, &mut output).await? {
            return Ok(());
        }
    }
}

/// The commands with their arguments, a line each.
fn command_list() -> String {
    let mut commands = Command::augment_subcommands(clap::Command::new("").no_binary_name(true));
    commands.build();
    let usage = |command: &mut clap::Command| {
        let usage = command.render_usage().to_string();
        let usage = usage
            .trim_start_matches("Usage: ")
            .replace("[OPTIONS] ", "");
        let about = command.get_about().map(ToString::to_string);
        (usage, about.unwrap_or_default())
    };
    let commands = commands.get_subcommands_mut();
    let mut rows: Vec<_> = commands.map(usage).collect();
    rows.push(("quit".to_owned(), "Leave".to_owned()));
    let width = rows.iter().map(|(usage, _)| usage.len()).max();
    let width = width.unwrap_or(0);
    rows.iter()
        .map(|(usage, about)| format!("  {usage:width$}  {about}\n"))
        .collect()
}

/// The commands, each with the words that may follow its line.
fn completions() -> Vec<(String, Vec<String>)> {
    let typed = Typed::command();
    let of = |command: &clap::Command| {
        let choices = command.get_positionals().nth(1);
        let choices = choices.map(clap::Arg::get_possible_values);
        let choices = choices.unwrap_or_default().into_iter();
        let choices = choices.map(|choice| choice.get_name().to_owned());
        (command.get_name().to_owned(), choices.collect())
    };
    typed.get_subcommands().map(of).collect()
}

/// Carries out a typed line and prints its error, if any. Returns `false` for `quit`.
async fn run_line(
    line: &str,
    console: &mut Console,
    output: &mut Output<'_>,
) -> Result<bool, RunError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [] => return Ok(true),
        ["quit" | "exit" | "q"] => return Ok(false),
        _ => {}
    }
    let words = words.into_iter().map(|word| match word {
        "?" => "help",
        word => word,
    });
    let text = match Typed::try_parse_from(words) {
        Err(error) => parse_error_text(&error),
        Ok(typed) => match typed.command.run(console, output).await {
            Ok(()) => return Ok(true),
            Err(error @ (RunError::Output(_) | RunError::Console(ConsoleError::Over(_)))) => {
                return Err(error);
            }
            // It may have a peer's words.
            Err(error) => escape_controls(&error.to_string(), &[]).into_owned(),
        },
    };
    output.lines(
        text.trim_end(),
        || serde_json::json!({ "error": text.trim_end() }),
    )?;
    Ok(true)
}

/// Help texts unchanged; of errors the first sentence, since the rest describes a command line.
fn parse_error_text(error: &clap::Error) -> String {
    let text = error.to_string();
    if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let first = text.split("\n\nUsage").next().unwrap_or(&text);
        let first = first.strip_prefix("error: ").unwrap_or(first);
        return format!("{} (help lists the commands)", first.trim_end());
    }
    text
}

/// The error of a log-on, with its likely cause.
fn explained(error: ConsoleError, user: &str, target: &Target) -> CommandError {
    let text = match error {
        ConsoleError::Dial(error) => return target.explained(error),
        ConsoleError::LogOn => match &target.wrong_port {
            Some(cause) => format!("{error}: {cause}"),
            None => format!(
                "{error}: check --user ({user}) and the password ({}); or is that the port of phones?",
                target.password_source
            ),
        },
        ConsoleError::NoSession(_) | ConsoleError::Over(_) => match &target.wrong_port {
            Some(cause) => format!("{error}: {cause}"),
            None if target.server.is_secure() => error.to_string(),
            None => format!("{error}: if that port expects TLS, add --tls"),
        },
        error => error.to_string(),
    };
    CommandError::Failed(text)
}

impl From<ConsoleError> for CommandError {
    fn from(error: ConsoleError) -> Self {
        match error {
            ConsoleError::Dial(error) => error.into(),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Console(error) => error.into(),
            RunError::WhereTo | RunError::OffTo => Self::Usage(error.to_string()),
            RunError::Interrupted => Self::Interrupted(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed_or_rejected_with_a_reason() {
        fn check(line: &str, expected: Result<&str, &str>) {
            let typed = Typed::try_parse_from(line.split_whitespace());
            match (typed, expected) {
                (Ok(typed), Ok(command)) => assert_eq!(format!("{:?}", typed.command), command),
                (Err(error), Err(says)) => {
                    let text = error.to_string();
                    assert!(text.contains(says), "{line}: {text}");
                }
                (typed, _) => panic!("{line}: {typed:?}"),
            }
        }
        check("lines", Ok("Lines"));
        check("answer 215", Ok(r#"Answer { line: "215" }"#));
        check("dnd 215 on", Ok(r#"Dnd { line: "215", switch: Some(On) }"#));
        check(
            "forward 215 unanswered 216",
            Ok(r#"Forward { line: "215", calls: Some(Unanswered), to: Some("216") }"#),
        );
        check("dial 215", Err("NUMBER"));
        check("dnd 215 maybe", Err("possible values: on, off"));
        check("dance", Err("unrecognized subcommand"));
        check("help", Err("  dial <LINE> <NUMBER> "));
        check("help", Err("  forward <LINE> [CALLS] [NUMBER|off] "));
        check("watch", Err("LINES"));
        check("watch 215 --for soon", Err("soon"));
    }
}
