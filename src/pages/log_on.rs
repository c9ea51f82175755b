//! The page to log on: with name and password, or with a link of `uacsta web`, whose secret stands behind #.

use actix_web::HttpResponse;
use askama::Template;

use crate::{api::file, texts::Language};

#[derive(Template)]
#[template(path = "log_on.html")]
struct Page {
    language: Language,
}

impl Page {
    /// The text of a key.
    fn t(&self, key: &str) -> String {
        self.language.text(key)
    }
}

/// Answers the page, to anybody: it has no secret.
pub(super) async fn show(language: Language) -> HttpResponse {
    match (Page { language }).render() {
        Ok(html) => file("text/html; charset=utf-8", html.into()),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
