//! `/healthz` and `/readyz`, for balancers and service managers.

use actix_web::{HttpResponse, web};
use serde_json::json;
use uacsta_actors::{licensing::CountPermits, registrar::OnDisk};

use super::{Api, problem::Problem};
use crate::texts::Text;

pub(super) async fn healthy() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// While the service is stopped the server is not ready. One that cannot write its phone list still serves listed phones: it is
/// ready, with a warning.
pub(super) async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    if !api.context.service.is_running() {
        return Err(Problem::unavailable(Text::new("service-stopped")));
    }
    if api.count.send(CountPermits).await.is_err() {
        return Err(Problem::unavailable(Text::new("licensing-ended")));
    }
    let OnDisk { writable, unsaved } = api.on_disk().await?;
    let answer = if writable {
        json!({ "status": "ready" })
    } else {
        json!({
            "status": "ready",
            "unsaved_telephones": unsaved,
            "warning": "the phone list cannot be written; new phones are refused",
        })
    };
    Ok(HttpResponse::Ok().json(answer))
}
