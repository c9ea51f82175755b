//! `/tickets`: tickets that open a stream of events.

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, LoggedOn, Problem, Time};
use crate::api::authentication::{Keys, tickets};

/// A ticket that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct TicketMade {
    /// For `GET /events?ticket=`. It cannot be shown again.
    ticket: String,
    ends_at: Option<Time>,
}

/// Makes a ticket that opens one stream of events.
///
/// For a page that can send neither a token nor the cookie with its request. `GET /events?ticket=` takes it once, within 30 seconds,
/// and no other operation does. The stream has the rights of the log-on that made the ticket, and ends with it.
#[utoipa::path(
    operation_id = "addTicket", tag = "events",
    responses((status = 201, description = "The ticket.", body = TicketMade)),
    extensions(("x-effect" = json!("read")))
)]
#[post("/tickets")]
pub(in crate::api) async fn add(
    LoggedOn(who): LoggedOn,
    api: web::Data<Api>,
    keys: web::Data<Keys>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let made = TicketMade {
        ticket: keys.make_ticket(&who, request.headers())?,
        ends_at: Time::from_seconds(api.context.clock.wall() + tickets::LIFE.as_secs()),
    };
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(made))
}
