//! Records the messages of one connection, each in the ring of the party that it concerns.

use std::{cell::RefCell, collections::HashSet, rc::Rc, sync::Arc};

use uacsta_schema::sip::{Head, HeaderName};

use super::{
    log::{EncodedPath, encode},
    message::{Direction, Party, Path},
    rings::NewMessage,
    thread::{PartyRing, ThreadRings},
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
    encoded: EncodedPath,
    find: FindParty,
    parties: RefCell<Parties>,
}

/// The parties of a connection.
#[derive(Default)]
struct Parties {
    /// Those that have authenticated: the first one, which mostly is the only one, and the others.
    first: Option<Party>,
    others: HashSet<Party>,
    is_trusted: bool,
    /// The only party of the connection, whatever its addresses are.
    only: Option<Party>,
    /// The last addresses of received and of sent messages, with the ring that was found for them.
    last: [Last; 2],
}

#[derive(Default)]
struct Last {
    remote: String,
    local: String,
    is_register: bool,
    found: Option<PartyRing>,
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
    /// The addresses of the connection.
    pub fn path(&self) -> Path {
        *self.path
    }

    pub(super) fn new(
        rings: Rc<RefCell<ThreadRings>>,
        clock: Arc<dyn Clock>,
        path: Path,
        find: FindParty,
    ) -> Self {
        Self {
            rings,
            clock,
            encoded: encode(&path),
            path: Arc::new(path),
            find,
            parties: RefCell::default(),
        }
    }

    /// A phone has authenticated on the connection, which may carry several.
    pub fn add_party(&self, party: Party) {
        self.change(|parties| match &parties.first {
            None => parties.first = Some(party),
            Some(first) if *first == party => {}
            Some(_) => {
                parties.others.insert(party);
            }
        });
    }

    /// A client has authenticated on the connection: all its messages are that client's, also those of its log-on.
    pub fn set_only_party(&self, party: Party) {
        let claimed = self.parties.borrow_mut().last[0].found.take();
        if let Some(claimed) = claimed {
            let mut rings = self.rings.borrow_mut();
            rings.adopt(&claimed.ring.party, &party, &self.path);
        }
        self.change(|parties| parties.only = Some(party));
    }

    /// All parties of the connection count as authenticated: it is that of a trusted front end.
    pub fn trust(&self) {
        self.change(|parties| parties.is_trusted = true);
    }

    /// Changes what decides whose messages are.
    fn change(&self, change: impl FnOnce(&mut Parties)) {
        let mut parties = self.parties.borrow_mut();
        change(&mut parties);
        parties.last = Default::default();
    }

    fn record(&self, direction: Direction, ends: &Ends<'_>, parts: [&[u8]; 2]) {
        let mut rings = self.rings.borrow_mut();
        let mut parties = self.parties.borrow_mut();
        if let Some(found) = parties.ring_of(direction, ends, self.find, &mut rings) {
            let message = NewMessage {
                at: self.clock.since_epoch(),
                direction,
                path: &self.encoded,
                parts,
            };
            rings.add(found, &message, &self.path);
        }
    }

    fn is_off(&self) -> bool {
        self.rings.borrow().is_off()
    }
}

impl Parties {
    fn ring_of(
        &mut self,
        direction: Direction,
        ends: &Ends<'_>,
        find: FindParty,
        rings: &mut ThreadRings,
    ) -> Option<&PartyRing> {
        let (remote, local) = match (direction, ends.is_request) {
            (Direction::Received, true) | (Direction::Sent, false) => (ends.from, ends.to),
            (Direction::Received, false) | (Direction::Sent, true) => (ends.to, ends.from),
        };
        let at = usize::from(direction == Direction::Sent);
        // A phone has another tag in each registration.
        let [remote, local] = [remote, local].map(without_parameters);
        let last = &self.last[at];
        let is_known = last.found.as_ref().is_some_and(|found| rings.has(found))
            && (self.only.is_some()
                || (last.remote == remote
                    && last.local == local
                    && last.is_register == ends.is_register));
        if !is_known {
            let party = self.party(find(remote, local), ends.is_register);
            let found = party.and_then(|(party, authenticated)| rings.ring(&party, authenticated));
            let last = &mut self.last[at];
            last.remote.clear();
            last.remote.push_str(remote);
            last.local.clear();
            last.local.push_str(local);
            last.is_register = ends.is_register;
            last.found = found;
        }
        self.last[at].found.as_ref()
    }

    /// The party of a message that names `party`, and whether it has authenticated.
    fn party(&self, party: Option<Party>, is_register: bool) -> Option<(Party, bool)> {
        if let Some(only) = &self.only {
            return Some((only.clone(), true));
        }
        if let Some(party) = party.as_ref()
            && (self.is_trusted
                || self.first.as_ref() == Some(party)
                || self.others.contains(party))
        {
            return Some((party.clone(), true));
        }
        match &self.first {
            Some(first) if self.others.is_empty() && !is_register => Some((first.clone(), true)),
            _ => party.map(|party| (party, false)),
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
            from: head.get(HeaderName::From).unwrap_or_default(),
            to: head.get(HeaderName::To).unwrap_or_default(),
            is_request: !text.starts_with("SIP/2.0 "),
            is_register: text.starts_with("REGISTER "),
        };
        self.record(Direction::Received, &ends, [text.as_bytes(), body]);
    }

    fn client(&self, head: &Head, is_received: bool) -> Option<String> {
        let is_request = !head.as_str().starts_with("SIP/2.0 ");
        let remote = match is_received == is_request {
            true => HeaderName::From,
            false => HeaderName::To,
        };
        let parties = self.parties.borrow();
        if let Some(Party::Client(user)) = &parties.only {
            return Some(user.to_string());
        }
        match (self.find)(head.get(remote)?, "")? {
            Party::Client(user) if parties.is_trusted => Some(user.to_string()),
            // It has not logged on, for which its name has no domain.
            Party::Client(user) => user.split('@').next().map(str::to_owned),
            Party::Phone(_) => None,
        }
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
            let Some((name, value)) =
                memchr::memchr(b':', line).and_then(|at| line.split_at_checked(at))
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
            *field = value.map(str::trim_ascii);
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

/// An address without its parameters, such as the tag; as it is where its display name is quoted.
fn without_parameters(address: &str) -> &str {
    let end = match memchr::memchr2(b'"', b'>', address.as_bytes()) {
        Some(at) if address.as_bytes().get(at) == Some(&b'>') => at + 1,
        Some(_) => address.len(),
        None => address.find(';').unwrap_or(address.len()),
    };
    address.get(..end).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_left_out_unless_the_display_name_is_quoted() {
        for (address, expected) in [
            ("<sip:215@h;x=y>;tag=1", "<sip:215@h;x=y>"),
            ("Reception <sip:215@h>", "Reception <sip:215@h>"),
            ("sip:215@h;tag=1", "sip:215@h"),
            ("sip:215@h", "sip:215@h"),
            ("\"a>b\" <sip:215@h>;tag=1", "\"a>b\" <sip:215@h>;tag=1"),
            ("", ""),
        ] {
            assert_eq!(without_parameters(address), expected);
        }
    }
}
