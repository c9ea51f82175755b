//! The lines of the log as they come.

use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use super::{Api, LogLine, LogReaders, folder, reading};
use crate::logs::reading::{Entry, Order, Position, Query};

/// How often the log is looked at for new lines.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long a stream is silent before an empty line shows that the connection stands.
const SILENCE: Duration = Duration::from_secs(15);
/// The most lines of a part of a stream.
const PART: usize = 1000;

/// A stream of lines.
struct Following {
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    query: Query,
    state: State,
    written_at: Instant,
}

/// How far a stream is.
enum State {
    /// The last lines are not written yet.
    New,
    /// It goes on from here.
    At(Option<Position>),
}

pub(super) fn follow(
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    query: Query,
    after: Option<Position>,
) -> impl Stream<Item = Vec<u8>> + 'static {
    let following = Following {
        api,
        readers,
        query,
        state: after.map_or(State::New, |after| State::At(Some(after))),
        written_at: Instant::now(),
    };
    stream::unfold(following, |mut following| async {
        let part = following.next().await?;
        Some((part, following))
    })
}

impl Following {
    /// What is written next; `None` when the files cannot be read, or the server stops.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let mut from = match self.state {
            State::New => return self.start().await,
            State::At(position) => position,
        };
        loop {
            let query = Query {
                order: Order::OldestFirst,
                limit: PART,
                ..self.query.clone()
            };
            let found = self.readers.search(&self.api, query, from).await.ok()?;
            self.state = State::At(found.at);
            from = found.at;
            let mut part = Vec::new();
            if found.missed {
                part = line(&json!({ "missed": null }));
            }
            part.extend(written(found.lines));
            if part.is_empty() && self.written_at.elapsed() >= SILENCE {
                part.push(b'\n');
            }
            if !part.is_empty() {
                self.written_at = Instant::now();
                return Some(part);
            }
            if found.is_end {
                sleep(INTERVAL).await;
            }
        }
    }

    /// The last lines.
    async fn start(&mut self) -> Option<Vec<u8>> {
        let folder = folder(&self.api);
        let end = self
            .readers
            .read(move || reading::end(&folder))
            .await
            .ok()?;
        self.state = State::At(end);
        let query = Query {
            order: Order::NewestFirst,
            ..self.query.clone()
        };
        let found = self.readers.search(&self.api, query, end).await.ok()?;
        let mut lines = found.lines;
        lines.reverse();
        let mut part = written(lines);
        if part.is_empty() {
            // The reader sees that the stream has begun.
            part.push(b'\n');
        }
        Some(part)
    }
}

fn written(lines: Vec<Entry>) -> Vec<u8> {
    let lines = lines.into_iter().map(LogLine::from);
    lines.flat_map(|one| line(&one)).collect()
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Values of ours always have a JSON form.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
