//! The monitors of a client by session and cross reference, and the source of unique cross references.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use uacsta_schema::csta::{DeviceId, MonitorFilter, OwnName};

use super::rights::Rights;
use crate::{
    account::Level,
    monitor::{ClientAddrs, Subscriber, SubscriptionChange},
    registrar::Line,
};

/// Numbers the cross references of a server: no two of its monitors share one.
#[derive(Debug, Default)]
pub struct CrossRefs(AtomicU64);

/// A monitor that a client started.
pub(super) struct ClientMonitor {
    pub(super) line: Arc<Line>,
    /// The client's name for the line.
    pub(super) name: DeviceId,
    pub(super) subscriber: Subscriber,
}

/// A monitor whose line moved to another phone.
pub(super) struct MovedMonitor {
    /// The line at its former phone.
    pub(super) former: Arc<Line>,
    /// The subscription for the new phone.
    pub(super) subscriber: Subscriber,
}

/// The monitors of a client.
pub(super) struct Monitors {
    by_session: HashMap<u64, HashMap<Arc<str>, Box<ClientMonitor>>>,
    /// The number of monitors in all sessions.
    count: usize,
    cross_refs: Arc<CrossRefs>,
    /// The client's addresses for phones; `None` until the client starts a monitor.
    addrs: Option<Arc<ClientAddrs>>,
    /// Whether the mailbox of a phone's actor was full: the client's connection ends, and nothing more is subscribed.
    overrun: bool,
}

impl CrossRefs {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Monitors {
    pub(super) fn new(cross_refs: Arc<CrossRefs>) -> Self {
        Self {
            by_session: HashMap::new(),
            count: 0,
            cross_refs,
            addrs: None,
            overrun: false,
        }
    }

    /// Returns a cross reference that is unique in the server.
    pub(super) fn next_cross_ref(&self) -> String {
        self.cross_refs.next().to_string()
    }

    /// The client's addresses, shared by all its subscriptions.
    pub(super) fn addrs(&mut self, make: impl FnOnce() -> ClientAddrs) -> Arc<ClientAddrs> {
        Arc::clone(self.addrs.get_or_insert_with(|| Arc::new(make())))
    }

    pub(super) fn overrun(&mut self) {
        self.overrun = true;
    }

    pub(super) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// How many monitors the client has.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, session: u64, cross_ref: &str) -> Option<&ClientMonitor> {
        Some(self.by_session.get(&session)?.get(cross_ref)?)
    }

