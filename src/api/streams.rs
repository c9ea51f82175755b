//! Endless answers: limited for each log-on, and ended when the log-on ends or loses its right.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, http::header, web::Bytes};
use futures_util::{Stream, StreamExt as _};
use tokio::{sync::watch, time::timeout};

use super::{
    access::{LogOn, may, still_logged_on},
    connection::Peer,
    problem::Problem,
};
use crate::{operators::Right, texts::Text};

/// The limits of all endless answers.
pub(super) struct Streams {
    /// Of `/events`.
    pub(super) events: StreamLimit,
    /// Of the messages of phones and clients.
    pub(super) messages: StreamLimit,
    /// Of the lines of the log.
    pub(super) log: StreamLimit,
    is_stopping: watch::Sender<bool>,
}

/// How many answers of a kind may go on at a time.
#[derive(Clone)]
pub(super) struct StreamLimit {
    /// What they follow, by a name that the texts know.
    what: &'static str,
    most: usize,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

/// The place of an answer; free again when this is dropped.
pub(super) struct StreamPermit {
    limit: StreamLimit,
    /// Whose it is.
    party: String,
}

const EVENTS: usize = 2000;
const MESSAGES: usize = 64;
const LOG: usize = 16;
/// The most endless answers.
pub(super) const MOST: usize = EVENTS + MESSAGES + LOG;

/// How often it is looked at whether a log-on still holds.
pub(super) const CHECK: Duration = Duration::from_secs(1);
/// How many seconds who finds no place waits.
const RETRY: u64 = 15;

impl Default for Streams {
    fn default() -> Self {
        Self {
            events: StreamLimit::new("events", EVENTS),
            messages: StreamLimit::new("messages", MESSAGES),
            log: StreamLimit::new("log", LOG),
            is_stopping: watch::Sender::new(false),
        }
    }
}

impl Streams {
    /// Ends all [`Self::answer`]s.
    pub(super) fn stop(&self) {
        self.is_stopping.send_replace(true);
    }

    /// An answer that goes on with `parts` until they end, the log-on ends or lacks the right, or the server stops.
    pub(super) fn answer(
        &self,
        mut response: HttpResponseBuilder,
        request: &HttpRequest,
        needed: Right,
        permit: StreamPermit,
        parts: impl Stream<Item = Vec<u8>> + 'static,
    ) -> HttpResponse {
        begin(request);
        let (request, mut stopping) = (request.clone(), self.is_stopping.subscribe());
        let over = async move {
            let is_stopping = stopping.wait_for(|is_stopping| *is_stopping);
            let mut is_stopping = std::pin::pin!(is_stopping);
            while timeout(CHECK, &mut is_stopping).await.is_err()
                && still_logged_on(&request).is_some_and(|log_on| may(&log_on, needed))
            {
            }
        };
        let parts = parts.take_until(Box::pin(over)).map(move |part| {
            // It is held until the answer ends.
            let _held = &permit;
            Ok::<_, Infallible>(Bytes::from(part))
        });
        response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            // A connection that stays open would hold up the stop of the server.
            .force_close()
            .streaming(parts)
    }
}

/// The answer to a request has no end: it takes no place of other requests.
pub(super) fn begin(request: &HttpRequest) {
    if let Some(peer) = Peer::of_request(request) {
        peer.begins_stream();
    }
}

impl StreamLimit {
    fn new(what: &'static str, most: usize) -> Self {
        Self {
            what,
            most,
            open: Arc::default(),
        }
    }

    /// Counts an answer of a log-on. One may have half of them, so that others can follow as well.
    pub(super) fn admit(&self, log_on: &LogOn) -> Result<StreamPermit, Problem> {
        let (what, name) = (self.what, &log_on.name);
        let mut open = self.lock();
        let party = log_on.party();
        let own = open.get(&party).copied().unwrap_or_default();
        let detail = if open.values().sum::<usize>() >= self.most {
            Text::new("streams-of-all").with("most", self.most)
        } else if own >= self.most / 2 {
            Text::new("streams-of-one")
                .with("name", name.as_str())
                .with("own", own)
        } else {
            open.insert(party.clone(), own + 1);
            return Ok(StreamPermit {
                limit: self.clone(),
                party,
            });
        };
        Err(Problem::too_many(detail.with("what", what), RETRY))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut open = self.limit.lock();
        match open.get_mut(&self.party) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(open.remove(&self.party)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::access::Role;

    fn log_on(name: &str) -> LogOn {
        LogOn {
            name: name.to_owned(),
            role: Role::Operator(Right::Read),
        }
    }

    #[test]
    fn log_on_may_have_half_of_the_streams_and_ended_ones_are_free_again() {
        let limit = StreamLimit::new("events", 4);
        let [anna, bert, carl] = ["anna", "bert", "carl"].map(log_on);
        let one = limit.admit(&anna).unwrap();
        let _other = limit.admit(&anna).unwrap();
        let refused = limit.admit(&anna).err().unwrap().to_string();
        assert_eq!(
            refused,
            "anna follows events 2 times already; end one of them"
        );
        let _two = [limit.admit(&bert).unwrap(), limit.admit(&carl).unwrap()];
        let refused = limit.admit(&bert).err().unwrap().to_string();
        assert_eq!(refused, "4 follow events already; end one of them");
        drop(one);
        drop(limit.admit(&anna).unwrap());
        assert_eq!(limit.lock()[&anna.party()], 1);
    }
}
