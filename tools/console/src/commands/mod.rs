//! The console's commands, on the command line and in interactive mode.

mod dial;
mod error;
mod feature;

use clap::{Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use dial::dial;
pub(super) use error::RunError;
use feature::{dnd, forward};
use serde_json::json;
use uacsta_connect::completion;
use uacsta_schema::csta::*;

use crate::{Console, ConsoleError, output::Output};

/// A console command.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// List all lines
    Lines,
    /// Print the events of lines as they come
    Watch {
        /// The lines: numbers, SIP URIs or MAC addresses
        #[arg(required = true, add = ArgValueCompleter::new(completion::lines))]
        lines: Vec<String>,
        /// Stop after this time, such as 30s, 5m or 500ms [default: at Ctrl-C]
        #[arg(long = "for", value_name = "TIME", value_parser = uacsta_connect::parse_duration)]
        time: Option<std::time::Duration>,
    },
    /// Stop watching a line
    Unwatch {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
    },
    /// Call a number from a line
    Dial {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// The number
        number: String,
    },
    /// Answer the call that rings
    Answer {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
    },
    /// Hold the call
    Hold {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
    },
    /// Take the call off hold
    Retrieve {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
    },
    /// End the call, or decline the one that rings
    Drop {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
    },
    /// Hold the call and call another number
    Consult {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// The number
        number: String,
    },
    /// Connect the held party with the active one, or the active one with a number
    Transfer {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// The number; without it, the held call and the active one are connected
        number: Option<String>,
    },
    /// Send the call that rings elsewhere
    Deflect {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// Where it goes
        number: String,
    },
    /// Send digits into the call
    Digits {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// 0 to 9, * and #
        digits: String,
    },
    /// Show the calls of a line
    Calls {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
    },
    /// Switch do not disturb, or show whether it is on
    Dnd {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// Without it, show
        switch: Option<Switch>,
    },
    /// Forward calls, or show how they are forwarded
    Forward {
        /// The line
        #[arg(add = ArgValueCompleter::new(completion::lines))]
        line: String,
        /// Which calls; without it, show
        calls: Option<Calls>,
        /// Where these calls go, or off
        #[arg(value_name = "NUMBER|off", requires = "calls")]
        to: Option<String>,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

/// Which calls are forwarded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Calls {
    /// All
    All,
    /// Those that find the line busy
    Busy,
    /// Those that nobody answers
    Unanswered,
    /// None: switch all forwardings off
    Off,
}

impl Command {
    /// Carries out the command and prints its results.
    ///
    /// # Errors
    /// The server or the phone rejects it, or the output cannot be written.
    pub(super) async fn run(
        &self,
        console: &mut Console,
        output: &mut Output<'_>,
    ) -> Result<(), RunError> {
        match self {
            Self::Lines => list(console, output).await?,
            Self::Watch { lines, .. } => {
                for line in lines {
                    console.watch(line).await.map_err(unknown(line))?;
                    output.note(&format!("watching {line}"))?;
                }
            }
            Self::Unwatch { line } => console.unwatch(line).await?,
            Self::Dial { line, number } => dial(console, output, line, number).await?,
            Self::Calls { line } => {
                let calls = console.calls(line).await.map_err(unknown(line))?;
                if calls.is_empty() {
                    output.note(&format!("{line} has no calls"))?;
                }
                for call in calls {
                    output.device_call(&call)?;
                }
            }
            Self::Dnd { line, switch } => dnd(console, output, line, *switch).await?,
            Self::Forward { line, calls, to } => {
                forward(console, output, line, *calls, to.as_deref()).await?;
            }
            command => command.control(console, output).await?,
        }
        Ok(())
    }

    /// Commands on the line's call in the matching state.
    async fn control(
        &self,
        console: &mut Console,
        output: &mut Output<'_>,
    ) -> Result<(), RunError> {
        match self {
            Self::Answer { line } => {
                let call_to_be_answered = console.connection(line, &RINGS, "rings").await?;
                let request = AnswerCall {
                    call_to_be_answered,
                    ..AnswerCall::default()
                };
                console.invoke(request).await?;
            }
            Self::Hold { line } => {
                let request = HoldCall {
                    call_to_be_held: console.connection(line, &ACTIVE, "is active").await?,
                    ..HoldCall::default()
                };
                console.invoke(request).await?;
            }
            Self::Retrieve { line } => {
                let call_to_be_retrieved = console.connection(line, &HELD, "is held").await?;
                console
                    .invoke(RetrieveCall {
                        call_to_be_retrieved,
                    })
                    .await?;
            }
            Self::Drop { line } => {
                let connection = console.connection(line, &ANY, "could be ended").await?;
                let request = ClearConnection {
                    connection_to_be_cleared: connection,
                    ..ClearConnection::default()
                };
                console.invoke(request).await?;
            }
            Self::Consult { line, number } => {
                let request = ConsultationCall {
                    existing_call: console.connection(line, &ACTIVE, "is active").await?,
                    consulted_device: number.as_str().into(),
                    ..ConsultationCall::default()
                };
                let response = console.invoke(request).await?;
                output.call(&response.initiated_call)?;
            }
            Self::Transfer { line, number: None } => {
                let request = TransferCall {
                    held_call: console.connection(line, &HELD, "is held").await?,
                    active_call: console.connection(line, &ACTIVE, "is active").await?,
                };
                console.invoke(request).await?;
            }
            Self::Transfer {
                line,
                number: Some(number),
            } => {
                let request = SingleStepTransferCall {
                    active_call: console.connection(line, &ACTIVE, "is active").await?,
                    transferred_to: number.as_str().into(),
                    ..SingleStepTransferCall::default()
                };
                console.invoke(request).await?;
            }
            Self::Deflect { line, number } => {
                let request = DeflectCall {
                    call_to_be_diverted: console.connection(line, &RINGS, "rings").await?,
                    new_destination: DeviceId::from(number.as_str()).into(),
                    ..DeflectCall::default()
                };
                console.invoke(request).await?;
            }
            Self::Digits { line, digits } => {
                let request = GenerateDigits {
                    connection_to_send_digits: console
                        .connection(line, &ACTIVE, "is active")
                        .await?,
                    characters_to_send: digits.clone(),
                    ..GenerateDigits::default()
                };
                console.invoke(request).await?;
            }
            // `run` has carried out the other commands.
            _ => {}
        }
        Ok(())
    }
}

const RINGS: [LocalConnectionState; 1] = [LocalConnectionState::ALERTING];
const ACTIVE: [LocalConnectionState; 1] = [LocalConnectionState::CONNECTED];
const HELD: [LocalConnectionState; 1] = [LocalConnectionState::HOLD];
const ANY: [LocalConnectionState; 5] = [
    LocalConnectionState::CONNECTED,
    LocalConnectionState::ALERTING,
    LocalConnectionState::INITIATED,
    LocalConnectionState::FAIL,
    LocalConnectionState::HOLD,
];

/// Lists the lines, and marks those whose phone is away.
async fn list(console: &mut Console, output: &mut Output<'_>) -> Result<(), RunError> {
    let lines = console.lines().await?;
    if lines.is_empty() {
        output.note(NO_LINES)?;
    }
    // Each phone is asked, which takes too long for thousands.
    let asks = lines.len() <= MOST_ASKED;
    for line in lines {
        let Some(device) = line.device_id else {
            continue;
        };
        let away = match asks {
            true => Some(console.is_away(&device).await?),
            false => None,
        };
        let mark = match away {
            Some(true) => "  phone is away or disabled",
            _ => "",
        };
        let model = line.device_model_name;
        output.print(
            &format!("{device}{mark}"),
            || json!({ "line": device.as_str(), "model": model, "away": away }),
        )?;
    }
    if !asks {
        output.note(&format!(
            "(phones are asked whether they are away for at most {MOST_ASKED} lines)"
        ))?;
    }
    Ok(())
}

/// A phone that was never switched on has told no lines, so that a client cannot tell it from none.
const NO_LINES: &str = "no lines: no phone has registered yet, those that have are switched off (uacsta phones lists them; enable with uacsta phones on MAC), or this user may see none";

/// The longest list of lines whose phones are asked whether they are away.
const MOST_ASKED: usize = 200;
/// Says so where the line is unknown to the server.
fn unknown(line: &str) -> impl FnOnce(ConsoleError) -> ConsoleError {
    let line = line.to_owned();
    move |error| match error {
        ConsoleError::Failed(failure) if failure == Failure::INVALID_DEVICE_ID => {
            ConsoleError::NoLine(line)
        }
        error => error,
    }
}
