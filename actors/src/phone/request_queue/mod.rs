//! Queues the requests to a phone: order, deadlines, limits, and the pause that a Retry-After demands.

mod late;
mod pending;
mod refused;
mod requester;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::sync::oneshot;
use uacsta_schema::{
    csta::{Edition, ServiceId},
    sip::Status,
};

pub(super) use self::{late::LateRequest, requester::Requester};
use super::client_request::ClientRequest;
use crate::sip::{
    session::{Body, RequestError},
    session_timer::{CROSSINGS, after_crossing},
};

/// How many requests past their deadline are kept: with 8 at a time for a second each, the oldest are past the 64*T1 of their
/// transactions as well.
const MAX_LATE: usize = 256;

/// The requests without a response, sent and unsent. Boxed, since most phones have none.
#[derive(Default)]
pub(super) struct RequestQueue {
    /// The server's own requests, sent first, since the session depends on them.
    own: VecDeque<Box<PhoneRequest>>,
    /// Requests of clients and operators.
    waiting: VecDeque<Box<PhoneRequest>>,
    sent: SmallVec<[Box<PhoneRequest>; 1]>,
    last_id: u64,
    quiet_until: Option<Duration>,
    /// Whether the connection no longer has the session: it ended, or moves to another connection.
    is_interrupted: bool,
    /// While the service is stopping; dropped when no request of a client is left.
    settled: Option<oneshot::Sender<()>>,
    /// Requests past their deadline; the phone may still respond.
    late: Vec<(u64, LateRequest)>,
}

/// A request to the phone.
pub(super) struct PhoneRequest {
    id: u64,
    pub(super) service: ServiceId,
    pub(super) body: Body,
    pub(super) deadline: Duration,
    pub(super) requester: Requester,
    /// When the phone was sent the request; `None` if it was not, or refused it.
    pub(super) sent_at: Option<Duration>,
    /// Whether the request was repeated after a rejection.
    was_repeated: bool,
    /// How often the request crossed a request of the phone (491).
    crossings: u8,
}

/// The position of a request in the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// Before all others.
    Next,
    /// After the server's own requests, before those of clients.
    Own,
    /// After all others.
    Last,
}

/// The limits on sending at this moment.
pub(super) struct Gate {
    /// How many requests the phone takes at a time.
    pub(super) at_a_time: usize,
    /// Whether clients' requests may be sent as well as the server's own.
    pub(super) clients: bool,
    /// How long the phone may take to respond to requests that [never expire in the queue](Requester::is_unhurried).
    pub(super) timeout: Duration,
}

/// The request that a response belongs to.
pub(super) enum ResponseMatch {
    /// The request is complete.
    Concluded(Box<PhoneRequest>),
    /// The request is sent again.
    Requeued,
    /// The response arrived after the deadline.
    Late(LateRequest),
    /// The response matches no request.
    Unexpected,
}

/// Requests past their deadline.
pub(super) struct Expired {
    pub(super) requests: Vec<PhoneRequest>,
    /// When the keep-alive, which the queue dropped unsent, is due again.
    pub(super) keep_alive_at: Option<Duration>,
}

