//! `/operators`: named operators, their rights and passwords.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Administrator, Api, Body, IfMatch, Kind, List, Page, PageParams, Problem, Row, Tagged, Time,
    check_password, created, note_before, present,
};
use crate::{
    api::authentication::CLI_TOKEN,
    operators::{ADMIN, Operator, OperatorError, Right},
    texts::Text,
};

/// A named operator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct OperatorShown {
    id: String,
    /// The name to log on with.
    name: String,
    rights: Right,
    created_at: Option<Time>,
    /// When rights or password were changed last; null if never.
    changed_at: Option<Time>,
    /// Who changed them.
    changed_by: Option<String>,
}

/// An operator that is added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewOperator {
    /// The name to log on with: 1 to 64 characters, in any case that of nobody else.
    name: String,
    rights: Right,
    /// At least 10 characters, and not easily guessed.
    password: String,
}

/// The change of an operator.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OperatorChange {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    rights: Option<Right>,
    /// At least 10 characters, and not easily guessed. It ends the operator's sessions.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    password: Option<String>,
}

/// Which operators are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OperatorFilter {
    /// Only operators with these rights.
    #[param(inline)]
    rights: Option<Right>,
}

impl From<&Operator> for OperatorShown {
    fn from(operator: &Operator) -> Self {
        Self {
            id: operator.id.clone(),
            name: operator.name.clone(),
            rights: operator.rights,
            created_at: Time::from_seconds(operator.created_at),
            changed_at: operator.changed.as_ref().map(|changed| Time(changed.at)),
            changed_by: operator.changed.as_ref().map(|changed| changed.by.clone()),
        }
    }
}

impl Row for OperatorShown {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["name", "rights", "createdAt"];

    fn key(&self) -> String {
        self.name.to_lowercase()
    }
}

impl From<OperatorError> for Problem {
    fn from(error: OperatorError) -> Self {
        let state = |text| Self::new(Kind::INVALID_STATE, text);
        match error {
            OperatorError::Exists(name) => state(Text::new("operator-exists").with("name", name)),
            OperatorError::Full(most) => state(Text::new("operators-full").with("most", most)),
            OperatorError::Unknown(name) => {
                Self::new(Kind::NOT_FOUND, Text::new("no-operator").with("name", name))
            }
            OperatorError::File(error) => Self::unavailable(Text::verbatim(error)),
            OperatorError::Hash(error) => {
                Self::unavailable(Text::new("password-not-hashed").with("error", error))
            }
            OperatorError::Random(error) => Self::unavailable(Text::verbatim(error)),
        }
    }
}