    /// All monitors with their sessions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &ClientMonitor)> {
        let sessions = self.by_session.iter();
        sessions
            .flat_map(|(session, monitors)| monitors.values().map(|monitor| (*session, &**monitor)))
    }

    pub(super) fn insert(&mut self, session: u64, monitor: ClientMonitor) {
        let cross_ref = Arc::clone(&monitor.subscriber.cross_ref);
        let monitors = self.by_session.entry(session).or_default();
        if monitors.insert(cross_ref, Box::new(monitor)).is_none() {
            self.count += 1;
        }
    }

    pub(super) fn remove(&mut self, session: u64, cross_ref: &str) -> Option<ClientMonitor> {
        let monitor = self.by_session.get_mut(&session)?.remove(cross_ref)?;
        self.count -= 1;
        Some(*monitor)
    }

    /// Removes a monitor that the phone stopped, in any session.
    pub(super) fn stopped(&mut self, cross_ref: &str) -> Option<ClientMonitor> {
        let mut sessions = self.by_session.values_mut();
        let monitor = sessions.find_map(|monitors| monitors.remove(cross_ref))?;
        self.count -= 1;
        Some(*monitor)
    }

    /// Removes the monitors of an ended session.
    pub(super) fn session_ended(&mut self, session: u64) -> Vec<ClientMonitor> {
        let ended = self.by_session.remove(&session).unwrap_or_default();
        self.count -= ended.len();
        ended.into_values().map(|monitor| *monitor).collect()
    }

    /// Changes the filter of a monitor; returns the line, and the change for the phone.
    pub(super) fn set_filter(
        &mut self,
        session: u64,
        cross_ref: &str,
        filter: MonitorFilter,
    ) -> Option<(Arc<Line>, SubscriptionChange)> {
        let monitor = self.by_session.get_mut(&session)?.get_mut(cross_ref)?;
        monitor.subscriber.filter = filter;
        let cross_ref = Arc::clone(&monitor.subscriber.cross_ref);
        let change = SubscriptionChange::Filter { cross_ref, filter };
        Some((Arc::clone(&monitor.line), change))
    }

    /// Sets the line that a look-up found for a monitor, and the client's name of it; returns the moved monitor if this is another line.
    pub(super) fn set_line(
        &mut self,
        session: u64,
        cross_ref: &str,
        line: &Arc<Line>,
        own_name: Option<Arc<OwnName>>,
    ) -> Option<MovedMonitor> {
        let monitor = self.by_session.get_mut(&session)?.get_mut(cross_ref)?;
        monitor.subscriber.dialect.own_name = own_name;
        let former = mem::replace(&mut monitor.line, Arc::clone(line));
        let (was, is) = (&former.entry, &line.entry);
        let has_moved = was.phone != is.phone || was.device != is.device;
        has_moved.then(|| MovedMonitor {
            // The former phone has reported the line out of service.
            subscriber: Subscriber {
                in_service: Some(false),
                ..monitor.subscriber.clone()
            },
            former,
        })
    }

    /// The sessions and cross references of monitors of lines that these rights do not allow to watch.
    pub(super) fn hidden(&self, rights: &Rights) -> Vec<(u64, Arc<str>)> {
        let hidden = self
            .iter()
            .filter(|(_, it)| !rights.hold(Level::Watch, &it.line.entry));
        hidden
            .map(|(session, it)| (session, Arc::clone(&it.subscriber.cross_ref)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::client::fixtures::{line, subscriber};

    const PHONE: &str = "000413000001";

    fn monitor(cross_ref: &str, device: &str) -> ClientMonitor {
        ClientMonitor {
            line: line(PHONE, device),
            name: DeviceId::from(device),
            subscriber: subscriber(cross_ref),
        }
    }

    /// Monitors 1 and 2 of session 1 and monitor 3 of session 2.
    fn three() -> Monitors {
        let mut monitors = Monitors::new(Arc::default());
        monitors.insert(1, monitor("1", "215"));
        monitors.insert(1, monitor("2", "216"));
        monitors.insert(2, monitor("3", "215"));
        monitors
    }

    #[test]
    fn each_way_to_end_a_monitor_gives_its_place_back() {
        type End = fn(&mut Monitors) -> usize;
        let check = |end: End, ended: usize| {
            let mut monitors = three();
            assert_eq!(monitors.count(), 3);
            assert_eq!(end(&mut monitors), ended);
            assert_eq!(monitors.count(), 3 - ended);
            assert_eq!(monitors.iter().count(), 3 - ended);
        };
        check(|it| it.remove(1, "1").into_iter().count(), 1);
        check(|it| it.remove(2, "1").into_iter().count(), 0);
        check(|it| it.remove(1, "01").into_iter().count(), 0);
        check(|it| it.stopped("3").into_iter().count(), 1);
        check(|it| it.stopped("4").into_iter().count(), 0);
        check(|it| it.session_ended(1).len(), 2);
        check(|it| it.session_ended(3).len(), 0);
    }

    #[test]
    fn a_monitor_moves_where_the_phone_or_the_line_differs() {
        let check = |phone: &str, device: &str, moved: bool| {
            let mut monitors = three();
            let found = line(phone, device);
            let change = monitors.set_line(1, "1", &found, None);
            assert_eq!(change.is_some(), moved, "{phone} {device}");
            if let Some(change) = change {
                assert_eq!(change.former.entry.device.as_str(), "215");
                assert_eq!(change.subscriber.in_service, Some(false));
            }
            let monitor = monitors.get(1, "1").unwrap();
            assert!(Arc::ptr_eq(&monitor.line, &found));
        };
        check(PHONE, "215", false);
        check(PHONE, "216", true);
        check("000413000002", "215", true);
        assert!(
            three()
                .set_line(2, "1", &line(PHONE, "216"), None)
                .is_none()
        );
    }

    #[test]
    fn a_filter_belongs_to_one_monitor_of_its_session() {
        let mut monitors = three();
        let filter = MonitorFilter::default();
        assert!(monitors.set_filter(2, "1", filter).is_none());
        let (line, change) = monitors.set_filter(1, "2", filter).unwrap();
        assert_eq!(line.entry.device.as_str(), "216");
        assert!(
            matches!(change, SubscriptionChange::Filter { cross_ref, .. } if &*cross_ref == "2")
        );
    }
}
