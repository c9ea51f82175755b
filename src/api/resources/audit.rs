//! `/audit`: who changed what, and which requests were refused.

use actix_web::{get, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Administrator, Api, List, Page, Problem, Row, Time};
use crate::{
    audit::{Entry, Outcome, Query},
    texts::Text,
};

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct AuditEntry {
    /// Counts the entries.
    id: u64,
    at: Time,
    /// The name of the log-on, `cli.token` for the command line, `SIGHUP` for a signal; null without a valid log-on.
    who: Option<String>,
    /// The address of the requester.
    from: Option<String>,
    /// The `operationId`; null for a request that names no operation.
    operation: Option<String>,
    /// The path of what is changed.
    target: Option<String>,
    /// The values before, without secrets; null where they are not known.
    before: Value,
    /// The values since, or those asked for, without secrets; null where they are not known.
    after: Value,
    outcome: AuditOutcome,
    /// The status of the answer.
    status: Option<u16>,
    /// Why it was not done.
    detail: Option<String>,
    /// How many such requests came since the last entry of the kind: of refused ones one a minute is written.
    times: u32,
    /// The `Request-Id` of the answer.
    request_id: Option<String>,
}

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum AuditOutcome {
    /// It was carried out.
    Done,
    /// The requester may not do it.
    Refused,
    /// It could not be carried out.
    Failed,
}

/// The parameters of the list's pages.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the API's document")]
pub(in crate::api) struct AuditPageParams {
    /// The most items on a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u16>,
    /// `next` of the page before.
    after: Option<String>,
    /// Only entries with this text in a member, in any case.
    q: Option<String>,
}

/// Which entries are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AuditFilter {
    /// Only entries of this log-on, in any case.
    who: Option<String>,
    /// Only entries of the operation with this `operationId`.
    operation: Option<String>,
    /// Only entries of this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only entries before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl Row for AuditEntry {
    /// The latest first.
    type Key = u64;
    const SORTED_BY: &'static [&'static str] = &[];

    fn key(&self) -> u64 {
        self.id
    }
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            at: Time(entry.at),
            who: entry.who,
            from: entry.from,
            operation: entry.operation,
            target: entry.target,
            before: entry.before,
            after: entry.after,
            outcome: match entry.outcome {
                Outcome::Done => AuditOutcome::Done,
                Outcome::Refused => AuditOutcome::Refused,
                Outcome::Failed => AuditOutcome::Failed,
            },
            status: entry.status,
            detail: entry.detail,
            times: entry.times,
            request_id: entry.request_id,
        }
    }
}

/// The entries after the one with this number, the earliest first.
pub(super) async fn after(api: &web::Data<Api>, id: u64) -> Result<Vec<AuditEntry>, Problem> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let query = Query {
            before,
            limit: 100,
            who: None,
            operation: None,
            since: None,
            until: None,
            text: None,
        };
        let mut entries = read(api, query).await?;
        entries.truncate(100);
        let is_last = entries.len() < 100;
        let new = entries.into_iter().take_while(|entry| entry.id > id);
        let looked_at = found.len();
        found.extend(new);
        if is_last || found.len() < looked_at + 100 {
            break;
        }
        before = found.last().map(|entry: &Entry| entry.id);
    }
    Ok(found.into_iter().rev().map(AuditEntry::from).collect())
}

async fn read(api: &web::Data<Api>, query: Query) -> Result<Vec<Entry>, Problem> {
    let audit = api.audit.clone();
    let read = web::block(move || audit.read(&query)).await;
    let read = read.map_err(|_| Problem::unavailable(Text::new("server-stopping")))?;
    read.map_err(|error| {
        let detail = Text::new("audit-unreadable").with("error", error.to_string());
        Problem::unavailable(detail)
    })
}

/// Lists who changed what, the latest first.
///
/// An entry is on disk when its change is answered, unless the disk is full. Reading is not logged. Requests that were refused
/// are listed too, at most one a minute of a kind from an address. `total` is null.
#[utoipa::path(
    operation_id = "listAudit", tag = "audit", params(AuditPageParams, AuditFilter),
    responses((status = 200, description = "A page of the entries.", body = List<AuditEntry>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/audit")]
pub(in crate::api) async fn list(
    _: Administrator,
    api: web::Data<Api>,
    page: Page<AuditFilter>,
) -> Result<web::Json<List<AuditEntry>>, Problem> {
    page_of(&api, &page).await.map(web::Json)
}

/// A page of the entries.
pub(in crate::api) async fn page_of(
    api: &web::Data<Api>,
    page: &Page<AuditFilter>,
) -> Result<List<AuditEntry>, Problem> {
    let (before, limit, text) = page.position()?;
    let filter = &page.filter;
    let query = Query {
        before,
        limit,
        who: filter.who.clone(),
        operation: filter.operation.clone(),
        since: filter.since,
        until: filter.until,
        text,
    };
    let entries = read(api, query).await?;
    let items = entries.into_iter().map(AuditEntry::from).collect();
    Ok(page.first(items, None))
}
