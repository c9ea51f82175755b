//! `/events`: what changes, as it changes, by a WebSocket, as server-sent events or as pages for those who poll.

mod course;
mod feed;
mod kinds;
mod live;
mod page;
mod pings;
mod ring;
mod server_sent;
mod source;
#[cfg(test)]
mod tests;
mod topics;
mod web_socket;
mod written;

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::{
        StatusCode,
        header::{Accept, Header as _},
    },
    web,
};
use course::{Course, Reset};
pub(in crate::api) use feed::Feed;
use kinds::ResetReason;
pub(in crate::api) use kinds::{LiveTopicAsked, StreamEvent, Topic, TopicAsked};
use live::{LiveTopics, Sources};
use serde::Deserialize;
use tokio::time::timeout;
use topics::Topics;
use utoipa::IntoParams;

use super::{
    Api, Kind, List, Problem, Reader, StreamPermit, Streams, Time, logs::LogReaders, wrong_value,
};
use crate::{api::cross_origin::is_web_socket, texts::Text};

/// What is followed, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct EventParams {
    /// The topics, separated by commas. Of `logs` and `trace:{phone}` there is no history, and no page.
    #[param(value_type = Vec<TopicAsked>, style = Form, explode = false, required = true)]
    topics: Option<String>,
    /// The cursor of the last event that was received. `Last-Event-ID` goes before it.
    after: Option<String>,
    /// Of a page, for how many seconds to wait until there is an event.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<u64>,
    /// Logs on to this stream, in place of a token or the cookie.
    #[expect(dead_code, reason = "is checked with the log-on")]
    ticket: Option<String>,
}

/// How long the beginning of a stream waits for the actors.
const BEGIN: Duration = Duration::from_secs(10);
/// The longest wait of a page.
const MOST_WAIT: u64 = 30;

impl EventParams {
    fn read(query: &str) -> Result<(Self, Topics), Problem> {
        let params: Self = serde_urlencoded::from_str(query)
            .map_err(|error| Problem::parameter("", wrong_value(error)))?;
        if params.wait.is_some_and(|wait| wait > MOST_WAIT) {
            let detail = Text::new("no-wait").with("most", MOST_WAIT);
            return Err(Problem::parameter("wait", detail));
        }
        let topics = Topics::read(params.topics.as_deref().unwrap_or_default())?;
        Ok((params, topics))
    }
}

/// Follows changes.
///
/// `Upgrade: websocket` opens a WebSocket, with a text message for each event; `Accept: text/event-stream` chooses an endless
/// stream of server-sent events. Both have the same course: `stream.hello`; without `after`, or where the past is lost,
/// `stream.reset` with the topics whose lists are to be read anew; the events since; `stream.ready`; then each event as it
/// happens, and a `stream.heartbeat` at least every 15 seconds. `stream.end` says why the server ends it, and so does the close
/// code of a WebSocket: 1001 the server stops, 4401 the log-on has ended, 4408 the reader is too slow, 4400 the client sent a
/// message. Else the answer is a page, whose `next` is the `after` of the next one. Each `*.changed` has the whole object as it
/// is now. The topics `audit`, `logs` and `trace:{phone}` need the right to administer; the last two are told live alone, and of a
/// reader that is too slow for them `log.missed` and `trace.missed` say how many events it did not get. A WebSocket by cookie must
/// come from a page of this server.
#[utoipa::path(
    operation_id = "followEvents", tag = "events", security(("token" = []), ("session" = []), ("ticket" = [])),
    params(EventParams, ("Last-Event-ID" = Option<String>, Header, description = "As `after`; browsers send it when they reconnect.")),
    responses(
        (status = 101, description = "The WebSocket (RFC 6455): the events, each a text message as in the JSON of a page."),
        (status = 200, description = "The events; as text/event-stream, one in the data of each server-sent event.", content(
            (List<StreamEvent> = "application/json"),
            (StreamEvent = "text/event-stream"),
        )),
    ),
    extensions(("x-effect" = json!("read")))
)]
#[get("/events")]
pub(in crate::api) async fn follow(
    Reader(log_on): Reader,
    api: web::Data<Api>,
    feed: web::Data<Feed>,
    streams: web::Data<Streams>,
    readers: web::Data<LogReaders>,
    request: HttpRequest,
    input: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (params, topics) = EventParams::read(request.query_string())?;
    topics.admit(&log_on)?;
    let form = Form::of(&request)?;
    if form == Form::Page {
        topics.admit_page()?;
    }
    let permit = streams.events.admit(&log_on)?;
    let sources = Sources {
        api: &api,
        readers: &readers,
        streams: &streams,
    };
    let live = LiveTopics::start(&topics.live, &sources, &log_on).await?;
    let feed = feed.into_inner();
    let mut follower = feed.follow(topics);
    source::start(&feed, &api);
    if !matches!(timeout(BEGIN, follower.until_complete()).await, Ok(true)) {
        return Err(Problem::unavailable(Text::new("stopping-or-overloaded")));
    }
    let last = request.headers().get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok());
    let after = last.or(params.after.as_deref());
    // What is no cursor of ours is one of a history that is lost.
    let after = after.map(|cursor| written::seq(cursor).unwrap_or_default());
    let reset = reset(follower.go_on(after), live.names());
    let has_hello = form != Form::Page || after.is_none();
    let course = Course::new(follower, live, request.clone(), permit, has_hello, reset);
    match form {
        Form::WebSocket => web_socket::answer(course, &request, input),
        Form::ServerSent => Ok(server_sent::answer(course, &request)),
        Form::Page => {
            let wait = Duration::from_secs(params.wait.unwrap_or_default());
            Ok(page::answer(course, wait).await)
        }
    }
}

/// The topics that must be read anew: of kept ones those that were missed, and the live ones in any case.
fn reset(kept: Option<(ResetReason, Vec<Topic>)>, live: Vec<String>) -> Reset {
    let (reason, kept) = match kept {
        None if live.is_empty() => return None,
        kept => kept.unwrap_or((ResetReason::NotWatchedMeanwhile, Vec::new())),
    };
    let kept = kept.iter().map(|topic| topic.name().to_owned());
    Some((reason, kept.chain(live).collect()))
}

/// The forms of events.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    WebSocket,
    ServerSent,
    Page,
}

impl Form {
    /// The form that a request asks for.
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        if is_web_socket(request.headers()) {
            web_socket::check(request)?;
            return Ok(Self::WebSocket);
        }
        let accepted = Accept::parse(request).map(|accept| accept.ranked());
        let accepted = accepted.unwrap_or_default();
        if accepted.is_empty() {
            return Ok(Self::Page);
        }
        let known = accepted.iter().find_map(|kind| match kind.essence_str() {
            "text/event-stream" => Some(Self::ServerSent),
            "application/json" | "application/*" | "*/*" => Some(Self::Page),
            _ => None,
        });
        known.ok_or_else(|| {
            let detail =
                Text::new("known-forms").with("known", "text/event-stream, application/json");
            Problem::blank(StatusCode::NOT_ACCEPTABLE, detail)
        })
    }
}
