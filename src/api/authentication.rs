//! Authenticates API requests: by the token (RFC 6750) or the administrator's password (RFC 7617).

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HOST, HeaderMap, HeaderValue, ORIGIN},
    middleware::Next,
};
use arc_swap::ArcSwap;
use base64::{Engine, prelude::BASE64_STANDARD};
use subtle::ConstantTimeEq;
use uacsta_actors::{
    ServerContext,
    auth::{AuthAttempt, AuthUser, LimitStatus, RETRY_AFTER, Rate},
    counters::Counter,
    log_limit::repeat_count,
};
use uacsta_config::Secret;

use super::{
    access::{LogOn, Right},
    problem::{Kind, Problem},
};

/// The credentials that the API accepts.
pub(super) struct Keys {
    accepted: ArcSwap<Credentials>,
    context: Arc<ServerContext>,
}

/// The credentials as they follow the scheme in `Authorization`.
struct Credentials {
    bearer: String,
    basic: String,
}

impl Keys {
    pub(super) fn new(token: &Secret, password: &Secret, context: Arc<ServerContext>) -> Self {
        Self {
            accepted: ArcSwap::from_pointee(Credentials::new(token, password)),
            context,
        }
    }

    /// Replaces the accepted credentials.
    pub(super) fn change(&self, token: &Secret, password: &Secret) {
        self.accepted
            .store(Arc::new(Credentials::new(token, password)));
    }

    /// Checks the `authorization` of a request from `address`.
    ///
    /// The token is exempt from the rate limit: it cannot be guessed, and behind a proxy the command line shares its address
    /// with everybody.
    pub(super) fn check(&self, authorization: &str, address: IpAddr) -> Result<LogOn, Problem> {
        if authorization.is_empty() {
            return Err(Problem::not_logged_on());
        }
        let accepted = self.accepted.load();
        if accepted.has_token(authorization) {
            return Ok(LogOn::administrator("cli.token"));
        }
        let log_on_limiter = &self.context.log_on_limiter;
        let attempt = AuthAttempt::new(address, AuthUser::Administrator);
        let rate = Rate::of(&self.context.config().settings.limits);
        let now = self.context.clock.now();
        if !log_on_limiter.admits(attempt, rate, now) {
            self.context.counters.count(Counter::LogOnRateLimited);
            let detail = format!("too many failed log-ons; try again in {RETRY_AFTER} seconds");
            return Err(Problem::too_many(detail, RETRY_AFTER.into()));
        }
        if accepted.has_password(authorization) {
            log_on_limiter.succeeded(attempt);
            return Ok(LogOn::administrator("admin"));
        }
        self.context.counters.count(Counter::FailedLogOn);
        match log_on_limiter.failed(attempt, rate, now) {
            LimitStatus::Below => {
                let what = "API log-on failed";
                if let Some(times) = self.context.log_limit.admit(address, what, now) {
                    tracing::warn!(peer = %address, times = repeat_count(times), "API log-on failed: wrong token or password");
                }
            }
            LimitStatus::Reached => {
                tracing::warn!(peer = %address, "too many failed API log-ons from this address; limited to limits.log_on_tries a second, not logged until they pause");
            }
            LimitStatus::Exceeded => {}
        }
        Err(Problem::not_logged_on())
    }

    pub(super) fn context(&self) -> &ServerContext {
        &self.context
    }
}

impl LogOn {
    fn administrator(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            right: Right::Admin,
        }
    }
}

impl Credentials {
    fn new(token: &Secret, password: &Secret) -> Self {
        Self {
            bearer: token.expose().to_owned(),
            basic: BASE64_STANDARD.encode(format!("admin:{}", password.expose())),
        }
    }

    fn has_token(&self, authorization: &str) -> bool {
        matches(authorization, "bearer", &self.bearer)
    }

    fn has_password(&self, authorization: &str) -> bool {
        matches(authorization, "basic", &self.basic)
    }
}

/// Whether `authorization` has this scheme and secret, compared in constant time.
fn matches(authorization: &str, scheme: &str, secret: &str) -> bool {
    authorization.split_once(' ').is_some_and(|(name, given)| {
        name.eq_ignore_ascii_case(scheme)
            && bool::from(secret.as_bytes().ct_eq(given.trim().as_bytes()))
    })
}

/// Whether a browser sent the request for a page of another origin (RFC 6454, section 7.3). The browser would add the
/// administrator's password by itself.
fn is_cross_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::as_bytes);
    let Some(origin) = text(ORIGIN) else {
        return false;
    };
    let site = [&b"http://"[..], b"https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(*scheme));
    site.is_none() || site != text(HOST)
}

/// Refuses changes that a browser sends for a page of another origin.
pub(super) async fn refuse_cross_origin(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !request.method().is_safe() && is_cross_origin(request.headers()) {
        let detail = "cross-origin request refused: Origin differs from Host";
        let problem = Problem::new(Kind::NO_RIGHT, detail);
        return Ok(request.error_response(problem).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6454_cross_origin_requests_are_recognised() {
        for (origin, foreign) in [
            (None, false),
            (Some("http://pbx.example:8080"), false),
            (Some("https://pbx.example:8080"), false),
            (Some("http://pbx.example"), true),
            (Some("http://pbx.example:8080.evil.example"), true),
            (Some("http://evil.example"), true),
            (Some("null"), true),
            (Some(""), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("pbx.example:8080"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_cross_origin(&headers), foreign, "{origin:?}");
        }
    }

    #[test]
    fn credentials_match_by_scheme_and_secret() {
        let accepted = Credentials::new(&"token".into(), &"password".into());
        for (given, expected) in [
            ("Bearer token", true),
            ("bearer token", true),
            ("Basic YWRtaW46cGFzc3dvcmQ=", true),
            ("Bearer Token", false),
            ("Bearer toke", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("Basic token", false),
            ("Bearer YWRtaW46cGFzc3dvcmQ=", false),
            ("Digest token", false),
            ("token", false),
            ("", false),
        ] {
            let matches = accepted.has_token(given) || accepted.has_password(given);
            assert_eq!(matches, expected, "{given}");
        }
    }
}
