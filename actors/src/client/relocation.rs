//! Finds the monitors whose line may have moved to another phone, and decides which phone each continues on.

use std::{collections::HashSet, sync::Arc};

use uacsta_config::Numbers;
use uacsta_schema::csta::DeviceId;

use super::{
    monitors::Monitors,
    sessions::{Scope, Sessions},
};
use crate::{directory::Entry, numbers::spellings, refusal::Refusal, registrar::Line};

/// How many monitors are examined in one turn.
const STEP: usize = 500;

/// A pass over a client's monitors after lines have moved.
pub(super) struct Relocation {
    /// The user parts of lines that may have moved to another phone.
    moved: Arc<HashSet<Box<str>>>,
    remaining: Vec<(u64, Arc<str>)>,
}

/// The look-up of a monitor's line.
#[derive(Debug)]
pub(super) struct MonitorLookup {
    pub(super) session: u64,
    pub(super) cross_ref: Arc<str>,
    /// The client's name for the line.
    pub(super) name: DeviceId,
    /// The last known line, which the monitor keeps while the phone has the line.
    pub(super) last: Option<Entry>,
    /// The line for a second look-up if the name alone finds none.
    fallback: Option<Entry>,
}

/// The result of a look-up for a monitor.
#[derive(Debug)]
pub(super) enum Relocated {
    /// The monitor's line.
    To(Arc<Line>),
    /// Another look-up is needed.
    LookUp,
    /// The client may not see the line: the monitor is stopped.
    Revoked,
    /// No phone has the line: the former phone reports the line out of service.
    Nowhere,
}

impl Relocation {
    pub(super) fn new(moved: Arc<HashSet<Box<str>>>, monitors: &Monitors) -> Self {
        let remaining = monitors
            .iter()
            .map(|(session, monitor)| (session, Arc::clone(&monitor.subscriber.cross_ref)))
            .collect();
        Self { moved, remaining }
    }

    /// Whether all monitors have been examined.
    pub(super) fn is_done(&self) -> bool {
        self.remaining.is_empty()
    }

    /// Examines some monitors; returns the look-ups for those that may have moved.
    pub(super) fn step(
        &mut self,
        sessions: &Sessions,
        monitors: &Monitors,
        rules: &Numbers,
    ) -> Vec<MonitorLookup> {
        let start = self.remaining.len().saturating_sub(STEP);
        let some = self.remaining.drain(start..);
        some.filter_map(|(session, cross_ref)| {
            let scope = &sessions.get(session)?.scope;
            let monitor = monitors.get(session, &cross_ref)?;
            let (entry, name) = (&monitor.line.entry, &monitor.name);
            let (user, called) = (entry.device.name().user, name.name().user);
            // A phone's own name means its first line.
            let names_phone = called.parse() == Ok(entry.phone);
            let is_spelled_so = || {
                let mut spelled = spellings(rules, &name.name()).into_iter();
                spelled.any(|name| self.moved.contains(&*name.name().user))
            };
            if !self.moved.contains(&*user)
                && !self.moved.contains(&*called)
                && !names_phone
                && !is_spelled_so()
            {
                return None;
            }
            // A line's session stays with its phone. In the server's session a name means the connected phone; if several are
            // connected, or none is, the former phone.
            let (last, fallback) = match scope {
                Scope::Line { .. } => (Some(entry.clone()), None),
                Scope::Server => (None, Some(entry.clone())),
            };
            Some(MonitorLookup {
                session,
                cross_ref,
                name: name.clone(),
                last,
                fallback,
            })
        })
        .collect()
    }
}

