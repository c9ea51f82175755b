//! The actor that owns a session and receives its events.

use actix::Recipient;

use super::sessions::Sessions;
use crate::sip::session::{SessionEnd, SessionEvent, SessionEventKind, SessionId};

/// The owner of a session.
pub(super) struct SessionOwner {
    events: Recipient<SessionEvent>,
    key: u64,
}

impl SessionOwner {
    /// `key` is the owner's name for the session.
    pub(super) fn new(events: Recipient<SessionEvent>, key: u64) -> Self {
        Self { events, key }
    }

    pub(super) fn has_key(&self, key: u64) -> bool {
        self.key == key
    }

    /// Whether the actor has stopped.
    pub(super) fn is_gone(&self) -> bool {
        !self.events.connected()
    }

    pub(super) fn tell(&self, session: SessionId, what: SessionEventKind) {
        self.events.do_send(SessionEvent {
            key: self.key,
            session,
            what,
        });
    }

    /// Tells the owner that the session was never established.
    pub(super) fn tell_cancelled(&self) {
        self.tell(
            SessionId::NONE,
            SessionEventKind::Ended(SessionEnd::Cancelled),
        );
    }
}

impl Sessions<SessionOwner> {
    /// Sends the owner of a session an event.
    pub(super) fn tell(&self, id: SessionId, what: SessionEventKind) {
        if let Some(owner) = self.owner(id) {
            owner.tell(id, what);
        }
    }
}
