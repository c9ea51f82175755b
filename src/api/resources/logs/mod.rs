//! `/logs` and `/logs/lines`: the log files, and their lines by search.

pub(in crate::api) mod download;
pub(super) mod following;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get, web};
use following::follow;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uacsta_config::Level;
use uacsta_schema::phone_id::PhoneId;
use utoipa::{IntoParams, ToSchema};

use super::{Api, Kind, List, Page, PageParams, Problem, Reader, Row, Streams, Time};
use crate::{
    api::octets::octets,
    logs::{
        self,
        reading::{self, Entry, Found, Order, Position, Query},
    },
    operators::Right,
    texts::Text,
};

/// Limits how much of the logs is read at a time.
#[derive(Clone)]
pub(in crate::api) struct LogReaders {
    searching: Arc<Semaphore>,
}

/// A log file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct LogFile {
    /// `uacsta.log` is the current one; the others are the older, the higher their number.
    name: String,
    #[serde(skip)]
    number: u32,
    /// In octets.
    size: u64,
    /// The time of its first line.
    first_at: Option<Time>,
    /// When its last line was written.
    last_at: Option<Time>,
}

/// A line of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct LogLine {
    at: Option<Time>,
    level: Option<LogLevel>,
    /// The part of the program, as in `logs.levels`.
    part: Option<String>,
    /// What happened; docs/reference/log.md lists all messages.
    message: Option<String>,
    /// The fields of the line, as texts.
    fields: BTreeMap<String, String>,
    /// The whole line.
    text: String,
}

/// The severity of a line.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Which lines are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LineFilter {
    /// Only lines of this severity or a higher one.
    #[param(inline)]
    level: Option<LogLevel>,
    /// Only lines about this phone.
    #[param(value_type = Option<String>)]
    phone: Option<PhoneId>,
    /// Only lines of this time or later.
    #[param(value_type = Option<String>)]
    since: Option<Timestamp>,
    /// Whether the answer goes on with each line that comes, a JSON object a line: first the last `limit` lines, then each new
    /// one, and `{"missed": null}` where lines were deleted before they were read. Empty lines show that the connection stands.
    #[serde(default)]
    follow: bool,
}

/// How many searches read at a time; more would take a slow disk from telephony.
const SEARCHES: usize = 2;

impl Default for LogReaders {
    fn default() -> Self {
        Self {
            searching: Arc::new(Semaphore::new(SEARCHES)),
        }
    }
}

impl Row for LogFile {
    type Key = u32;
    const SORTED_BY: &'static [&'static str] = &["name", "size", "firstAt", "lastAt"];

    fn key(&self) -> u32 {
        self.number
    }
}

impl From<reading::LogFile> for LogFile {
    fn from(file: reading::LogFile) -> Self {
        Self {
            number: file.number,
            size: file.size,
            first_at: file.first_at.map(Time),
            last_at: file.last_at.map(Time),
            name: file.name,
        }
    }
}

impl From<Entry> for LogLine {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at.map(Time),
            level: entry.level.map(LogLevel::from),
            part: entry.part,
            message: entry.message,
            fields: entry.fields,
            text: entry.text,
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

impl From<LogLevel> for Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}

/// Lists the log files.
///
/// The newest first, with size and times. Their folder is `logs.directory`.
#[utoipa::path(
    operation_id = "listLogFiles", tag = "logs", params(PageParams),
    responses((status = 200, description = "A page of the files.", body = List<LogFile>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/logs")]
pub(in crate::api) async fn list(
    _: Reader,
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    page: Page,
) -> Result<web::Json<List<LogFile>>, Problem> {
    let folder = folder(&api);
    let files = readers.read(move || reading::list(&folder)).await?;
    Ok(web::Json(
        page.of(files.into_iter().map(LogFile::from).collect())?,
    ))
}

/// Searches the lines of all log files.
///
/// The newest first, or the oldest with `sort=at`. Each request reads 16 MiB of the files at most, so a page may have few lines
/// or none although there are more: go on while `next` is not null. `total` is null.
#[utoipa::path(
    operation_id = "listLogLines", tag = "logs", params(PageParams, LineFilter),
    responses((status = 200, description = "A page of the lines.", content(
        (List<LogLine> = "application/json"),
        (LogLine = "application/jsonl"),
    ))),
    extensions(("x-effect" = json!("read")))
)]
#[get("/logs/lines")]
pub(in crate::api) async fn search(
    Reader(log_on): Reader,
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    streams: web::Data<Streams>,
    request: HttpRequest,
    page: Page<LineFilter>,
) -> Result<HttpResponse, Problem> {
    if page.filter.follow {
        let (query, after) = query(&page)?;
        let permit = streams.log.admit(&log_on)?;
        let parts = follow(api, readers, query, after);
        let mut response = HttpResponse::Ok();
        response.content_type("application/jsonl");
        return Ok(streams.answer(response, &request, Right::Read, permit, parts));
    }
    Ok(HttpResponse::Ok().json(page_of(&api, &readers, &page).await?))
}

/// A page of the lines.
pub(in crate::api) async fn page_of(
    api: &web::Data<Api>,
    readers: &LogReaders,
    page: &Page<LineFilter>,
) -> Result<List<LogLine>, Problem> {
    let (query, after) = query(page)?;
    let found = readers.search(api, query, after).await?;
    let next = found.at.filter(|_| !found.is_end);
    let lines = found.lines.into_iter().map(LogLine::from).collect();
    Ok(page.found(lines, next))
}

fn query(page: &Page<LineFilter>) -> Result<(Query, Option<Position>), Problem> {
    let (after, limit, text) = page.position::<Position>()?;
    let order = match page.sort() {
        "" | "-at" => Order::NewestFirst,
        "at" => Order::OldestFirst,
        _ => return Err(Problem::parameter("sort", Text::new("at-or-not"))),
    };
    let query = Query {
        level: page.filter.level.map(Level::from),
        phone: page.filter.phone,
        text,
        since: page.filter.since,
        order,
        limit,
    };
    Ok((query, after))
}

/// The folder of the log files.
pub(super) fn folder(api: &Api) -> PathBuf {
    logs::folder(&api.context.config().settings.logs, &api.data)
}

impl LogReaders {
    /// Reads files on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let stopping = || Problem::unavailable(Text::new("server-stopping"));
        let permit = Arc::clone(&self.searching).acquire_owned().await;
        let permit = permit.map_err(|_| stopping())?;
        let read = web::block(move || {
            let read = read();
            drop(permit);
            read
        });
        let read = read.await.map_err(|_| stopping())?;
        read.map_err(|error| {
            let detail = Text::new("logs-unreadable").with("error", error.to_string());
            Problem::unavailable(detail)
        })
    }

    async fn search(
        &self,
        api: &Api,
        query: Query,
        from: Option<Position>,
    ) -> Result<Found, Problem> {
        let folder = folder(api);
        self.read(move || reading::search(&folder, &query, from))
            .await
    }
}
