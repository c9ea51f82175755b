//! The course of a stream: what its reader is sent, and why it ends; each form of a stream writes it in its own way.

use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    super::trace::TracedMessage,
    StreamPermit, Time,
    feed::Follower,
    kinds::{
        EndReason, Head, LogAdded, LogMissed, ResetReason, StreamEnd, StreamHeartbeat, StreamHello,
        StreamReady, StreamReset, TraceAdded, TraceMissed,
    },
    live::{LiveEvent, LiveTopics},
    ring::Event,
    topics::LiveTopic,
    written::{Written, cursor},
};
use crate::{
    api::{
        access::{LogOn, may, still_logged_on},
        streams::CHECK,
    },
    operators::Right,
};

/// The longest silence of a stream.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many events are looked at in one turn.
const TURN: usize = 256;
/// How long who was ended waits before it returns.
const RECONNECT: u64 = 2;

/// How many events of each live topic are sent in one turn.
const LIVE_TURN: usize = 64;

/// The names of the topics that must be read anew, and why.
pub(super) type Reset = Option<(ResetReason, Vec<String>)>;

/// What one reader is sent.
pub(super) struct Course {
    follower: Follower,
    live: LiveTopics,
    /// Says who asks, and whether the log-on still holds.
    request: HttpRequest,
    /// With what it begins.
    opening: Vec<Written>,
    sent_at: Instant,
    state: State,
    /// Tells its live events from those of other streams, with a count.
    number: u32,
    told: u64,
    _permit: StreamPermit,
}

/// How far a stream is.
#[derive(PartialEq)]
enum State {
    /// Events since the cursor are sent.
    Returning,
    Live,
    Over,
}

/// What is sent at a time.
pub(super) struct Turn {
    pub(super) events: Vec<Written>,
    /// Why nothing follows.
    pub(super) end: Option<EndReason>,
}

impl Course {
    pub(super) fn new(
        follower: Follower,
        live: LiveTopics,
        request: HttpRequest,
        permit: StreamPermit,
        has_hello: bool,
        reset: Reset,
    ) -> Self {
        let mut course = Self {
            follower,
            live,
            request,
            opening: Vec::new(),
            sent_at: Instant::now(),
            state: State::Returning,
            number: getrandom::u32().unwrap_or_default(),
            told: 0,
            _permit: permit,
        };
        if has_hello {
            let (version, seconds) = (env!("CARGO_PKG_VERSION"), HEARTBEAT.as_secs());
            let hello = course.own("hello", |head| StreamHello::new(head, version, seconds));
            course.opening.push(hello);
        }
        if let Some((reason, topics)) = reset {
            let reset = course.own("reset", |head| StreamReset::new(head, reason, topics));
            course.opening.push(reset);
        }
        course
    }

