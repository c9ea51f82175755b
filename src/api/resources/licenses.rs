//! `/licenses`: licences, what uses them, and adding and removing one.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use uacsta_actors::{
    licence::code::{Issuer, Licence},
    licensing::{GetLicences, Licences},
};
use utoipa::ToSchema;

use super::{Administrator, Api, Body, Kind, Problem, Reader, Tagged, created, reload, stopping};
use crate::reload::Reload;

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

impl From<Licences> for Licensing {
    fn from(licences: Licences) -> Self {
        let issued = licences.issued;
        Self {
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
) -> Result<Tagged<Licensing>, Problem> {
    Ok(Tagged(licences(&api).await?.into()))
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
    _: Administrator,
    api: web::Data<Api>,
    Body(addition): Body<Addition>,
) -> Result<HttpResponse, Problem> {
    let Addition { code } = addition;
    let licence = issuer(&api)?
        .read(&code)
        .map_err(|error| Problem::member("code", format!("invalid licence code: it {error}")))?;
    let serial = licence.serial;
    let known = licences(&api).await?.issued.unwrap_or_default();
    if known.iter().any(|one| one.serial == serial) {
        let detail = format!("licence {serial} was added before");
        return Err(Problem::new(Kind::INVALID_STATE, detail));
    }
    let is_new = api.admin.add_code(&code);
    let is_new = is_new.map_err(|error| Problem::unavailable(error.to_string()))?;
    if let Err(problem) = reload::now(&api, Reload::Part).await {
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
    _: Administrator,
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
        let detail = format!("there is no licence {serial}");
        return Err(Problem::new(Kind::NOT_FOUND, detail));
    };
    let unavailable = |error: crate::data_dir::AdminError| Problem::unavailable(error.to_string());
    if !api.admin.remove_code(code).map_err(unavailable)? {
        let detail =
            format!("licence {serial} is in licenses.codes of the settings file; remove it there");
        return Err(Problem::new(Kind::INVALID_STATE, detail));
    }
    if let Err(problem) = reload::now(&api, Reload::Part).await {
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
    let detail = "this program was built without an issuer of licences and needs none";
    let none = || Problem::new(Kind::INVALID_STATE, detail);
    api.issuer.as_ref().ok_or_else(none)
}
