//! Responses to invalid and unsupported requests, common to all connections and to datagrams of unknown peers.

use bytes::Bytes;
use uacsta_schema::sip::{HeaderName, MediaType, Method, Request, Status, header::Contacts};

use super::{
    body::{CSTA, csta_part},
    dialog::fits,
    responder::FinalResponse,
    session_timer::{MIN_SE, SessionTimer},
};

/// The supported methods (RFC 3261, section 20.5).
pub(super) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, INFO, UPDATE, OPTIONS, REGISTER";

/// The CSTA document in the body of a request; `None` without a body.
///
/// # Errors
/// 415 for another body, 406 for an INVITE whose sender does not accept CSTA, or 469 for an INFO of a package.
pub(crate) fn csta_body(request: &Request) -> Result<Option<Bytes>, FinalResponse> {
    // RFC 6086, section 4.2.2. No package is offered; CSTA is in INFO of the older kind (RFC 6086, section 4.2.1).
    if *request.method() == Method::Info && request.head().get(HeaderName::InfoPackage).is_some() {
        return Err(FinalResponse::from(Status::BAD_INFO_PACKAGE).header(HeaderName::RecvInfo, ""));
    }
    if let Ok(document) = csta_part(request.head(), request.body()) {
        return Ok(document);
    }
    // RFC 3261, section 21.4.7. The Accept of a 415 is useless to a sender that does not accept CSTA.
    let status = if *request.method() != Method::Invite || accepts_csta(request) {
        Status::UNSUPPORTED_MEDIA_TYPE
    } else {
        Status::NOT_ACCEPTABLE
    };
    Err(FinalResponse::from(status)
        .header(HeaderName::Accept, CSTA)
        .header(HeaderName::AcceptEncoding, "identity"))
}

/// Whether the sender accepts CSTA. Without Accept it does: the default of RFC 3261, section 20.1, is SDP, which has no use
/// here.
fn accepts_csta(request: &Request) -> bool {
    let mut accepted = request.head().list(HeaderName::Accept).peekable();
    accepted.peek().is_none()
        || accepted.any(|range| {
            let range = MediaType::parse(range);
            [CSTA, "application/*", "*/*"]
                .iter()
                .any(|known| range.is(known))
        })
}

/// Checks a request of any method (RFC 3261, section 8.2.2; RFC 4028, section 9); `secure` if it was received over TLS.
///
/// # Errors
/// 416, 400 (sips without TLS), 422, 513 or 420.
pub(crate) fn check_request(request: &Request, secure: bool) -> Result<(), FinalResponse> {
    // RFC 3261, section 8.2.2.1: the scheme of the Request-URI is not supported.
    let scheme = request.uri().split_once(':').unwrap_or_default().0;
    if !["sip", "sips", "tel"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(FinalResponse::from(Status::UNSUPPORTED_URI_SCHEME)
            .because("the Request-URI is neither sip, sips nor tel"));
    }
    if !secure {
        check_scheme(request)?;
    }
    if matches!(request.method(), Method::Invite | Method::Update)
        && SessionTimer::is_too_small(request.head())
    {
        return Err(FinalResponse::from(Status::SESSION_INTERVAL_TOO_SMALL)
            .header(HeaderName::MinSe, MIN_SE.as_secs()));
    }
    if matches!(request.method(), Method::Invite | Method::Update)
        && let Err(error) = fits(request.head())
    {
        return Err(FinalResponse::from(Status::MESSAGE_TOO_LARGE).because(error.to_string()));
    }
    // RFC 3327, section 5.3: a proxy may require Path of the registrar.
    let is_registration = *request.method() == Method::Register;
    let is_path = |tag: &str| is_registration && tag.eq_ignore_ascii_case("path");
    let unknown: Vec<&str> = request
        .head()
        .list(HeaderName::Require)
        .filter(|tag| !tag.eq_ignore_ascii_case("timer") && !is_path(tag))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(FinalResponse::from(Status::BAD_EXTENSION)
        .header(HeaderName::Unsupported, unknown.join(", ")))
}

/// Rejects sips without TLS, which sips requires on each hop (RFC 3261, section 26.2.2; RFC 5630, section 3.1).
fn check_scheme(request: &Request) -> Result<(), FinalResponse> {
    if is_sips(request.uri()) {
        return Err(FinalResponse::from(Status::UNSUPPORTED_URI_SCHEME)
            .because("a sips Request-URI needs TLS: connect to the TLS port, or use sip"));
    }
    if names_sips(request) {
        return Err(FinalResponse::from(Status::BAD_REQUEST)
            .because("a sips Contact needs TLS: connect to the TLS port, or use sip"));
    }
    Ok(())
}

/// Whether a request uses sips, so that our Contact must be a sips URI too (RFC 3261, section 12.1.1).
pub(super) fn speaks_sips(request: &Request) -> bool {
    is_sips(request.uri()) || names_sips(request)
}

/// Whether the Contact of a request, the target of our requests, is a sips URI.
fn names_sips(request: &Request) -> bool {
    if !matches!(
        request.method(),
        Method::Register | Method::Invite | Method::Update
    ) {
        return false;
    }
    let is_likely = |line: &str| {
        let mut parts = line.as_bytes().windows(5);
        parts.any(|part| part.eq_ignore_ascii_case(b"sips:"))
    };
    request.head().all(HeaderName::Contact).any(is_likely)
        && matches!(request.head().contacts(), Ok(Contacts::List(contacts))
            if contacts.iter().any(|contact| contact.uri().is_sips()))
}

/// Whether a URI is a sips URI (RFC 3261, section 19.1.1).
pub(super) fn is_sips(uri: &str) -> bool {
    uri.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"))
}

/// The response to a request that neither a session nor a UAS handles.
pub(crate) fn unhandled(method: &Method, in_dialog: bool) -> FinalResponse {
    match method {
        Method::Options => FinalResponse::from(Status::OK)
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Accept, CSTA)
            .header(HeaderName::Supported, "timer"),
        Method::Bye | Method::Info | Method::Update | Method::Prack if !in_dialog => {
            Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()
        }
        // RFC 6665, section 4.1.2.3: the event package is not supported. Allow-Events cannot be empty by its grammar
        // (RFC 6665, section 8.4), so it is omitted.
        Method::Subscribe | Method::Notify => {
            FinalResponse::from(Status::BAD_EVENT).header(HeaderName::Allow, ALLOW)
        }
        Method::Other(_) => {
            FinalResponse::from(Status::NOT_IMPLEMENTED).header(HeaderName::Allow, ALLOW)
        }
        _ => FinalResponse::from(Status::METHOD_NOT_ALLOWED).header(HeaderName::Allow, ALLOW),
    }
}
