//! Lines that come, go, or may be another phone's: whose names those are is told to all clients.

use std::sync::{Arc, Weak};

use actix::Context;
use uacsta_schema::csta::Name;

use super::{LinesChanged, Registrar};
use crate::directory::Entry;

impl Registrar {
    /// What names mean may be otherwise, and the lines with these user parts may be another phone's.
    pub(super) fn lines_moved(
        &mut self,
        moved: impl IntoIterator<Item = Box<str>>,
        ctx: &mut Context<Self>,
    ) {
        self.listed = Weak::new();
        self.clients
            .retain(|client| client.lines_changed.connected());
        let moved: Arc<[Box<str>]> = moved.into_iter().collect();
        for client in &self.clients {
            let moved = Arc::clone(&moved);
            client.lines_changed.do_send(LinesChanged { moved });
        }
        self.stirred(ctx);
    }
}

/// The user parts of lines.
pub(super) fn users(lines: &[Entry]) -> Vec<Box<str>> {
    lines
        .iter()
        .map(|line| user(line.device.as_str()))
        .collect()
}

/// The user parts of what only one of two lists has, or has in the first place, which the phone's own name means.
pub(super) fn differing(one: &[String], other: &[String]) -> Vec<Box<str>> {
    let first = one.first() == other.first();
    let differs = |(place, line): &(usize, &String), list: &[String]| {
        !list.contains(line) || (*place == 0 && !first)
    };
    let gone = one.iter().enumerate().filter(|line| differs(line, other));
    let new = other.iter().enumerate().filter(|line| differs(line, one));
    gone.chain(new).map(|(_, line)| user(line)).collect()
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
