//! Records the messages of one connection, each in the ring of the party that it concerns.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use uacsta_schema::sip::Head;

use super::{
    message::{Direction, Party, Path, RecordedMessage},
    thread::ThreadRings,
};
use crate::{clock::Clock, sip::transport::MessageRecorder};

/// Finds the party in the addresses of a message: the From or To of the remote end, and that of ours.
pub type FindParty = fn(remote: &str, local: &str) -> Option<Party>;

/// The recorder of one connection. What a peer sends before it has authenticated is kept apart, so that it cannot replace the
/// messages of others.
pub struct ConnectionRecorder {
    rings: Rc<RefCell<ThreadRings>>,
    clock: Arc<dyn Clock>,
    path: Arc<Path>,
    find: FindParty,
    parties: RefCell<Parties>,
    is_trusted: Cell<bool>,
}

#[derive(Default)]
struct Parties {
    authenticated: HashSet<Party>,
    /// The last addresses of received and of sent messages, with the party that was found in them.
    last: [Addresses; 2],
    /// The only party of the connection, whatever its addresses are.
    only: Option<Party>,
}

#[derive(Default)]
struct Addresses {
    remote: String,
    local: String,
    party: Option<Party>,
}

/// What decides whose a message is.
struct Ends<'a> {
    from: &'a str,
    to: &'a str,
    is_request: bool,
    /// A REGISTER or the response to one: it may be of another phone than all that are known on the connection.
    is_register: bool,
}

impl ConnectionRecorder {
    pub(super) fn new(
        rings: Rc<RefCell<ThreadRings>>,
        clock: Arc<dyn Clock>,
        path: Path,
        find: FindParty,
    ) -> Self {
        Self {
            rings,
            clock,
            path: Arc::new(path),
            find,
            parties: RefCell::default(),
            is_trusted: Cell::new(false),
        }
    }

    /// A phone has authenticated on the connection, which may carry several.
    pub fn add_party(&self, party: Party) {
        self.parties.borrow_mut().authenticated.insert(party);
    }

    /// A client has authenticated on the connection: all its messages are that client's, also those of its log-on.
    pub fn set_only_party(&self, party: Party) {
        let mut parties = self.parties.borrow_mut();
        if let Some(claimed) = parties.last[0].party.take() {
            let mut rings = self.rings.borrow_mut();
            rings.adopt(&claimed, &party, &self.path);
        }
        parties.only = Some(party);
    }

    /// All parties of the connection count as authenticated: it is that of a trusted front end.
    pub fn trust(&self) {
        self.is_trusted.set(true);
    }

    fn record(&self, direction: Direction, ends: &Ends<'_>, parts: [&[u8]; 2]) {
        let mut parties = self.parties.borrow_mut();
        let (party, is_authenticated) = parties.of(direction, ends, self.find);
        let Some(party) = party else {
            return;
        };
        let is_authenticated = is_authenticated || self.is_trusted.get();
        let mut rings = self.rings.borrow_mut();
        let length = parts[0].len() + parts[1].len();
        let kept = length.min(rings.longest(is_authenticated));
        let mut octets = Vec::with_capacity(kept);
        for part in parts {
            let room = part.len().min(kept - octets.len());
            octets.extend_from_slice(part.get(..room).unwrap_or_default());
        }
        let message = RecordedMessage {
            at: self.clock.since_epoch(),
            direction,
            path: Arc::clone(&self.path),
            length,
            octets: Bytes::from(octets),
        };
        rings.add(party, is_authenticated, message);
    }

    fn is_off(&self) -> bool {
        self.rings.borrow().is_off()
    }
}

impl Parties {
    /// The party of a message, and whether it has authenticated.
    fn of(
        &mut self,
        direction: Direction,
        ends: &Ends<'_>,
        find: FindParty,
    ) -> (Option<&Party>, bool) {
        if let Some(only) = &self.only {
            return (Some(only), true);
        }
        let (remote, local) = match (direction, ends.is_request) {
            (Direction::Received, true) | (Direction::Sent, false) => (ends.from, ends.to),
            (Direction::Received, false) | (Direction::Sent, true) => (ends.to, ends.from),
        };
        let last = &mut self.last[usize::from(direction == Direction::Sent)];
        if last.remote != remote || last.local != local {
            last.party = find(remote, local);
            last.remote.clear();
            last.remote.push_str(remote);
            last.local.clear();
            last.local.push_str(local);
        }
        let party = last.party.as_ref();
        if party.is_some_and(|party| self.authenticated.contains(party)) {
            return (party, true);
        }
        let mut authenticated = self.authenticated.iter();
        match (authenticated.next(), authenticated.next()) {
            (Some(only), None) if !ends.is_register => (Some(only), true),
            _ => (party, false),
        }
    }
}

impl MessageRecorder for ConnectionRecorder {
    fn received(&self, head: &Head, body: &[u8]) {
        if self.is_off() {
            return;
        }
        let text = head.as_str();
        let ends = Ends {
            from: head
                .get(uacsta_schema::sip::HeaderName::From)
                .unwrap_or_default(),
            to: head
                .get(uacsta_schema::sip::HeaderName::To)
                .unwrap_or_default(),
            is_request: !text.starts_with("SIP/2.0 "),
            is_register: text.starts_with("REGISTER "),
        };
        self.record(Direction::Received, &ends, [text.as_bytes(), body]);
    }

    fn sent(&self, message: &[u8]) {
        if !self.is_off()
            && let Some(ends) = Ends::of_sent(message)
        {
            self.record(Direction::Sent, &ends, [message, b""]);
        }
    }
}

impl<'a> Ends<'a> {
    /// Those of a message that was written here; `None` for what is no message, such as a pong.
    fn of_sent(message: &'a [u8]) -> Option<Self> {
        let (mut from, mut to, mut cseq) = (None, None, None);
        let mut rest = message;
        while let Some(feed) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(feed + 1)?;
            rest = after;
            let Some((name, value)) = line
                .iter()
                .position(|octet| *octet == b':')
                .and_then(|at| line.split_at_checked(at))
            else {
                if line.trim_ascii().is_empty() {
                    break;
                }
                continue;
            };
            let field = match name.len() {
                1 if name.eq_ignore_ascii_case(b"f") => &mut from,
                1 if name.eq_ignore_ascii_case(b"t") => &mut to,
                2 if name.eq_ignore_ascii_case(b"to") => &mut to,
                4 if name.eq_ignore_ascii_case(b"from") => &mut from,
                4 if name.eq_ignore_ascii_case(b"cseq") => &mut cseq,
                _ => continue,
            };
            let value = value.get(1..).and_then(|value| str::from_utf8(value).ok());
            *field = value.map(str::trim);
            if from.is_some() && to.is_some() && cseq.is_some() {
                break;
            }
        }
        Some(Self {
            from: from?,
            to: to?,
            is_request: !message.starts_with(b"SIP/2.0 "),
            is_register: cseq.is_some_and(|cseq| cseq.ends_with("REGISTER")),
        })
    }
}
