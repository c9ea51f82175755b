//! `/accounts`: accounts of CTI clients and programs, and what each may do with which lines.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use uacsta_actors::account::is_line_name;
use utoipa::{IntoParams, ToSchema};

use super::{
    Administrator, Api, Body, IfMatch, Kind, List, Page, PageParams, Problem, Row, Tagged, Time,
    check_password, created, note_before, present,
};
use crate::{
    accounts::{AccountChange, AccountError, KnownAccount, LineRight, NewAccount},
    data_dir::LastChange,
    texts::Text,
};

/// An account of CTI clients and programs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Account {
    id: String,
    /// The name to log on with.
    user: String,
    source: AccountSource,
    /// Whether it is changed in the settings, and not here.
    locked: bool,
    /// What it may do with which lines. The highest level that names a line counts.
    rights: Vec<LineRight>,
    /// The user's own phone numbers, from which a call is made via the office.
    numbers: Vec<String>,
    /// Null for an account of the settings.
    created_at: Option<Time>,
    /// When it was changed last; null if never, and for an account of the settings.
    changed_at: Option<Time>,
    /// Who changed it.
    changed_by: Option<String>,
}

/// Where an account is kept.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum AccountSource {
    /// In the settings: `clients.user` or `clients.accounts`.
    Settings,
    /// In the data folder: made by an operator.
    Operator,
}

/// An account that is added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AccountAdded {
    /// The name to log on with: 1 to 64 characters, in any case that of no other account.
    user: String,
    /// For the SIP log-on: at least 10 characters, and not easily guessed.
    password: String,
    /// What it may do with which lines.
    #[schema(max_items = 16)]
    rights: Vec<LineRight>,
    /// The user's own phone numbers.
    #[serde(default)]
    #[schema(max_items = 100)]
    numbers: Vec<String>,
}

/// The change of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AccountChanged {
    /// At least 10 characters, and not easily guessed. Open connections stay.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    password: Option<String>,
    /// In place of all former rights.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 16)]
    rights: Option<Vec<LineRight>>,
    /// In place of all former numbers.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 100)]
    numbers: Option<Vec<String>>,
}

/// Which accounts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AccountFilter {
    /// Only accounts that are kept there.
    #[param(inline)]
    source: Option<AccountSource>,
}

impl From<KnownAccount> for Account {
    fn from(known: KnownAccount) -> Self {
        let is_made = known.created_at.is_some();
        let changed = known.changed.map(|LastChange { by, at }| (by, Time(at)));
        let (changed_by, changed_at) = changed.unzip();
        let account = known.account;
        Self {
            id: known.id,
            user: account.user,
            source: match is_made {
                true => AccountSource::Operator,
                false => AccountSource::Settings,
            },
            locked: !is_made,
            rights: account.grants.iter().map(LineRight::from).collect(),
            numbers: account.numbers,
            created_at: known.created_at.and_then(Time::from_seconds),
            changed_at,
            changed_by,
        }
    }
}

impl Row for Account {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["user", "source", "createdAt"];

    /// The settings may have a name that was given by an operator before.
    fn key(&self) -> String {
        format!("{} {}", self.user.to_lowercase(), self.id)
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let state = |text| Self::new(Kind::INVALID_STATE, text);
        let unknown = |text| Self::new(Kind::NOT_FOUND, text);
        match error {
            AccountError::Exists(user) => state(Text::new("account-exists").with("user", user)),
            AccountError::Configured { user, place } => {
                let text = Text::new("account-in-settings").with("user", user);
                state(text.with("place", place))
            }
            AccountError::Full(most) => state(Text::new("accounts-full").with("most", most)),
            AccountError::TooManyTokens(most) => state(Text::new("tokens-full").with("most", most)),
            AccountError::Unknown(user) => unknown(Text::new("no-account").with("user", user)),
            AccountError::UnknownToken(id) => unknown(Text::new("no-token").with("id", id)),
            AccountError::File(error) => Self::unavailable(Text::verbatim(error)),
            AccountError::System(error) => {
                Self::unavailable(Text::new("change-failed").with("error", error))
            }
        }
    }
}

