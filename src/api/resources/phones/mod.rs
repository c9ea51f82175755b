//! `/phones`: lists, adds, enables, disables, names and removes phones.

use std::hash::{BuildHasher as _, RandomState};

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};
use uacsta_actors::{
    phone_list::EntryChange,
    registrar::{
        AddPhone, ChangeError, ChangePhone, CountPhones, GetPhone, ListPhones, PhoneDetails,
        RemovePhone,
    },
};
use uacsta_schema::phone_id::{PhoneId, PhoneIdError};
use utoipa::ToSchema;

mod display_name;
mod phone;

pub(in crate::api) use self::phone::{Phone, PhoneFilter};
use super::{
    Api, Body, IfMatch, Kind, List, Operator, Page, PageParams, Problem, Reader, Tagged, created,
    note_before, present, stopping,
};
use crate::texts::{Language, Text};

/// The change of a phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct PhoneChange {
    /// Whether it may be controlled and monitored.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    in_operation: Option<bool>,
    /// A name for people, such as whose phone it is: 1 to 64 characters. Null removes it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    display_name: Option<Option<String>>,
}

/// A phone to list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct NewPhone {
    /// The name with which it will log on: its MAC address or its extension.
    id: String,
    /// A name for people, such as whose phone it is: 1 to 64 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    display_name: Option<String>,
}

/// Changes of phones, of which those of one phone follow each other: the registrar answers when they are on disk, and `If-Match`
/// holds until then.
#[derive(Default)]
pub(in crate::api) struct PhoneChanges {
    hasher: RandomState,
    turns: [Mutex<()>; 32],
}

impl PhoneChanges {
    async fn begin(&self, phone: PhoneId) -> MutexGuard<'_, ()> {
        let turn = self.hasher.hash_one(phone) as usize % self.turns.len();
        self.turns[turn].lock().await
    }
}

