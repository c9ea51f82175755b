//! The sessions of a connection: their identities, their owners, and the search for the session of a dialog.

use std::{fmt, time::Duration};

use uacsta_schema::sip::Request;

use super::csta_session::CstaSession;
use crate::sip::{dialog::DialogId, session::SessionId, slots::Slots};

/// Sessions with a value `O` for the owner of each. While there are none, they hold no memory.
pub(super) struct Sessions<O> {
    slots: Slots<Entry<O>>,
    /// Counts the sessions, so that a later one in the same slot has another identity.
    serial: u32,
    /// Replaces random numbers where the system has none.
    random: u64,
    /// Whether a session migrated here, whose tag names its slot on another connection.
    adopted: bool,
}

struct Entry<O> {
    serial: u32,
    owned: OwnedSession<O>,
}

/// A session and its owner.
pub(super) struct OwnedSession<O> {
    pub(super) owner: O,
    pub(super) session: CstaSession,
}

/// Where the dialog of a request is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DialogMatch {
    /// The request belongs to no dialog.
    OutsideDialog,
    /// In this session of the connection.
    Own(SessionId),
    /// Not on this connection.
    Foreign,
}

/// Our tag in the dialog of a session. It begins with the session's slot, so that a request finds its session without a search;
/// the rest cannot be guessed (RFC 3261, section 19.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalTag {
    slot: usize,
    random: u64,
}

impl fmt::Display for LocalTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.slot, self.random)
    }
}

impl LocalTag {
    /// The slot that a tag begins with, which may name no session or another one.
    fn slot_of(tag: &str) -> Option<usize> {
        usize::from_str_radix(tag.split('-').next()?, 16).ok()
    }
}

impl<O> Sessions<O> {
    pub(super) const fn new(random: u64) -> Self {
        Self {
            slots: Slots::new(),
            serial: 0,
            random,
            adopted: false,
        }
    }

    /// The tag for the session that is inserted next.
    pub(super) fn next_tag(&mut self) -> LocalTag {
        LocalTag {
            slot: self.slots.vacant_key(),
            random: self.unguessable(),
        }
    }

    /// A random number for a tag or Call-ID (RFC 3261, section 19.3).
    pub(super) fn unguessable(&mut self) -> u64 {
        let serial = self.next_serial();
        getrandom::u64().unwrap_or_else(|_| self.random.rotate_left(serial))
    }

    fn next_serial(&mut self) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// Adds a session with the tag of [`Self::next_tag`].
    pub(super) fn insert(&mut self, owned: OwnedSession<O>) -> SessionId {
        let serial = self.next_serial();
        let slot = self.slots.insert(Entry { serial, owned }) as u32;
        SessionId { slot, serial }
    }

    /// Adds a session of another connection, whose tag it keeps.
    pub(super) fn adopt(&mut self, owned: OwnedSession<O>) -> SessionId {
        self.adopted = true;
        self.insert(owned)
    }

    /// Removes a session.
    pub(super) fn remove(&mut self, id: SessionId) -> Option<OwnedSession<O>> {
        self.entry(id)?;
        Some(self.slots.remove(id.slot as usize).owned)
    }

