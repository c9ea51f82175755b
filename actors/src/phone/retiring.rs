//! What the phone does when the server changes: by new rules, or at its end, when monitors are stopped and the session is
//! ended while the phone still answers.

use actix::{Context, Handler, ResponseFuture};
use tokio::sync::oneshot;

use super::{Phone, Retire};
use crate::ConfigChanged;

impl Phone {
    /// Stops what runs on the phone. The session ends when the phone has answered, see [`Self::retired`].
    fn retire(&mut self, ctx: &mut Context<Self>) {
        let running: Vec<_> = self
            .monitored
            .iter_mut()
            .filter_map(|monitored| Some((monitored.line.clone(), monitored.cross_ref.take()?)))
            .collect();
        for (line, cross_ref) in running {
            self.stop_monitor(&line, cross_ref, ctx);
        }
        self.retired(ctx);
    }

    /// Ends the session of a phone that retires, once it has nothing left to answer.
    pub(super) fn retired(&mut self, ctx: &mut Context<Self>) {
        if self.retiring.is_some() && self.requests.is_idle() {
            self.close_session("the server is stopping", ctx);
            self.retiring = None;
        }
    }
}

impl Handler<Retire> for Phone {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) -> Self::Result {
        let (retiring, retired) = oneshot::channel();
        self.retiring = Some(retiring);
        self.retire(ctx);
        Box::pin(async move {
            // The sender is only ever dropped: that is the answer.
            let _ = retired.await;
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
