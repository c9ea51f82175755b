//! `/sessions`: who is logged on with a password, and ending a session.

use std::net::IpAddr;

use actix_web::{HttpResponse, delete, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Administrator, Api, Kind, List, Page, PageParams, Problem, Row, Time};
use crate::{operators::Session, texts::Text};

/// A session of an operator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SessionShown {
    id: String,
    /// The operator's name.
    operator: String,
    /// When it began.
    since: Option<Time>,
    /// When its last request came.
    last_used_at: Option<Time>,
    /// From where it was begun.
    #[schema(value_type = String)]
    address: IpAddr,
    /// The User-Agent of the program that began it.
    agent: Option<String>,
}

/// Which sessions are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SessionFilter {
    /// Only sessions of the operator with this name.
    operator: Option<String>,
}

impl SessionShown {
    fn of((operator, session): (String, Session), api: &Api) -> Self {
        let clock = &api.context.clock;
        let now = clock.now();
        let wall = |at| {
            let past = now.saturating_sub(at).as_secs();
            Time::from_seconds(clock.wall().saturating_sub(past))
        };
        Self {
            operator,
            since: wall(session.since),
            last_used_at: wall(session.used),
            id: session.id,
            address: session.from.address,
            agent: session.from.agent,
        }
    }
}

impl Row for SessionShown {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["operator", "since", "lastUsedAt"];

    fn key(&self) -> String {
        self.id.clone()
    }
}

/// Lists the sessions.
///
/// Those of all operators who logged on with a password; tokens have none.
#[utoipa::path(
    operation_id = "listSessions", tag = "session", params(PageParams, SessionFilter),
    responses((status = 200, description = "A page of the sessions.", body = List<SessionShown>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/sessions")]
pub(in crate::api) async fn list(
    _: Administrator,
    api: web::Data<Api>,
    page: Page<SessionFilter>,
) -> Result<web::Json<List<SessionShown>>, Problem> {
    let wanted = page.filter.operator.as_deref().map(str::to_lowercase);
    let all = api.operators.sessions(api.context.clock.now());
    let all = all.into_iter().map(|one| SessionShown::of(one, &api));
    let is_wanted = |one: &SessionShown| match &wanted {
        Some(wanted) => one.operator.to_lowercase() == *wanted,
        None => true,
    };
    Ok(web::Json(page.of(all.filter(is_wanted).collect())?))
}

/// Ends a session.
///
/// Its cookie is of no use from now on; the operator can log on again.
#[utoipa::path(
    operation_id = "endSession", tag = "session", params(("session" = String, Path, description = "Its id.")),
    responses((status = 204, description = "The session has ended.")),
    extensions(("x-effect" = json!("reversible")))
)]
#[delete("/sessions/{session}")]
pub(in crate::api) async fn end(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let unknown = || {
        Problem::new(
            Kind::NOT_FOUND,
            Text::new("no-session").with("id", id.as_str()),
        )
    };
    let ended = api.operators.end_session(&id, api.context.clock.now());
    let user = ended.ok_or_else(unknown)?;
    tracing::info!(user, by = who.name, "session ended by an administrator");
    Ok(HttpResponse::NoContent().finish())
}
