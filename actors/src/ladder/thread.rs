//! The rings of one thread, those who follow them, and the actor through which other threads read them.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix::{Actor, Context, Handler, Message, MessageResult};
use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::{
    log::encode,
    message::{Party, Path, RecordedMessage},
    rings::{NewMessage, Ring, Rings},
};

/// The rings of the connections on a thread.
#[derive(Debug)]
pub(super) struct ThreadRings {
    authenticated: Rings,
    /// Messages of peers before they authenticated, of which anybody can send as many as they like.
    unauthenticated: Rings,
    /// Counts the changes of the bound, each of which replaces all rings.
    generation: u64,
    followers: Vec<Follower>,
}

/// The ring of a party.
#[derive(Debug)]
pub(super) struct PartyRing {
    pub(super) ring: Rc<Ring>,
    is_authenticated: bool,
    generation: u64,
}

/// What a follower receives.
#[derive(Clone, Debug)]
pub enum Followed {
    /// A message of the party.
    Message(RecordedMessage),
    /// So many messages were lost here, since the follower was too slow.
    Missed(u64),
}

#[derive(Debug)]
struct Follower {
    party: Party,
    sender: Sender<Followed>,
    missed: u64,
}

/// The part of the bound for messages of peers that have not authenticated: one of so many.
const UNAUTHENTICATED: usize = 8;
/// How many may follow a party at a time.
const FOLLOWERS: usize = 64;

impl ThreadRings {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            authenticated: Rings::new(bound - bound / UNAUTHENTICATED),
            unauthenticated: Rings::new(bound / UNAUTHENTICATED),
            generation: 0,
            followers: Vec::new(),
        }
    }

    pub(super) fn is_off(&self) -> bool {
        self.authenticated.bound() == 0
    }

    /// The ring of a party; `None` if there are too many.
    pub(super) fn ring(&mut self, party: &Party, is_authenticated: bool) -> Option<PartyRing> {
        let rings = match is_authenticated {
            true => &mut self.authenticated,
            false => &mut self.unauthenticated,
        };
        Some(PartyRing {
            ring: rings.ring(party)?,
            is_authenticated,
            generation: self.generation,
        })
    }

    /// Whether a ring is one of these, not of those before the bound was changed.
    pub(super) fn has(&self, ring: &PartyRing) -> bool {
        ring.generation == self.generation
    }

    pub(super) fn add(&mut self, to: &PartyRing, message: &NewMessage<'_>, path: &Arc<Path>) {
        if !self.followers.is_empty() {
            self.tell_followers(&to.ring.party, message, path);
        }
        let rings = match to.is_authenticated {
            true => &mut self.authenticated,
            false => &mut self.unauthenticated,
        };
        rings.add(&to.ring, message);
    }

    fn tell_followers(&mut self, party: &Party, message: &NewMessage<'_>, path: &Arc<Path>) {
        let mut made = None;
        let make = || {
            let octets = message.parts.concat().into();
            RecordedMessage::new(message.at, message.direction, Arc::clone(path), octets)
        };
        self.followers.retain_mut(|follower| {
            follower.party != *party || follower.tell(made.get_or_insert_with(make).clone())
        });
    }

    /// The messages of a connection before its log-on, which were kept for `claimed`, are those of `party`.
    pub(super) fn adopt(&mut self, claimed: &Party, party: &Party, path: &Path) {
        if claimed == party {
            return;
        }
        let Some(ring) = self.authenticated.ring(party) else {
            return;
        };
        let kept = self.unauthenticated.of(claimed);
        for message in kept.iter().filter(|message| *message.path == *path) {
            let message = NewMessage {
                at: message.at,
                direction: message.direction,
                path: &encode(path),
                parts: [&message.octets, b""],
            };
            self.authenticated.add(&ring, &message);
        }
    }

    /// Changes the bound, for which all messages are removed.
    fn set_bound(&mut self, bound: usize) {
        let followers = std::mem::take(&mut self.followers);
        let generation = self.generation + 1;
        *self = Self {
            generation,
            followers,
            ..Self::new(bound)
        };
    }

    fn of(&self, party: &Party) -> Vec<RecordedMessage> {
        let mut kept = self.unauthenticated.of(party);
        kept.extend(self.authenticated.of(party));
        kept
    }
}