impl MonitorLookup {
    /// Decides by the registrar's answer.
    pub(super) fn found(&mut self, line: Result<Arc<Line>, Refusal>) -> Relocated {
        match line {
            Ok(line) => Relocated::To(line),
            Err(_) if self.fallback.is_some() => {
                self.last = self.fallback.take();
                Relocated::LookUp
            }
            // The name was the client's while no other line was called more exactly so.
            Err(Refusal::NoRight) => Relocated::Revoked,
            Err(_) => Relocated::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::Dialect;

    use super::*;
    use crate::{
        client::{
            fixtures::{line, subscriber},
            monitors::ClientMonitor,
        },
        directory::NoLine,
    };

    const PHONE: &str = "000413000001";

    /// A session of this scope with monitors of a line by these names.
    fn monitored(scope: Scope, names: &[&str]) -> (Sessions, Monitors) {
        let (mut sessions, mut monitors) = (Sessions::default(), Monitors::new(Arc::default()));
        let session = sessions.open(scope, Dialect::default(), 1).unwrap();
        for (number, name) in names.iter().enumerate() {
            let monitor = ClientMonitor {
                line: line(PHONE, "sip:215@example.com"),
                name: DeviceId::from(*name),
                subscriber: subscriber(&number.to_string()),
            };
            monitors.insert(session, monitor);
        }
        (sessions, monitors)
    }

    fn moved(users: &[&str]) -> Arc<HashSet<Box<str>>> {
        Arc::new(users.iter().map(|user| (*user).into()).collect())
    }

    #[test]
    fn a_line_is_looked_up_by_its_user_part_its_name_or_its_phone() {
        let check = |name: &str, users: &[&str], expected: bool| {
            let (sessions, monitors) = monitored(Scope::Server, &[name]);
            let mut relocation = Relocation::new(moved(users), &monitors);
            let lookups = relocation.step(&sessions, &monitors, &Numbers::default());
            assert!(relocation.is_done());
            assert_eq!(!lookups.is_empty(), expected, "{name} {users:?}");
        };
        check("215", &["215"], true);
        check("sip:215@example.com", &["214", "215"], true);
        check("215", &["216"], false);
        check("301", &["301"], true);
        check(PHONE, &["216"], true);
    }

    #[test]
    fn many_monitors_are_examined_in_steps() {
        let names = vec!["215"; STEP + 1];
        let (sessions, monitors) = monitored(Scope::Server, &names);
        let mut relocation = Relocation::new(moved(&["215"]), &monitors);
        assert_eq!(
            relocation
                .step(&sessions, &monitors, &Numbers::default())
                .len(),
            STEP
        );
        assert!(!relocation.is_done());
        assert_eq!(
            relocation
                .step(&sessions, &monitors, &Numbers::default())
                .len(),
            1
        );
        assert!(relocation.is_done());
    }

    #[test]
    fn a_monitor_moves_or_stays_or_is_revoked() {
        let of_line = Scope::line(DeviceId::from("215"), line(PHONE, "sip:215@example.com"));
        let other = || Ok(line("000413000002", "sip:215@example.com"));
        let unknown = || Err(NoLine::Unknown.into());
        let check = |scope: &Scope, answers: Vec<Result<Arc<Line>, Refusal>>, expected: &[&str]| {
            let (sessions, monitors) = monitored(scope.clone(), &["215"]);
            let mut relocation = Relocation::new(moved(&["215"]), &monitors);
            let mut lookup = relocation
                .step(&sessions, &monitors, &Numbers::default())
                .remove(0);
            let mut outcomes = Vec::new();
            for answer in answers {
                outcomes.push(match lookup.found(answer) {
                    Relocated::To(_) => "to",
                    Relocated::LookUp => "look up",
                    Relocated::Revoked => "revoked",
                    Relocated::Nowhere => "nowhere",
                });
            }
            assert_eq!(outcomes, expected);
        };
        check(&of_line, vec![other()], &["to"]);
        check(&of_line, vec![unknown()], &["nowhere"]);
        check(&of_line, vec![Err(Refusal::NoRight)], &["revoked"]);
        check(&Scope::Server, vec![other()], &["to"]);
        check(&Scope::Server, vec![unknown(), other()], &["look up", "to"]);
        check(
            &Scope::Server,
            vec![unknown(), unknown()],
            &["look up", "nowhere"],
        );
        let no_right = vec![Err(Refusal::NoRight), Err(Refusal::NoRight)];
        check(&Scope::Server, no_right, &["look up", "revoked"]);
    }
}
