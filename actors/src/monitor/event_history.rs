//! The order of a line's events, and whether events may be missing.

/// A moment between two events of a line.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Mark(u32);

/// The events of a line, since its monitor started.
#[derive(Debug, Default)]
pub(super) struct EventHistory {
    now: Mark,
    /// Whether events may be missing since the last snapshot.
    pub(super) gap: bool,
    /// Whether a snapshot was compared since the monitor started: an unreported call in a later snapshot is younger than the
    /// monitor.
    pub(super) compared: bool,
    /// When the phone was restarted: the calls without an event since then are over, unless a snapshot lists them.
    pub(super) phone_restarted: Option<Mark>,
    /// Whether the monitor was already restarted in this session because of an unreported call.
    pub(super) restarted: bool,
}

impl EventHistory {
    /// The moment after the last event.
    pub(super) fn now(&self) -> Mark {
        self.now
    }

    /// Whether all calls are known: a snapshot was compared, and no events are missing since.
    pub(super) fn is_complete(&self) -> bool {
        self.compared && !self.gap
    }

    /// Counts an event; returns the moment after the event.
    pub(super) fn event(&mut self) -> Mark {
        self.now = Mark(self.now.0.wrapping_add(1));
        self.now
    }
}
