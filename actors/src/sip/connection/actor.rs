//! The connection actor: its start, its end, its alarm, and the frames that arrive.

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, StreamHandler};
use bytes::BytesMut;
use tracing::field::{DisplayValue, display};
use uacsta_schema::sip::{SipMessage, codec::Frame, via_response::stamp};

use super::{
    client_transactions::ClientTransactions,
    csta_session::{CstaSession, SessionEffect, SessionRequest},
    endpoints::Endpoints,
    messages::{Overrun, Shut},
    owner::SessionOwner,
    server_transactions::ServerTransactions,
    sessions::Sessions,
};
use crate::{
    alarm::{Alarm, Wake},
    clock::Clock,
    sip::{
        incident::Incident,
        responder::{FinalResponse, Responder, ResponseSink},
        session::{RequestError, SessionEnd, SessionEventKind, SessionId},
        transport::{PeerTransport, TransportError},
        uas::{Limits, Uas},
    },
};

/// One connection. It passes what arrives to its machines and its UAS, and carries out what they return.
pub struct SipConnection<U: Uas> {
    /// This connection, as the destination of deferred responses.
    pub(super) responses: Arc<dyn ResponseSink>,
    pub(super) transport: PeerTransport,
    pub(super) endpoints: Endpoints,
    pub(super) uas: U,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) clients: ClientTransactions,
    pub(super) servers: ServerTransactions,
    pub(super) sessions: Sessions<SessionOwner>,
    alarm: Alarm,
    /// Why the connection ends after this turn.
    pub(super) ending: Option<Box<str>>,
    /// Why the connection ends once the INVITEs that were given up have their final responses, and when at the latest.
    leaving: Option<(Box<str>, Duration)>,
}

/// How long a connection that its peer left waits for the final responses to INVITEs.
const LEAVE: Duration = Duration::from_secs(5);
/// How many messages of other actors may wait for a connection. Events to a slow client wait in its transport, which is bounded
/// in octets; this bound is for those that wait between threads.
const MAILBOX: usize = 1 << 16;

impl<U: Uas> SipConnection<U> {
    /// Starts a connection, whose UAS `uas` makes from the one address that all may share. `random` distinguishes the branches and
    /// tags of the connection from those of all others.
    pub fn start(
        transport: PeerTransport,
        endpoints: Endpoints,
        uas: impl FnOnce(&Arc<Addr<Self>>) -> U,
        limits: Limits,
        clock: Arc<dyn Clock>,
        random: u64,
    ) -> Addr<Self> {
        Self::create(|ctx| {
            let address = Arc::new(ctx.address());
            let uas = uas(&address);
            transport.label(endpoints.peer, U::device_of);
            let reliability = endpoints.reliability();
            Self {
                responses: address,
                transport,
                endpoints,
                uas,
                clock,
                clients: ClientTransactions::new(reliability, random, limits.unanswered_events),
                servers: ServerTransactions::new(reliability, random, limits.pending_requests),
                sessions: Sessions::new(random),
                alarm: Alarm::default(),
                ending: None,
                leaving: None,
            }
        })
    }

    /// The UAS. After a change of its peer or of what it has due, call [`Self::reschedule`].
    pub(crate) fn uas_mut(&mut self) -> &mut U {
        &mut self.uas
    }

    /// Does what the UAS has due, and schedules what it has due next.
    pub(crate) fn reschedule(&mut self, ctx: &mut Context<Self>) {
        self.follow_log_on(ctx);
        if let Some(at) = self.uas.sweep(self.clock.now()) {
            self.wake_at(at, ctx);
        }
    }

    /// Gives the response that a request of this connection awaits.
    pub(crate) fn respond(
        &mut self,
        responder: Responder,
        response: FinalResponse,
        ctx: &mut Context<Self>,
    ) {
        match responder.redeem(&self.responses) {
            Ok(transaction) => self.answer(transaction, response, None, ctx),
            Err(elsewhere) => elsewhere.with(response),
        }
    }

    /// Ends the connection when this turn is over; `reason` is for the log.
    pub(crate) fn end(&mut self, reason: impl Into<Box<str>>, ctx: &mut Context<Self>) {
        if self.ending.is_none() {
            self.ending = Some(reason.into());
            ctx.stop();
        }
    }