/// Lists the operators.
///
/// The administrator of the settings file, `admin`, is not among them.
#[utoipa::path(
    operation_id = "listOperators", tag = "operators", params(PageParams, OperatorFilter),
    responses((status = 200, description = "A page of the operators.", body = List<OperatorShown>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/operators")]
pub(in crate::api) async fn list(
    _: Administrator,
    api: web::Data<Api>,
    page: Page<OperatorFilter>,
) -> Result<web::Json<List<OperatorShown>>, Problem> {
    page_of(&api, &page).map(web::Json)
}

/// A page of the operators.
pub(in crate::api) fn page_of(
    api: &Api,
    page: &Page<OperatorFilter>,
) -> Result<List<OperatorShown>, Problem> {
    let wanted = page.filter.rights;
    let all = api.operators.all();
    let all = all
        .iter()
        .filter(|one| wanted.is_none_or(|rights| rights == one.rights));
    page.of(all.map(OperatorShown::from).collect())
}

/// Shows an operator.
///
/// Named by its id or name.
#[utoipa::path(
    operation_id = "getOperator", tag = "operators", params(("operator" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The operator.", body = OperatorShown)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/operators/{operator}")]
pub(in crate::api) async fn show(
    _: Administrator,
    api: web::Data<Api>,
    name: web::Path<String>,
) -> Result<Tagged<OperatorShown>, Problem> {
    Ok(Tagged((&found(&api, &name)?).into()))
}

/// Adds an operator.
///
/// The operator can log on as soon as this is answered.
#[utoipa::path(
    operation_id = "addOperator", tag = "operators", request_body = NewOperator,
    responses((status = 201, description = "The operator.", body = OperatorShown)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/operators")]
pub(in crate::api) async fn add(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    Body(new): Body<NewOperator>,
) -> Result<HttpResponse, Problem> {
    let NewOperator {
        name,
        rights,
        password,
    } = new;
    check_name(&name)?;
    check_password(&password, &name)?;
    let at = api.context.clock.wall();
    let operator = api.operators.add(name, rights, password, at).await?;
    tracing::info!(user = operator.name, by = who.name, "operator added");
    let place = format!("/api/v1/operators/{}", operator.id);
    Ok(created(&place, &OperatorShown::from(&operator)))
}

/// Changes rights or password of an operator.
///
/// Taken rights hold at once; a new password ends the operator's sessions. `If-Match` is needed.
#[utoipa::path(
    operation_id = "changeOperator", tag = "operators", params(("operator" = String, Path, description = "Id or name.")),
    request_body(content((OperatorChange = "application/json"), (OperatorChange = "application/merge-patch+json"))),
    responses((status = 200, description = "The operator as it is now.", body = OperatorShown)),
    extensions(("x-effect" = json!("reversible")))
)]
#[patch("/operators/{operator}")]
pub(in crate::api) async fn change(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    name: web::Path<String>,
    request: HttpRequest,
    Body(change): Body<OperatorChange>,
) -> Result<Tagged<OperatorShown>, Problem> {
    let operator = found(&api, &name)?;
    let before = OperatorShown::from(&operator);
    note_before(&request, &before);
    let meant = IfMatch::needed(&request)?;
    meant.check(&before, operator.changed.clone())?;
    let OperatorChange { rights, password } = change;
    if let Some(password) = &password {
        check_password(password, &operator.name)?;
    }
    let check = |now: &Operator| meant.check(&OperatorShown::from(now), now.changed.clone());
    let operators = &api.operators;
    let change = operators.modify(&operator.id, check, rights, password, &who.name);
    let changed: Result<Operator, Problem> = change.await;
    let changed = changed?;
    tracing::info!(user = changed.name, by = who.name, "operator changed");
    Ok(Tagged((&changed).into()))
}

/// Removes an operator.
///
/// The operator's sessions end at once.
#[utoipa::path(
    operation_id = "removeOperator", tag = "operators", params(("operator" = String, Path, description = "Id or name.")),
    responses((status = 204, description = "The operator is removed.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/operators/{operator}")]
pub(in crate::api) async fn remove(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let operator = found(&api, &name)?;
    note_before(&request, &OperatorShown::from(&operator));
    let meant = IfMatch::of(&request);
    let check = |now: &Operator| meant.check(&OperatorShown::from(now), now.changed.clone());
    let removed: Result<(), Problem> = api.operators.remove(&operator.id, check).await;
    removed?;
    tracing::info!(user = operator.name, by = who.name, "operator removed");
    Ok(HttpResponse::NoContent().finish())
}

fn found(api: &Api, name: &str) -> Result<Operator, Problem> {
    let unknown = || OperatorError::Unknown(name.to_owned()).into();
    api.operators.find(name).ok_or_else(unknown)
}

/// The audit log tells operators by their names from the administrator, the command line and programs (`crm (token wall)`).
fn check_name(name: &str) -> Result<(), Problem> {
    let length = name.chars().count();
    let why = match () {
        () if !(1..=64).contains(&length) => Text::new("name-length"),
        () if name.chars().any(|c| c.is_control() || "/:(".contains(c)) => {
            Text::new("operator-name-characters")
        }
        () if name.eq_ignore_ascii_case(ADMIN) => Text::new("name-of-administrator"),
        () if name.eq_ignore_ascii_case(CLI_TOKEN) => Text::new("name-of-command-line"),
        () => return Ok(()),
    };
    Err(Problem::member("name", why))
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_that_the_audit_log_gives_to_others_are_refused() {
        for name in [
            "",
            "admin",
            "Admin",
            "cli.token",
            "CLI.token",
            "crm (token wall)",
            "a:b",
            "a/b",
            "a\nb",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["anna", "Anna Maier", "cli", "administrator"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }
}
