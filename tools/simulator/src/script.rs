//! Scripts for simulated phones, one step a line.
//!
//! ```text
//! # A call that is transferred.
//! 215 dials 216
//! wait 216 rings
//! 216 answers
//! wait 2s
//! 216 consults 217
//! wait 217 rings
//! 217 answers
//! 216 transfers
//! wait 1s
//! 215 hangs up
//! ```

use std::{path::Path, time::Duration};

use uacsta_connect::parse_duration;
use uacsta_schema::csta::ForwardingType;

use super::{Button, Fleet, FleetError, Phone, pbx::Forwarding};

/// A parsed script.
#[derive(Clone, Debug)]
pub struct Script {
    name: String,
    steps: Vec<(usize, Step)>,
}

/// Why a script is invalid, or stopped.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{script}, line {line}: {what}")]
pub struct ScriptError {
    /// The script's file.
    pub script: String,
    /// The line, from 1.
    pub line: usize,
    /// The reason.
    pub what: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    Press(String, Button),
    AddLine(String, Box<str>),
    RemoveLine(String, Box<str>),
    GoAway(String),
    ComeBack(String),
    CallIn(String, String),
    Wait(Duration),
    WaitFor(String, Condition),
    Repeat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Condition {
    Rings,
    Talks,
    Idle,
}

/// How long `wait N ...` waits.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);

impl Script {
    /// Parses a script. `name` is its file, for error messages.
    ///
    /// # Errors
    /// The first invalid line.
    pub fn parse(name: &Path, text: &str) -> Result<Self, ScriptError> {
        let script = name.display().to_string();
        let mut steps = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.is_empty() {
                continue;
            }
            let step = step(&words).map_err(|what| ScriptError {
                script: script.clone(),
                line: number,
                what,
            })?;
            steps.push((number, step));
        }
        Ok(Self {
            name: script,
            steps,
        })
    }

    /// Carries out the steps. Calls `on_step` with the line number before each step.
    ///
    /// # Errors
    /// The first step that a phone rejects, or that times out.
    pub async fn play(
        &self,
        fleet: &Fleet,
        mut on_step: impl FnMut(usize),
    ) -> Result<(), ScriptError> {
        let mut index = 0;
        while let Some((line, step)) = self.steps.get(index) {
            on_step(*line);
            index = if *step == Step::Repeat { 0 } else { index + 1 };
            run(step, fleet).await.map_err(|what| ScriptError {
                script: self.name.clone(),
                line: *line,
                what,
            })?;
        }
        Ok(())
    }
}

fn step(words: &[&str]) -> Result<Step, String> {
    let forward = |number: &str, kind: ForwardingType, to: Option<&str>| {
        let forwarding = Forwarding {
            kind,
            on: to.is_some(),
            to: to.map(Into::into),
            ring_count: None,
            ring_duration: None,
        };
        Step::Press(number.to_owned(), Button::Forward(forwarding))
    };
    let press = |number: &str, button: Button| Step::Press(number.to_owned(), button);
    Ok(match *words {
        ["repeat"] => Step::Repeat,
        ["wait", number, "rings"] => Step::WaitFor(number.to_owned(), Condition::Rings),
        ["wait", number, "talks"] => Step::WaitFor(number.to_owned(), Condition::Talks),
        ["wait", number, "is", "idle"] => Step::WaitFor(number.to_owned(), Condition::Idle),
        ["wait", time] => Step::Wait(parse_duration(time)?),
        ["outside", from, "calls", to] => Step::CallIn(from.to_owned(), to.to_owned()),
        [number, "dials", to] => press(number, Button::Dial(to.into())),
        [number, "answers"] => press(number, Button::Answer),
        [number, "hangs", "up"] => press(number, Button::HangUp),
        [number, "holds"] => press(number, Button::Hold),
        [number, "retrieves"] => press(number, Button::Retrieve),
        [number, "presses", digits] => press(number, Button::Digits(digits.into())),
        [number, "consults", to] => press(number, Button::Consult(to.into())),
        [number, "transfers"] => press(number, Button::Transfer),
        [number, "transfers", "to", to] => press(number, Button::TransferTo(to.into())),
        [number, "conferences"] => press(number, Button::Conference),
        [number, "deflects", "to", to] => press(number, Button::Deflect(to.into())),
        [number, "dnd", "on"] => press(number, Button::DoNotDisturb(true)),
        [number, "dnd", "off"] => press(number, Button::DoNotDisturb(false)),
        [number, "message", "on"] => press(number, Button::MessageWaiting(true)),
        [number, "message", "off"] => press(number, Button::MessageWaiting(false)),
        [number, "forwards", which, "to", to] => forward(number, kind(which)?, Some(to)),
        [number, "forwards", which, "off"] => forward(number, kind(which)?, None),
        [number, "gets", "line", line] => Step::AddLine(number.to_owned(), line.into()),
        [number, "loses", "line", line] => Step::RemoveLine(number.to_owned(), line.into()),
        [number, "goes", "away"] => Step::GoAway(number.to_owned()),
        [number, "comes", "back"] => Step::ComeBack(number.to_owned()),
        _ => {
            return Err(format!(
                "{:?} is not a step; steps are: {STEPS}",
                words.join(" ")
            ));
        }
    })
}

