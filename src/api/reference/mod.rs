//! The reference page of the API: the OpenAPI document for people, without scripts.

mod markup;
mod page;

use actix_web::{HttpResponse, web};
pub(super) use page::Reference;

use super::{browser::file, document::Document};

/// Where the page is.
pub(super) const PAGE: &str = "/api/v1/";
/// Where its styles are.
pub(super) const STYLES: &str = "/api/v1/reference.css";

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
    file("text/html; charset=utf-8", reference.html.clone())
}

/// Answers its styles.
pub(super) async fn styles() -> HttpResponse {
    file(
        "text/css; charset=utf-8",
        include_str!("reference.css").into(),
    )
}
