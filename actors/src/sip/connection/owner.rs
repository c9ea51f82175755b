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

    /// Whether a session is that of this owner.
    pub(super) fn is(&self, events: &Recipient<SessionEvent>) -> bool {
        self.events == *events
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
    /// A session of this owner that [is closing](super::csta_session::CstaSession::is_closing).
    pub(super) fn closing(&self, owner: &Recipient<SessionEvent>) -> Option<SessionId> {
        self.search(|known, session| session.is_closing() && known.is(owner))
    }

    /// Whether any session [is closing](super::csta_session::CstaSession::is_closing).
    pub(super) fn any_closing(&self) -> bool {
        self.search(|_, session| session.is_closing()).is_some()
    }

    /// The session that this owner opened by this key.
    pub(super) fn opened(&self, owner: &Recipient<SessionEvent>, key: u64) -> Option<SessionId> {
        self.search(|known, _| known.has_key(key) && known.is(owner))
    }

    /// Sends the owner of a session an event.
    pub(super) fn tell(&self, id: SessionId, what: SessionEventKind) {
        if let Some(owner) = self.owner(id) {
            owner.tell(id, what);
        }
    }
}
