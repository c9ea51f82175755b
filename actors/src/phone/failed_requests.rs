//! Fails requests that the phone will not perform: their time is over, or the session is.

use std::time::Duration;

use actix::Context;
use uacsta_schema::csta;

use super::{
    Phone,
    request_queue::{PhoneRequest, Requester},
    responses,
    session::SessionInput,
};
use crate::refusal::Refusal;

impl Phone {
    /// The session ended. Fails the sent requests, since the phone may or may not have performed them.
    pub(super) fn interrupt(&mut self) {
        self.refuse_queued(!self.admission.is_wanted());
    }

    /// The phone is away, and is not expected back soon: fails the requests that wait for its next session.
    pub(super) fn refuse_waiting(&mut self) {
        self.refuse_queued(true);
    }

    /// The phone performs no requests for now: fails those of clients that were not sent.
    pub(super) fn refuse_unsent(&mut self) {
        let waiting = self.requests.take_waiting();
        self.refuse_all(waiting, &self.why_away());
    }

    fn refuse_queued(&mut self, with_waiting: bool) {
        let queued = self.requests.interrupt(with_waiting);
        self.refuse_all(queued, &self.why_away());
    }

    fn why_away(&self) -> Refusal {
        if self.admission.is_enabled() {
            Refusal::Away
        } else {
            Refusal::Disabled
        }
    }

    pub(super) fn refuse_all(&mut self, requests: Vec<PhoneRequest>, refusal: &Refusal) {
        let refusal = || refusal.clone();
        for request in requests {
            match request.requester {
                Requester::Client { reply, dialect } => {
                    responses::relay(reply, &dialect, Err(refusal()));
                }
                Requester::Operator(operator) => drop(operator.send(Err(refusal()))),
                Requester::Features { reply, dialect } => {
                    reply.csta(csta::write(&self.capabilities.features().into(), &dialect));
                }
                Requester::Emulation(request) => {
                    request.client.respond(self.phone, Err(refusal()));
                }
                Requester::SystemRegister
                | Requester::MonitorStop { .. }
                | Requester::Rollback
                | Requester::Lines
                | Requester::KeepAlive
                | Requester::DialogProbe
                | Requester::MonitorStart(_)
                | Requester::Snapshot { .. } => {}
            }
        }
        self.requests.check_settled();
    }

    /// Fails the requests whose deadline has passed, and sends the next ones.
    pub(super) fn sweep_requests(&mut self, now: Duration, ctx: &mut Context<Self>) {
        let expired = self.requests.expire(now);
        if let Some(at) = expired.keep_alive_at {
            self.on_session(SessionInput::KeepAliveDeferred(at), ctx);
        }
        for request in expired.requests {
            self.conclude(request, Err(Refusal::TimedOut), ctx);
        }
        self.send_next(ctx);
    }
}