    /// What is sent next; `None` when it is over. Nothing is lost where this is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Option<Turn> {
        if !self.opening.is_empty() {
            let events = std::mem::take(&mut self.opening);
            return Some(Turn { events, end: None });
        }
        while self.state != State::Over {
            let (mut events, more) = match self.events(TURN) {
                Ok(events) => events,
                Err(reason) => return Some(self.end(reason)),
            };
            if !more && self.state == State::Returning {
                self.state = State::Live;
                events.push(self.own("ready", StreamReady::new));
            }
            if self.state == State::Live {
                self.add_live(&mut events);
            }
            if events.is_empty() && self.sent_at.elapsed() >= HEARTBEAT {
                events.push(self.own("heartbeat", StreamHeartbeat::new));
            }
            if !events.is_empty() {
                self.sent_at = Instant::now();
                return Some(Turn { events, end: None });
            }
            if !more {
                let left = HEARTBEAT.saturating_sub(self.sent_at.elapsed());
                self.changed(left.min(CHECK)).await;
            }
        }
        None
    }

    /// The opening and the next events, at most so many; waits until there is one. The second value is where it goes on.
    pub(super) async fn page(mut self, most: usize, wait: Duration) -> (Vec<Written>, String) {
        let until = Instant::now() + wait;
        let mut page = std::mem::take(&mut self.opening);
        loop {
            match self.events(most) {
                Err(reason) => page.extend(self.end(reason).events),
                Ok((events, more)) => {
                    page.extend(events);
                    let left = until.saturating_duration_since(Instant::now());
                    if page.is_empty() && (more || !left.is_zero()) {
                        if !more {
                            self.changed(left.min(CHECK)).await;
                        }
                        continue;
                    }
                }
            }
            return (page, cursor(self.follower.position));
        }
    }

    /// The next events that the log-on may see, and whether more follow at once.
    fn events(&mut self, most: usize) -> Result<(Vec<Written>, bool), EndReason> {
        if self.follower.is_stopping() {
            return Err(EndReason::Stopping);
        }
        let log_on = still_logged_on(&self.request);
        let log_on = log_on.filter(|log_on| self.follower.topics.admit(log_on).is_ok());
        let log_on = log_on.ok_or(EndReason::LoggedOff)?;
        let (events, more) = self.follower.next(most).ok_or(EndReason::TooSlow)?;
        let seen = events.iter().filter(|event| may_see(&log_on, event));
        Ok((seen.map(|event| event.written.clone()).collect(), more))
    }

    /// Adds the next events of live topics: a few, behind those of other topics.
    fn add_live(&mut self, events: &mut Vec<Written>) {
        for (topic, event) in self.live.take(LIVE_TURN) {
            self.told += 1;
            events.push(self.written(topic, event));
        }
    }

    fn written(&self, topic: LiveTopic, event: LiveEvent) -> Written {
        let path = topic.path();
        let id = format!("{path}/{:08x}.{}", self.number, self.told);
        let (head, seq) = (self.head(id, path), self.follower.position);
        match (event, topic) {
            (LiveEvent::Line(line), _) => Written::new(&LogAdded::new(head, line), seq),
            (LiveEvent::Message(message), _) => {
                let message = TracedMessage::of(&message);
                Written::new(&TraceAdded::new(head, message), seq)
            }
            (LiveEvent::Missed(count), LiveTopic::Logs) => {
                Written::new(&LogMissed::new(head, count), seq)
            }
            (LiveEvent::Missed(count), LiveTopic::Trace(_)) => {
                Written::new(&TraceMissed::new(head, count), seq)
            }
        }
    }

    /// Waits for an event, at most for this time.
    async fn changed(&mut self, time: Duration) {
        let changed = async {
            tokio::select! {
                _ = self.follower.changed.changed() => {}
                () = self.live.changed() => {}
            }
        };
        let _ = timeout(time, changed).await;
    }

    /// The last event.
    fn end(&mut self, reason: EndReason) -> Turn {
        self.state = State::Over;
        let end = self.own("end", |head| StreamEnd::new(head, reason, RECONNECT));
        Turn {
            events: vec![end],
            end: Some(reason),
        }
    }

    /// An event of the stream itself.
    fn own<T: Serialize>(&self, name: &str, event: impl FnOnce(Head) -> T) -> Written {
        let (seq, now) = (self.follower.position, Timestamp::now().as_microsecond());
        let head = self.head(format!("stream.{name}/{seq}/{now}"), "stream".to_owned());
        Written::new(&event(head), seq)
    }

    /// The head of an event that is not among those that are kept.
    fn head(&self, id: String, subject: String) -> Head {
        let seq = self.follower.position;
        Head {
            id,
            time: Time(Timestamp::now()),
            subject,
            cursor: cursor(seq),
            seq,
        }
    }
}

fn may_see(log_on: &LogOn, event: &Event) -> bool {
    let owner = event.owner.as_ref();
    owner.is_none_or(|owner| *owner == log_on.name || may(log_on, Right::Operate))
}