impl RequestQueue {
    /// Returns a new request number, unique for this phone.
    pub(super) fn number(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn push(
        &mut self,
        requester: Requester,
        service: ServiceId,
        body: Body,
        deadline: Duration,
        turn: Turn,
    ) {
        let request = Box::new(PhoneRequest {
            id: self.number(),
            service,
            body,
            deadline,
            requester,
            sent_at: None,
            was_repeated: false,
            crossings: 0,
        });
        match turn {
            Turn::Next => self.own.push_front(request),
            Turn::Own => self.own.push_back(request),
            Turn::Last => self.waiting.push_back(request),
        }
    }

    /// Queues a client's request, to be sent as the client wrote it, in the phone's edition.
    pub(super) fn relay(&mut self, request: ClientRequest, service: ServiceId, edition: Edition) {
        let body = Body::Relayed {
            document: request.document,
            edition,
            cross_ref: None,
            device: request.device,
        };
        let requester = Requester::Client {
            reply: request.responder,
            dialect: request.dialect,
        };
        self.push(requester, service, body, request.deadline, Turn::Last);
    }

    /// Moves the next request that may be sent to the sent ones; returns its number and body.
    pub(super) fn send_next(&mut self, gate: &Gate, now: Duration) -> Option<(u64, Body)> {
        if self.is_interrupted || self.quiet_until > Some(now) {
            return None;
        }
        self.quiet_until = None;
        // A phone that registered anew may have forgotten what it was sent.
        let mut own = self.own.iter().map(|request| &request.requester);
        let probes = matches!(own.next(), Some(Requester::DialogProbe));
        if self.sent.len() >= gate.at_a_time && !probes {
            return None;
        }
        let mut request = match self.own.pop_front() {
            Some(request) => request,
            None if gate.clients => self.waiting.pop_front()?,
            None => return None,
        };
        if request.requester.is_unhurried() {
            request.deadline = now + gate.timeout;
        }
        request.sent_at = Some(now);
        let sent = (request.id, request.body.clone());
        self.sent.push(request);
        Some(sent)
    }

    /// Matches a response, or the failure to send a request, with its request.
    pub(super) fn received(
        &mut self,
        id: u64,
        response: &Result<Bytes, RequestError>,
        now: Duration,
    ) -> ResponseMatch {
        let Some(at) = self.sent.iter().position(|request| request.id == id) else {
            let late = self.late.iter().position(|(known, _)| *known == id);
            return late.map_or(ResponseMatch::Unexpected, |at| {
                ResponseMatch::Late(self.late.remove(at).1)
            });
        };
        let mut request = self.sent.remove(at);
        let (status, retry_after) = match response {
            Err(RequestError::Refused {
                status,
                retry_after,
                ..
            }) => (status, retry_after),
            Err(RequestError::Ended | RequestError::ConnectionLost) => {
                self.is_interrupted = true;
                if request.requester.is_idempotent() {
                    request.sent_at = None;
                    self.own.push_front(request);
                    return ResponseMatch::Requeued;
                }
                return ResponseMatch::Concluded(request);
            }
            _ => return ResponseMatch::Concluded(request),
        };
        request.sent_at = None;
        match *status {
            Status::REQUEST_PENDING if request.crossings < CROSSINGS => {
                let at = now + after_crossing(true);
                if at < request.deadline || request.requester.is_unhurried() {
                    request.crossings += 1;
                    if request.requester.may_repeat() {
                        self.waiting.push_front(request);
                    } else {
                        self.own.push_front(request);
                    }
                    self.quiet_until = Some(at);
                    return ResponseMatch::Requeued;
                }
            }
            // The phone asks for quiet whatever the request was.
            Status::SERVER_INTERNAL_ERROR | Status::SERVICE_UNAVAILABLE => {
                if let Some(wait) = retry_after.filter(|wait| !wait.is_zero()) {
                    self.quiet_until = Some(now + wait);
                    let stops = matches!(request.requester, Requester::MonitorStop { .. });
                    if stops && !request.was_repeated {
                        request.was_repeated = true;
                        self.own.push_front(request);
                        return ResponseMatch::Requeued;
                    }
                }
            }
            // The phone did not perform the request, so the next session repeats it.
            Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST
                if !request.was_repeated && request.requester.may_repeat() =>
            {
                request.was_repeated = true;
                self.waiting.push_front(request);
                return ResponseMatch::Requeued;
            }
            _ => {}
        }
        ResponseMatch::Concluded(request)
    }

    /// The session is over, or continues on another connection. The connection has answered every request that it sent, so the
    /// others reached it after the session, and are sent again.
    pub(super) fn take_back_unsent(&mut self) {
        self.is_interrupted = false;
        for mut request in self.sent.drain(..).rev() {
            request.sent_at = None;
            if request.requester.is_for_others() {
                self.waiting.push_front(request);
            } else {
                self.own.push_front(request);
            }
        }
    }

    /// Removes the requests whose deadline has passed, and ends the pause if it is over.
    pub(super) fn expire(&mut self, now: Duration) -> Expired {
        self.quiet_until = self.quiet_until.filter(|until| *until > now);
        // An unsent keep-alive does not show that the phone is silent: another one is scheduled.
        let before = self.own.len();
        self.own.retain(|request| {
            request.deadline > now || !matches!(request.requester, Requester::KeepAlive)
        });
        let keep_alive_at =
            (self.own.len() < before).then(|| self.quiet_until.unwrap_or(now).max(now));
        let is_late = |request: &PhoneRequest| request.deadline <= now;
        let mut requests = Vec::new();
        while let Some(at) = self.sent.iter().position(|request| is_late(request)) {
            let request = self.sent.remove(at);
            let late = LateRequest::of(&request);
            self.late.extend(late.map(|late| (request.id, late)));
            if self.late.len() > MAX_LATE {
                self.late.remove(0);
            }
            requests.push(*request);
        }
        let is_late_in_queue =
            |request: &PhoneRequest| is_late(request) && !request.requester.is_unhurried();
        let mut own = self.own.iter();
        while let Some(at) = own.position(|request| is_late_in_queue(request)) {
            requests.extend(self.own.remove(at).map(|request| *request));
            own = self.own.iter();
        }
        while self.waiting.front().is_some_and(|request| is_late(request)) {
            requests.extend(self.waiting.pop_front().map(|request| *request));
        }
        Expired {
            requests,
            keep_alive_at,
        }
    }

    /// When the next deadline or the end of the quiet time is.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let own = self.own.iter();
        self.sent
            .iter()
            .chain(own.filter(|request| !request.requester.is_unhurried()))
            .chain(self.waiting.front())
            .map(|request| request.deadline)
            .chain(self.quiet_until)
            .min()
    }

