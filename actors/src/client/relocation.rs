//! Moves a monitor to the line's new phone, under the same cross reference.

use std::{collections::HashSet, sync::Arc};

use actix::{ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use tokio::task::yield_now;
use uacsta_schema::csta::{DeviceId, Document};

use super::actor::{Client, Scope};
use crate::{
    directory::Entry,
    monitor::{Subscriber, SubscriptionChange},
    refusal::Refusal,
    registrar::{Line, LinesChanged},
};

/// How many monitors are examined in one turn.
const STEP: usize = 500;

impl Client {
    /// What the client calls the line that a request is for.
    pub(super) fn name_of(&self, key: u64, document: &Document) -> Option<DeviceId> {
        match &self.sessions.get(&key)?.scope {
            Scope::Line { name, .. } => Some(name.clone()),
            Scope::Server => {
                let named = document.device().or_else(|| document.private_line());
                named.map(|device| DeviceId::from(&*device))
            }
        }
    }

    /// Lines with these user parts may be another phone's now: the client's monitors of them are looked up.
    fn follow(&mut self, moved: Arc<HashSet<Box<str>>>, ctx: &mut Context<Self>) {
        let monitors = self.sessions.iter().flat_map(|(key, session)| {
            let cross_refs = session.monitored.keys();
            cross_refs.map(|cross_ref| (*key, Arc::clone(cross_ref)))
        });
        self.look_up_some(moved, monitors.collect(), ctx);
    }

    /// Looks up the lines of these monitors that may have moved, a bounded number in each turn.
    fn look_up_some(
        &mut self,
        moved: Arc<HashSet<Box<str>>>,
        mut monitors: Vec<(u64, Arc<str>)>,
        ctx: &mut Context<Self>,
    ) {
        let mut lines: Vec<(u64, Arc<str>, DeviceId, Entry, bool)> = Vec::new();
        for (key, cross_ref) in monitors.drain(monitors.len().saturating_sub(STEP)..) {
            let Some(session) = self.sessions.get(&key) else {
                continue;
            };
            let Some(monitored) = session.monitored.get(&cross_ref) else {
                continue;
            };
            let is_bound = matches!(session.scope, Scope::Line { .. });
            let (entry, name) = (&monitored.line.entry, &monitored.requested.name);
            let (user, called) = (entry.device.name().user, name.name().user);
            // The phone's own name means its first line, whichever that is.
            let is_phones = || called.parse() == Ok(entry.phone);
            if moved.contains(&*user) || moved.contains(&*called) || is_phones() {
                let name = name.clone();
                lines.push((key, cross_ref, name, entry.clone(), is_bound));
            }
        }
        if !monitors.is_empty() {
            let next_turn = yield_now().into_actor(self);
            ctx.spawn(next_turn.map(move |(), client, ctx| {
                client.look_up_some(moved, monitors, ctx);
            }));
        }
        for (key, cross_ref, name, entry, is_bound) in lines {
            // A line's session stays with its phone. In the server's session a name means who is connected, for monitors
            // as for requests; where several are, it stays.
            let last = is_bound.then(|| entry.clone());
            self.look_up(name, last, ctx, move |client, name, found, ctx| {
                match found {
                    // The phone that is connected may be none of the client's, or be several.
                    Err(_) if !is_bound => {
                        client.look_up(name, Some(entry), ctx, move |client, _, found, _| {
                            client.settle(key, &cross_ref, found);
                        });
                    }
                    found => client.settle(key, &cross_ref, found),
                }
            });
        }
    }

    fn settle(&mut self, key: u64, cross_ref: &Arc<str>, found: Result<Arc<Line>, Refusal>) {
        match found {
            Ok(line) => self.move_monitor(key, cross_ref, line),
            // The name was the client's for as long as no other line was called more exactly so.
            Err(Refusal::NoRight) => self.leave_monitor(key, cross_ref),
            // Where nobody has it, or it cannot be told who, the phone that had it says that it is out of service.
            Err(_) => {}
        }
    }

    fn move_monitor(&mut self, key: u64, cross_ref: &Arc<str>, line: Arc<Line>) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Some(monitored) = session.monitored.get_mut(cross_ref) else {
            return;
        };
        let is =
            |entry: &Entry| entry.phone == line.entry.phone && entry.device == line.entry.device;
        let former = std::mem::replace(&mut monitored.line, Arc::clone(&line));
        if is(&former.entry) {
            return;
        }
        // It was told that the line is out of service where it was.
        let subscriber = Subscriber {
            in_service: Some(false),
            ..monitored.requested.subscriber.clone()
        };
        let (phone, device) = (line.entry.phone, &line.entry.device);
        tracing::info!(client = %self.name, %phone, line = %device, from = %former.entry.phone, cross_ref = &**cross_ref, "monitor moved to the line's new phone");
        self.unsubscribe(&former, Arc::clone(cross_ref));
        self.subscribe(&line, SubscriptionChange::Join(subscriber));
    }
}

impl Handler<LinesChanged> for Client {
    type Result = ();

    fn handle(&mut self, LinesChanged { moved }: LinesChanged, ctx: &mut Self::Context) {
        if moved.is_empty() {
            self.forget_found();
        } else {
            self.follow(moved, ctx);
        }
    }
}
