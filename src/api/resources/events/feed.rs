//! Who follows which topics, and the events that they get; topics that nobody follows cost nothing.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::{
    kinds::{ResetReason, Topic},
    ring::{Event, Ring},
    topics::Topics,
};

/// The events of a server.
pub(in crate::api) struct Feed {
    state: Mutex<State>,
    /// Marked as changed with each event and whenever `state` changes in another way.
    changed: watch::Sender<()>,
    /// Wakes the source.
    pub(super) wake: Notify,
}

pub(super) struct State {
    pub(super) ring: Ring,
    topics: [TopicState; Topic::ALL.len()],
    /// Whether the source runs.
    runs: bool,
    is_stopping: bool,
}

#[derive(Clone, Copy, Default)]
struct TopicState {
    followers: usize,
    /// When the last follower left.
    left_at: Option<Instant>,
    /// The number of the event since which no change was missed.
    complete_since: Option<u64>,
}

/// A stream's place in the events.
pub(super) struct Follower {
    feed: Arc<Feed>,
    pub(super) topics: Topics,
    pub(super) position: u64,
    pub(super) changed: watch::Receiver<()>,
}

/// The most octets of events that are kept for those who return.
const HISTORY: usize = 16 << 20;
/// How long a topic is still followed after its last follower has left, so that who returns misses nothing.
const KEPT: Duration = Duration::from_secs(300);

impl Default for Feed {
    fn default() -> Self {
        Self::with_history(HISTORY)
    }
}

impl Feed {
    pub(super) fn with_history(octets: usize) -> Self {
        let term = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        Self {
            state: Mutex::new(State {
                ring: Ring::new(octets, term),
                topics: Default::default(),
                runs: false,
                is_stopping: false,
            }),
            changed: watch::Sender::default(),
            wake: Notify::new(),
        }
    }

    /// Ends all streams.
    pub(in crate::api) fn stop(&self) {
        self.change(|state| state.is_stopping = true);
        self.wake.notify_one();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Whether the source must be started: it runs until nobody follows anything.
    pub(super) fn begin_source(&self) -> bool {
        !std::mem::replace(&mut self.lock().runs, true)
    }

    /// The source has ended.
    pub(super) fn end_source(&self) {
        let mut state = self.lock();
        state.runs = false;
        state.forget(|_| true);
    }

    /// Adds a follower of these topics; [`Follower::go_on`] sets where it begins.
    pub(super) fn follow(self: &Arc<Self>, topics: Topics) -> Follower {
        let changed = self.changed.subscribe();
        let mut state = self.lock();
        for topic in &topics.kept {
            let topic = &mut state.topics[*topic as usize];
            topic.followers += 1;
            if topic.complete_since.is_none() {
                self.wake.notify_one();
            }
        }
        drop(state);
        Follower {
            feed: Arc::clone(self),
            topics,
            position: 0,
            changed,
        }
    }

    /// The topics that somebody follows. Those that nobody has followed for long are forgotten; the source ends with the last.
    pub(super) fn followed(&self) -> Vec<Topic> {
        let mut state = self.lock();
        state.forget(|topic| {
            topic.followers == 0 && topic.left_at.is_none_or(|at| at.elapsed() > KEPT)
        });
        let (topics, is_stopping) = (state.topics, state.is_stopping);
        let is_followed = |topic: &Topic| {
            let topic = topics[*topic as usize];
            topic.followers > 0 || topic.left_at.is_some()
        };
        let followed = Topic::ALL.into_iter().filter(is_followed);
        let followed: Vec<_> = followed.filter(|_| !is_stopping).collect();
        if followed.is_empty() {
            // Under the same lock, so that who follows from now on starts another source.
            state.runs = false;
        }
        followed
    }

    /// From now on no change of the topic is missed.
    pub(super) fn complete(&self, topic: Topic) {
        self.change(|state| {
            let last = state.ring.last;
            state.topics[topic as usize]
                .complete_since
                .get_or_insert(last);
        });
    }

    /// Changes the state, and tells all streams.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, is_over: impl Fn(&TopicState) -> bool) {
        for topic in self.topics.iter_mut().filter(|topic| is_over(topic)) {
            topic.complete_since = None;
            topic.left_at = None;
        }
        if self
            .topics
            .iter()
            .all(|topic| topic.complete_since.is_none())
        {
            self.ring.clear();
        }
    }
}

impl Follower {
    /// Waits until no change of its topics is missed from now on; `false` when the server stops.
    pub(super) async fn until_complete(&mut self) -> bool {
        loop {
            self.changed.mark_unchanged();
            {
                let state = self.feed.lock();
                let is_complete =
                    |topic: &Topic| state.topics[*topic as usize].complete_since.is_some();
                if state.is_stopping || self.topics.kept.iter().all(is_complete) {
                    return !state.is_stopping;
                }
            }
            if self.changed.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Goes on after the event with this number, if it is known; returns the topics that must be read anew, and why.
    pub(super) fn go_on(&mut self, after: Option<u64>) -> Option<(ResetReason, Vec<Topic>)> {
        let state = self.feed.lock();
        let (dropped, last) = (state.ring.dropped, state.ring.last);
        self.position = last;
        match after {
            None => Some((ResetReason::Start, self.topics.kept.clone())),
            Some(after) if after < dropped || after > last => {
                Some((ResetReason::HistoryLost, self.topics.kept.clone()))
            }
            Some(after) => {
                self.position = after;
                let since = |topic: &Topic| state.topics[*topic as usize].complete_since;
                let is_missed = |topic: &Topic| since(topic).is_none_or(|since| since > after);
                let missed: Vec<_> = self.topics.kept.iter().copied().filter(is_missed).collect();
                (!missed.is_empty()).then_some((ResetReason::NotWatchedMeanwhile, missed))
            }
        }
    }

    /// The next events of its topics, of at most `most` that are looked at; `None` if it fell behind the history. The second
    /// value says whether more may follow at once.
    pub(super) fn next(&mut self, most: usize) -> Option<(Vec<Arc<Event>>, bool)> {
        self.changed.mark_unchanged();
        let events = self.feed.lock().ring.after(self.position, most)?;
        if let Some(last) = events.last() {
            self.position = last.seq;
        }
        let more = events.len() == most;
        let own = events.into_iter();
        let own = own.filter(|event| self.topics.kept.contains(&event.topic));
        Some((own.collect(), more))
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.feed.is_stopping()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.feed.lock();
        for topic in &self.topics.kept {
            let topic = &mut state.topics[*topic as usize];
            topic.followers -= 1;
            topic.left_at = Some(Instant::now());
        }
    }
}
