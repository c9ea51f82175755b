//! Who may use the API: the bearer of the token (RFC 6750), or the administrator by password (RFC 7617).

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, web};
use arc_swap::ArcSwap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use settings::Secret;
use subtle::{Choice, ConstantTimeEq};

use super::Refusal;

/// What opens the API, as it stands behind the scheme in `Authorization`.
pub(super) struct Keys(ArcSwap<Shown>);

struct Shown {
    bearer: String,
    basic: String,
}

impl Keys {
    /// The token, and the password of the user `admin`.
    pub(super) fn new(token: &Secret, password: &Secret) -> Self {
        Self(ArcSwap::from_pointee(Shown::new(token, password)))
    }

    /// Others from now on.
    pub(super) fn change(&self, token: &Secret, password: &Secret) {
        self.0.store(Arc::new(Shown::new(token, password)));
    }

    /// Whether `authorization` opens; how long that takes tells nothing about the secrets.
    fn open_to(&self, authorization: &str) -> bool {
        let Some((scheme, shown)) = authorization.split_once(' ') else {
            return false;
        };
        let keys = self.0.load();
        let key = match () {
            () if scheme.eq_ignore_ascii_case("bearer") => &keys.bearer,
            () if scheme.eq_ignore_ascii_case("basic") => &keys.basic,
            () => return false,
        };
        let same: Choice = key.as_bytes().ct_eq(shown.trim().as_bytes());
        same.into()
    }
}

impl Shown {
    fn new(token: &Secret, password: &Secret) -> Self {
        Self {
            bearer: token.expose().to_owned(),
            basic: BASE64_STANDARD.encode(format!("admin:{}", password.expose())),
        }
    }
}

/// Lets a request pass to the API, or refuses it.
pub(super) async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let shown = request.headers().get(AUTHORIZATION);
    let shown = shown
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let keys = request.app_data::<web::Data<Keys>>();
    if keys.is_some_and(|keys| keys.open_to(shown)) {
        return next.call(request).await;
    }
    if !shown.is_empty() {
        let peer = request.peer_addr().map(|peer| peer.ip());
        tracing::warn!(?peer, "the API was asked with a wrong token or password");
    }
    Err(Refusal::Stranger.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let keys = Keys::new(&"token".into(), &"password".into());
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
            assert_eq!(keys.open_to(shown), expected, "{shown}");
        }
    }
}
