//! Methods of HTTP resources: HEAD (RFC 9110, section 9.3.2), and 405 with Allow (section 15.5.6).

use std::future::ready;

use actix_web::{
    Error, Resource,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};

use super::problem::Problem;

/// The methods of a resource that can only be read.
pub(super) const READ: &str = "GET, HEAD";

/// A resource that answers methods other than those in `allow` with 405.
pub(super) fn only(allow: &'static str, resource: Resource) -> Resource {
    let refuse = move |method: Method| ready(Err::<&str, _>(Problem::method(&method, allow)));
    resource.default_service(web::to(refuse))
}

/// Answers HEAD as GET; actix-http has seen the HEAD and leaves out the body, not its length.
pub(super) async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    next.call(request).await
}
