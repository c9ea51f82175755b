//! The link's server transactions: requests that wait for their answer, and the answers.

use std::{rc::Rc, time::Duration};

use actix::Context;
use bytes::BytesMut;
use smallvec::SmallVec;
use uacsta_schema::sip::{Composer, HeaderName, Method, Request, Status};

use super::{SipConnection, matching, receive::speaks_sips, sessions};
use crate::counters::Event as Counted;
use crate::sip::{
    datagrams::Sent,
    responder::{Disposition, FinalResponse, Responder, TransactionId},
    session::SessionId,
    timer::SessionTimer,
    transaction::{Effect, Effects, Event, Timer, Transport, invite_server, server},
    uas::Uas,
};

/// A request that was received.
pub(super) struct ServerTransaction {
    serial: u32,
    /// What it is found by.
    pub(super) number: Option<u64>,
    machine: Machine,
    /// The request, until nobody needs it any more.
    request: Option<Rc<Request>>,
    /// The session in which it was received.
    session: Option<SessionId>,
    deadlines: SmallVec<[(Timer, Duration); 1]>,
    /// The answer, where it may have to be repeated.
    sent: Option<Box<Sent>>,
}

#[derive(Clone, Copy)]
enum Machine {
    Invite(invite_server::State),
    Other(server::State),
}

impl Machine {
    fn new(method: &Method) -> Self {
        match method {
            Method::Invite => Self::Invite(invite_server::State::NEW),
            _ => Self::Other(server::State::NEW),
        }
    }

    fn on(&mut self, event: Event, transport: Transport) -> Effects {
        let effects;
        match self {
            Self::Invite(state) => (*state, effects) = state.on(event, transport),
            Self::Other(state) => (*state, effects) = state.on(event, transport),
        }
        effects
    }

    fn awaits_ack(self) -> bool {
        matches!(self, Self::Invite(invite_server::State::Unconfirmed(_)))
    }

    fn awaits_answer(self) -> bool {
        match self {
            Self::Invite(state) => state == invite_server::State::Proceeding,
            Self::Other(state) => {
                matches!(state, server::State::Trying | server::State::Proceeding)
            }
        }
    }
}

impl<U: Uas> SipConnection<U> {
    /// The name of the server transaction that [`Self::receive`] would start next.
    pub(super) fn next_transaction(&mut self) -> TransactionId {
        TransactionId {
            slot: self.servers.vacant_key() as u32,
            serial: self.next_serial(),
        }
    }

    /// Starts the server transaction of this name for a request that waits for its answer.
    pub(super) fn receive(&mut self, request: Request, id: TransactionId, session: Option<usize>) {
        let mut machine = Machine::new(request.method());
        // The only effect of the start is the delivery, which is the caller's next step.
        machine.on(Event::Start, self.place.reliability());
        self.servers.insert(ServerTransaction {
            serial: id.serial,
            machine,
            number: matching::number(&request, request.method()),
            request: Some(Rc::new(request)),
            session: session.map(|session| self.id(session)),
            deadlines: SmallVec::new(),
            sent: None,
        });
    }

    /// A request came once more: it gets the answer that it had, if any (RFC 3261 17.2).
    pub(super) fn again(&mut self, slot: usize) {
        let effects = self.event(slot, Event::Again);
        self.settle(slot, &effects);
    }

    /// Refuses a request, and keeps nothing of it, while the peer has as many as may wait for their answers, or, on UDP, be
    /// remembered to answer them alike when they are repeated.
    pub(super) fn is_too_busy(&self, request: &Request) -> bool {
        let most = match self.place.reliability() {
            Transport::Reliable => self.uas.most_waiting(),
            Transport::Unreliable => MOST,
        };
        if self.servers.len() < most {
            return false;
        }
        let reason = format!(
            "{most} of the peer's wait for their answers, or were answered within half a minute"
        );
        self.complain("request refused", Some(&reason));
        self.uas.count(Counted::TooManyRequests);
        let busy =
            FinalResponse::from(Status::SERVICE_UNAVAILABLE).header(HeaderName::RetryAfter, "1");
        self.wire
            .respond(request, |out| stateless(out, request, &busy, &self.tag));
        true
    }

    /// Whether the answer to a request may have to be repeated, or, for a 2xx to an INVITE, the INVITE be absorbed (RFC 6026
    /// 7.1). A challenge is not repeated: RFC 3261 26.3.2.4 has servers forgo "the normal response retransmission algorithm,
    /// thus behaving statelessly toward unauthenticated requests". Nor is anything that goes over a reliable transport, so
    /// an INVITE that is refused there leaves nothing, and its ACK finds nobody.
    pub(super) fn remembers(&self, request: &Request, answer: &FinalResponse) -> bool {
        match self.place.reliability() {
            Transport::Reliable => {
                *request.method() == Method::Invite && answer.status.is_success()
            }
            Transport::Unreliable => {
                *request.method() == Method::Invite || answer.status != Status::UNAUTHORIZED
            }
        }
    }

