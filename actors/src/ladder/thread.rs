//! The rings of one thread, those who follow them, and the actor through which other threads read them.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix::{Actor, Context, Handler, Message, MessageResult};
use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::{
    message::{Party, Path, RecordedMessage},
    rings::Rings,
};

/// The rings of the connections on a thread.
#[derive(Debug)]
pub(super) struct ThreadRings {
    authenticated: Rings,
    /// Messages of peers before they authenticated, of which anybody can send as many as they like.
    unauthenticated: Rings,
    followers: Vec<Follower>,
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

impl ThreadRings {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            authenticated: Rings::new(bound - bound / UNAUTHENTICATED),
            unauthenticated: Rings::new(bound / UNAUTHENTICATED),
            followers: Vec::new(),
        }
    }

    pub(super) fn is_off(&self) -> bool {
        self.authenticated.longest() == 0
    }

    /// How many octets of a message are kept at most.
    pub(super) fn longest(&self, is_authenticated: bool) -> usize {
        if is_authenticated {
            self.authenticated.longest()
        } else {
            self.unauthenticated.longest()
        }
    }

    pub(super) fn add(&mut self, party: &Party, is_authenticated: bool, message: RecordedMessage) {
        if !self.followers.is_empty() {
            self.followers
                .retain_mut(|follower| follower.party != *party || follower.tell(message.clone()));
        }
        if is_authenticated {
            self.authenticated.add(party, message);
        } else {
            self.unauthenticated.add(party, message);
        }
    }

    /// The messages of a connection before its log-on, which were kept for `claimed`, are those of `party`.
    pub(super) fn adopt(&mut self, claimed: &Party, party: &Party, path: &Arc<Path>) {
        if claimed == party {
            return;
        }
        let kept = self.unauthenticated.of(claimed);
        let of_connection = kept.filter(|message| Arc::ptr_eq(&message.path, path));
        for message in of_connection.cloned().collect::<Vec<_>>() {
            self.authenticated.add(party, message);
        }
    }

    fn set_bound(&mut self, bound: usize) {
        self.unauthenticated.set_bound(bound / UNAUTHENTICATED);
        self.authenticated
            .set_bound(bound - bound / UNAUTHENTICATED);
    }

    fn of(&self, party: &Party) -> Vec<RecordedMessage> {
        let mut kept: Vec<_> = self.unauthenticated.of(party).cloned().collect();
        kept.extend(self.authenticated.of(party).cloned());
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

/// Returns the messages of a party, and lets `follower` have those that come.
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
        rings.followers.extend(follower.map(|sender| Follower {
            party,
            sender,
            missed: 0,
        }));
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

    use bytes::Bytes;
    use tokio::sync::mpsc::{Receiver, channel};
    use uacsta_schema::sip::Transport;

    use super::*;
    use crate::ladder::Direction;

    fn party(user: &str) -> Party {
        Party::Client(user.into())
    }

    fn message(at: u64) -> RecordedMessage {
        let address = ([192, 0, 2, 1], 5060).into();
        let path = Path {
            local: address,
            peer: address,
            transport: Transport::TCP,
        };
        let octets = Bytes::from_static(b"message");
        RecordedMessage::new(
            Duration::from_secs(at),
            Direction::Sent,
            Arc::new(path),
            octets,
        )
    }

    fn rings(followers: &[(&str, &Sender<Followed>)]) -> ThreadRings {
        let mut rings = ThreadRings::new(1 << 20);
        rings
            .followers
            .extend(followers.iter().map(|(user, sender)| Follower {
                party: party(user),
                sender: (*sender).clone(),
                missed: 0,
            }));
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
            rings.add(&party("a"), at % 2 == 0, message(at));
        }
        assert_eq!(waiting(&mut receiver), ["1", "2", "3"]);
        rings.add(&party("a"), true, message(6));
        assert_eq!(waiting(&mut receiver), ["missed 2", "6"]);
        assert_eq!(rings.of(&party("a")).len(), 6);
    }

    #[test]
    fn follower_receives_the_messages_of_its_party_until_it_leaves() {
        let (sender, mut receiver) = channel(3);
        let mut rings = rings(&[("a", &sender)]);
        rings.add(&party("b"), true, message(1));
        rings.add(&party("a"), true, message(2));
        assert_eq!(waiting(&mut receiver), ["2"]);
        drop(receiver);
        rings.add(&party("a"), true, message(3));
        assert!(rings.followers.is_empty());
    }

    #[test]
    fn both_kinds_of_rings_stay_within_the_bound_of_the_thread() {
        let mut rings = ThreadRings::new(1 << 20);
        for at in 0..20_000 {
            rings.add(&party(&format!("{at}")), at % 2 == 0, message(at));
        }
        let used = rings.authenticated.used() + rings.unauthenticated.used();
        assert!(used <= 1 << 20 && used > 1 << 19, "{used}");
        rings.set_bound(0);
        assert!(rings.is_off());
        assert_eq!(rings.authenticated.used() + rings.unauthenticated.used(), 0);
    }
}
