//! `/api/phones`: lists phones, enables and disables them, and removes them.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uacsta_actors::{
    licensing::CountPermits,
    registrar::{ChangeError, ListPhones, PhoneDetails, RemovePhone, SetEnabled},
};
use uacsta_schema::phone_id::PhoneId;

use super::{
    Api, Refusal,
    methods::{READ, only},
};

/// Adds the paths.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let list = web::resource("/phones").get(list);
    let one = web::resource("/phones/{mac}").put(switch).delete(remove);
    config.service(only(READ, list));
    config.service(only("PUT, DELETE", one));
}

/// The phone list, with the counts of licensing.
#[derive(Serialize)]
struct PhoneList {
    connected_phones: usize,
    monitored_lines: usize,
    phones: Vec<PhoneDetails>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    in_operation: bool,
}

async fn list(api: web::Data<Api>) -> Result<web::Json<PhoneList>, Refusal> {
    let counts = api.count.send(CountPermits).await.map_err(closed)?;
    let mut phones: Vec<PhoneDetails> = Vec::new();
    loop {
        let after = phones.last().map(|phone| phone.entry.id);
        let page = api.list.send(ListPhones { after }).await.map_err(closed)?;
        if page.is_empty() {
            break;
        }
        phones.extend(page);
    }
    Ok(web::Json(PhoneList {
        connected_phones: counts.phones,
        monitored_lines: counts.lines,
        phones,
    }))
}

async fn switch(
    api: web::Data<Api>,
    phone: web::Path<String>,
    change: web::Json<Change>,
) -> Result<HttpResponse, Refusal> {
    let phone = self::phone(&phone)?;
    let Change { in_operation } = change.into_inner();
    let change = SetEnabled {
        phone,
        enabled: in_operation,
    };
    api.switch.send(change).await.map_err(closed)??;
    Ok(HttpResponse::Ok().json(json!({ "mac": phone, "in_operation": in_operation })))
}

async fn remove(api: web::Data<Api>, phone: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let phone = self::phone(&phone)?;
    api.remove
        .send(RemovePhone(phone))
        .await
        .map_err(closed)??;
    Ok(HttpResponse::Ok().json(json!({ "mac": phone, "forgotten": true })))
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(phone) => Self::UnknownPhone(phone),
            ChangeError::Registered(_) => Self::Conflict(error.to_string()),
            ChangeError::Store(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// The phone named in a path.
pub(super) fn phone(text: &str) -> Result<PhoneId, Refusal> {
    text.parse()
        .map_err(|error| Refusal::Invalid(format!("{text:?} is not the name of a phone: {error}")))
}

pub(super) fn closed(_: actix::MailboxError) -> Refusal {
    Refusal::Unavailable("the registrar is not running".to_owned())
}