    /// Ends the connection once no INVITE that was given up awaits its final response, within seconds: one that rings is
    /// cancelled, and a late 2xx is ended by a BYE (RFC 3261, section 9.1).
    pub(crate) fn leave(&mut self, reason: impl Into<Box<str>>, ctx: &mut Context<Self>) {
        let until = self.clock.now() + LEAVE;
        self.leaving = Some((reason.into(), until));
        self.leave_if_done(ctx);
        self.wake_at(until, ctx);
    }

    /// Withdraws [`Self::leave`], since the peer logged on again.
    pub(crate) fn stay(&mut self) {
        self.leaving = None;
    }

    /// Ends a connection that [leaves](Self::leave), if it need not wait any more.
    pub(super) fn leave_if_done(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        let is_done =
            |(_, until): &mut (_, Duration)| *until <= now || !self.sessions.any_closing();
        if let Some((reason, _)) = self.leaving.take_if(is_done) {
            self.end(reason, ctx);
        }
    }

    /// Reports an incident that ends the connection.
    pub(super) fn end_for(&mut self, incident: Incident<'_>, ctx: &mut Context<Self>) {
        if self.ending.is_none() {
            self.report(incident, None);
            self.end(incident.reason(), ctx);
        }
    }

    /// Reports an incident to the UAS, and logs it unless the UAS decides otherwise.
    pub(super) fn report(&self, incident: Incident<'_>, reason: Option<&str>) {
        if let Some(times) = self.uas.incident(incident) {
            let times = (times > 1).then_some(times);
            tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), reason, times, "{}", incident.text());
        }
    }

    /// The device that the peer speaks for, as a field of log lines.
    pub(super) fn phone(&self) -> Option<DisplayValue<&str>> {
        self.uas.peer().device.map(|device| display(&**device))
    }

    /// The user of a peer that is no device, as a field of log lines; `None` before its log-on.
    pub(super) fn client(&self) -> Option<DisplayValue<&str>> {
        let peer = self.uas.peer();
        let is_client = peer.device.is_none() && !peer.name.is_empty();
        is_client.then(|| display(peer.name))
    }

    /// Calls [`Wake::wake`] at `at`, or before.
    pub(super) fn wake_at(&mut self, at: Duration, ctx: &mut Context<Self>) {
        self.alarm.set(at, self.clock.now(), ctx);
    }

    /// Lifts the limits of an unauthenticated peer as soon as it has authenticated, and sets them again when it has logged off.
    pub(super) fn follow_log_on(&mut self, ctx: &mut Context<Self>) {
        let authenticated = self.uas.peer().authenticated;
        let now = self.clock.now();
        let Some(peer) = &mut self.endpoints.unauthenticated else {
            return;
        };
        if !peer.follow(authenticated, now) {
            return;
        }
        self.transport.authenticated(authenticated);
        if let Some(at) = peer.log_on_by {
            self.wake_at(at, ctx);
        }
    }

    fn frame(&mut self, frame: Frame, ctx: &mut Context<Self>) {
        match frame {
            Frame::Message(SipMessage::Request(request)) => self.request(request, ctx),
            Frame::Message(SipMessage::Response(response)) => self.response(&response, ctx),
            // RFC 5626, section 3.5.1: a double CRLF is a ping, to be answered by a single one.
            Frame::Ping => self.transport.compose(|out| out.extend_from_slice(b"\r\n")),
            Frame::Pong => {}
            Frame::Refused(refused) => {
                self.report(Incident::Malformed, Some(refused.reason()));
                let mut answer = BytesMut::new();
                if refused.answer(&mut answer) {
                    self.reply(answer);
                }
            }
        }
    }

    /// Sends the response to a message that is no request.
    fn reply(&self, mut answer: BytesMut) {
        stamp(&mut answer, self.endpoints.peer);
        self.transport.compose(|out| out.extend_from_slice(&answer));
    }

    /// The transport delivers nothing more.
    fn transport_ended(&mut self, error: TransportError, ctx: &mut Context<Self>) {
        match error {
            TransportError::Idle => {
                self.end(
                    "the peer sent nothing for longer than a registration lasts",
                    ctx,
                );
            }
            TransportError::Closed => self.end("the peer closed the connection", ctx),
            TransportError::Failed(error) => {
                self.end(format!("the connection failed: {error}"), ctx);
            }
            TransportError::Slow => self.end_for(Incident::SlowMessage, ctx),
            TransportError::BudgetExceeded => self.end_for(Incident::BudgetExceeded, ctx),
            TransportError::Overflow => self.end_for(Incident::Unread, ctx),
            TransportError::Framing(error) => {
                if let Some(answer) = error.answer() {
                    self.reply(BytesMut::from(&**answer));
                }
                let incident = Incident::Framing(&error);
                let detail = error.to_string();
                self.report(incident, Some(&detail));
                self.end(format!("{}: {detail}", incident.reason()), ctx);
            }
        }
    }
}

