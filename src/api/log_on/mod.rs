//! The page that a link of `uacsta web` opens: its script exchanges the secret behind # for a session's cookie.

use actix_web::HttpResponse;

use super::browser::file;

/// Where the page is.
pub(super) const PAGE: &str = "/log-on";
/// Where its script is.
pub(super) const SCRIPT: &str = "/log-on.js";

/// Answers the page, to anybody: it has no secret.
pub(super) async fn show() -> HttpResponse {
    file("text/html; charset=utf-8", include_str!("page.html").into())
}

/// Answers its script.
pub(super) async fn script() -> HttpResponse {
    file("text/javascript", include_str!("log_on.js").into())
}