    /// The request that waits for this reply.
    pub(super) fn asked(&self, reply: &Responder) -> Option<Rc<Request>> {
        let slot = self.waiting(reply.transaction())?;
        self.servers[slot].request.clone()
    }

    /// The request of a transaction, which is a session's from now on.
    pub(super) fn claimed_by(&mut self, id: TransactionId, session: usize) -> Option<Rc<Request>> {
        let slot = self.waiting(id)?;
        self.servers[slot].session = Some(self.id(session));
        self.servers[slot].request.clone()
    }

    /// Whether a session is over, or has lost its owner.
    fn is_nobodys(&self, id: SessionId) -> bool {
        self.session(id)
            .is_none_or(|slot| !self.sessions[slot].owner.connected())
    }

    fn waiting(&self, id: TransactionId) -> Option<usize> {
        let slot = id.slot as usize;
        self.servers
            .get(slot)
            .filter(|known| known.serial == id.serial && known.machine.awaits_answer())
            .map(|_| slot)
    }

    /// The ACK of a refusal (RFC 3261 17.1.1.3); `false` if there is none that waits for it.
    pub(super) fn acknowledged(&mut self, ack: &Request) -> bool {
        let Some(slot) = self
            .servers
            .find(ack, &Method::Invite)
            .or_else(|| self.unconfirmed(ack))
        else {
            return false;
        };
        let effects = self.event(slot, Event::Ack);
        self.settle(slot, &effects);
        !effects.is_empty()
    }

    /// The INVITE whose 2xx is repeated until this ACK, which has a branch of its own (RFC 3261 13.3.1.4).
    fn unconfirmed(&self, ack: &Request) -> Option<usize> {
        if self.place.reliability() == Transport::Reliable {
            return None;
        }
        let call_id = ack.head().call_id()?;
        let number = ack.head().cseq().ok()?.number;
        self.servers
            .iter()
            .find(|(_, known)| {
                known.machine.awaits_ack()
                    && known.request.as_ref().is_some_and(|request| {
                        let head = request.head();
                        head.call_id() == Some(call_id)
                            && head.cseq().is_ok_and(|cseq| cseq.number == number)
                    })
            })
            .map(|(slot, _)| slot)
    }

    /// CANCEL: 200, and 487 for the INVITE that it cancels if that is not answered yet (RFC 3261 9.2).
    pub(super) fn cancel(&mut self, cancel: &Request, ctx: &mut Context<Self>) -> Disposition {
        let Some(slot) = self.servers.find(cancel, &Method::Invite) else {
            return Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into();
        };
        let id = TransactionId {
            slot: slot as u32,
            serial: self.servers[slot].serial,
        };
        self.answer(id, Status::REQUEST_TERMINATED.into(), ctx);
        Status::OK.into()
    }

    /// Sends the answer to a request that waited for it.
    pub(super) fn answer(
        &mut self,
        id: TransactionId,
        mut answer: FinalResponse,
        ctx: &mut Context<Self>,
    ) {
        let slot = id.slot as usize;
        // A transaction that was cancelled meanwhile is gone, or past its answer.
        let waiting = self
            .servers
            .get(slot)
            .filter(|known| known.serial == id.serial && known.machine.awaits_answer());
        let Some((transaction, request)) =
            waiting.and_then(|known| Some((known, known.request.clone()?)))
        else {
            if let Some(accepted) = answer.session {
                accepted.cancelled();
            }
            return;
        };
        // RFC 3261 12.2.2: nobody took it, since its session is over.
        if answer.status == Status::SERVER_INTERNAL_ERROR
            && transaction.session.is_some_and(|id| self.is_nobodys(id))
        {
            answer = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into();
        }
        let known = transaction.session.and_then(|id| self.session(id));
        let status = self.compose_answer(&request, known, answer, ctx);
        let sent = self.wire.sent();
        let effects = self.event(slot, Event::Response(status));
        self.settle(slot, &effects);
        let reliable = self.place.reliability() == Transport::Reliable;
        let Some(known) = self.servers.get_mut(slot) else {
            return;
        };
        // What was sent just now is not repeated yet.
        known.sent = sent;
        // What came on a connection is told from its repetition by a number; the rest may be as long as a message.
        if reliable {
            known.request = None;
        }
        if let Some(at) = known.deadlines.iter().map(|(_, at)| *at).min() {
            self.wake_at(at, ctx);
        }
    }

