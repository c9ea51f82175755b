//! What the phone does when the server changes: by new rules, or at its end, when monitors are stopped and the session is
//! ended while the phone still answers.

use actix::{Handler, ResponseFuture};
use tokio::sync::oneshot;

use super::{Phone, Retire, session::SessionInput};
use crate::ConfigChanged;

impl Handler<Retire> for Phone {
    type Result = ResponseFuture<()>;

    /// Stops the monitors; the session ends when the phone has responded.
    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) -> Self::Result {
        let (sender, done) = oneshot::channel();
        self.on_session(SessionInput::Drain(sender), ctx);
        for (line, cross_ref) in self.monitored.take_running() {
            self.stop_monitor(&line, cross_ref, ctx);
        }
        self.send_next(ctx);
        Box::pin(async move {
            // The sender is only ever dropped.
            let _ = done.await;
        })
    }
}

impl Handler<ConfigChanged> for Phone {
    type Result = ();

    /// The profiles may tell otherwise of the phone now. The edition stays until it connects anew.
    fn handle(&mut self, _: ConfigChanged, ctx: &mut Self::Context) {
        let binding = self.binding.as_ref();
        let user_agent = binding.and_then(|binding| binding.user_agent.as_deref());
        self.capabilities
            .reconfigure(&self.context.config(), self.phone, user_agent);
        // It may take more requests at a time than before.
        self.send_next(ctx);
    }
}
