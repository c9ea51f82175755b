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
    #[error("log on with the token in cli.token, or as admin with the administrator's password")]
    Unauthenticated,
    #[error("too many failed log-ons; try again in {RETRY_AFTER} seconds")]
    RateLimited,
    #[error("cross-origin request refused: Origin differs from Host")]
    CrossOrigin,
    #[error("{0:?} is not a host of this server: use its address, or add the name to web.names")]
    Misdirected(String),
    #[error("there is no such page")]
    NotFound,
    #[error("too many requests on a connection without log-on; open another one")]
    TooManyRequests,
    #[error("method {method} not allowed (allowed: {allow})")]
    Method {
        method: Method,
        /// The allowed methods.
        allow: &'static str,
    },
    #[error("phone {0} has not listed its lines yet")]
    NoLines(uacsta_schema::phone_id::PhoneId),
    #[error(
        "no phone {0} in the phone list; name it by its MAC address, such as 00:04:13:aa:bb:cc, or by the extension it is listed under; uacsta phones prints the list"
    )]
    UnknownPhone(uacsta_schema::phone_id::PhoneId),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Unavailable(String),
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::NoLines(_) | Self::UnknownPhone(_) => StatusCode::NOT_FOUND,
            Self::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) | Self::TooManyRequests => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::TooManyRequests) {
            response.force_close();
        }
        if matches!(self, Self::Unauthenticated) {
            // RFC 9110, section 11.6.1, and RFC 6750, section 3.
            response.append_header(("WWW-Authenticate", "Bearer realm=\"uacsta\""));
            response.append_header(("WWW-Authenticate", "Basic realm=\"uacsta\""));
        }
        if let Self::Method { allow, .. } = self {
            // RFC 9110, section 15.5.6.
            response.append_header(("Allow", *allow));
        }
        if matches!(self, Self::RateLimited) {
            // RFC 6585, section 4.
            response.append_header(("Retry-After", RETRY_AFTER.to_string()));
        }
        response.json(json!({ "error": self.to_string() }))
    }
}
