//! How lines are watched: asked of their phones, each once.

use std::collections::HashMap;

use futures_util::future::join_all;
use serde::Serialize;
use uacsta_actors::{
    monitor::{LineWatch, WatchState},
    phone::{DescribeLines, WatchedLine},
};
use uacsta_schema::phone_id::PhoneId;
use utoipa::ToSchema;

use super::{Line, LogOn, Reason};
use crate::texts::Language;

/// How a line is watched.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Watch {
    state: WatchedState,
    /// Why it is refused.
    reason: Option<Reason>,
    /// The monitors of clients; null to programs.
    monitors: Option<usize>,
    /// The users of these clients, at most 100; null to programs.
    users: Option<Vec<Box<str>>>,
}

/// Whether a line is watched: its monitor runs on the phone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum WatchedState {
    /// Nobody asks for it.
    Off,
    /// The monitor is being started, or starts when the phone is there.
    Starting,
    /// It runs.
    On,
    /// No licence is free, or the phone refused it; it is tried again.
    Refused,
}

impl Watch {
    fn of(watch: LineWatch, is_operator: bool, language: Language) -> Self {
        let (state, reason) = match watch.state {
            WatchState::Off => (WatchedState::Off, None),
            WatchState::Starting => (WatchedState::Starting, None),
            WatchState::On => (WatchedState::On, None),
            WatchState::Unlicensed => (
                WatchedState::Refused,
                Some(Reason::no_licence_for_line(language)),
            ),
            WatchState::Refused(why) => (
                WatchedState::Refused,
                Some(Reason::monitor_refused(&why, language)),
            ),
        };
        Self {
            state,
            reason,
            monitors: is_operator.then_some(watch.monitors),
            users: is_operator.then_some(watch.users),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.state == WatchedState::On
    }
}

/// Adds to lines how they are watched, as far as `who` may know.
pub(super) async fn add_watches(lines: &mut [Line], who: &LogOn, language: Language) {
    let is_operator = who.right().is_some();
    let actors = lines
        .iter()
        .map(|line| (line.phone(), line.source.actor.clone()));
    let actors: HashMap<PhoneId, _> = actors.collect();
    let asked = actors.into_iter().map(async |(phone, actor)| {
        let watched = match actor {
            Some(actor) => actor.send(DescribeLines).await.ok()?,
            // Nobody has used the phone since the start.
            None => Vec::new(),
        };
        Some((phone, watched))
    });
    let watched: HashMap<PhoneId, Vec<WatchedLine>> =
        join_all(asked).await.into_iter().flatten().collect();
    for line in lines {
        let Some(of_phone) = watched.get(&line.phone()) else {
            continue;
        };
        let mut of_phone = of_phone.iter();
        let found = of_phone.find(|watched| watched.line == line.source.device);
        let watch = found.map(|found| found.watch.clone()).unwrap_or_default();
        let activity = found.map(|found| found.activity);
        line.set_watch(Watch::of(watch, is_operator, language), activity);
    }
}
