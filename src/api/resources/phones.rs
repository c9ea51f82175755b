//! `/phones`: lists, adds, enables, disables and removes phones.

use std::hash::{BuildHasher as _, RandomState};

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};
use uacsta_actors::{
    phone::Status,
    phone_list::ListedPhone,
    registrar::{
        AddPhone, ChangeError, CountPhones, GetPhone, ListPhones, PhoneDetails, RemovePhone,
        SetEnabled,
    },
};
use uacsta_schema::phone_id::{PhoneId, PhoneIdError};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, Body, IfMatch, Kind, List, Operator, Page, PageParams, Problem, Reader, Reason,
    ReasonCode, Row, Tagged, Time, created, note_before, present, stopping,
};
use crate::texts::{Language, Text};

/// A phone that has registered at some time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Phone {
    /// The name with which it logs on: its MAC address or its extension.
    #[schema(value_type = String)]
    id: PhoneId,
    /// The MAC address, if known.
    mac: Option<String>,
    /// The extension, if the phone logs on with it.
    extension: Option<String>,
    maker: String,
    model: Option<String>,
    firmware: Option<String>,
    /// The address from which it registered last.
    address: Option<String>,
    /// The first line, or the identity with which it registered.
    identity: Option<String>,
    /// The lines that the phone listed last.
    lines: Vec<String>,
    /// Whether it may be controlled and monitored.
    in_operation: bool,
    state: PhoneState,
    /// Why it cannot be controlled.
    reason: Option<Reason>,
    /// Whether its last change is not on disk.
    unsaved: bool,
    /// When it registered last from another place than before.
    last_log_on_at: Option<Time>,
}

/// How a phone can be reached.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum PhoneState {
    /// Not registered.
    Away,
    /// Registered, without a CSTA session.
    Registered,
    /// With an open CSTA session.
    Controlled,
}

impl Phone {
    /// A phone whose reason is in this language.
    pub(super) fn new(details: PhoneDetails, language: Language) -> Self {
        let PhoneDetails {
            entry,
            status,
            reason,
            unsaved,
        } = details;
        let mac = entry.hardware().map(|mac| mac.to_string());
        let ListedPhone {
            id,
            maker,
            model,
            firmware,
            last_address,
            last_identity,
            lines,
            last_login,
            enabled,
            ..
        } = entry;
        Self {
            id,
            mac,
            extension: id.mac().is_none().then(|| id.bare()),
            maker,
            model,
            firmware,
            address: last_address.map(|address| address.to_string()),
            identity: last_identity,
            lines,
            in_operation: enabled,
            state: match status {
                Status::Away => PhoneState::Away,
                Status::Registered => PhoneState::Registered,
                Status::Controlled => PhoneState::Controlled,
            },
            reason: reason.map(|reason| Reason::new(&reason, language)),
            unsaved,
            last_log_on_at: last_login.and_then(Time::from_seconds),
        }
    }
}

impl Row for Phone {
    type Key = PhoneId;
    const SORTED_BY: &'static [&'static str] = &[
        "id",
        "maker",
        "model",
        "firmware",
        "address",
        "state",
        "inOperation",
        "lastLogOnAt",
    ];

    fn key(&self) -> PhoneId {
        self.id
    }
}

/// Which phones are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct PhoneFilter {
    /// Only phones in this state.
    #[param(inline)]
    state: Option<PhoneState>,
    /// Only phones that are in operation, or only those that are not.
    in_operation: Option<bool>,
    /// Only phones of this maker, in any case.
    maker: Option<String>,
    /// Only phones whose reason has this code.
    #[param(value_type = Option<String>)]
    reason: Option<ReasonCode>,
}

impl PhoneFilter {
    fn is_empty(&self) -> bool {
        self.state.is_none()
            && self.in_operation.is_none()
            && self.maker.is_none()
            && self.reason.is_none()
    }

    fn admits(&self, phone: &Phone) -> bool {
        self.state.is_none_or(|state| state == phone.state)
            && self.in_operation.is_none_or(|on| on == phone.in_operation)
            && self
                .maker
                .as_ref()
                .is_none_or(|maker| maker.eq_ignore_ascii_case(&phone.maker))
            && self
                .reason
                .is_none_or(|code| code.is_of(phone.reason.as_ref()))
    }
}

/// The change of a phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct PhoneChange {
    /// Whether it may be controlled and monitored.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    in_operation: Option<bool>,
}

/// A phone to list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct NewPhone {
    /// The name with which it will log on: its MAC address or its extension.
    id: String,
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
    Ok(web::Json(match plain {
        None => page.of(phones)?,
        Some(_) => {
            let counts = api.phones.send(CountPhones).await.map_err(stopping)?;
            page.first(phones, Some(counts.iter().sum()))
        }
    }))
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
    Body(NewPhone { id }): Body<NewPhone>,
) -> Result<HttpResponse, Problem> {
    let phone: PhoneId = id
        .parse()
        .map_err(|_: PhoneIdError| Problem::member("id", Text::new("no-phone-id")))?;
    api.add.send(AddPhone(phone)).await.map_err(stopping)??;
    let place = format!("/api/v1/phones/{}", phone.bare());
    let added = Phone::new(found(&api, &phone.bare()).await?, language);
    Ok(created(&place, &added))
}

/// Enables or disables a phone.
///
/// The session of a disabled phone ends, and clients see its lines as out of service. Answered when it is on disk.
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
    IfMatch::of(&request).check(&Phone::new(before, language))?;
    if let Some(enabled) = change.in_operation {
        let set = SetEnabled { phone, enabled };
        api.switch.send(set).await.map_err(stopping)??;
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
    IfMatch::of(&request).check(&Phone::new(before, language))?;
    api.remove
        .send(RemovePhone(phone))
        .await
        .map_err(stopping)??;
    Ok(HttpResponse::NoContent().finish())
}

/// The phone that a path names.
pub(super) async fn found(api: &Api, name: &str) -> Result<PhoneDetails, Problem> {
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
