//! Who may use the API: the bearer of the token (RFC 6750), or the administrator by password (RFC 7617).

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN},
    middleware::Next,
    web,
};
use arc_swap::ArcSwap;
use base64::{Engine, prelude::BASE64_STANDARD};
use subtle::ConstantTimeEq;
use uacsta_actors::{
    ServerContext,
    auth::{AuthAttempt, AuthUser, LimitStatus, Rate},
    counters::Counter,
};
use uacsta_config::Secret;

use super::Refusal;

/// What opens the API, and the brake on who guesses at it.
pub(super) struct Keys {
    shown: ArcSwap<Shown>,
    context: Arc<ServerContext>,
}

/// The keys as they stand behind the scheme in `Authorization`.
struct Shown {
    bearer: String,
    basic: String,
}

impl Keys {
    /// The token, and the password of the user `admin`.
    pub(super) fn new(token: &Secret, password: &Secret, context: Arc<ServerContext>) -> Self {
        Self {
            shown: ArcSwap::from_pointee(Shown::new(token, password)),
            context,
        }
    }

    /// Others from now on.
    pub(super) fn change(&self, token: &Secret, password: &Secret) {
        self.shown.store(Arc::new(Shown::new(token, password)));
    }

    /// Whether `authorization`, sent from `address`, opens.
    ///
    /// The token is never held back: it is random, so that guessing is in vain, and behind a proxy the command line has
    /// the address of everybody else.
    fn check(&self, authorization: &str, address: IpAddr) -> Result<(), Refusal> {
        if authorization.is_empty() {
            return Err(Refusal::Stranger);
        }
        let keys = self.shown.load();
        if keys.bears_token(authorization) {
            return Ok(());
        }
        let log_on_limiter = &self.context.log_on_limiter;
        let attempt = AuthAttempt::new(address, AuthUser::Administrator);
        let rate = Rate::of(&self.context.config().settings.limits);
        let now = self.context.clock.now();
        if !log_on_limiter.admits(attempt, rate, now) {
            self.context.counters.count(Counter::LogOnRateLimited);
            return Err(Refusal::HeldBack);
        }
        if keys.bears_password(authorization) {
            log_on_limiter.succeeded(attempt);
            return Ok(());
        }
        self.context.counters.count(Counter::FailedLogOn);
        match log_on_limiter.failed(attempt, rate, now) {
            LimitStatus::Below => {
                let what = "the API was asked with a wrong token or password";
                if let Some(times) = self.context.log_limit.admit(address, what, now) {
                    tracing::warn!(peer = %address, times, "{what}");
                }
            }
            LimitStatus::Reached => {
                tracing::warn!(peer = %address, "the API was asked with too many wrong tokens or passwords: further ones from this address are held back to limits.log_on_tries a second, and not logged until there is a pause");
            }
            LimitStatus::Exceeded => {}
        }
        Err(Refusal::Stranger)
    }
}

impl Shown {
    fn new(token: &Secret, password: &Secret) -> Self {
        Self {
            bearer: token.expose().to_owned(),
            basic: BASE64_STANDARD.encode(format!("admin:{}", password.expose())),
        }
    }

    fn bears_token(&self, authorization: &str) -> bool {
        bears(authorization, "bearer", &self.bearer)
    }

    fn bears_password(&self, authorization: &str) -> bool {
        bears(authorization, "basic", &self.basic)
    }
}

/// Whether `authorization` is of this scheme and shows this key; how long that takes tells nothing about the key.
fn bears(authorization: &str, scheme: &str, key: &str) -> bool {
    authorization.split_once(' ').is_some_and(|(by, shown)| {
        by.eq_ignore_ascii_case(scheme) && bool::from(key.as_bytes().ct_eq(shown.trim().as_bytes()))
    })
}

/// Whether a browser sent it for a page of another site, which the administrator's password must not serve: the browser adds it by
/// itself (RFC 6454 7.3).
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::as_bytes);
    let Some(origin) = text(ORIGIN) else {
        return false;
    };
    let site = [&b"http://"[..], b"https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(*scheme));
    site.is_none() || site != text(HOST)
}

/// Lets a request pass to the API, or refuses it.
pub(super) async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !request.method().is_safe() && is_of_another_site(request.headers()) {
        return Err(Refusal::Foreign.into());
    }
    let shown = request.headers().get(AUTHORIZATION);
    let shown = shown
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let nowhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let address = request
        .peer_addr()
        .map_or(nowhere, |peer| peer.ip().to_canonical());
    let keys = request.app_data::<web::Data<Keys>>();
    let opens = keys.map_or(Err(Refusal::Stranger), |keys| keys.check(shown, address));
    match opens {
        Ok(()) => next.call(request).await,
        Err(refusal) => Err(refusal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6454_only_pages_of_its_own_may_ask() {
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
            assert_eq!(is_of_another_site(&headers), foreign, "{origin:?}");
        }
    }

    #[test]
    fn keys() {
        let keys = Shown::new(&"token".into(), &"password".into());
        for (shown, expected) in [
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
            let opens = keys.bears_token(shown) || keys.bears_password(shown);
            assert_eq!(opens, expected, "{shown}");
        }
    }
}
