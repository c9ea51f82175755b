//! `/licenses`: licences, what uses them, and adding and removing one.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use uacsta_actors::{
    licence::code::{CodeError, Issuer, Licence},
    licensing::{GetLicences, Licences, ListHolders, PermitHolder},
};
use uacsta_schema::phone_id::PhoneId;
use utoipa::{IntoParams, ToSchema};

use super::{
    Administrator, Api, Body, Kind, List, Page, PageParams, Problem, Reader, Row, Tagged, created,
    reload, stopping,
};
use crate::{
    reload::Reload,
    texts::{Language, Text, licence_warning},
};

/// What is licensed and in use.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Licensing {
    /// Connected phones.
    phones: Use,
    /// Monitored lines.
    lines: Use,
    /// The licences; null where the program needs none.
    licenses: Option<Vec<License>>,
    /// What is left of the evaluation period, in seconds of running time.
    evaluation_seconds_left: u64,
    /// What an operator should look after.
    warnings: Vec<LicenseWarning>,
}

/// What an operator should look after.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct LicenseWarning {
    /// `trialEnds`, `trialOver`, `fewPhones` or `fewLines`; others may follow.
    code: &'static str,
    /// It in words, and what to do.
    detail: String,
}

/// A phone or line that uses a licence, or waits for one.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct LicenseHolder {
    kind: HolderKind,
    /// The phone.
    #[schema(value_type = String)]
    phone: PhoneId,
    /// The line of the phone that is monitored; null for the phone itself.
    line: Option<String>,
    state: HolderState,
}

/// What a licence is used for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum HolderKind {
    /// A connected phone.
    Phone,
    /// A monitored line.
    Line,
}

/// Whether a phone or line has a licence.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum HolderState {
    /// It uses one.
    Holding,
    /// None is free.
    Waiting,
}

/// Which holders are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct HolderFilter {
    /// Only phones, or only lines.
    #[param(inline)]
    kind: Option<HolderKind>,
    /// Only those that have a licence, or only those that wait for one.
    #[param(inline)]
    state: Option<HolderState>,
}

impl LicenseHolder {
    fn new(holder: PermitHolder, state: HolderState) -> Self {
        let kind = match holder.line {
            None => HolderKind::Phone,
            Some(_) => HolderKind::Line,
        };
        Self {
            kind,
            phone: holder.phone,
            line: holder.line.map(|line| line.to_string()),
            state,
        }
    }
}

impl Row for LicenseHolder {
    /// Phones with their lines.
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["kind", "phone", "line", "state"];

    fn key(&self) -> String {
        let line = self.line.as_deref().unwrap_or_default();
        format!("{} {line}", self.phone)
    }
}

/// How many permits are in use.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Use {
    used: usize,
    /// How many there are; null where they are not limited.
    licensed: Option<usize>,
    /// How many more may be used; null where they are not limited.
    free: Option<usize>,
}

/// A licence.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct License {
    /// Its number.
    serial: u32,
    /// Phones that may be connected at a time.
    phones: u32,
    /// Lines that may be monitored at a time.
    lines: u32,
}

/// A licence that is added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Addition {
    /// The licence's code; case, spaces and dashes do not matter.
    code: String,
}

impl Use {
    fn new(used: usize, licensed: Option<usize>) -> Self {
        Self {
            used,
            licensed,
            free: licensed.map(|all| all.saturating_sub(used)),
        }
    }
}

impl From<Licence> for License {
    fn from(licence: Licence) -> Self {
        let Licence {
            serial,
            phones,
            lines,
        } = licence;
        Self {
            serial,
            phones,
            lines,
        }
    }
}

impl Licensing {
    /// What does not change with time alone.
    pub(super) fn lasting(&self) -> impl Serialize + '_ {
        (&self.phones, &self.lines, &self.licenses, &self.warnings)
    }
}

/// The licences and what uses them.
pub(in crate::api) async fn current(api: &Api, language: Language) -> Result<Licensing, Problem> {
    Ok(Licensing::new(licences(api).await?, language))
}

impl Licensing {
    fn new(licences: Licences, language: Language) -> Self {
        let warnings = licences.warnings().into_iter();
        let warnings = warnings.map(|warning| LicenseWarning {
            code: warning.name(),
            detail: licence_warning(warning).written(language),
        });
        let warnings = warnings.collect();
        let issued = licences.issued;
        Self {
            warnings,
            phones: Use::new(licences.counts.phones, licences.phones),
            lines: Use::new(licences.counts.lines, licences.lines),
            licenses: issued.map(|issued| issued.into_iter().map(License::from).collect()),
            // Rounded up.
            evaluation_seconds_left: u64::try_from(licences.trial_left.as_millis().div_ceil(1000))
                .unwrap_or(u64::MAX),
        }
    }
}

/// Shows the licences and what uses them.
///
/// Says also how much is left of the evaluation period, in which nothing is limited.
#[utoipa::path(
    operation_id = "getLicenses", tag = "licenses",
    responses((status = 200, description = "The licences.", body = Licensing)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/licenses")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    language: Language,
) -> Result<Tagged<Licensing>, Problem> {
    Ok(Tagged(current(&api, language).await?))
}

