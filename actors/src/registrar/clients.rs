//! The connected clients, and their notifications of changed lines.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use actix::Recipient;
use uacsta_schema::csta::Name;

use super::{
    client_list::ListedClient,
    messages::{ClientConnected, LinesChanged, Stopping},
};
use crate::{ConfigChanged, directory::Entry, sip::connection::Shut};

/// How long the user parts of moved lines are gathered, for all clients together.
pub(super) const GATHERED: Duration = Duration::from_millis(200);

/// The connected clients.
#[derive(Default)]
pub(super) struct Clients {
    /// By the client. Its memory is freed when its last recipient is dropped.
    connected: HashMap<Recipient<LinesChanged>, (u64, ClientConnected)>,
    /// The number of the client that connected last.
    last: u64,
    /// The user parts of lines that may have moved to another phone since the last notification.
    moved: HashSet<Box<str>>,
    /// Whether [`Self::tell_changed`] is scheduled.
    change_scheduled: bool,
    /// Whether [`Self::tell_moved`] is scheduled.
    move_scheduled: bool,
}

/// The notifications to schedule after a change of lines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Schedule {
    /// [`Clients::tell_changed`] at the end of this turn.
    pub(super) at_end_of_turn: bool,
    /// [`Clients::tell_moved`] after [`GATHERED`].
    pub(super) when_gathered: bool,
}

impl Clients {
    pub(super) fn add(&mut self, client: ClientConnected) {
        // An earlier run of the server has given lower numbers, unless it had a thousand clients a second.
        let number = client.client.since.saturating_mul(1000);
        self.last = number.max(self.last + 1);
        self.connected
            .insert(client.lines_changed.clone(), (self.last, client));
    }

    /// The clients for operators, in the order of their numbers.
    pub(super) fn listed(&self) -> Vec<ListedClient> {
        let connected = self.connected.iter();
        let connected = connected.filter(|(client, _)| client.connected());
        let mut all: Vec<_> = connected
            .map(|(_, (number, client))| ListedClient {
                number: *number,
                client: Arc::clone(&client.client),
                describe: client.describe.clone(),
                end: client.end.clone(),
            })
            .collect();
        all.sort_by_key(|client| client.number);
        all
    }

    pub(super) fn remove(&mut self, client: &Recipient<LinesChanged>) {
        self.connected.remove(client);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connected.is_empty()
    }

    /// The successor's clients after a panic of the registrar, with nothing scheduled.
    pub(super) fn hand_over(&mut self) -> Self {
        Self {
            connected: std::mem::take(&mut self.connected),
            last: self.last,
            moved: std::mem::take(&mut self.moved),
            ..Self::default()
        }
    }

    /// Records that names may mean other lines, and that the lines with these user parts may have moved to another phone.
    pub(super) fn lines_changed(&mut self, moved: impl IntoIterator<Item = Box<str>>) -> Schedule {
        self.moved.extend(moved);
        Schedule {
            at_end_of_turn: !std::mem::replace(&mut self.change_scheduled, true),
            when_gathered: !self.moved.is_empty()
                && !std::mem::replace(&mut self.move_scheduled, true),
        }
    }

    /// Notifies all clients that names may mean other lines.
    pub(super) fn tell_changed(&mut self) {
        self.change_scheduled = false;
        self.tell_lines(HashSet::new());
    }

    /// Notifies all clients of the lines that may have moved to another phone.
    pub(super) fn tell_moved(&mut self) {
        self.move_scheduled = false;
        let moved = std::mem::take(&mut self.moved);
        self.tell_lines(moved);
    }

    fn tell_lines(&mut self, moved: HashSet<Box<str>>) {
        self.connected.retain(|client, _| client.connected());
        let moved = Arc::new(moved);
        for client in self.connected.keys() {
            let moved = Arc::clone(&moved);
            client.do_send(LinesChanged { moved });
        }
    }

    pub(super) fn tell_config_changed(&mut self) {
        self.connected.retain(|client, _| client.connected());
        for (_, client) in self.connected.values() {
            client.config_changed.do_send(ConfigChanged);
        }
    }

    /// Has all clients end their sessions, and then ends their connections.
    pub(super) fn stop(&mut self) -> impl Future<Output = ()> + use<> {
        // Several clients may share a connection, so it closes after all of them.
        let (stopping, connections): (Vec<_>, Vec<_>) = self
            .connected
            .drain()
            .map(|(_, (_, client))| (client.stopping.send(Stopping), client.shut))
            .unzip();
        async move {
            // An error means that the client or connection has already ended.
            let _ = futures_util::future::join_all(stopping).await;
            let ended = connections.iter().map(|connection| {
                connection.send(Shut {
                    reason: "the service is stopping".into(),
                })
            });
            let _ = futures_util::future::join_all(ended).await;
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

/// The user parts of lines that only one of two lists contains, or whose first line differs, since the phone's own name means
/// that line.
pub(super) fn moved_lines(one: &[String], other: &[String]) -> Vec<Box<str>> {
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
    fn lines_that_moved_are_named_by_their_user_parts() {
        #[track_caller]
        fn check(one: &[&str], other: &[&str], expected: &[&str]) {
            let [one, other] = [one, other].map(|list| {
                list.iter()
                    .map(|line| (*line).to_owned())
                    .collect::<Vec<_>>()
            });
            let moved = moved_lines(&one, &other);
            assert!(
                moved
                    .iter()
                    .map(|user| &**user)
                    .eq(expected.iter().copied()),
                "{moved:?}"
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

    #[test]
    fn changes_of_one_turn_and_moves_of_200_ms_are_told_together() {
        let mut clients = Clients::default();
        let schedule = |at_end_of_turn, when_gathered| Schedule {
            at_end_of_turn,
            when_gathered,
        };
        assert_eq!(clients.lines_changed([]), schedule(true, false));
        assert_eq!(clients.lines_changed([]), schedule(false, false));
        assert_eq!(clients.lines_changed(["215".into()]), schedule(false, true));
        clients.tell_changed();
        assert_eq!(clients.lines_changed(["216".into()]), schedule(true, false));
        assert_eq!(clients.moved.len(), 2);
        clients.tell_moved();
        assert!(clients.moved.is_empty());
        assert_eq!(clients.lines_changed(["215".into()]), schedule(false, true));
        // A successor schedules anew what was not told.
        let mut successor = clients.hand_over();
        assert_eq!(successor.lines_changed([]), schedule(true, true));
    }
}
