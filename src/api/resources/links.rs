//! `/links`: links that log a browser on once, as `uacsta web` prints them.

use actix_web::{HttpResponse, http::header::CACHE_CONTROL, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Administrator, Api, Problem, Time};
use crate::{
    api::{LOG_ON, authentication::Keys},
    operators::LINK_LIFE,
};

/// A link that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct LinkMade {
    /// For `POST /session`. It cannot be shown again.
    link: String,
    /// The address for a browser, without scheme and host. What stands behind # is sent in no request.
    path: String,
    ends_at: Option<Time>,
}

/// Makes a link that logs on whoever asks for it.
///
/// A browser that opens its `path` within ten minutes begins a session of the log-on that made the link, once: of `admin` for the
/// command line.
#[utoipa::path(
    operation_id = "addLink", tag = "session",
    responses((status = 201, description = "The link.", body = LinkMade)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/links")]
pub(in crate::api) async fn add(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    keys: web::Data<Keys>,
) -> Result<HttpResponse, Problem> {
    let link = keys.make_link(&who)?;
    tracing::info!(by = who.name, "link to log on made");
    let made = LinkMade {
        path: format!("{LOG_ON}#{link}"),
        link,
        ends_at: Time::from_seconds(api.context.clock.wall() + LINK_LIFE.as_secs()),
    };
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(made))
}
