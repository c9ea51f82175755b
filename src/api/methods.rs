//! The methods of pages: HEAD is GET without the body (RFC 9110 9.3.2), and what a page does not have gets 405 with Allow (15.5.6).

use std::future::ready;

use actix_web::{
    Error, Resource,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};

use super::Refusal;

/// What a page that can be read allows.
pub(super) const READ: &str = "GET, HEAD";

/// A page that has the methods `allow`, and refuses any other.
pub(super) fn only(allow: &'static str, page: Resource) -> Resource {
    let refuse = move |method| ready(Err::<&str, _>(Refusal::Method { method, allow }));
    page.default_service(web::to(refuse))
}

/// Has HEAD answered as GET is; the protocol's interpreter, which has seen it too, leaves the body out and its length in.
pub(super) async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}