impl<U: Uas> Actor for SipConnection<U> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.add_stream(self.transport.frames());
        let peer = self.endpoints.unauthenticated.as_ref();
        if let Some(at) = peer.and_then(|peer| peer.log_on_by) {
            self.wake_at(at, ctx);
        }
    }

    fn stopped(&mut self, ctx: &mut Self::Context) {
        if std::thread::panicking() {
            let incident = Incident::Panicked;
            self.uas.incident(incident);
            tracing::error!(peer = %self.endpoints.peer, phone = self.phone(), client = self.client(), "{}", incident.text());
        }
        let reason = self
            .ending
            .take()
            .unwrap_or_else(|| "the server is stopping".into());
        self.transport.flush_now();
        self.clients.abandon_events();
        for id in self.sessions.all() {
            if let Some(session) = self.sessions.get_mut(id) {
                if let Some(next) = session.next_mut().take() {
                    let refused = SessionEventKind::Refused(RequestError::ConnectionLost);
                    SessionOwner::new(next.owner, next.key).tell(SessionId::NONE, refused);
                }
                let effects = session.end(SessionEnd::ConnectionLost);
                self.session_effects(id, effects, ctx);
            }
        }
        self.uas.ended(&reason);
    }
}

impl<U: Uas> Wake for SipConnection<U> {
    fn alarm(&mut self) -> &mut Alarm {
        &mut self.alarm
    }

    fn wake(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        for (id, timer) in self.clients.due(now) {
            let transmit = |sent: &_| self.transport.retransmit(sent);
            let effects = self.clients.on_timer(id, timer, now, transmit);
            self.client_effects(effects, ctx);
        }
        let answered = self
            .servers
            .sweep(now, |sent| self.transport.retransmit(sent));
        for id in self.sessions.due(now) {
            if let Some(session) = self.sessions.get_mut(id) {
                let effects = session.due(now);
                self.session_effects(id, effects, ctx);
            }
        }
        self.leave_if_done(ctx);
        self.follow_log_on(ctx);
        let mut log_on_by = self
            .endpoints
            .unauthenticated
            .as_ref()
            .and_then(|it| it.log_on_by);
        if log_on_by.is_some_and(|by| by <= now) {
            log_on_by = None;
            let incident = Incident::NotAuthenticated;
            if self.ending.is_none() && self.leaving.is_none() {
                self.report(incident, self.uas.log_on_hint());
                self.end(incident.reason(), ctx);
            }
        }
        let next = [
            self.clients.next_due(),
            answered,
            self.sessions.next_due(),
            log_on_by,
            self.leaving.as_ref().map(|(_, until)| *until),
            self.uas.sweep(now),
        ];
        if let Some(at) = next.into_iter().flatten().min() {
            self.wake_at(at, ctx);
        }
    }
}

impl<U: Uas> StreamHandler<Result<Frame, TransportError>> for SipConnection<U> {
    fn handle(&mut self, frame: Result<Frame, TransportError>, ctx: &mut Self::Context) {
        match frame {
            Ok(frame) => {
                self.frame(frame, ctx);
                while self.ending.is_none()
                    && let Some(response) = self.transport.response()
                {
                    self.frame(response, ctx);
                }
            }
            Err(error) => self.transport_ended(error, ctx),
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.end("the connection ended", ctx);
    }
}

impl<U: Uas> Handler<Shut> for SipConnection<U> {
    type Result = ();

    /// Answers what awaits a response and ends the sessions first.
    fn handle(&mut self, Shut { reason }: Shut, ctx: &mut Self::Context) {
        if self.ending.is_some() {
            return;
        }
        self.terminate_requests(None, ctx);
        for id in self.sessions.all() {
            let is_established = |session: &CstaSession| session.is_established();
            if self.sessions.get(id).is_some_and(is_established) {
                let bye = SessionEffect::Send(SessionRequest::Bye);
                self.session_effects(id, [bye].into_iter().collect(), ctx);
            }
        }
        self.end(reason, ctx);
    }
}

impl<U: Uas> Handler<Overrun> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, Overrun: Overrun, ctx: &mut Self::Context) {
        self.end_for(Incident::EventQueueFull, ctx);
    }
}
