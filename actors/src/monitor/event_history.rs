//! What is known of the events of a line: their order, and whether some may be missing.

/// A moment between two events of a line.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Mark(u32);

/// The events of a line, since its monitor started.
#[derive(Debug, Default)]
pub(super) struct EventHistory {
    now: Mark,
    /// Whether events may be missing since the last snapshot.
    pub(super) gap: bool,
    /// Whether a snapshot was taken since the monitor started: a call that a later one lists without events is younger than it.
    pub(super) compared: bool,
    /// Whether the monitor was restarted in this session for a call without events; once is enough.
    pub(super) restarted: bool,
}

impl EventHistory {
    /// The moment after the last event.
    pub(super) fn now(&self) -> Mark {
        self.now
    }

    /// Counts an event; returns the moment after it.
    pub(super) fn event(&mut self) -> Mark {
        self.now = Mark(self.now.0.wrapping_add(1));
        self.now
    }
}
