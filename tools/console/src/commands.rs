//! The console's commands, on the command line and in interactive mode.

use std::io;

use clap::{Subcommand, ValueEnum};
use serde_json::json;
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
        #[arg(required = true)]
        lines: Vec<String>,
        /// Stop after this time, such as 30s, 5m or 500ms (as a single command; else Ctrl-C ends it)
        #[arg(long = "for", value_name = "TIME", value_parser = uacsta_connect::parse_duration)]
        time: Option<std::time::Duration>,
    },
    /// Stop watching a line
    Unwatch {
        /// The line
        line: String,
    },
    /// Call a number from a line
    Dial {
        /// The line
        line: String,
        /// The number
        number: String,
    },
    /// Answer the call that rings
    Answer {
        /// The line
        line: String,
    },
    /// Hold the call
    Hold {
        /// The line
        line: String,
    },
    /// Take the call off hold
    Retrieve {
        /// The line
        line: String,
    },
    /// End the call, or decline the one that rings
    Drop {
        /// The line
        line: String,
    },
    /// Hold the call and call another number
    Consult {
        /// The line
        line: String,
        /// The number
        number: String,
    },
    /// Connect the held party with the active one, or the active one with a number
    Transfer {
        /// The line
        line: String,
        /// The number; without it, the held call and the active one are connected
        number: Option<String>,
    },
    /// Send the call that rings elsewhere
    Deflect {
        /// The line
        line: String,
        /// Where it goes
        number: String,
    },
    /// Send digits into the call
    Digits {
        /// The line
        line: String,
        /// 0 to 9, * and #
        digits: String,
    },
    /// Show the calls of a line
    Calls {
        /// The line
        line: String,
    },
    /// Switch do not disturb, or show whether it is on
    Dnd {
        /// The line
        line: String,
        /// Without it, show
        switch: Option<Switch>,
    },
    /// Forward calls, or show how they are forwarded
    Forward {
        /// The line
        line: String,
        /// Which calls; without it, show
        calls: Option<Calls>,
        /// Where they go, or off
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
            Self::Lines => {
                for line in console.lines().await? {
                    let text = line.device_id.unwrap_or_default().to_string();
                    let model = line.device_model_name;
                    output.print(&text, || json!({ "line": text, "model": model }))?;
                }
            }
            Self::Watch { lines, .. } => {
                for line in lines {
                    console.watch(line).await?;
                }
            }
            Self::Unwatch { line } => console.unwatch(line).await?,
            Self::Dial { line, number } => {
                let connection = console.dial(line, number).await?;
                output.call(&connection)?;
            }
            Self::Calls { line } => {
                for call in console.calls(line).await? {
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

async fn dnd(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
    switch: Option<Switch>,
) -> Result<(), RunError> {
    let device = DeviceId::from(line);
    let Some(switch) = switch else {
        let on = console
            .invoke(GetDoNotDisturb { device })
            .await?
            .do_not_disturb_on;
        let text = if on { "on" } else { "off" };
        return Ok(output.print(text, || json!({ "line": line, "dnd": on }))?);
    };
    let request = SetDoNotDisturb {
        device,
        do_not_disturb_on: switch == Switch::On,
        call_origination: None,
    };
    console.invoke(request).await?;
    Ok(())
}

async fn forward(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
    calls: Option<Calls>,
    to: Option<&str>,
) -> Result<(), RunError> {
    let device = DeviceId::from(line);
    let Some(calls) = calls else {
        let list = console
            .invoke(GetForwarding { device })
            .await?
            .forwarding_list;
        for item in list.into_iter().flatten() {
            output.forwarding(line, &item)?;
        }
        return Ok(());
    };
    let to = to.ok_or(RunError::WhereTo)?;
    let off = to.eq_ignore_ascii_case("off");
    let request = SetForwarding {
        device,
        forwarding_type: Some(match calls {
            Calls::All => ForwardingType::FORWARD_IMMEDIATE,
            Calls::Busy => ForwardingType::FORWARD_BUSY,
            Calls::Unanswered => ForwardingType::FORWARD_NO_ANS,
        }),
        activate_forward: !off,
        forward_dn: (!off).then(|| to.into()),
        ..SetForwarding::default()
    };
    console.invoke(request).await?;
    Ok(())
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// The console's request failed.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// The destination is missing.
    #[error("no destination: add a number, or off")]
    WhereTo,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}
