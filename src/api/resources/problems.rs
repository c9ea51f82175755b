//! `/problems`: what the types of problems mean.

use actix_web::{get, web};

use super::{Anybody, Kind, KindShown, Problem, Tagged};
use crate::texts::{Language, Text};

/// Shows what a type of problem means.
///
/// The `type` of a problem is the path of this operation.
#[utoipa::path(
    operation_id = "getProblemType", tag = "documents", security(()),
    params(("type" = String, Path, description = "The last part of the type.")),
    responses((status = 200, description = "The type.", body = KindShown)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/problems/{type}")]
pub(in crate::api) async fn show(
    _: Anybody,
    name: web::Path<String>,
    language: Language,
) -> Result<Tagged<KindShown>, Problem> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name == *name);
    let unknown = || {
        Problem::new(
            Kind::NOT_FOUND,
            Text::new("no-problem-type").with("name", name.as_str()),
        )
    };
    Ok(Tagged(kind.ok_or_else(unknown)?.shown(language)))
}
