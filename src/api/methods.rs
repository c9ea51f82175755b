//! Methods of HTTP resources: HEAD (RFC 9110, section 9.3.2), and 405 with Allow (section 15.5.6).

use std::{
    convert::Infallible,
    future::ready,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, Resource,
    body::{BodySize, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::{self, Bytes},
};

use super::problem::Problem;

/// The methods of a resource that can only be read.
pub(super) const READ: &str = "GET, HEAD";

/// A resource that answers methods other than those in `allow` with 405.
pub(super) fn only(allow: &'static str, resource: Resource) -> Resource {
    let refuse = move |method: Method| ready(Err::<&str, _>(Problem::method(&method, allow)));
    resource.default_service(web::to(refuse))
}

/// Answers HEAD as GET, with the length of the body, but without reading it: it may have no end.
pub(super) async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.method() != Method::HEAD {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    request.head_mut().method = Method::GET;
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| EitherBody::right(LeftOut(body.size()))))
}

/// A body of this size of which nothing is sent.
struct LeftOut(BodySize);

impl MessageBody for LeftOut {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}
