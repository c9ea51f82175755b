//! An operator's probe of a service: the request goes to the phone itself, and is not emulated.

use std::sync::Arc;

use actix::{Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use uacsta_schema::csta::{Document, ServiceId};

use super::{
    Phone,
    request_queue::{Requester, Turn},
};
use crate::{refusal::Refusal, sip::session::Body};

/// Probes a service of a phone.
#[derive(Debug, Message)]
#[rtype(result = "ProbeAnswer")]
pub struct Probe {
    /// The service that the document requests.
    pub service: ServiceId,
    /// The request, with devices by the phone's names.
    pub document: Arc<Document>,
}

/// The outcome of a probe, with the profile's entry to compare.
#[derive(Debug)]
pub struct ProbeAnswer {
    /// The entry of the maker's profile for the service.
    pub profile: ProfileEntry,
    /// The phone's response, or why there is none.
    pub answer: Result<Document, Refusal>,
}

/// The entry of a maker's profile for a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProfileEntry {
    /// Whether the phone provides the service; true if the profile does not list the service.
    pub has: bool,
    /// The first firmware version with the service, `yes` or `no`; `None` if the profile does not list the service.
    pub since: Option<String>,
    /// Whether the server emulates the service if the phone lacks it.
    pub emulated: bool,
}

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
        let (operator, answer) = oneshot::channel();
        let body = Body::Relayed {
            document,
            edition: self.session.edition(),
            cross_ref: None,
            device: None,
        };
        let requester = Requester::Operator(operator);
        let deadline = self.deadline();
        self.requests
            .push(requester, service, body, deadline, Turn::Last);
        self.send_next(ctx);
        Box::pin(async move {
            // The sender is dropped unused if the phone's actor panics meanwhile.
            let answer = answer.await.unwrap_or(Err(Refusal::Away));
            ProbeAnswer { profile, answer }
        })
    }
}
