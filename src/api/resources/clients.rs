//! `/clients`: connected clients with their sessions and monitors, and ending one.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse, delete, get, web};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use uacsta_actors::registrar::{
    ClientState, DescribeClient, EndClient, ListClients, ListedClient, OpenClientSession,
};
use uacsta_schema::phone_id::PhoneId;
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, Kind, List, Operator, Page, PageParams, Problem, Reader, Row, Tagged, Time, note_before,
    stopping,
};
use crate::texts::Text;

/// A connected client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Client {
    /// Names this log-on; no other one ever has it.
    id: String,
    /// The user that logged on, or was named by a front end.
    user: String,
    /// Whether a trusted front end named the user, whose connection carries others too.
    by_front_end: bool,
    /// Address and port of its connection.
    address: String,
    /// TCP or TLS.
    transport: Option<&'static str>,
    /// When it logged on.
    since: Option<Time>,
    /// Open CSTA sessions.
    sessions: usize,
    /// Monitors in all sessions.
    monitors: usize,
    /// Requests without an answer.
    pending_requests: usize,
    /// Requests since the log-on.
    requests: u64,
    /// The sessions, at most 1000; null in a list of clients.
    open_sessions: Option<Vec<ClientSession>>,
    /// The names of monitored lines, at most 1000; null in a list of clients.
    monitored_lines: Option<Vec<String>>,
}

/// A CSTA session of a client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ClientSession {
    /// The client's name for the line; null for a session with the server.
    line: Option<String>,
    /// The phone of the line.
    #[schema(value_type = Option<String>)]
    phone: Option<PhoneId>,
}

/// Which clients are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ClientFilter {
    /// Only clients of this user.
    user: Option<String>,
}

/// The most sessions and monitored lines that are shown.
const MOST: usize = 1000;
/// How long the end of a client is waited for.
const END_TIME: Duration = Duration::from_secs(2);