    /// Removes the requests that fail when the session ends: sent ones, which the phone may have performed, and the server's
    /// own. Clients' unsent requests wait for the next session, unless `with_waiting`.
    pub(super) fn interrupt(&mut self, with_waiting: bool) -> Vec<PhoneRequest> {
        self.is_interrupted = false;
        self.late.clear();
        let failed = self.sent.drain(..).chain(self.own.drain(..));
        let mut interrupted: Vec<_> = failed.map(|request| *request).collect();
        if with_waiting {
            interrupted.extend(self.take_waiting());
        }
        interrupted
    }

    /// The service is stopping: clients' requests under way have until this time at most, and `done` is dropped when none is
    /// left.
    pub(super) fn settle(&mut self, until: Duration, done: oneshot::Sender<()>) {
        self.settled = Some(done);
        for request in self.sent.iter_mut().chain(&mut self.own) {
            if request.requester.is_of_others() {
                request.deadline = request.deadline.min(until);
                request.requester.limit(until);
            }
        }
        self.check_settled();
    }

    /// Drops the sender of [`Self::settle`] if no request of a client is left.
    pub(super) fn check_settled(&mut self) {
        let mut left = self.sent.iter().chain(&self.own).chain(&self.waiting);
        if !left.any(|request| request.requester.is_of_others()) {
            self.settled = None;
        }
    }

    /// Removes the unsent requests of clients and operators.
    pub(super) fn take_waiting(&mut self) -> Vec<PhoneRequest> {
        self.waiting.drain(..).map(|request| *request).collect()
    }

    /// Ends the pause, which applies only to the connection that received the Retry-After.
    pub(super) fn end_quiet(&mut self) {
        self.quiet_until = None;
    }

    /// Whether the pause lasts beyond a time.
    pub(super) fn is_quiet_beyond(&self, time: Duration) -> bool {
        self.quiet_until > Some(time)
    }

    /// Whether this many requests of clients are queued.
    pub(super) fn is_full(&self, limit: usize) -> bool {
        self.waiting.len() >= limit
    }

    /// Whether there are no requests, sent or unsent.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.is_drained()
    }

    /// Whether no request is left but those that may wait for the next session.
    pub(super) fn is_drained(&self) -> bool {
        self.own.is_empty() && self.has_sent_none()
    }

    /// Whether every sent request has its response.
    pub(super) fn has_sent_none(&self) -> bool {
        self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests;
