//! `/api/phones`: the telephone list, which telephones are in operation, and which are to be forgotten.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uacsta_actors::licensing::Count;
use uacsta_actors::registrar::{ChangeError, List, Listing, RemovePhone, SetInOperation};
use uacsta_schema::phone_id::PhoneId;

use super::methods::{READ, only};
use super::{Api, Refusal};

/// Adds the paths.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let list = web::resource("/phones").get(list);
    let one = web::resource("/phones/{mac}").put(switch).delete(remove);
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
    let mut phones: Vec<Listing> = Vec::new();
    loop {
        let after = phones.last().map(|phone| phone.telephone.mac);
        let page = api.list.send(List { after }).await.map_err(closed)?;
        if page.is_empty() {
            break;
        }
        phones.extend(page);
    }
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
    let change = SetInOperation {
        phone: mac,
        in_operation,
    };
    api.switch.send(change).await.map_err(closed)??;
    Ok(HttpResponse::Ok().json(json!({ "mac": mac, "in_operation": in_operation })))
}

async fn remove(api: web::Data<Api>, mac: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let mac = self::mac(&mac)?;
    api.remove.send(RemovePhone(mac)).await.map_err(closed)??;
    Ok(HttpResponse::Ok().json(json!({ "mac": mac, "forgotten": true })))
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(mac) => Self::Unknown(mac),
            ChangeError::Registered(_) => Self::Conflict(error.to_string()),
            ChangeError::Store(error) => Self::Unable(error.to_string()),
        }
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
