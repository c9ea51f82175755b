//! `/session`: logging on with name and password, and logging off.

use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::{SET_COOKIE, USER_AGENT},
    post, web,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Anybody, Api, Body, Problem, Reader, Tagged, note_after, note_log_on, present};
use crate::{
    api::{
        access::{COOKIE_NAME, LogOn, address, session_cookie},
        authentication::Keys,
    },
    operators::{ADMIN, Origin, Right},
    texts::Text,
};

/// What somebody logs on with: name and password, or a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Credentials {
    /// An operator's name, or `admin`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    password: Option<String>,
    /// The `link` of `POST /links`, alone.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    link: Option<String>,
}

/// Who is logged on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Me {
    name: String,
    rights: Right,
}

impl From<LogOn> for Me {
    fn from(log_on: LogOn) -> Self {
        // Only operators have sessions.
        let rights = log_on.right().unwrap_or(Right::Read);
        let name = log_on.name;
        Self { name, rights }
    }
}

/// Logs on.
///
/// With name and password, or with a link, which is spent then. Answers with a cookie that is good until log-off, for 30 minutes
/// without a request and 12 hours at most.
#[utoipa::path(
    operation_id = "logOn", tag = "session", security(()), request_body = Credentials,
    responses((status = 201, description = "Who is logged on.", body = Me)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/session")]
pub(in crate::api) async fn begin(
    _: Anybody,
    keys: web::Data<Keys>,
    api: web::Data<Api>,
    request: HttpRequest,
    Body(credentials): Body<Credentials>,
) -> Result<HttpResponse, Problem> {
    let agent = request.headers().get(USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let from = Origin {
        address: address(&request, &keys),
        agent: agent.map(str::to_owned),
    };
    let Credentials {
        name,
        password,
        link,
    } = credentials;
    let (log_on, cookie) = match (name, password, link) {
        (None, None, Some(link)) => {
            note_after(&request, &json!({ "link": true }));
            keys.begin_by_link(&link, from)?
        }
        (Some(name), Some(password), None) => {
            // A password that is typed as the name must not be kept.
            let is_known = name == ADMIN || api.operators.find(&name).is_some();
            note_after(&request, &json!({ "name": is_known.then_some(&name) }));
            keys.begin(&name, password, from).await?
        }
        (name, ..) => {
            let missing = if name.is_none() { "name" } else { "password" };
            let detail = Text::new("name-and-password");
            return Err(Problem::member(missing, detail));
        }
    };
    note_log_on(&request, &log_on);
    let cookie = format!("{COOKIE_NAME}={cookie}; {ATTRIBUTES}");
    Ok(HttpResponse::Created()
        .insert_header((SET_COOKIE, cookie))
        .json(Me::from(log_on)))
}

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Shows who is logged on.
///
/// The name and the rights that the credentials of the request have.
#[utoipa::path(
    operation_id = "getSession", tag = "session",
    responses((status = 200, description = "Who is logged on.", body = Me)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/session")]
pub(in crate::api) async fn show(Reader(log_on): Reader) -> Tagged<Me> {
    Tagged(log_on.into())
}

/// Logs off.
///
/// The session of the request's cookie ends at once.
#[utoipa::path(
    operation_id = "logOff", tag = "session",
    responses((status = 204, description = "The session has ended.")),
    extensions(("x-effect" = json!("reversible")))
)]
#[delete("/session")]
pub(in crate::api) async fn end(
    _: Reader,
    api: web::Data<Api>,
    request: HttpRequest,
) -> HttpResponse {
    if let Some(cookie) = session_cookie(request.headers()) {
        api.operators.log_off(cookie);
    }
    let cookie = format!("{COOKIE_NAME}=; Max-Age=0; {ATTRIBUTES}");
    HttpResponse::NoContent()
        .insert_header((SET_COOKIE, cookie))
        .finish()
}
