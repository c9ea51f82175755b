//! The lines of the log as they come.

use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use super::{Api, LogLine, LogReaders, Problem, folder, reading};
use crate::logs::reading::{Entry, Found, Order, Position, Query};

/// How often the log is looked at for new lines.
pub(in crate::api::resources) const INTERVAL: Duration = Duration::from_millis(500);
/// How long a stream is silent before an empty line shows that the connection stands.
const SILENCE: Duration = Duration::from_secs(15);
/// The most lines of a part of a stream.
const PART: usize = 1000;

/// Reads the lines that come.
pub(in crate::api::resources) struct Tail {
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    query: Query,
    /// The end of what was read.
    at: Option<Position>,
}

impl Tail {
    /// Reads all lines from now on.
    pub(in crate::api::resources) async fn of_all(
        api: web::Data<Api>,
        readers: web::Data<LogReaders>,
    ) -> Result<Self, Problem> {
        let query = Query {
            level: None,
            phone: None,
            text: None,
            since: None,
            order: Order::OldestFirst,
            limit: PART,
        };
        let mut tail = Self {
            api,
            readers,
            query,
            at: None,
        };
        tail.go_to_end().await?;
        Ok(tail)
    }

    /// What has come since the last call, as far as one search reads.
    pub(in crate::api::resources) async fn read(&mut self) -> Result<Found, Problem> {
        let query = Query {
            order: Order::OldestFirst,
            limit: PART,
            ..self.query.clone()
        };
        let found = self.readers.search(&self.api, query, self.at).await?;
        self.at = found.at;
        Ok(found)
    }

    async fn go_to_end(&mut self) -> Result<(), Problem> {
        let folder = folder(&self.api);
        self.at = self.readers.read(move || reading::end(&folder)).await?;
        Ok(())
    }
}

/// A stream of lines.
struct Following {
    tail: Tail,
    /// Whether the last lines are not written yet.
    is_new: bool,
    written_at: Instant,
}

pub(super) fn follow(
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    query: Query,
    after: Option<Position>,
) -> impl Stream<Item = Vec<u8>> + 'static {
    let following = Following {
        tail: Tail {
            api,
            readers,
            query,
            at: after,
        },
        is_new: after.is_none(),
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
        if std::mem::take(&mut self.is_new) {
            return self.start().await;
        }
        loop {
            let found = self.tail.read().await.ok()?;
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
        let tail = &mut self.tail;
        tail.go_to_end().await.ok()?;
        let query = Query {
            order: Order::NewestFirst,
            ..tail.query.clone()
        };
        let found = tail.readers.search(&tail.api, query, tail.at).await.ok()?;
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