/// Lists the accounts.
///
/// Those of the settings too, which are changed there.
#[utoipa::path(
    operation_id = "listAccounts", tag = "accounts", params(PageParams, AccountFilter),
    responses((status = 200, description = "A page of the accounts.", body = List<Account>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/accounts")]
pub(in crate::api) async fn list(
    _: Administrator,
    api: web::Data<Api>,
    page: Page<AccountFilter>,
) -> Result<web::Json<List<Account>>, Problem> {
    let wanted = page.filter.source;
    let all = api.accounts.all().into_iter().map(Account::from);
    let all = all.filter(|one| wanted.is_none_or(|source| source == one.source));
    Ok(web::Json(page.of(all.collect())?))
}

/// Shows an account.
///
/// Named by its id or user.
#[utoipa::path(
    operation_id = "getAccount", tag = "accounts", params(("account" = String, Path, description = "Id or user.")),
    responses((status = 200, description = "The account.", body = Account)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/accounts/{account}")]
pub(in crate::api) async fn show(
    _: Administrator,
    api: web::Data<Api>,
    name: web::Path<String>,
) -> Result<Tagged<Account>, Problem> {
    Ok(Tagged(found(&api, &name)?.into()))
}

/// Adds an account.
///
/// Clients can log on with it as soon as this is answered.
#[utoipa::path(
    operation_id = "addAccount", tag = "accounts", request_body = AccountAdded,
    responses((status = 201, description = "The account.", body = Account)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/accounts")]
pub(in crate::api) async fn add(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    Body(new): Body<AccountAdded>,
) -> Result<HttpResponse, Problem> {
    check_user(&new.user)?;
    check_password(&new.password, &new.user)?;
    check_rights(&new.rights)?;
    check_numbers(&new.numbers)?;
    let new = NewAccount {
        user: new.user,
        password: new.password,
        rights: new.rights,
        numbers: new.numbers,
    };
    let known = api.accounts.add(new).await?;
    tracing::info!(user = known.account.user, by = who.name, "account added");
    let place = format!("/api/v1/accounts/{}", known.id);
    Ok(created(&place, &Account::from(known)))
}

/// Changes password, rights or numbers of an account.
///
/// Sessions and monitors that the new rights do not allow end at once. `If-Match` is needed. An account of the settings is
/// changed there.
#[utoipa::path(
    operation_id = "changeAccount", tag = "accounts", params(("account" = String, Path, description = "Id or user.")),
    request_body(content((AccountChanged = "application/json"), (AccountChanged = "application/merge-patch+json"))),
    responses((status = 200, description = "The account as it is now.", body = Account)),
    extensions(("x-effect" = json!("reversible")))
)]
#[patch("/accounts/{account}")]
pub(in crate::api) async fn change(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    name: web::Path<String>,
    request: HttpRequest,
    Body(change): Body<AccountChanged>,
) -> Result<Tagged<Account>, Problem> {
    let known = found(&api, &name)?;
    let (id, last) = (known.id.clone(), known.changed.clone());
    let before = Account::from(known);
    note_before(&request, &before);
    let meant = IfMatch::needed(&request)?;
    meant.check(&before, last)?;
    let AccountChanged {
        password,
        rights,
        numbers,
    } = change;
    if let Some(password) = &password {
        check_password(password, &before.user)?;
    }
    rights.as_deref().map_or(Ok(()), check_rights)?;
    numbers.as_deref().map_or(Ok(()), check_numbers)?;
    let change = AccountChange {
        by: who.name.clone(),
        password,
        rights,
        numbers,
    };
    let check = move |now: KnownAccount| check(&meant, now);
    let known: Result<_, Problem> = api.accounts.modify(&id, check, change).await;
    let known = known?;
    tracing::info!(user = known.account.user, by = who.name, "account changed");
    Ok(Tagged(known.into()))
}

/// Removes an account.
///
/// Its tokens and its clients' sessions end at once. An account of the settings is removed there.
#[utoipa::path(
    operation_id = "removeAccount", tag = "accounts", params(("account" = String, Path, description = "Id or user.")),
    responses((status = 204, description = "The account is removed.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/accounts/{account}")]
pub(in crate::api) async fn remove(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let known = found(&api, &name)?;
    note_before(&request, &Account::from(known.clone()));
    let meant = IfMatch::of(&request);
    let check = move |now: KnownAccount| check(&meant, now);
    let removed: Result<(), Problem> = api.accounts.remove(&known.id, check).await;
    removed?;
    tracing::info!(user = known.account.user, by = who.name, "account removed");
    Ok(HttpResponse::NoContent().finish())
}

fn check(meant: &IfMatch, now: KnownAccount) -> Result<(), Problem> {
    let last = now.changed.clone();
    meant.check(&Account::from(now), last)
}

pub(super) fn found(api: &Api, name: &str) -> Result<KnownAccount, Problem> {
    let unknown = || AccountError::Unknown(name.to_owned()).into();
    api.accounts.find(name).ok_or_else(unknown)
}

/// Refuses names that digest authentication cannot carry (RFC 7616, section 3.4) or a path cannot name.
fn check_user(user: &str) -> Result<(), Problem> {
    let never = |c: char| c.is_control() || "\"\\:/".contains(c);
    let why = match () {
        () if !(1..=64).contains(&user.chars().count()) => Text::new("name-length"),
        () if user.contains(never) => Text::new("account-name-characters"),
        () if user.trim() != user => Text::new("name-in-spaces"),
        () => return Ok(()),
    };
    Err(Problem::member("user", why))
}

fn check_rights(rights: &[LineRight]) -> Result<(), Problem> {
    if rights.len() > 16 {
        return Err(Problem::member("rights", Text::new("rights-at-most")));
    }
    for (at, right) in rights.iter().enumerate() {
        let wrong = |what| Problem::member(&format!("rights/{at}/lines"), what);
        if !(1..=1000).contains(&right.lines.len()) {
            return Err(wrong(Text::new("lines-of-right")));
        }
        for line in &right.lines {
            if !is_line_name(line) {
                return Err(wrong(Text::new("name-of-line")));
            }
            if line.starts_with("group:") {
                return Err(wrong(Text::new("no-groups")));
            }
        }
    }
    Ok(())
}

fn check_numbers(numbers: &[String]) -> Result<(), Problem> {
    let is_wrong = |number: &String| {
        let digits = number.bytes().any(|octet| octet.is_ascii_digit());
        !digits || number.len() > 64 || number.contains(char::is_control)
    };
    match numbers.len() > 100 || numbers.iter().any(is_wrong) {
        true => Err(Problem::member("numbers", Text::new("numbers-at-most"))),
        false => Ok(()),
    }
}