/// Lists the phones.
///
/// All phones that ever registered, in the order of their names. `q` searches all texts of a phone.
#[utoipa::path(
    operation_id = "listPhones", tag = "phones", params(PageParams, PhoneFilter),
    responses((status = 200, description = "A page of the phones.", body = List<Phone>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/phones")]
pub(in crate::api) async fn list(
    _: Reader,
    api: web::Data<Api>,
    language: Language,
    page: Page<PhoneFilter>,
) -> Result<web::Json<List<Phone>>, Problem> {
    page_of(&api, language, &page).await.map(web::Json)
}

/// A page of the phones.
pub(in crate::api) async fn page_of(
    api: &Api,
    language: Language,
    page: &Page<PhoneFilter>,
) -> Result<List<Phone>, Problem> {
    let plain = match page.filter.is_empty() {
        true => page.plain::<PhoneId>()?,
        false => None,
    };
    let (mut after, most) = plain.map_or((None, usize::MAX), |(after, limit)| (after, limit + 1));
    let mut phones: Vec<Phone> = Vec::new();
    while phones.len() < most {
        let batch = api
            .list
            .send(ListPhones { after })
            .await
            .map_err(stopping)?;
        let Some(last) = batch.last() else { break };
        after = Some(last.entry.id);
        let batch = batch.into_iter().map(|phone| Phone::new(phone, language));
        phones.extend(batch.filter(|phone| page.filter.admits(phone)));
    }
    Ok(match plain {
        None => page.of(phones)?,
        Some(_) => {
            let counts = api.phones.send(CountPhones).await.map_err(stopping)?;
            page.first(phones, Some(counts.iter().sum()))
        }
    })
}

/// Shows a phone.
///
/// Names it by its MAC address or the extension under which it is listed, or by one of its lines.
#[utoipa::path(
    operation_id = "getPhone", tag = "phones", params(("phone" = String, Path, description = "MAC address or extension.")),
    responses((status = 200, description = "The phone.", body = Phone)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/phones/{phone}")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    language: Language,
    name: web::Path<String>,
) -> Result<Tagged<Phone>, Problem> {
    Ok(Tagged(Phone::new(found(&api, &name).await?, language)))
}

/// Lists a phone that has not come yet.
///
/// Its `reason` says then why it does not come, such as a wrong password. Answered when it is on disk.
#[utoipa::path(
    operation_id = "addPhone", tag = "phones", request_body = NewPhone,
    responses((status = 201, description = "The phone is listed.", body = Phone)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/phones")]
pub(in crate::api) async fn add(
    _: Operator,
    api: web::Data<Api>,
    language: Language,
    Body(NewPhone { id, display_name }): Body<NewPhone>,
) -> Result<HttpResponse, Problem> {
    let phone: PhoneId = id
        .parse()
        .map_err(|_: PhoneIdError| Problem::member("id", Text::new("no-phone-id")))?;
    if let Some(name) = &display_name {
        display_name::check(name)?;
    }
    let add = AddPhone {
        phone,
        display_name,
    };
    api.add.send(add).await.map_err(stopping)??;
    let place = format!("/api/v1/phones/{}", phone.bare());
    let added = Phone::new(found(&api, &phone.bare()).await?, language);
    Ok(created(&place, &added))
}

/// Enables, disables or names a phone.
///
/// The session of a disabled phone ends, and clients see its lines as out of service. `displayName` is for people who run the
/// server; clients do not see it. Answered when it is on disk.
#[utoipa::path(
    operation_id = "changePhone", tag = "phones", params(("phone" = String, Path, description = "MAC address or extension.")),
    request_body(content((PhoneChange = "application/json"), (PhoneChange = "application/merge-patch+json"))),
    responses((status = 200, description = "The phone as it is now.", body = Phone)),
    extensions(("x-effect" = json!("reversible")))
)]
#[patch("/phones/{phone}")]
pub(in crate::api) async fn change(
    _: Operator,
    api: web::Data<Api>,
    name: web::Path<String>,
    changes: web::Data<PhoneChanges>,
    language: Language,
    request: HttpRequest,
    Body(change): Body<PhoneChange>,
) -> Result<Tagged<Phone>, Problem> {
    let phone = found(&api, &name).await?.entry.id;
    let _alone = changes.begin(phone).await;
    let before = found(&api, &phone.bare()).await?;
    // The audit log is in one language for all who read it.
    note_before(&request, &Phone::new(before.clone(), Language::English));
    IfMatch::of(&request).check(&Phone::new(before, language), None)?;
    if let Some(Some(name)) = &change.display_name {
        display_name::check(name)?;
    }
    let change = EntryChange {
        enabled: change.in_operation,
        display_name: change.display_name,
    };
    if change != EntryChange::default() {
        let change = ChangePhone { phone, change };
        api.change.send(change).await.map_err(stopping)??;
    }
    let now = found(&api, &phone.bare()).await?;
    Ok(Tagged(Phone::new(now, language)))
}

/// Removes a phone that is away.
///
/// Its lines are free then; if it registers again, it counts as new. Answered when it is on disk.
#[utoipa::path(
    operation_id = "removePhone", tag = "phones", params(("phone" = String, Path, description = "MAC address or extension.")),
    responses((status = 204, description = "The phone is removed.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/phones/{phone}")]
pub(in crate::api) async fn remove(
    _: Operator,
    api: web::Data<Api>,
    name: web::Path<String>,
    changes: web::Data<PhoneChanges>,
    language: Language,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let phone = found(&api, &name).await?.entry.id;
    let _alone = changes.begin(phone).await;
    let before = found(&api, &phone.bare()).await?;
    // The audit log is in one language for all who read it.
    note_before(&request, &Phone::new(before.clone(), Language::English));
    IfMatch::of(&request).check(&Phone::new(before, language), None)?;
    api.remove
        .send(RemovePhone(phone))
        .await
        .map_err(stopping)??;
    Ok(HttpResponse::NoContent().finish())
}

/// The phone that a path names.
pub(in crate::api) async fn found(api: &Api, name: &str) -> Result<PhoneDetails, Problem> {
    let unknown = |name: &dyn std::fmt::Display| {
        let detail = Text::new("no-phone").with("name", name.to_string());
        Problem::new(Kind::NOT_FOUND, detail)
    };
    let phone: PhoneId = name.parse().map_err(|_| unknown(&name))?;
    let details = api.phone.send(GetPhone(phone)).await.map_err(stopping)?;
    details.ok_or_else(|| unknown(&phone))
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let of = |text: Text, phone: PhoneId| text.with("phone", phone.to_string());
        let state = |text| Self::new(Kind::INVALID_STATE, text);
        match error {
            ChangeError::Unknown(phone) => {
                Self::new(Kind::NOT_FOUND, of(Text::new("phone-not-listed"), phone))
            }
            ChangeError::Registered(phone) => state(of(Text::new("phone-registered"), phone)),
            ChangeError::Listed(phone) => state(of(Text::new("phone-listed"), phone)),
            ChangeError::TooMany => state(Text::new("too-many-unknown-phones")),
            ChangeError::Extension(phone) => {
                Self::member("id", of(Text::new("extensions-unset"), phone))
            }
            ChangeError::Store(error) => Self::unavailable(Text::verbatim(error)),
        }
    }
}
