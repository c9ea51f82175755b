//! `/api/licenses`: licences, what uses them, and adding a licence code.

use actix_web::web;
use serde::Deserialize;
use serde_json::{Value, json};
use uacsta_actors::{
    licence::code::Licence,
    licensing::{GetLicences, Licences},
};

use super::{Api, Refusal, methods::only, phones, reload};

/// Adds the path.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let licenses = web::resource("/licenses").get(show).post(add);
    config.service(only("GET, HEAD, POST", licenses));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addition {
    code: String,
}

async fn show(api: web::Data<Api>) -> Result<web::Json<Value>, Refusal> {
    let licences = api
        .licences
        .send(GetLicences)
        .await
        .map_err(phones::closed)?;
    Ok(web::Json(shown(&licences)))
}

/// Checks a code, stores it in `admin.toml` and applies it.
async fn add(
    api: web::Data<Api>,
    addition: web::Json<Addition>,
) -> Result<web::Json<Value>, Refusal> {
    let Addition { code } = addition.into_inner();
    let known = api
        .licences
        .send(GetLicences)
        .await
        .map_err(phones::closed)?;
    let licence = match &api.issuer {
        None => {
            return Err(Refusal::Invalid(
                "this program was built without an issuer of licences and needs none".to_owned(),
            ));
        }
        Some(issuer) => issuer
            .read(&code)
            .map_err(|error| Refusal::Invalid(format!("invalid licence code: it {error}")))?,
    };
    if known
        .issued
        .iter()
        .flatten()
        .any(|one| one.serial == licence.serial)
    {
        return Err(Refusal::Invalid(format!(
            "licence {} was added before",
            licence.serial
        )));
    }
    let is_new = api
        .admin
        .add_code(&code)
        .map_err(|error| Refusal::Unavailable(error.to_string()))?;
    if let Err(refusal) = reload::now(&api, true).await {
        // A code that was refused must not count after the next reload.
        if is_new && let Err(error) = api.admin.remove_code(&code) {
            tracing::error!(%error, %licence, "cannot remove a licence that was refused");
        }
        return Err(refusal);
    }
    tracing::info!(%licence, "licence added by an operator");
    show(api).await
}

fn shown(licences: &Licences) -> Value {
    let Licences {
        counts,
        phones,
        lines,
        issued,
        trial_left,
    } = licences;
    let of = |licence: &Licence| json!({ "serial": licence.serial, "phones": licence.phones, "lines": licence.lines });
    json!({
        "phones": { "in_use": counts.phones, "seats": phones },
        "lines": { "in_use": counts.lines, "seats": lines },
        "licences": issued.as_ref().map(|issued| issued.iter().map(of).collect::<Vec<_>>()),
        // Rounded up.
        "trial_seconds_left": u64::try_from(trial_left.as_millis().div_ceil(1000)).unwrap_or(u64::MAX),
    })
}
