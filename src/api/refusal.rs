//! Why the API refuses a request, and how it says so.

use actix_web::{
    HttpResponse, ResponseError,
    http::{Method, StatusCode},
};
use serde_json::json;
use uacsta_actors::auth::RETRY_AFTER;

/// Why a request is refused; its display is the sentence in `{"error": ...}`.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("log on: show the token of cli.token, or the administrator's password")]
    Stranger,
    #[error("too many log-ons failed: try again in {RETRY_AFTER} seconds")]
    HeldBack,
    #[error("a page of another site may not ask this")]
    Foreign,
    #[error("there is no such page")]
    Nothing,
    #[error("a connection carries one request")]
    Further,
    #[error("this page is not for {method}, but for {allow}")]
    Method {
        method: Method,
        /// The methods that it is for.
        allow: &'static str,
    },
    #[error("no phone that is listed as {0} has told its lines")]
    Lineless(uacsta_schema::phone_id::PhoneId),
    #[error("no phone is listed as {0}")]
    Unknown(uacsta_schema::phone_id::PhoneId),
    #[error("{0}")]
    Wrong(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unable(String),
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Stranger => StatusCode::UNAUTHORIZED,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::HeldBack => StatusCode::TOO_MANY_REQUESTS,
            Self::Nothing | Self::Lineless(_) | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Wrong(_) | Self::Further => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Stranger) {
            // RFC 9110 11.6.1 and RFC 6750 3.
            response.append_header(("WWW-Authenticate", "Bearer realm=\"uacsta\""));
            response.append_header(("WWW-Authenticate", "Basic realm=\"uacsta\""));
        }
        if let Self::Method { allow, .. } = self {
            // RFC 9110 15.5.6.
            response.append_header(("Allow", *allow));
        }
        if matches!(self, Self::HeldBack) {
            // RFC 6585 4.
            response.append_header(("Retry-After", RETRY_AFTER.to_string()));
        }
        response.json(json!({ "error": self.to_string() }))
    }
}
