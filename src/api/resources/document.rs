//! `/openapi.json`: the OpenAPI document of the API.

use actix_web::{HttpResponse, get, web};

use super::{Document, LoggedOn};

/// Shows the OpenAPI document.
///
/// It describes every operation and type; clients can be generated from it.
#[utoipa::path(
    operation_id = "getDocument", tag = "documents",
    responses((status = 200, description = "The document, OpenAPI 3.1.", body = Object)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/openapi.json")]
pub(in crate::api) async fn show(_: LoggedOn, document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.text().to_owned())
}