/// The notation of all steps.
pub(super) const STEPS: &str = "N dials N, N answers, N hangs up, N holds, N retrieves, N presses DIGITS, \
    N consults N, N transfers, N transfers to N, N conferences, N deflects to N, N dnd on|off, N message on|off, \
    N forwards all|busy|unanswered to N, N forwards all|busy|unanswered off, N gets line N, N loses line N, N goes away, N comes back, \
    outside N calls N, wait TIME, wait N rings|talks|is idle, repeat";

fn kind(which: &str) -> Result<ForwardingType, String> {
    match which {
        "all" => Ok(ForwardingType::FORWARD_IMMEDIATE),
        "busy" => Ok(ForwardingType::FORWARD_BUSY),
        "unanswered" => Ok(ForwardingType::FORWARD_NO_ANS),
        other => Err(format!("{other:?} is not all, busy or unanswered")),
    }
}

async fn run(step: &Step, fleet: &Fleet) -> Result<(), String> {
    let line = |number: &String| -> Result<Phone, String> {
        let line = fleet.line(number);
        line.ok_or_else(|| format!("no phone has the number {number}"))
    };
    let rejected = |error: FleetError| error.to_string();
    match step {
        Step::Press(number, button) => line(number)?.press(button.clone()).await.map_err(rejected),
        Step::CallIn(from, to) => fleet.call_in(from, to).await.map_err(rejected),
        Step::AddLine(number, more) => line(number)?.add_line(more).await.map_err(rejected),
        Step::RemoveLine(number, less) => line(number)?.remove_line(less).await.map_err(rejected),
        Step::GoAway(number) => {
            line(number)?.go_away();
            Ok(())
        }
        Step::ComeBack(number) => {
            line(number)?.come_back();
            Ok(())
        }
        Step::Wait(time) => {
            tokio::time::sleep(*time).await;
            Ok(())
        }
        Step::WaitFor(number, condition) => {
            let line = line(number)?;
            let reached = async {
                match condition {
                    Condition::Rings => line.rings().await,
                    Condition::Talks => line.talks().await,
                    Condition::Idle => line.is_idle().await,
                }
            };
            let reached = tokio::time::timeout(STEP_TIMEOUT, reached).await;
            reached.map_err(|_| format!("timed out after {} s", STEP_TIMEOUT.as_secs()))
        }
        // Yield, so that a script without a wait does not block the thread.
        Step::Repeat => {
            tokio::task::yield_now().await;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_parsed_or_rejected_with_a_reason() {
        fn check(text: &str, expected: Result<Step, &str>) {
            let script = Script::parse(Path::new("demo.txt"), text);
            match (script, expected) {
                (Ok(script), Ok(step)) => assert_eq!(script.steps[0].1, step, "{text}"),
                (Err(error), Err(says)) => {
                    let error = error.to_string();
                    assert!(error.starts_with(says), "{text}: {error}");
                }
                (script, _) => panic!("{text}: {script:?}"),
            }
        }
        let press = |button| Ok(Step::Press("215".to_owned(), button));
        check("215 dials 216", press(Button::Dial("216".into())));
        check("# first\n\n 215  hangs up # now", press(Button::HangUp));
        check("wait 1s", Ok(Step::Wait(Duration::from_secs(1))));
        let waits = Step::WaitFor("216".to_owned(), Condition::Idle);
        check("wait 216 is idle", Ok(waits));
        check(
            "\n215 sings",
            Err("demo.txt, line 2: \"215 sings\" is not a step; steps are: "),
        );
        let gets = Step::AddLine("215".to_owned(), "219".into());
        check("215 gets line 219", Ok(gets));
        check(
            "wait soon",
            Err("demo.txt, line 1: \"soon\" is not a duration"),
        );
        check(
            "215 forwards some to 2",
            Err("demo.txt, line 1: \"some\" is not all, busy or unanswered"),
        );
    }
}
