//! Requests to stop or start the service for phones and clients.

use tokio::sync::oneshot;

/// A request of an operator to stop or start the service, with its response channel.
#[derive(Debug)]
pub struct ServiceRequest {
    /// Whether phones and clients are to be served.
    pub run: bool,
    /// Who asks for it.
    pub by: String,
    answer: oneshot::Sender<ServiceOutcome>,
}

/// Done, or why the service cannot be started, in a sentence.
pub type ServiceOutcome = Result<(), String>;

impl ServiceRequest {
    /// A request, and the channel of its outcome.
    pub fn new(run: bool, by: &str) -> (Self, oneshot::Receiver<ServiceOutcome>) {
        let (answer, outcome) = oneshot::channel();
        let by = by.to_owned();
        (Self { run, by, answer }, outcome)
    }

    /// Sends the outcome.
    pub fn answer(self, outcome: ServiceOutcome) {
        // The requester may have disconnected.
        let _ = self.answer.send(outcome);
    }
}
