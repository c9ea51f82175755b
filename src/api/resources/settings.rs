//! `/settings`: reloads the configuration, as SIGHUP does.

use actix_web::{post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Administrator, Api, Problem};
use crate::api::reload::now;

/// The configuration was reloaded.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Reloaded {
    reloaded: bool,
}

/// Reloads the configuration.
///
/// Files and environment are read, checked, and applied as a whole or not at all. Connections stay.
#[utoipa::path(
    operation_id = "reloadSettings", tag = "settings",
    responses((status = 200, description = "The settings of now are in use.", body = Reloaded)),
    extensions(("x-effect" = json!("reversible")))
)]
#[post("/settings/reload")]
pub(in crate::api) async fn reload(
    _: Administrator,
    api: web::Data<Api>,
) -> Result<web::Json<Reloaded>, Problem> {
    now(&api, false).await?;
    Ok(web::Json(Reloaded { reloaded: true }))
}
