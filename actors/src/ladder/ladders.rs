//! The ladder of a server: hands out recorders, and asks all threads for what they have kept.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use actix::{Actor, Addr};
use actix_rt::ArbiterHandle;
use futures_util::future::join_all;
use tokio::sync::mpsc::{Receiver, channel};

use super::{
    message::{Party, Path, RecordedMessage},
    recorder::{ConnectionRecorder, FindParty},
    thread::{Followed, Forget, LadderThread, Read, SetBound, ThreadRings},
};
use crate::clock::Clock;

/// The ladder of one server. The default one keeps nothing.
#[derive(Debug, Default)]
pub struct Ladder {
    /// Tells the ladders of the servers in a process apart.
    number: u64,
    /// The bound of each thread.
    bound: AtomicUsize,
    threads: OnceLock<Box<[Addr<LadderThread>]>>,
}

/// How many messages may wait for a follower.
const FOLLOWER_QUEUE: usize = 256;

static LADDERS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The rings of this thread, by the number of their ladder.
    static RINGS: RefCell<Vec<(u64, Weak<RefCell<ThreadRings>>)>> = const { RefCell::new(Vec::new()) };
}

impl Ladder {
    /// A ladder that keeps nothing before [`Self::start`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            number: LADDERS.fetch_add(1, Relaxed),
            ..Self::default()
        }
    }

    /// Keeps at most `bound` octets of the connections on these threads, in equal parts.
    pub fn start(&self, threads: &[ArbiterHandle], bound: usize) {
        self.bound.store(bound / threads.len().max(1), Relaxed);
        let (number, bound) = (self.number, self.bound.load(Relaxed));
        let start = |thread: &ArbiterHandle| {
            LadderThread::start_in_arbiter(thread, move |_| LadderThread {
                rings: rings(number, bound),
            })
        };
        self.threads
            .get_or_init(|| threads.iter().map(start).collect());
    }

    /// Changes the bound of all threads together. A change removes all messages.
    pub fn set_bound(&self, bound: usize) {
        let threads = self.threads();
        let bound = bound / threads.len().max(1);
        if self.bound.swap(bound, Relaxed) == bound {
            return;
        }
        for thread in threads {
            thread.do_send(SetBound(bound));
        }
    }

    /// The recorder of a connection on this thread. `find` names the party of a message.
    pub fn recorder(
        &self,
        clock: Arc<dyn Clock>,
        path: Path,
        find: FindParty,
    ) -> Rc<ConnectionRecorder> {
        let rings = rings(self.number, self.bound.load(Relaxed));
        Rc::new(ConnectionRecorder::new(rings, clock, path, find))
    }

    /// The messages of a party that are kept, the oldest first.
    pub async fn read(&self, party: &Party) -> Vec<RecordedMessage> {
        self.ask(|| Read {
            party: party.clone(),
            follower: None,
        })
        .await
    }

    /// As [`Self::read`], and the messages that come from then on; the receiver is closed if too many follow already.
    pub async fn follow(&self, party: &Party) -> (Vec<RecordedMessage>, Receiver<Followed>) {
        let (sender, receiver) = channel(FOLLOWER_QUEUE);
        let read = self.ask(|| Read {
            party: party.clone(),
            follower: Some(sender.clone()),
        });
        let kept = read.await;
        drop(sender);
        (kept, receiver)
    }

    /// Removes the messages of a party.
    pub fn forget(&self, party: &Party) {
        for thread in self.threads() {
            thread.do_send(Forget(party.clone()));
        }
    }

    async fn ask(&self, read: impl Fn() -> Read) -> Vec<RecordedMessage> {
        let asked = self.threads().iter().map(|thread| thread.send(read()));
        // A thread that has ended has no messages any more.
        let kept = join_all(asked).await.into_iter().flatten();
        let mut messages: Vec<RecordedMessage> = kept.flatten().collect();
        messages.sort_by_key(|message| message.at);
        messages
    }

    fn threads(&self) -> &[Addr<LadderThread>] {
        self.threads.get().map_or(&[], |threads| threads)
    }
}

/// The rings of a ladder on this thread.
fn rings(number: u64, bound: usize) -> Rc<RefCell<ThreadRings>> {
    RINGS.with_borrow_mut(|known| {
        known.retain(|(_, rings)| rings.strong_count() > 0);
        let mut all = known.iter().filter(|(of, _)| *of == number);
        if let Some(rings) = all.find_map(|(_, rings)| rings.upgrade()) {
            return rings;
        }
        let rings = Rc::new(RefCell::new(ThreadRings::new(bound)));
        known.push((number, Rc::downgrade(&rings)));
        rings
    })
}
