//! An operator tries what a phone can do: the request goes to the phone itself, past what the server would make of it.

use actix::{Context, Handler, ResponseFuture};
use tokio::sync::oneshot;

use super::{
    Phone, Probe, ProbeAnswer,
    request_queue::{Requester, Turn},
};
use crate::{refusal::Refusal, sip::session::Body};

impl Handler<Probe> for Phone {
    type Result = ResponseFuture<ProbeAnswer>;

    fn handle(
        &mut self,
        Probe { service, document }: Probe,
        ctx: &mut Context<Self>,
    ) -> Self::Result {
        let profile = self.capabilities.profile_entry(service);
        if let Some(refusal) = self.refusal() {
            return Box::pin(std::future::ready(ProbeAnswer {
                profile,
                answer: Err(refusal),
            }));
        }
        let (asker, answer) = oneshot::channel();
        let content = Body::Relayed {
            document,
            edition: self.session.edition(),
            cross_ref: None,
            device: None,
        };
        let requester = Requester::Operator(asker);
        let deadline = self.deadline();
        self.requests
            .push(requester, service, content, deadline, Turn::Last);
        self.send_next(ctx);
        Box::pin(async move {
            // A phone whose actor fails meanwhile has not answered.
            let answer = answer.await.unwrap_or(Err(Refusal::Away));
            ProbeAnswer { profile, answer }
        })
    }
}