    fn entry(&self, id: SessionId) -> Option<&Entry<O>> {
        let entry = self.slots.get(id.slot as usize)?;
        (entry.serial == id.serial).then_some(entry)
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&CstaSession> {
        Some(&self.entry(id)?.owned.session)
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut CstaSession> {
        let entry = self.slots.get_mut(id.slot as usize)?;
        (entry.serial == id.serial).then_some(&mut entry.owned.session)
    }

    pub(super) fn owner(&self, id: SessionId) -> Option<&O> {
        Some(&self.entry(id)?.owned.owner)
    }

    /// The dialog of a received request.
    pub(super) fn locate(&self, request: &Request) -> DialogMatch {
        match DialogId::of_request(request) {
            None => DialogMatch::OutsideDialog,
            Some(dialog) => self
                .find(dialog)
                .map_or(DialogMatch::Foreign, DialogMatch::Own),
        }
    }

    /// The session of a dialog.
    pub(super) fn find(&self, dialog: DialogId<'_>) -> Option<SessionId> {
        let is = |entry: &Entry<O>| entry.owned.session.is_in(dialog);
        let named = LocalTag::slot_of(dialog.local_tag)
            .and_then(|slot| Some((slot, self.slots.get(slot)?)))
            .filter(|(_, entry)| is(entry));
        let (slot, entry) = match named {
            None if self.adopted => self.slots.iter().find(|(_, entry)| is(entry))?,
            found => found?,
        };
        Some(SessionId {
            slot: slot as u32,
            serial: entry.serial,
        })
    }

    /// The first session that `is` chooses.
    pub(super) fn search(&self, is: impl Fn(&O, &CstaSession) -> bool) -> Option<SessionId> {
        let mut entries = self.slots.iter();
        let found = entries.find(|(_, entry)| is(&entry.owned.owner, &entry.owned.session));
        found.map(|(slot, entry)| SessionId {
            slot: slot as u32,
            serial: entry.serial,
        })
    }

    /// The identities of all sessions that `select` chooses.
    fn ids(&self, select: impl Fn(&CstaSession) -> bool) -> Vec<SessionId> {
        let chosen = self
            .slots
            .iter()
            .filter(|(_, entry)| select(&entry.owned.session));
        chosen
            .map(|(slot, entry)| SessionId {
                slot: slot as u32,
                serial: entry.serial,
            })
            .collect()
    }

    pub(super) fn all(&self) -> Vec<SessionId> {
        self.ids(|_| true)
    }

    /// The sessions that must be refreshed or ended now.
    pub(super) fn due(&self, now: Duration) -> Vec<SessionId> {
        self.ids(|session| session.due_at().is_some_and(|at| at <= now))
    }

    /// When the next session must be refreshed or ended.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let sessions = self.slots.iter().map(|(_, entry)| &entry.owned.session);
        sessions.filter_map(CstaSession::due_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::request, *};
    use crate::sip::connection::session_refresh::SessionRefresh;

    /// A session of the dialog of [`request`], but with this tag of ours.
    fn session(tag: LocalTag) -> OwnedSession<()> {
        let invite = request("INVITE", 1, "z9hG4bK1x", "");
        let timer = SessionRefresh::proposed(Duration::from_secs(300));
        let session = CstaSession::accepted(&invite, &tag.to_string(), timer);
        OwnedSession {
            owner: (),
            session: session.expect("a dialog"),
        }
    }

    fn dialog(local_tag: &str) -> DialogId<'_> {
        DialogId {
            call_id: "1",
            local_tag,
            remote_tag: "2",
        }
    }

    #[test]
    fn a_dialog_names_its_session_and_no_later_one_in_its_slot() {
        let mut sessions = Sessions::new(7);
        let tag = sessions.next_tag();
        let id = sessions.insert(session(tag));
        assert_eq!(sessions.find(dialog(&tag.to_string())), Some(id));
        for tag in ["", "0", "0-0", "1-0", "x", "ffffffffffffffffff-1"] {
            assert_eq!(sessions.find(dialog(tag)), None, "{tag}");
        }
        assert!(sessions.remove(id).is_some() && sessions.remove(id).is_none());
        let later_tag = sessions.next_tag();
        let later = sessions.insert(session(later_tag));
        assert_eq!((later.slot, later == id), (id.slot, false));
        assert!(sessions.get(id).is_none() && sessions.owner(id).is_none());
        assert_eq!(sessions.find(dialog(&tag.to_string())), None);
        assert_eq!(sessions.all(), [later]);
    }

    #[test]
    fn a_session_that_moved_here_keeps_its_tag_and_is_found_by_it() {
        let (mut here, mut there) = (Sessions::new(7), Sessions::new(8));
        let first = there.next_tag();
        there.insert(session(first));
        let tag = there.next_tag();
        let id = there.insert(session(tag));
        let moved = here.adopt(there.remove(id).expect("known"));
        assert_eq!((moved.slot, id.slot), (0, 1));
        assert_eq!(here.find(dialog(&tag.to_string())), Some(moved));
        assert_eq!(there.find(dialog(&tag.to_string())), None);
    }
}
