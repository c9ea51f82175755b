//! `/accounts/{account}/tokens`: bearer tokens of programs.

use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::{CACHE_CONTROL, HeaderValue},
    post, web,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Administrator, Api, Body, List, Page, PageParams, Problem, Row, Time, accounts::found, created,
    note_before,
};
use crate::{accounts, texts::Text};

/// A token of an account. Its text is known to its program alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Token {
    id: String,
    /// What it is for.
    name: String,
    created_at: Option<Time>,
    /// When it ends; null: when it is revoked.
    ends_at: Option<Time>,
    /// The start of the minute.
    last_used_at: Option<Time>,
    /// The address.
    last_used_from: Option<String>,
}

/// A token that was made, with its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct TokenMade {
    id: String,
    /// What it is for.
    name: String,
    /// The text for `Authorization: Bearer`. It cannot be shown again.
    token: String,
    created_at: Option<Time>,
    /// When it ends; null: when it is revoked.
    ends_at: Option<Time>,
    /// Always null.
    last_used_at: Option<Time>,
    /// Always null.
    last_used_from: Option<String>,
}

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct NewToken {
    /// What it is for: 1 to 64 characters.
    name: String,
    /// When it ends (RFC 3339); null or left out: when it is revoked.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
}

impl From<accounts::Token> for Token {
    fn from(token: accounts::Token) -> Self {
        let last = token.last_use;
        Self {
            id: token.id,
            name: token.name,
            created_at: Time::from_seconds(token.created_at),
            ends_at: token.ends_at.and_then(Time::from_seconds),
            last_used_at: last.and_then(|last| Time::from_seconds(last.at)),
            last_used_from: last.map(|last| last.from.to_string()),
        }
    }
}

impl Row for Token {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["name", "createdAt", "endsAt", "lastUsedAt"];

    fn key(&self) -> String {
        format!("{} {}", self.name.to_lowercase(), self.id)
    }
}

/// Lists the tokens of an account.
///
/// With the minute and address of each one's last use, so that those which nobody uses can be revoked.
#[utoipa::path(
    operation_id = "listTokens", tag = "accounts",
    params(("account" = String, Path, description = "Id or user."), PageParams),
    responses((status = 200, description = "A page of the tokens.", body = List<Token>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/accounts/{account}/tokens")]
pub(in crate::api) async fn list(
    _: Administrator,
    api: web::Data<Api>,
    account: web::Path<String>,
    page: Page,
) -> Result<web::Json<List<Token>>, Problem> {
    let account = found(&api, &account)?;
    let tokens = api.accounts.tokens(&account.id).into_iter();
    Ok(web::Json(page.of(tokens.map(Token::from).collect())?))
}

/// Makes a token of an account.
///
/// The answer has the token this once. A program that sends it may do what the account may.
#[utoipa::path(
    operation_id = "addToken", tag = "accounts", request_body = NewToken,
    params(("account" = String, Path, description = "Id or user.")),
    responses((status = 201, description = "The token.", body = TokenMade)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/accounts/{account}/tokens")]
pub(in crate::api) async fn add(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    account: web::Path<String>,
    Body(new): Body<NewToken>,
) -> Result<HttpResponse, Problem> {
    let account = found(&api, &account)?;
    let NewToken { name, ends_at } = new;
    if !(1..=64).contains(&name.chars().count()) || name.contains(char::is_control) {
        let why = Text::new("token-name");
        return Err(Problem::member("name", why));
    }
    let ends_at = ends_at.map(|end| u64::try_from(end.as_second()).unwrap_or(0));
    if ends_at.is_some_and(|end| end <= api.context.clock.wall()) {
        return Err(Problem::member("endsAt", Text::new("in-the-past")));
    }
    let (token, text) = api.accounts.add_token(&account.id, name, ends_at).await?;
    let user = account.account.user;
    tracing::info!(user, by = who.name, "token of an account added");
    let place = format!("/api/v1/accounts/{}/tokens/{}", account.id, token.id);
    let made = TokenMade {
        id: token.id,
        name: token.name,
        token: text,
        created_at: Time::from_seconds(token.created_at),
        ends_at: token.ends_at.and_then(Time::from_seconds),
        last_used_at: None,
        last_used_from: None,
    };
    let mut answer = created(&place, &made);
    let never = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(CACHE_CONTROL, never);
    Ok(answer)
}

/// Revokes a token.
///
/// Its next request gets 401.
#[utoipa::path(
    operation_id = "revokeToken", tag = "accounts",
    params(("account" = String, Path, description = "Id or user."), ("token" = String, Path, description = "Id.")),
    responses((status = 204, description = "The token is revoked.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/accounts/{account}/tokens/{token}")]
pub(in crate::api) async fn revoke(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (account, token) = path.into_inner();
    let account = found(&api, &account)?;
    let mut tokens = api.accounts.tokens(&account.id).into_iter();
    if let Some(before) = tokens.find(|one| one.id == token) {
        note_before(&request, &Token::from(before));
    }
    api.accounts.revoke_token(&account.id, &token).await?;
    let user = account.account.user;
    tracing::info!(user, by = who.name, "token of an account revoked");
    Ok(HttpResponse::NoContent().finish())
}
