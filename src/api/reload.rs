//! Requests of the API to reload the configuration.

use tokio::sync::oneshot;

use super::{
    Api,
    problem::{Kind, Problem},
};

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

/// Requests a reload, perhaps as a part of a change that is logged by itself, and waits for its outcome.
pub(super) async fn now(api: &Api, is_part: bool) -> Result<(), Problem> {
    let (sender, answer) = oneshot::channel();
    let request = ReloadRequest {
        answer: sender,
        is_part,
    };
    if api.reload.try_send(request).is_err() {
        return Err(Problem::unavailable(
            "a reload is already in progress; try again in a moment",
        ));
    }
    match answer.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(wrong)) => Err(Problem::new(
            Kind::INVALID,
            format!("the configuration is unchanged: {wrong}"),
        )),
        Err(_) => Err(Problem::unavailable("the server is stopping")),
    }
}
