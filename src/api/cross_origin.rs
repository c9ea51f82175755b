//! Recognises requests that a browser sends for pages of other origins (RFC 6454), and refuses their changes.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HOST, HeaderMap, HeaderValue, ORIGIN, UPGRADE},
    middleware::Next,
};

use super::{
    connection::Peer,
    problem::{Kind, Problem},
};
use crate::texts::Text;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Whether a browser sent the request for a page of another origin (RFC 6454, section 7.3). On a connection with TLS ours begins
/// with https; without, a proxy may have ended it.
fn is_cross_origin(headers: &HeaderMap, is_secure: bool) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::as_bytes);
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if site.is_some_and(|site| [&b"cross-site"[..], b"same-site"].contains(&site)) {
        return true;
    }
    let Some(origin) = text(ORIGIN) else {
        return false;
    };
    let plain = || origin.strip_prefix(b"http://").filter(|_| !is_secure);
    let site = origin.strip_prefix(b"https://").or_else(plain);
    site.is_none() || site != text(HOST)
}

/// Whether a browser sent the request for a page of this server.
pub(super) fn is_own_page(headers: &HeaderMap, is_secure: bool) -> bool {
    match headers.get(SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => headers.contains_key(ORIGIN) && !is_cross_origin(headers, is_secure),
    }
}

/// Whether a request opens a WebSocket, which a browser lets pages of any origin do.
pub(super) fn is_web_socket(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(UPGRADE);
    let mut named = fields.filter_map(|field| field.to_str().ok());
    named.any(|field| field.to_ascii_lowercase().contains("websocket"))
}

/// Whether a browser opens a WebSocket for a page of this server (RFC 6455, section 10.2).
pub(super) fn is_own_web_socket(headers: &HeaderMap, is_secure: bool) -> bool {
    let is_own = !headers.contains_key(SEC_FETCH_SITE) || is_own_page(headers, is_secure);
    is_own && headers.contains_key(ORIGIN) && !is_cross_origin(headers, is_secure)
}

/// Refuses changes that a browser sends for a page of another origin.
pub(super) async fn refuse_cross_origin(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let is_secure = Peer::of(&request).is_some_and(Peer::is_secure);
    if !request.method().is_safe() && is_cross_origin(request.headers(), is_secure) {
        let problem = Problem::new(Kind::NO_RIGHT, Text::new("cross-origin"));
        return Ok(request.error_response(problem).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    #[test]
    fn rfc_6454_cross_origin_requests_are_recognised() {
        for (origin, foreign, by_tls) in [
            (None, false, false),
            (Some("http://pbx.example:8080"), false, true),
            (Some("https://pbx.example:8080"), false, false),
            (Some("http://pbx.example"), true, true),
            (Some("http://pbx.example:8080.evil.example"), true, true),
            (Some("http://evil.example"), true, true),
            (Some("null"), true, true),
            (Some(""), true, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("pbx.example:8080"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_cross_origin(&headers, false), foreign, "{origin:?}");
            assert_eq!(is_cross_origin(&headers, true), by_tls, "{origin:?}");
        }
    }

    #[test]
    fn web_socket_is_own_only_with_an_origin_of_this_server() {
        let own = Some("http://pbx.example");
        for (origin, site, expected) in [
            (own, None, true),
            (own, Some("same-origin"), true),
            (own, Some("none"), false),
            (own, Some("same-site"), false),
            (own, Some("cross-site"), false),
            (Some("http://evil.example"), None, false),
            (Some("null"), None, false),
            (Some("null"), Some("same-origin"), false),
            (None, None, false),
            (None, Some("same-origin"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("pbx.example"));
            for (name, value) in [("origin", origin), (SEC_FETCH_SITE, site)] {
                if let Some(value) = value {
                    let name = HeaderName::from_static(name);
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            let is_own = is_own_web_socket(&headers, false);
            assert_eq!(is_own, expected, "{origin:?} {site:?}");
        }
    }
}
