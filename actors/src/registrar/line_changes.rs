//! Notifies clients of lines that were added, removed or reassigned.

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use uacsta_schema::csta::Name;

use super::{LinesChanged, Registrar};
use crate::directory::Entry;

/// How long the user parts of lines that moved are gathered, once for all clients.
const GATHERED: Duration = Duration::from_millis(200);

impl Registrar {
    /// Names may mean other lines now, and the lines with these user parts may be another phone's. Clients hear once of all that
    /// happened in a turn, and soon which lines they are.
    pub(super) fn lines_changed(
        &mut self,
        moved: impl IntoIterator<Item = Box<str>>,
        ctx: &mut Context<Self>,
    ) {
        self.moved.extend(moved);
        if !std::mem::replace(&mut self.lines_due, true) {
            let turn_ends = std::future::ready(()).into_actor(self);
            ctx.spawn(turn_ends.map(|(), registrar, _| {
                registrar.lines_due = false;
                registrar.publish_lines(HashSet::new());
            }));
        }
        if !self.moved.is_empty() && !std::mem::replace(&mut self.moved_due, true) {
            ctx.run_later(GATHERED, |registrar, _| {
                registrar.moved_due = false;
                let moved = std::mem::take(&mut registrar.moved);
                registrar.publish_lines(moved);
            });
        }
        self.status_changed(ctx);
    }

    fn publish_lines(&mut self, moved: HashSet<Box<str>>) {
        self.clients
            .retain(|client| client.lines_changed.connected());
        let moved = Arc::new(moved);
        for client in &self.clients {
            let moved = Arc::clone(&moved);
            client.lines_changed.do_send(LinesChanged { moved });
        }
    }
}

/// The user parts of lines.
pub(super) fn user_parts(lines: &[Entry]) -> Vec<Box<str>> {
    lines
        .iter()
        .map(|line| user(line.device.as_str()))
        .collect()
}

/// The user parts of what only one of two lists has, or has in the first place, which the phone's own name means.
pub(super) fn differing(one: &[String], other: &[String]) -> Vec<Box<str>> {
    let first = one.first() == other.first();
    let only = |one: &[String], other: &[String]| {
        let others: HashSet<&String> = other.iter().collect();
        let differs =
            |(place, line): &(usize, &String)| !others.contains(line) || (*place == 0 && !first);
        let lines = one.iter().enumerate().filter(differs);
        lines.map(|(_, line)| user(line)).collect::<Vec<_>>()
    };
    [only(one, other), only(other, one)].concat()
}

fn user(line: &str) -> Box<str> {
    Name::of(line).user.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_list_has_is_told_by_its_user() {
        #[track_caller]
        fn check(one: &[&str], other: &[&str], expected: &[&str]) {
            let [one, other] = [one, other].map(|list| {
                list.iter()
                    .map(|line| (*line).to_owned())
                    .collect::<Vec<_>>()
            });
            let differing = differing(&one, &other);
            assert!(
                differing
                    .iter()
                    .map(|user| &**user)
                    .eq(expected.iter().copied()),
                "{differing:?}"
            );
        }
        check(&[], &["sip:215@a"], &["215"]);
        check(&["sip:215@a", "sip:216@a"], &["sip:215@a"], &["216"]);
        check(&["sip:215@a", "sip:216@a"], &["sip:216@a"], &["215", "216"]);
        check(
            &["sip:215@a"],
            &["sip:215@b", "tel:+49-30"],
            &["215", "215", "+4930"],
        );
        check(
            &["sip:215@a", "sip:216@a"],
            &["sip:216@a", "sip:215@a"],
            &["215", "216"],
        );
    }
}
