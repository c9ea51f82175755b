//! Carries out requests that may change something to their end, also when their client has gone.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

use super::problem::Problem;
use crate::texts::Text;

/// Runs a request of an unsafe method (RFC 9110, section 9.2.1) in a task of its own: dropped with its connection, a change could
/// be on disk and not in use, or without its entry in the audit log.
pub(super) async fn carry_out<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if request.method().is_safe() {
        return next.call(request).await;
    }
    let carried_out = actix_rt::spawn(async move { next.call(request).await });
    carried_out
        .await
        .unwrap_or_else(|_| Err(Problem::unavailable(Text::new("request-failed")).into()))
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, time::Duration};

    use actix_web::{App, HttpResponse, middleware::from_fn, test, web};
    use tokio::sync::Notify;

    use super::*;

    #[actix_web::test]
    async fn change_is_carried_out_although_its_client_has_gone() {
        let [begun, go_on, done] = [(); 3].map(|()| Rc::new(Notify::new()));
        let change = {
            let (begun, go_on, done) = (begun.clone(), go_on.clone(), done.clone());
            move || {
                let (begun, go_on, done) = (begun.clone(), go_on.clone(), done.clone());
                async move {
                    begun.notify_one();
                    go_on.notified().await;
                    done.notify_one();
                    HttpResponse::NoContent().finish()
                }
            }
        };
        let app = App::new()
            .wrap(from_fn(carry_out))
            .route("/", web::post().to(change));
        let app = test::init_service(app).await;
        let request = test::TestRequest::post().uri("/").to_request();
        tokio::select! {
            _ = test::call_service(&app, request) => unreachable!("it waits"),
            () = begun.notified() => {}
        }
        go_on.notify_one();
        let carried_out = tokio::time::timeout(Duration::from_secs(5), done.notified()).await;
        assert!(carried_out.is_ok(), "the change ended with its client");
    }
}
