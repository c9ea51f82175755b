//! How many connections the HTTP server has, and which of them gives way to another.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use super::peer::Peer;

/// How many connections beyond the limit are served as long as nobody can give way: for `/healthz` and `/readyz` alone.
pub(in crate::api) const SPARE: usize = 16;

/// What a connection counts as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Ordinary,
    /// Beyond the limit.
    Spare,
    /// An endless answer, which is limited elsewhere.
    Stream,
}

/// The open connections.
pub(in crate::api) struct Places {
    /// The most ordinary ones.
    limit: usize,
    peers: RefCell<Vec<Weak<Peer>>>,
}

impl Places {
    pub(in crate::api) fn new(limit: usize) -> Self {
        Self {
            limit,
            peers: RefCell::default(),
        }
    }

    /// How many requests of one log-on are answered at a time, so that others are answered beside it.
    pub(super) fn most_of_one(&self) -> usize {
        (self.limit / 2).max(1)
    }

    /// How many requests of a log-on are being answered.
    pub(super) fn answering(&self, name: &str) -> usize {
        let open = self.open();
        open.iter().filter(|peer| peer.answers(name)).count()
    }

    /// Gives a new connection a place. Where all are taken, one that waits for its peer gives way: first an idle one, of those the
    /// one that has been so for longest. Returns whether there was a place.
    pub(in crate::api) fn admit(&self, peer: &Rc<Peer>) -> bool {
        let open = self.open();
        let of = |place| open.iter().filter(move |peer| peer.place.get() == place);
        if of(Place::Ordinary).count() >= self.limit
            && !gives_way(of(Place::Ordinary).filter(|peer| !peer.is_new()))
        {
            let waiting = open.iter().filter(|peer| peer.place.get() != Place::Stream);
            if of(Place::Spare).count() >= SPARE && !gives_way(waiting) {
                return false;
            }
            peer.place.set(Place::Spare);
        }
        self.peers.borrow_mut().push(Rc::downgrade(peer));
        true
    }

    /// The connections that do not end already.
    fn open(&self) -> Vec<Rc<Peer>> {
        let mut peers = self.peers.borrow_mut();
        peers.retain(|peer| peer.strong_count() > 0);
        let open = peers.iter().filter_map(Weak::upgrade);
        open.filter(|peer| !peer.has_given_way()).collect()
    }
}

/// Ends the connection of these that is missed the least; `false` if the server owes all of them an answer.
fn gives_way<'a>(open: impl Iterator<Item = &'a Rc<Peer>>) -> bool {
    let waiting = open.filter_map(|peer| Some((peer.worth()?, peer)));
    let least = waiting.min_by(|(one, _), (other, _)| one.cmp(other));
    least.inspect(|(_, peer)| peer.give_way()).is_some()
}

#[cfg(test)]
mod tests {
    use super::{
        super::peer::{Answering, NEW},
        *,
    };

    fn peer(places: &Rc<Places>) -> Rc<Peer> {
        Rc::new(Peer::new(places, None, false))
    }

    fn given_way(peers: &[Rc<Peer>]) -> Vec<bool> {
        peers.iter().map(|peer| peer.has_given_way()).collect()
    }

    #[actix_web::test]
    async fn idle_connection_gives_way_first_and_one_that_is_answered_never() {
        let places = Rc::new(Places::new(3));
        let peers = [(); 3].map(|()| peer(&places));
        let [sending, _, answered] = &peers;
        for peer in &peers {
            assert!(places.admit(peer));
        }
        sending.heard();
        let _answering = Answering::new(answered);
        tokio::time::sleep(NEW).await;
        let mut served = Vec::new();
        for expected in [[false, true, false], [true, true, false]] {
            let new = peer(&places);
            assert!(places.admit(&new) && !new.is_spare());
            assert_eq!(given_way(&peers), expected);
            served.push((Answering::new(&new), new));
        }
    }

    #[actix_web::test]
    async fn spare_places_are_for_when_nobody_can_give_way() {
        let places = Rc::new(Places::new(1));
        let only = peer(&places);
        assert!(places.admit(&only));
        let answering = Answering::new(&only);
        let spare: Vec<_> = std::iter::repeat_with(|| peer(&places))
            .take(SPARE)
            .collect();
        for spare in &spare {
            assert!(places.admit(spare) && spare.is_spare());
        }
        // Of the spare ones the first gives way.
        let new = peer(&places);
        assert!(places.admit(&new) && new.is_spare());
        assert!(spare[0].has_given_way() && !spare[1].has_given_way());
        drop(answering);
        tokio::time::sleep(NEW).await;
        let new = peer(&places);
        assert!(places.admit(&new) && !new.is_spare());
        assert!(only.has_given_way());
    }
}