/// Lists the phones and lines that use a licence, and those that wait for one.
///
/// Also where licences are not limited.
#[utoipa::path(
    operation_id = "listLicenseHolders", tag = "licenses", params(PageParams, HolderFilter),
    responses((status = 200, description = "A page of them.", body = List<LicenseHolder>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/licenses/holders")]
pub(in crate::api) async fn holders(
    _: Reader,
    api: web::Data<Api>,
    page: Page<HolderFilter>,
) -> Result<web::Json<List<LicenseHolder>>, Problem> {
    let found = api.holders.send(ListHolders).await.map_err(stopping)?;
    let rows = |all: Vec<PermitHolder>, state| {
        all.into_iter()
            .map(move |holder| LicenseHolder::new(holder, state))
    };
    let all =
        rows(found.holding, HolderState::Holding).chain(rows(found.waiting, HolderState::Waiting));
    let HolderFilter { kind, state } = page.filter;
    let wanted = all
        .filter(|one| kind.is_none_or(|kind| kind == one.kind))
        .filter(|one| state.is_none_or(|state| state == one.state));
    Ok(web::Json(page.of(wanted.collect())?))
}

/// Adds a licence.
///
/// Its code is checked, kept in the data folder, and counts at once.
#[utoipa::path(
    operation_id = "addLicense", tag = "licenses", request_body = Addition,
    responses((status = 201, description = "The licence counts.", body = License)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/licenses")]
pub(in crate::api) async fn add(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    Body(addition): Body<Addition>,
) -> Result<HttpResponse, Problem> {
    let Addition { code } = addition;
    let licence = issuer(&api)?
        .read(&code)
        .map_err(|error| Problem::member("code", invalid_code(error)))?;
    let serial = licence.serial;
    let known = licences(&api).await?.issued.unwrap_or_default();
    if known.iter().any(|one| one.serial == serial) {
        let detail = Text::new("licence-known").with("serial", serial.to_string());
        return Err(Problem::new(Kind::INVALID_STATE, detail));
    }
    let is_new = api.admin.add_code(&code);
    let is_new = is_new.map_err(|error| Problem::unavailable(Text::verbatim(error)))?;
    let part = Reload::Part { by: who.name };
    if let Err(problem) = reload::now(&api, part).await {
        // A code that was refused must not count after the next reload.
        if is_new && let Err(error) = api.admin.remove_code(&code) {
            tracing::error!(%error, %licence, "cannot remove a licence that was refused");
        }
        return Err(problem);
    }
    tracing::info!(%licence, "licence added by an operator");
    let place = format!("/api/v1/licenses/{serial}");
    Ok(created(&place, &License::from(licence)))
}

/// Removes a licence that was added while the server ran.
///
/// It no longer counts; if too few are left, the newest permits are withdrawn. One of the settings file must be removed there.
#[utoipa::path(
    operation_id = "removeLicense", tag = "licenses", params(("serial" = u32, Path, description = "The licence's number.")),
    responses((status = 204, description = "The licence is removed.")),
    extensions(("x-effect" = json!("destructive")))
)]
#[delete("/licenses/{serial}")]
pub(in crate::api) async fn remove(
    Administrator(who): Administrator,
    api: web::Data<Api>,
    serial: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let issuer = issuer(&api)?;
    let config = api.context.config();
    let mut codes = config.settings.licenses.codes.iter();
    let is_asked = |code: &&String| {
        let licence = issuer.read(code);
        licence.is_ok_and(|licence| serial.parse() == Ok(licence.serial))
    };
    let Some(code) = codes.find(is_asked) else {
        let detail = Text::new("no-licence").with("serial", serial.as_str());
        return Err(Problem::new(Kind::NOT_FOUND, detail));
    };
    let unavailable =
        |error: crate::data_dir::AdminError| Problem::unavailable(Text::verbatim(error));
    if !api.admin.remove_code(code).map_err(unavailable)? {
        let detail = Text::new("licence-in-file").with("serial", serial.as_str());
        return Err(Problem::new(Kind::INVALID_STATE, detail));
    }
    let part = Reload::Part { by: who.name };
    if let Err(problem) = reload::now(&api, part).await {
        if let Err(error) = api.admin.add_code(code) {
            tracing::error!(%error, "cannot put a licence back whose removal was refused");
        }
        return Err(problem);
    }
    tracing::info!(licence = %serial, "licence removed by an operator");
    Ok(HttpResponse::NoContent().finish())
}

async fn licences(api: &Api) -> Result<Licences, Problem> {
    api.licences.send(GetLicences).await.map_err(stopping)
}

fn issuer(api: &Api) -> Result<&Issuer, Problem> {
    let none = || Problem::new(Kind::INVALID_STATE, Text::new("no-licences-needed"));
    api.issuer.as_ref().ok_or_else(none)
}

fn invalid_code(error: CodeError) -> Text {
    match error {
        CodeError::Garbled => Text::new("licence-code-garbled"),
        CodeError::Newer => Text::new("licence-code-newer"),
        CodeError::Foreign => Text::new("licence-code-foreign"),
    }
}