impl Client {
    fn of(listed: &ListedClient) -> Self {
        let client = &listed.client;
        Self {
            id: id(listed),
            user: client.user.to_string(),
            by_front_end: client.by_front_end,
            address: client.peer.to_string(),
            transport: client.transport.map(|transport| transport.as_str()),
            since: Time::from_seconds(client.since),
            sessions: 0,
            monitors: 0,
            pending_requests: 0,
            requests: 0,
            open_sessions: None,
            monitored_lines: None,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What does not change with each request.
    pub(super) fn lasting(&self) -> impl Serialize + use<> {
        (self.sessions, self.monitors)
    }

    fn with(self, state: &ClientState) -> Self {
        Self {
            sessions: state.sessions,
            monitors: state.monitors,
            pending_requests: state.pending,
            requests: state.requests,
            ..self
        }
    }
}

impl From<OpenClientSession> for ClientSession {
    fn from(session: OpenClientSession) -> Self {
        let OpenClientSession { line, phone } = session;
        Self { line, phone }
    }
}

impl Row for Client {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["user", "address", "transport", "since"];

    /// The clients of a user are neighbours.
    fn key(&self) -> String {
        format!("{} {}", self.user.to_lowercase(), self.id)
    }
}

/// Lists the connected clients.
///
/// Each with its user, address, and counts of its sessions, monitors and requests.
#[utoipa::path(
    operation_id = "listClients", tag = "clients", params(PageParams, ClientFilter),
    responses((status = 200, description = "A page of the clients.", body = List<Client>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/clients")]
pub(in crate::api) async fn list(
    _: Reader,
    api: web::Data<Api>,
    page: Page<ClientFilter>,
) -> Result<web::Json<List<Client>>, Problem> {
    page_of(&api, &page).await.map(web::Json)
}

/// A page of the clients.
pub(in crate::api) async fn page_of(
    api: &Api,
    page: &Page<ClientFilter>,
) -> Result<List<Client>, Problem> {
    let all = all(api).await?;
    let wanted = page.filter.user.as_deref();
    let rows = all
        .iter()
        .map(Client::of)
        .filter(|client| wanted.is_none_or(|user| user == client.user));
    let found = page.of(rows.collect())?;
    // Only those of the page are asked.
    let known: HashMap<String, &ListedClient> = all.iter().map(|one| (id(one), one)).collect();
    let asked = found.items.into_iter().map(async |client| {
        let listed = known.get(&client.id)?;
        let state = listed.describe.send(DescribeClient { most: 0 }).await;
        // One that has ended meanwhile is left out.
        Some(client.with(&state.ok()?))
    });
    let items = join_all(asked).await.into_iter().flatten().collect();
    Ok(List { items, ..found })
}

/// Shows a connected client.
///
/// With its sessions and the lines that it monitors.
#[utoipa::path(
    operation_id = "getClient", tag = "clients", params(("client" = String, Path, description = "Id, or user of one client.")),
    responses((status = 200, description = "The client.", body = Client)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/clients/{client}")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    name: web::Path<String>,
) -> Result<Tagged<Client>, Problem> {
    let listed = found(&api, &name).await?;
    let state = listed.describe.send(DescribeClient { most: MOST }).await;
    let state = state.map_err(|_| unknown(&name))?;
    Ok(Tagged(Client {
        open_sessions: Some(state.open.iter().cloned().map(Into::into).collect()),
        monitored_lines: Some(state.lines.clone()),
        ..Client::of(&listed).with(&state)
    }))
}

/// Ends a client.
///
/// It gets SystemRegisterAbort and BYE for its sessions, then its connection is closed, unless a front end has it. It may log
/// on again: to keep it out, change or remove its account first.
#[utoipa::path(
    operation_id = "endClient", tag = "clients", params(("client" = String, Path, description = "Id, or user of one client.")),
    responses((status = 204, description = "The client has ended.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/clients/{client}")]
pub(in crate::api) async fn end(
    Operator(who): Operator,
    api: web::Data<Api>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let listed = found(&api, &name).await?;
    let client = &listed.client;
    note_before(&request, &Client::of(&listed));
    let reason = "ended by an operator".into();
    let ended = listed.end.send(EndClient { reason }).await;
    ended.map_err(|_| unknown(&name))?;
    tracing::info!(client = %client.user, peer = %client.peer, by = who.name, "client ended by an operator");
    // Its connection first sends what is queued.
    let asked = Instant::now();
    while listed.end.connected() && asked.elapsed() < END_TIME {
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// The user of the connected client with this id.
pub(super) async fn user_of(api: &Api, name: &str) -> Result<Option<String>, Problem> {
    let all = all(api).await?;
    let found = all.iter().find(|listed| id(listed) == name);
    Ok(found.map(|listed| listed.client.user.to_string()))
}

/// All connected clients with their counts.
pub(super) async fn connected(api: &Api) -> Result<Vec<Client>, Problem> {
    let all = all(api).await?;
    let asked = all.iter().map(async |listed| {
        let state = listed.describe.send(DescribeClient { most: 0 }).await;
        // One that has ended meanwhile is left out.
        Some(Client::of(listed).with(&state.ok()?))
    });
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

async fn all(api: &Api) -> Result<Vec<ListedClient>, Problem> {
    api.clients.send(ListClients).await.map_err(stopping)
}

/// The client that a path names.
async fn found(api: &Api, name: &str) -> Result<ListedClient, Problem> {
    let all = all(api).await?;
    let by_id = all.iter().find(|listed| id(listed) == name);
    let mut of_user = all.iter().filter(|listed| *listed.client.user == *name);
    match (by_id, of_user.next(), of_user.next()) {
        (Some(one), _, _) | (None, Some(one), None) => Ok(one.clone()),
        (None, None, _) => Err(unknown(name)),
        (None, Some(_), Some(_)) => {
            let detail = Text::new("several-clients").with("name", name);
            Err(Problem::new(Kind::INVALID_STATE, detail))
        }
    }
}

fn unknown(name: &str) -> Problem {
    let detail = Text::new("no-client").with("name", name);
    Problem::new(Kind::NOT_FOUND, detail)
}

fn id(listed: &ListedClient) -> String {
    format!("{:x}", listed.number)
}
