//! How a line is watched: whether its monitor runs on the phone, and for whom.

use std::collections::BTreeSet;

use actix::{Context, Handler, Message, MessageResult};

use super::Monitor;

/// Asks a monitor point how its line is watched.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "LineWatch")]
pub struct DescribeWatch;

/// How a line is watched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LineWatch {
    /// Whether its monitor runs on the phone.
    pub state: WatchState,
    /// The monitors of clients.
    pub monitors: usize,
    /// The users of these clients, at most [`LineWatch::MOST`].
    pub users: Vec<Box<str>>,
}

/// Whether the monitor of a line runs on the phone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum WatchState {
    /// No client monitors the line.
    #[default]
    Off,
    /// The monitor is being started, or starts when the phone is there.
    Starting,
    /// It runs.
    On,
    /// No licence is free for the line.
    Unlicensed,
    /// The phone refused it, in words, and is asked again.
    Refused(String),
}

impl LineWatch {
    /// The most users that are named.
    pub const MOST: usize = 100;
}

impl Handler<DescribeWatch> for Monitor {
    type Result = MessageResult<DescribeWatch>;

    fn handle(&mut self, _: DescribeWatch, _: &mut Context<Self>) -> Self::Result {
        let subscribers = &self.subscribers.0;
        let users = subscribers.iter().map(|one| &*one.client.user);
        let users: BTreeSet<&str> = users.collect();
        MessageResult(LineWatch {
            state: self.point.watch_state(self.refusal.as_ref()),
            monitors: subscribers.len(),
            users: users
                .into_iter()
                .take(LineWatch::MOST)
                .map(Box::from)
                .collect(),
        })
    }
}
