//! `POST /api/reload`: the configuration is read again, as by SIGHUP.

use actix_web::{HttpResponse, web};
use serde_json::json;
use tokio::sync::oneshot;

use super::methods::only;
use super::{Api, Refusal};

/// Somebody asks that the configuration be read again, and waits to hear how that went.
#[derive(Debug)]
pub struct ReloadWish(oneshot::Sender<Result<(), String>>);

impl ReloadWish {
    /// Tells how it went; what is wrong is one sentence.
    pub fn answer(self, outcome: Result<(), String>) {
        // Whoever asked may be gone.
        let _ = self.0.send(outcome);
    }
}

/// Adds the path.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    let reload = web::resource("/reload").post(reload);
    config.service(only("POST", reload));
}

async fn reload(api: web::Data<Api>) -> Result<HttpResponse, Refusal> {
    now(&api).await?;
    Ok(HttpResponse::Ok().json(json!({ "reloaded": true })))
}

/// Has the configuration read again, and waits until it holds.
pub(super) async fn now(api: &Api) -> Result<(), Refusal> {
    let (wish, answer) = oneshot::channel();
    if api.reload.try_send(ReloadWish(wish)).is_err() {
        return Err(Refusal::Unable(
            "the configuration is being read again already; ask once more in a moment".to_owned(),
        ));
    }
    match answer.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(wrong)) => Err(Refusal::Wrong(format!(
            "the configuration stays as it was: {wrong}"
        ))),
        Err(_) => Err(Refusal::Unable("the server is stopping".to_owned())),
    }
}
