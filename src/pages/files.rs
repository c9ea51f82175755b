//! The style sheet and the scripts of the pages.

use actix_web::{HttpResponse, web};

use crate::api::file;

/// Answers one of them.
pub(super) async fn show(name: web::Path<String>) -> HttpResponse {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css", include_str!("files/style.css")),
        "icon.svg" => ("image/svg+xml", include_str!("files/icon.svg")),
        "page.js" => ("text/javascript", include_str!("files/page.js")),
        "live.js" => ("text/javascript", include_str!("files/live.js")),
        "acts.js" => ("text/javascript", include_str!("files/acts.js")),
        "log-on.js" => ("text/javascript", include_str!("files/log_on.js")),
        "keys.js" => ("text/javascript", include_str!("files/keys.js")),
        _ => return HttpResponse::NotFound().finish(),
    };
    file(kind, text.into())
}
