//! The course of a stream: what its reader is sent, and why it ends; each form of a stream writes it in its own way.

use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    StreamPermit, Time,
    feed::Follower,
    kinds::{
        EndReason, Head, ResetReason, StreamEnd, StreamHeartbeat, StreamHello, StreamReady,
        StreamReset, Topic,
    },
    ring::Event,
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

/// The topics that must be read anew, and why.
pub(super) type Reset = Option<(ResetReason, Vec<Topic>)>;

/// What one reader is sent.
pub(super) struct Course {
    follower: Follower,
    /// Says who asks, and whether the log-on still holds.
    request: HttpRequest,
    /// With what it begins.
    opening: Vec<Written>,
    sent_at: Instant,
    state: State,
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
        request: HttpRequest,
        permit: StreamPermit,
        has_hello: bool,
        reset: Reset,
    ) -> Self {
        let mut course = Self {
            follower,
            request,
            opening: Vec::new(),
            sent_at: Instant::now(),
            state: State::Returning,
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

    /// Waits for an event, at most for this time.
    async fn changed(&mut self, time: Duration) {
        let _ = timeout(time, self.follower.changed.changed()).await;
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
        let (seq, now) = (self.follower.position, Timestamp::now());
        let head = Head {
            id: format!("stream.{name}/{seq}/{}", now.as_microsecond()),
            time: Time(now),
            subject: "stream".to_owned(),
            cursor: cursor(seq),
            seq,
        };
        Written::new(&event(head), seq)
    }
}

fn may_see(log_on: &LogOn, event: &Event) -> bool {
    let owner = event.owner.as_ref();
    owner.is_none_or(|owner| *owner == log_on.name || may(log_on, Right::Operate))
}
