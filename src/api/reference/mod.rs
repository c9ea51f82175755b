//! The reference page of the API: the OpenAPI document for people, without scripts.

mod markup;
mod page;

use actix_web::{HttpResponse, web};
pub(super) use page::Reference;

use super::document::Document;

/// Where the page is.
pub(super) const PAGE: &str = "/api/v1/";
/// Where its styles are.
pub(super) const STYLES: &str = "/api/v1/reference.css";
/// What a page may load: from this server alone, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
    require-trusted-types-for 'script'; trusted-types uacsta";

impl Reference {
    /// Renders the page of a document.
    pub(super) fn new(document: &Document) -> Self {
        // The document of ours is JSON.
        let document = serde_json::from_str(document.text()).unwrap_or_default();
        Self::of(&document)
    }
}

/// Answers the page, to anybody: it is the same at every server of this version.
pub(super) async fn show(reference: web::Data<Reference>) -> HttpResponse {
    answer("text/html; charset=utf-8", reference.html.clone())
}

/// Answers its styles.
pub(super) async fn styles() -> HttpResponse {
    answer(
        "text/css; charset=utf-8",
        include_str!("reference.css").into(),
    )
}

fn answer(content_type: &'static str, body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header(("Content-Security-Policy", POLICY))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .body(body)
}
