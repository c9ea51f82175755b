//! `POST /api/reload`: reloads the configuration, as SIGHUP does.

use actix_web::{HttpResponse, web};
use serde_json::json;
use tokio::sync::oneshot;

use super::{Api, Refusal, methods::only};

/// A request to reload the configuration, with its response channel.
#[derive(Debug)]
pub struct ReloadRequest {
    answer: oneshot::Sender<Result<(), String>>,
    is_part: bool,
}

impl ReloadRequest {
    /// Sends the outcome; an error is one sentence.
    pub fn answer(self, outcome: Result<(), String>) {
        // The requester may have disconnected.
        let _ = self.answer.send(outcome);
    }

    /// Whether the reload is part of a change that is logged by itself.
    pub fn is_part(&self) -> bool {
        self.is_part
    }
}

/// Adds the path.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let reload = web::resource("/reload").post(reload);
    config.service(only("POST", reload));
}

async fn reload(api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    now(&api, false).await?;
    Ok(HttpResponse::Ok().json(json!({ "reloaded": true })))
}

/// Requests a reload, perhaps as a part of a change that is logged by itself, and waits for its outcome.
pub(super) async fn now(api: &Api, is_part: bool) -> Result<(), Refusal> {
    let (sender, answer) = oneshot::channel();
    let request = ReloadRequest {
        answer: sender,
        is_part,
    };
    if api.reload.try_send(request).is_err() {
        return Err(Refusal::Unavailable(
            "a reload is already in progress; try again in a moment".to_owned(),
        ));
    }
    match answer.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(wrong)) => Err(Refusal::Invalid(format!(
            "the configuration is unchanged: {wrong}"
        ))),
        Err(_) => Err(Refusal::Unavailable("the server is stopping".to_owned())),
    }
}