impl Follower {
    /// Returns whether it still follows.
    fn tell(&mut self, message: RecordedMessage) -> bool {
        if self.missed > 0 {
            match self.sender.try_send(Followed::Missed(self.missed)) {
                Ok(()) => self.missed = 0,
                Err(error) => return self.failed(&error),
            }
        }
        match self.sender.try_send(Followed::Message(message)) {
            Ok(()) => true,
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &TrySendError<Followed>) -> bool {
        self.missed += 1;
        matches!(error, TrySendError::Full(_))
    }
}

/// Reads and changes the rings of its thread for others.
pub(super) struct LadderThread {
    pub(super) rings: Rc<RefCell<ThreadRings>>,
}

/// Returns the messages of a party, and lets `follower` have those that come, unless there are too many.
#[derive(Debug, Message)]
#[rtype(result = "Vec<RecordedMessage>")]
pub(super) struct Read {
    pub(super) party: Party,
    pub(super) follower: Option<Sender<Followed>>,
}

/// Removes the messages of a party.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Forget(pub(super) Party);

/// Keeps at most so many octets on each thread.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct SetBound(pub(super) usize);

impl Actor for LadderThread {
    type Context = Context<Self>;
}

impl Handler<Read> for LadderThread {
    type Result = MessageResult<Read>;

    fn handle(&mut self, Read { party, follower }: Read, _: &mut Self::Context) -> Self::Result {
        let mut rings = self.rings.borrow_mut();
        let kept = rings.of(&party);
        rings
            .followers
            .retain(|follower| !follower.sender.is_closed());
        if rings.followers.len() < FOLLOWERS {
            rings.followers.extend(follower.map(|sender| Follower {
                party,
                sender,
                missed: 0,
            }));
        }
        MessageResult(kept)
    }
}

impl Handler<Forget> for LadderThread {
    type Result = ();

    fn handle(&mut self, Forget(party): Forget, _: &mut Self::Context) {
        let mut rings = self.rings.borrow_mut();
        rings.authenticated.forget(&party);
        rings.unauthenticated.forget(&party);
    }
}

impl Handler<SetBound> for LadderThread {
    type Result = ();

    fn handle(&mut self, SetBound(bound): SetBound, _: &mut Self::Context) {
        self.rings.borrow_mut().set_bound(bound);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use tokio::sync::mpsc::{Receiver, channel};
    use uacsta_schema::sip::Transport;

    use super::*;
    use crate::ladder::Direction;

    fn party(user: &str) -> Party {
        Party::Client(user.into())
    }

    fn add(rings: &mut ThreadRings, user: &str, is_authenticated: bool, at: u64) {
        let address = ([192, 0, 2, 1], 5060).into();
        let path = Path {
            local: address,
            peer: address,
            transport: Transport::TCP,
        };
        let message = NewMessage {
            at: Duration::from_secs(at),
            direction: Direction::Sent,
            path: &encode(&path),
            parts: [b"head", b"body"],
        };
        let ring = rings.ring(&party(user), is_authenticated);
        rings.add(&ring.unwrap(), &message, &Arc::new(path));
    }

    fn rings(followers: &[(&str, &Sender<Followed>)]) -> ThreadRings {
        let mut rings = ThreadRings::new(1 << 20);
        let followers = followers.iter().map(|(user, sender)| Follower {
            party: party(user),
            sender: (*sender).clone(),
            missed: 0,
        });
        rings.followers.extend(followers);
        rings
    }

    /// What waits for a follower: the times of messages, and how many it missed.
    fn waiting(receiver: &mut Receiver<Followed>) -> Vec<String> {
        let followed = std::iter::from_fn(|| receiver.try_recv().ok());
        let text = |followed| match followed {
            Followed::Message(message) => message.at.as_secs().to_string(),
            Followed::Missed(number) => format!("missed {number}"),
        };
        followed.map(text).collect()
    }

    #[test]
    fn slow_follower_learns_how_many_messages_it_missed() {
        let (sender, mut receiver) = channel(3);
        let mut rings = rings(&[("a", &sender)]);
        for at in 1..=5 {
            add(&mut rings, "a", at % 2 == 0, at);
        }
        assert_eq!(waiting(&mut receiver), ["1", "2", "3"]);
        add(&mut rings, "a", true, 6);
        assert_eq!(waiting(&mut receiver), ["missed 2", "6"]);
        assert_eq!(rings.of(&party("a")).len(), 6);
    }

    #[test]
    fn follower_receives_the_messages_of_its_party_until_it_leaves() {
        let (sender, mut receiver) = channel(3);
        let mut rings = rings(&[("a", &sender)]);
        add(&mut rings, "b", true, 1);
        add(&mut rings, "a", true, 2);
        assert_eq!(waiting(&mut receiver), ["2"]);
        drop(receiver);
        add(&mut rings, "a", true, 3);
        assert!(rings.followers.is_empty());
    }

    #[test]
    fn new_bound_replaces_the_rings() {
        let mut rings = rings(&[]);
        let ring = rings.ring(&party("a"), true).unwrap();
        add(&mut rings, "a", true, 1);
        assert!(rings.has(&ring));
        rings.set_bound(2 << 20);
        assert!(!rings.has(&ring) && rings.of(&party("a")).is_empty());
        add(&mut rings, "a", true, 2);
        assert_eq!(rings.of(&party("a")).len(), 1);
        rings.set_bound(0);
        assert!(rings.is_off() && rings.ring(&party("a"), true).is_none());
    }
}
