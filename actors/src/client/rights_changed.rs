//! Selects the sessions and monitors that a client's new rights no longer allow.

use std::{collections::HashSet, sync::Arc};

use super::{
    monitors::Monitors,
    rights::Rights,
    sessions::{Scope, Sessions},
};

/// The sessions and monitors that a client loses with its new rights.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    /// Sessions of hidden lines, by key.
    pub(super) sessions: HashSet<u64>,
    /// Monitors of hidden lines in other sessions, by session and cross reference.
    pub(super) monitors: Vec<(u64, Arc<str>)>,
}

/// The sessions and monitors that these rights do not allow.
pub(super) fn revoked(sessions: &Sessions, monitors: &Monitors, rights: &Rights) -> Revoked {
    let sessions: HashSet<u64> = sessions
        .iter()
        .filter(|(_, session)| match &session.scope {
            Scope::Server => false,
            Scope::Line { line, .. } => !rights.sees(&line.entry),
        })
        .map(|(key, _)| key)
        .collect();
    let mut monitors = monitors.hidden(rights);
    monitors.retain(|(session, _)| !sessions.contains(session));
    Revoked { sessions, monitors }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uacsta_schema::csta::{DeviceId, Dialect};

    use super::*;
    use crate::client::{
        fixtures::{line, subscriber},
        monitors::ClientMonitor,
    };

    #[test]
    fn new_rights_end_the_sessions_and_monitors_of_hidden_lines() {
        let (mut sessions, mut monitors) = (Sessions::default(), Monitors::new(Arc::default()));
        let server = sessions.open(Scope::Server, Dialect::default(), 9).unwrap();
        let mut of_line = |name: &str| {
            let scope = Scope::line(DeviceId::from(name), line("000413000001", name));
            sessions.open(scope, Dialect::default(), 9).unwrap()
        };
        let (line215, line216) = (of_line("215"), of_line("216"));
        for (session, name, cross_ref) in [
            (server, "215", "1"),
            (server, "216", "2"),
            (line215, "215", "3"),
            (line216, "216", "4"),
        ] {
            let monitor = ClientMonitor {
                line: line("000413000001", name),
                name: DeviceId::from(name),
                subscriber: subscriber(cross_ref),
            };
            monitors.insert(session, monitor);
        }
        let lost = revoked(
            &sessions,
            &monitors,
            &Rights::all(&uacsta_config::Numbers::default()),
        );
        assert!(lost.sessions.is_empty() && lost.monitors.is_empty());
        let lost = revoked(&sessions, &monitors, &Rights::of_lines(&["215"]));
        assert_eq!(lost.sessions, HashSet::from([line216]));
        assert_eq!(lost.monitors, [(server, Arc::from("2"))]);
    }
}
