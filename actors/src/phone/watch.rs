//! How the lines of a phone are watched, and what is known of their calls, for operators.

use actix::{Context, Handler, Message, ResponseFuture};
use uacsta_schema::csta::DeviceId;

use super::Phone;
use crate::monitor::{Calls, ConnectionState, DescribeWatch, LineWatch};

/// Asks a phone how its lines are watched. A line that no client monitors is not among them.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<WatchedLine>")]
pub struct DescribeLines;

/// A line that a client monitors.
#[derive(Clone, Debug)]
pub struct WatchedLine {
    /// The line by the phone's name.
    pub line: DeviceId,
    /// How it is watched.
    pub watch: LineWatch,
    /// Its calls, as far as its monitor told of them.
    pub activity: Activity,
}

/// What a line does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Activity {
    /// It has no call.
    Idle,
    /// A call rings at it.
    Ringing,
    /// It has other calls.
    Busy,
}

impl Activity {
    fn of(calls: &Calls) -> Self {
        match calls.is_empty() {
            true => Self::Idle,
            false if calls.has(ConnectionState::Alerting) => Self::Ringing,
            false => Self::Busy,
        }
    }
}

impl Handler<DescribeLines> for Phone {
    type Result = ResponseFuture<Vec<WatchedLine>>;

    fn handle(&mut self, _: DescribeLines, _: &mut Context<Self>) -> Self::Result {
        let lines = self.monitored.iter().map(|monitored| {
            let activity = Activity::of(&monitored.calls);
            let asked = monitored.monitor.send(DescribeWatch);
            (monitored.line.clone(), activity, asked)
        });
        let lines: Vec<_> = lines.collect();
        Box::pin(async move {
            let mut watched = Vec::with_capacity(lines.len());
            for (line, activity, asked) in lines {
                // A monitor point that ended meanwhile has no subscribers any more.
                if let Ok(watch) = asked.await {
                    watched.push(WatchedLine {
                        line,
                        watch,
                        activity,
                    });
                }
            }
            watched
        })
    }
}
