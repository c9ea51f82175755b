//! `/api/phones`: the telephone list, which telephones are in operation, and which are to be forgotten.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uacsta_actors::licensing::Count;
use uacsta_actors::registrar::{Forget, List, Listing, Switch, Unforgotten, Unswitched};
use uacsta_schema::phone_id::PhoneId;

use super::methods::{READ, only};
use super::{Api, Refusal};

/// Adds the paths.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let list = web::resource("/phones").get(list);
    let one = web::resource("/phones/{mac}").put(switch).delete(forget);
    config.service(only(READ, list));
    config.service(only("PUT, DELETE", one));
}

/// The telephone list and what is counted.
#[derive(Serialize)]
struct Telephones {
    connected_phones: usize,
    monitored_lines: usize,
    phones: Vec<Listing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    in_operation: bool,
}

async fn list(api: web::Data<Api>) -> Result<web::Json<Telephones>, Refusal> {
    let counts = api.count.send(Count).await.map_err(closed)?;
    let phones = api.list.send(List).await.map_err(closed)?;
    Ok(web::Json(Telephones {
        connected_phones: counts.phones,
        monitored_lines: counts.lines,
        phones,
    }))
}

async fn switch(
    api: web::Data<Api>,
    mac: web::Path<String>,
    change: web::Json<Change>,
) -> Result<HttpResponse, Refusal> {
    let mac = self::mac(&mac)?;
    let Change { in_operation } = change.into_inner();
    let switched = api.switch.send(Switch { mac, in_operation }).await;
    match switched.map_err(closed)? {
        Ok(()) => {
            tracing::info!(%mac, in_operation, "telephone switched by an operator");
            Ok(HttpResponse::Ok().json(json!({ "mac": mac, "in_operation": in_operation })))
        }
        Err(Unswitched::Unknown(mac)) => Err(Refusal::Unknown(mac)),
        Err(Unswitched::Store(error)) => Err(Refusal::Unable(error.to_string())),
    }
}

async fn forget(api: web::Data<Api>, mac: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let mac = self::mac(&mac)?;
    let forgotten = api.forget.send(Forget(mac)).await;
    match forgotten.map_err(closed)? {
        Ok(()) => Ok(HttpResponse::Ok().json(json!({ "mac": mac, "forgotten": true }))),
        Err(Unforgotten::Unknown(mac)) => Err(Refusal::Unknown(mac)),
        Err(refusal @ Unforgotten::Registered(_)) => Err(Refusal::Conflict(refusal.to_string())),
        Err(Unforgotten::Store(error)) => Err(Refusal::Unable(error.to_string())),
    }
}

/// The telephone that a path names.
pub(super) fn mac(text: &str) -> Result<PhoneId, Refusal> {
    text.parse()
        .map_err(|error| Refusal::Wrong(format!("{text:?} names no telephone: {error}")))
}

pub(super) fn closed(_: actix::MailboxError) -> Refusal {
    Refusal::Unable("the registrar is not running".to_owned())
}