    /// Writes the answer to a request, and starts the session that a 2xx to an INVITE stands for. Returns the status, which
    /// is another one where the session cannot be as its sender wants it.
    pub(super) fn compose_answer(
        &mut self,
        request: &Request,
        known: Option<usize>,
        mut answer: FinalResponse,
        ctx: &mut Context<Self>,
    ) -> Status {
        let mut timer = None;
        let mut started = None;
        if answer.status.is_success() && matches!(request.method(), Method::Invite | Method::Update)
        {
            // A refresh that names no interval keeps the session's.
            let kept = known.and_then(|slot| self.sessions[slot].timer);
            let fallback = match (&answer.session, kept) {
                (Some(session), _) => session.interval,
                (None, Some(kept)) => kept.interval,
                (None, None) => sessions::INTERVAL,
            };
            let granted = SessionTimer::granted(request.head(), fallback);
            timer = Some(granted);
            if let Some(accepted) = answer.session.take() {
                match self.start_accepted(request, accepted, granted) {
                    Ok(slot) => started = Some(slot),
                    Err(error) => {
                        tracing::warn!(peer = %self.place.peer, mac = self.mac(), who = self.uas.peer(), %error, "a session cannot be opened");
                        timer = None;
                        answer =
                            FinalResponse::from(Status::BAD_REQUEST).because(error.to_string());
                    }
                }
            }
        }
        let session = started.or(known);
        let to_tag = match session.and_then(|session| self.sessions.get(session)) {
            Some(session) => session.dialog.local_tag(),
            None => &self.tag,
        };
        self.wire.respond(request, |out| {
            let mut composer =
                Composer::answer(out, answer.status, request, Some(to_tag)).lines(&answer.lines);
            if started.is_some() {
                // RFC 3261 12.1.1: "The UAS MUST copy all Record-Route header field values" and "MUST maintain the order".
                for route in request.head().all(HeaderName::RecordRoute) {
                    composer = composer.text(HeaderName::RecordRoute, route);
                }
            }
            if let Some(timer) = timer {
                composer = composer
                    .header(
                        HeaderName::Contact,
                        self.place.contact(speaks_sips(request)),
                    )
                    .header(HeaderName::SessionExpires, timer.header(false));
                if !timer.ours {
                    composer = composer.header(HeaderName::Require, "timer");
                }
                composer = composer
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::Allow, ALLOW);
            }
            finish(composer, &answer);
        });
        if let (Some(session), Some(timer)) = (session, timer) {
            self.granted(session, timer, request, started.is_some(), ctx);
        }
        answer.status
    }

    fn event(&mut self, slot: usize, event: Event) -> Effects {
        self.servers[slot]
            .machine
            .on(event, self.place.reliability())
    }

    /// Carries out what a server transaction asks for, but for sending what it has not sent before.
    fn settle(&mut self, slot: usize, effects: &Effects) {
        for effect in effects {
            let known = &mut self.servers[slot];
            match effect {
                Effect::Set(timer, after) => {
                    known.deadlines.retain(|(set, _)| set != timer);
                    known.deadlines.push((*timer, self.clock.now() + *after));
                }
                Effect::Transmit => {
                    if let Some(sent) = &known.sent {
                        self.wire.repeat(sent);
                    }
                }
                Effect::Terminate => {
                    self.servers.remove(slot);
                    return;
                }
                Effect::Deliver | Effect::Acknowledge | Effect::TimedOut | Effect::Unreachable => {}
            }
        }
    }

    /// Fires the timers that are due; returns when the next one is.
    pub(super) fn sweep_servers(&mut self, now: Duration) -> Option<Duration> {
        let due: Vec<(usize, Timer)> = self
            .servers
            .iter()
            .flat_map(|(slot, known)| {
                let due = known.deadlines.iter().filter(|(_, at)| *at <= now);
                due.map(move |(timer, _)| (slot, *timer))
            })
            .collect();
        for (slot, timer) in due {
            let Some(known) = self.servers.get_mut(slot) else {
                continue;
            };
            known.deadlines.retain(|(set, _)| *set != timer);
            let effects = self.event(slot, Event::Fired(timer));
            self.settle(slot, &effects);
        }
        self.servers
            .iter()
            .flat_map(|(_, known)| known.deadlines.iter().map(|(_, at)| *at))
            .min()
    }
}

/// Composes the answer to a request for which nothing is kept (RFC 3261 8.2.7); `tag` is ours in all of them.
pub(crate) fn stateless(out: &mut BytesMut, request: &Request, answer: &FinalResponse, tag: &str) {
    let composer = Composer::answer(out, answer.status, request, Some(tag));
    finish(composer.lines(&answer.lines), answer);
}

/// Finishes an answer with its reason and its body.
fn finish(mut composer: Composer<'_>, answer: &FinalResponse) {
    if let Some(reason) = &answer.reason {
        composer = composer.header(
            HeaderName::Warning,
            format_args!("399 uacsta \"{}\"", reason.replace(['"', '\\'], "'")),
        );
    }
    match &answer.content {
        Some(content) => composer.body_with(CSTA, content.length(), |out| content.write(out)),
        None => composer.end(),
    }
}

/// The most requests of a peer on UDP that are remembered, each for 64*T1.
const MOST: usize = 256;
/// The methods that are understood (RFC 3261 20.5).
pub(super) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, INFO, UPDATE, OPTIONS, REGISTER";
/// The media type of CSTA documents.
pub(super) const CSTA: &str = "application/csta+xml";
