//! `--watch`: shows a part of the server's state anew with each change, by the stream of changes.

mod events;
mod screen;

use std::{
    io,
    ops::ControlFlow,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use clap::Args;
pub(super) use events::{apply, is_about};
use screen::Shown;
use serde_json::Value;
use uacsta_connect::{ApiArgs, CommandError, StopWatch};

use super::{output::LineBuffer, query::Query};

/// The option of commands whose answer changes.
#[derive(Args, Debug, Default)]
pub(super) struct Watch {
    /// Show it anew with each change, until Ctrl+C
    #[arg(long)]
    pub(super) watch: bool,
}

/// Applies events to a state.
type Update<'a> = dyn Fn(&mut Value, &[Value]) -> Result<(), CommandError> + 'a;

/// A part of the server's state, and how it is kept current.
pub(super) struct View<'a> {
    /// The topics of the stream that change it.
    pub(super) topics: &'static str,
    /// Reads it whole.
    pub(super) read: &'a dyn Fn() -> Result<Value, CommandError>,
    /// Applies events, the oldest first.
    pub(super) update: &'a Update<'a>,
    /// Shows it to people.
    pub(super) text: &'a dyn Fn(&Value) -> String,
}

/// What the watch waits for.
enum Input {
    /// Events of the stream.
    Events(Vec<Value>),
    /// The stream has ended.
    Ended(Result<(), CommandError>),
    /// Ctrl-C.
    Stop,
}

/// The longest silence of a server that lives: it sends a heartbeat every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

impl Query {
    /// Shows a view once, or with `watch` until Ctrl-C.
    ///
    /// # Errors
    /// The server refuses, or ends first.
    pub(super) fn view(&self, watch: bool, view: &View<'_>) -> Result<(), CommandError> {
        if !watch {
            return self.show(&(view.read)()?, view.text);
        }
        let inputs = inputs(&self.server, view.topics)?;
        let mut state = None;
        let mut shown = Shown::default();
        while let Some(events) = next(&inputs)? {
            match &mut state {
                Some(state) if !events.iter().any(|event| event["type"] == "stream.reset") => {
                    (view.update)(state, &events)?;
                }
                state => *state = Some((view.read)()?),
            }
            let Some(state) = &state else { continue };
            let text = match self.json {
                true => format!("{state}\n"),
                false => (view.text)(state),
            };
            if shown.show(&text, self.json)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Follows the stream and waits for Ctrl-C, in threads that end with the program.
fn inputs(server: &ApiArgs, topics: &str) -> Result<Receiver<Input>, CommandError> {
    let failed = |error: io::Error| CommandError::Failed(error.to_string());
    let (sender, inputs) = mpsc::channel();
    let stop = StopWatch::start().map_err(failed)?;
    let (server, path) = (server.clone(), format!("/api/v1/events?topics={topics}"));
    let stopped = sender.clone();
    let follow = move || {
        let ended = follow(&server, &path, &sender);
        sender.send(Input::Ended(ended)).ok();
    };
    let wait = move || {
        stop.wait(Duration::MAX);
        stopped.send(Input::Stop).ok();
    };
    for thread in [Box::new(follow) as Box<dyn FnOnce() + Send>, Box::new(wait)] {
        thread::Builder::new().spawn(thread).map_err(failed)?;
    }
    Ok(inputs)
}

fn follow(server: &ApiArgs, path: &str, sender: &Sender<Input>) -> Result<(), CommandError> {
    let mut buffer = LineBuffer::default();
    server.download(path, "text/event-stream", |octets| {
        let lines = buffer.add(octets);
        let data = lines.iter().filter_map(|line| line.strip_prefix("data: "));
        let events = data.filter_map(|data| serde_json::from_str(data).ok());
        Ok(match sender.send(Input::Events(events.collect())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    })
}

/// The events since the last call, all at once; `None` at Ctrl-C.
fn next(inputs: &Receiver<Input>) -> Result<Option<Vec<Value>>, CommandError> {
    let failed = |reason: &str| CommandError::Failed(reason.to_owned());
    let mut events = Vec::new();
    loop {
        let input = match events.is_empty() {
            true => inputs.recv_timeout(SILENCE).map_err(|error| match error {
                RecvTimeoutError::Timeout => failed("the server no longer responds"),
                RecvTimeoutError::Disconnected => failed("the stream of changes has ended"),
            })?,
            false => match inputs.try_recv() {
                Ok(input) => input,
                Err(_) => return Ok(Some(events)),
            },
        };
        match input {
            Input::Events(more) => {
                if let Some(end) = more.iter().find(|event| event["type"] == "stream.end") {
                    return Err(failed(match end["data"]["reason"].as_str() {
                        Some("stopping") => "the server stops",
                        Some("loggedOff") => "the token is no longer valid",
                        _ => "the server has ended the stream of changes; start the command again",
                    }));
                }
                // The head of the stream changes nothing.
                let is_news = |event: &Value| {
                    event["type"] != "stream.hello" && event["type"] != "stream.ready"
                };
                events.extend(more.into_iter().filter(is_news));
            }
            Input::Ended(ended) => {
                ended?;
                return Err(failed("the server has closed the stream of changes"));
            }
            Input::Stop => return Ok(None),
        }
    }
}
