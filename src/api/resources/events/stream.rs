//! What one reader gets: the course of a stream, or a page of it.

use std::{
    convert::Infallible,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, BytesMut},
};
use futures_util::stream;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::{
    StreamPermit, Time,
    feed::Follower,
    kinds::{
        EndReason, Head, ResetReason, StreamEnd, StreamHeartbeat, StreamHello, StreamReady,
        StreamReset, Topic,
    },
    ring::{Event, cursor, framed},
};
use crate::{
    api::{
        access::{LogOn, may, still_logged_on},
        streams::{self, CHECK},
    },
    operators::Right,
};

/// The longest silence of a stream.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many events are looked at in one turn.
const TURN: usize = 256;
/// The most events on a page.
const PAGE: usize = 1000;
/// How long who was ended waits before it returns.
const RECONNECT: u64 = 2;

/// The topics that must be read anew, and why.
type Reset = Option<(ResetReason, Vec<Topic>)>;

/// One reader of events.
pub(super) struct Stream {
    follower: Follower,
    /// Says who asks, and whether the log-on still holds.
    request: HttpRequest,
    written_at: Instant,
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

impl Stream {
    pub(super) fn new(follower: Follower, request: HttpRequest, permit: StreamPermit) -> Self {
        Self {
            follower,
            request,
            written_at: Instant::now(),
            state: State::Returning,
            _permit: permit,
        }
    }

    /// The endless answer.
    pub(super) fn answer(self, reset: Reset) -> HttpResponse {
        streams::begin(&self.request);
        let mut first = BytesMut::from("retry: 2000\n\n");
        for (frame, _) in self.opening(true, reset) {
            first.extend_from_slice(&frame);
        }
        let parts = stream::unfold((self, Some(first.freeze())), |(mut stream, first)| async {
            let part = match first {
                Some(first) => first,
                None => stream.part().await?,
            };
            Some((Ok::<_, Infallible>(part), (stream, None)))
        });
        HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header(("Cache-Control", "no-store"))
            // Or nginx would hold events back.
            .insert_header(("X-Accel-Buffering", "no"))
            // A connection that stays open would hold up the stop of the server.
            .force_close()
            .streaming(parts)
    }

    /// The page: it waits until there is an event.
    pub(super) async fn page(
        mut self,
        is_first: bool,
        reset: Reset,
        wait: Duration,
    ) -> HttpResponse {
        let until = Instant::now() + wait;
        let opening = self.opening(is_first, reset);
        let mut items: Vec<Bytes> = opening
            .into_iter()
            .map(|(frame, json)| frame.slice(json))
            .collect();
        loop {
            match self.events(PAGE) {
                Err(end) => items.push(self.end(end).1),
                Ok((events, more)) => {
                    items.extend(events.iter().map(|event| event.json()));
                    let left = until.saturating_duration_since(Instant::now());
                    if items.is_empty() && (more || !left.is_zero()) {
                        if !more {
                            self.changed(left.min(CHECK)).await;
                        }
                        continue;
                    }
                }
            }
            break;
        }
        let mut page = BytesMut::from("{\"items\":[");
        page.extend_from_slice(&items.join(&b","[..]));
        let next = json!(cursor(self.follower.position));
        page.extend_from_slice(format!("],\"next\":{next},\"total\":null}}").as_bytes());
        HttpResponse::Ok()
            .content_type("application/json")
            .body(page.freeze())
    }

    /// The events with which it begins.
    fn opening(&self, has_hello: bool, reset: Reset) -> Vec<(Bytes, Range<usize>)> {
        let mut opening = Vec::new();
        if has_hello {
            let seconds = HEARTBEAT.as_secs();
            opening.push(self.own("hello", |head| {
                StreamHello::new(head, env!("CARGO_PKG_VERSION"), seconds)
            }));
        }
        if let Some((reason, topics)) = reset {
            opening.push(self.own("reset", |head| StreamReset::new(head, reason, topics)));
        }
        opening
    }

    /// What is written next; `None` when it is over.
    async fn part(&mut self) -> Option<Bytes> {
        loop {
            if self.state == State::Over {
                return None;
            }
            let (events, more) = match self.events(TURN) {
                Ok(events) => events,
                Err(reason) => return Some(self.end(reason).0),
            };
            let mut part = BytesMut::new();
            for event in events {
                part.extend_from_slice(&event.frame);
            }
            if !more && self.state == State::Returning {
                self.state = State::Live;
                part.extend_from_slice(&self.own("ready", StreamReady::new).0);
            }
            if part.is_empty() && self.written_at.elapsed() >= HEARTBEAT {
                part.extend_from_slice(&self.own("heartbeat", StreamHeartbeat::new).0);
            }
            if !part.is_empty() {
                self.written_at = Instant::now();
                return Some(part.freeze());
            }
            if !more {
                let left = HEARTBEAT.saturating_sub(self.written_at.elapsed());
                self.changed(left.min(CHECK)).await;
            }
        }
    }

    /// The next events that the log-on may see, and whether more follow at once.
    fn events(&mut self, most: usize) -> Result<(Vec<Arc<Event>>, bool), EndReason> {
        if self.follower.is_stopping() {
            return Err(EndReason::Stopping);
        }
        let log_on = still_logged_on(&self.request);
        let log_on = log_on.filter(|log_on| self.follower.topics.admit(log_on).is_ok());
        let log_on = log_on.ok_or(EndReason::LoggedOff)?;
        let (mut events, more) = self.follower.next(most).ok_or(EndReason::TooSlow)?;
        events.retain(|event| may_see(&log_on, event));
        Ok((events, more))
    }

    /// Waits for an event, at most for this time.
    async fn changed(&mut self, time: Duration) {
        let _ = timeout(time, self.follower.changed.changed()).await;
    }

    /// The last event, as a server-sent one and as JSON.
    fn end(&mut self, reason: EndReason) -> (Bytes, Bytes) {
        self.state = State::Over;
        let (frame, json) = self.own("end", |head| StreamEnd::new(head, reason, RECONNECT));
        let json = frame.slice(json);
        (frame, json)
    }

    /// An event of the stream itself.
    fn own<T: Serialize>(
        &self,
        name: &str,
        event: impl FnOnce(Head) -> T,
    ) -> (Bytes, Range<usize>) {
        let (seq, now) = (self.follower.position, Timestamp::now());
        let head = Head {
            id: format!("stream.{name}/{seq}/{}", now.as_microsecond()),
            time: Time(now),
            subject: "stream".to_owned(),
            cursor: cursor(seq),
            seq,
        };
        framed(&event(head), seq)
    }
}

fn may_see(log_on: &LogOn, event: &Event) -> bool {
    let owner = event.owner.as_ref();
    owner.is_none_or(|owner| *owner == log_on.name || may(log_on, Right::Operate))
}
