//! Topics that are told live alone. A reader that is too slow for one misses its oldest events, and is told how many.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use actix_rt::task::JoinHandle;
use actix_web::web;
use tokio::{
    sync::{Notify, mpsc::Receiver},
    time::sleep,
};
use uacsta_actors::ladder::{Followed, Party, RecordedMessage};

use super::{
    super::logs::{
        LogLine, LogReaders,
        following::{INTERVAL, Tail},
    },
    Api, Problem, StreamPermit, Streams,
    topics::LiveTopic,
};
use crate::{api::access::LogOn, texts::Text};

/// What has happened.
#[derive(Debug)]
pub(super) enum LiveEvent {
    Line(LogLine),
    Message(RecordedMessage),
    /// So many were left out here; `None` where nobody knows.
    Missed(Option<u64>),
}

/// The live topics that one reader follows.
pub(super) struct LiveTopics {
    all: Vec<Live>,
    /// Notified of each event.
    wake: Rc<Notify>,
}

/// A topic that one reader follows.
struct Live {
    topic: LiveTopic,
    queue: Rc<RefCell<Queue>>,
    /// Fills the queue.
    task: JoinHandle<()>,
    _permit: StreamPermit,
}

/// The latest events that are not sent yet.
#[derive(Default)]
struct Queue {
    events: VecDeque<(LiveEvent, usize)>,
    octets: usize,
    /// How many were left out before them.
    missed: u64,
    /// Whether there were others, which nobody has counted.
    missed_unknown: bool,
}

/// The most events of a queue, and their octets.
const MOST: usize = 256;
const OCTETS: usize = 1 << 20;
/// How long who finds no place waits, in seconds.
const RETRY: u64 = 15;

/// What live topics are read from.
pub(super) struct Sources<'a> {
    pub(super) api: &'a web::Data<Api>,
    pub(super) readers: &'a web::Data<LogReaders>,
    pub(super) streams: &'a Streams,
}

impl LiveTopics {
    /// Follows topics from now on.
    pub(super) async fn start(
        topics: &[LiveTopic],
        sources: &Sources<'_>,
        log_on: &LogOn,
    ) -> Result<Self, Problem> {
        let (mut all, wake) = (Vec::new(), Rc::new(Notify::new()));
        for topic in topics {
            all.push(Live::start(*topic, sources, log_on, &wake).await?);
        }
        Ok(Self { all, wake })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(|live| live.topic.name()).collect()
    }

    /// The next events, at most so many of each topic.
    pub(super) fn take(&self, most: usize) -> Vec<(LiveTopic, LiveEvent)> {
        let next = |live: &Live| {
            let (topic, events) = (live.topic, live.queue.borrow_mut().take(most));
            events.into_iter().map(move |event| (topic, event))
        };
        self.all.iter().flat_map(next).collect()
    }

    /// Waits for an event.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }
}

impl Live {
    async fn start(
        topic: LiveTopic,
        sources: &Sources<'_>,
        log_on: &LogOn,
        wake: &Rc<Notify>,
    ) -> Result<Self, Problem> {
        let Sources {
            api,
            readers,
            streams,
        } = *sources;
        let queue = Rc::default();
        let filled = (Rc::clone(&queue), Rc::clone(wake));
        let (permit, task) = match topic {
            LiveTopic::Logs => {
                let permit = streams.log.admit(log_on)?;
                let tail = Tail::of_all(api.clone(), readers.clone()).await?;
                (permit, actix_rt::spawn(follow_log(tail, filled)))
            }
            LiveTopic::Trace(phone) => {
                let permit = streams.messages.admit(log_on)?;
                let party = Party::Phone(phone);
                let (_, messages) = api.context.ladder.follow(&party).await;
                if messages.is_closed() {
                    return Err(Problem::too_many(Text::new("messages-followed"), RETRY));
                }
                (permit, actix_rt::spawn(follow_messages(messages, filled)))
            }
        };
        Ok(Self {
            topic,
            queue,
            task,
            _permit: permit,
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow_log(mut tail: Tail, (queue, wake): (Rc<RefCell<Queue>>, Rc<Notify>)) {
    loop {
        // Files that cannot be read now may be read later.
        let found = tail.read().await.ok();
        let is_end = found.as_ref().is_none_or(|found| found.is_end);
        if let Some(found) = found.filter(|found| found.missed || !found.lines.is_empty()) {
            let mut queue = queue.borrow_mut();
            queue.missed_unknown |= found.missed;
            for line in found.lines {
                let octets = line.text.len();
                queue.push(LiveEvent::Line(line.into()), octets);
            }
            wake.notify_one();
        }
        if is_end {
            sleep(INTERVAL).await;
        }
    }
}

async fn follow_messages(
    mut messages: Receiver<Followed>,
    (queue, wake): (Rc<RefCell<Queue>>, Rc<Notify>),
) {
    while let Some(followed) = messages.recv().await {
        let mut queue = queue.borrow_mut();
        match followed {
            Followed::Message(message) => {
                let octets = message.length;
                queue.push(LiveEvent::Message(message), octets);
            }
            Followed::Missed(count) => queue.missed += count,
        }
        wake.notify_one();
    }
}

impl Queue {
    /// Adds an event; the oldest are left out for it.
    fn push(&mut self, event: LiveEvent, octets: usize) {
        self.events.push_back((event, octets));
        self.octets += octets;
        while self.events.len() > MOST || self.octets > OCTETS {
            let Some((_, octets)) = self.events.pop_front() else {
                break;
            };
            self.octets -= octets;
            self.missed += 1;
        }
    }

    fn take(&mut self, most: usize) -> Vec<LiveEvent> {
        let mut taken = Vec::new();
        let missed = std::mem::take(&mut self.missed);
        let is_unknown = std::mem::take(&mut self.missed_unknown);
        if missed > 0 || is_unknown {
            taken.push(LiveEvent::Missed((!is_unknown).then_some(missed)));
        }
        let most = most.min(self.events.len());
        for (event, octets) in self.events.drain(..most) {
            self.octets -= octets;
            taken.push(event);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds events that say their number.
    fn filled(numbers: std::ops::Range<u64>, octets: usize) -> Queue {
        let mut queue = Queue::default();
        for number in numbers {
            queue.push(LiveEvent::Missed(Some(number)), octets);
        }
        queue
    }

    fn numbers(events: &[LiveEvent]) -> Vec<Option<u64>> {
        let number = |event: &LiveEvent| match event {
            LiveEvent::Missed(number) => *number,
            _ => None,
        };
        events.iter().map(number).collect()
    }

    #[test]
    fn queue_leaves_out_the_oldest_events_and_counts_them() {
        for (octets, kept) in [(1, MOST as u64), (OCTETS / 4, 4), (2 * OCTETS, 0)] {
            let mut queue = filled(0..1000, octets);
            let taken = numbers(&queue.take(usize::MAX));
            let mut expected = vec![Some(1000 - kept)];
            expected.extend((1000 - kept..1000).map(Some));
            assert_eq!(taken, expected, "{octets} octets each");
            assert_eq!((queue.octets, queue.take(1).len()), (0, 0));
        }
        let mut queue = filled(0..3, 1);
        assert_eq!(numbers(&queue.take(2)), [Some(0), Some(1)]);
        queue.missed_unknown = true;
        assert_eq!(numbers(&queue.take(2)), [None, Some(2)]);
    }
}
