//! The actor of one connection: its transactions and its sessions, and the way of each request to its UAS.

use std::{sync::Arc, time::Duration};

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Message, SpawnHandle, StreamHandler,
};
use tracing::field::{DisplayValue, display};
use uacsta_schema::sip::{codec::Frame, message};

use super::{
    incident::Incident,
    responder::{FinalResponse, Responder, ResponseSink},
    session::{SessionEnd, SessionId},
    slots::Slots,
    transaction::{matching::Matching, table::Transactions},
    transport::{PeerTransport, TransportError},
    uas::{Limits, Uas},
};
use crate::clock::Clock;

mod challenge;
mod dialog_migration;
mod endpoints;
mod messages;
mod receive;
mod request;
mod respond;
mod send;
mod session_refresh;
mod sessions;
mod shutdown;

pub use dialog_migration::{Migrate, Moved, OrphanRequest, Prove};
pub use endpoints::{Endpoints, Unauthenticated};
pub use request::SendRequest;

/// One connection.
pub struct SipConnection<U: Uas> {
    /// Where responders leave their responses: this connection.
    responses: Arc<dyn ResponseSink>,
    transport: PeerTransport,
    endpoints: Endpoints,
    uas: U,
    limits: Limits,
    clock: Arc<dyn Clock>,
    clients: Transactions<send::ClientTransaction>,
    servers: Transactions<respond::ServerTransaction>,
    matching: Matching,
    sessions: Slots<sessions::CstaSession>,
    /// Whether a session migrated here from another connection.
    adopted: bool,
    /// Counts sessions, so that a later one in the same slot is never taken for a former one.
    serial: u32,
    /// Distinguishes our branches and tags from those of other connections and of earlier runs.
    random: u64,
    /// Our tag in responses outside of any dialog (RFC 3261, section 8.2.6.2).
    tag: Box<str>,
    alarm: Option<(Duration, SpawnHandle)>,
    /// Why the connection ends after this turn.
    ending: Option<Box<str>>,
}

/// Ends the connection after what waits to be sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Shut {
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Events came faster than the connection handled them. It ends, since its peer must not miss a single one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Overrun;

/// How many messages of other actors may wait for a connection. Events to a slow client wait in its transport, which has a
/// bound in octets; this one holds between threads.
const MAILBOX: usize = 1 << 16;

impl<U: Uas> SipConnection<U> {
    /// Starts a connection. `random` distinguishes its branches and tags from those of all others.
    pub fn start(
        transport: PeerTransport,
        endpoints: Endpoints,
        mut uas: U,
        limits: Limits,
        clock: Arc<dyn Clock>,
        random: u64,
    ) -> Addr<Self> {
        Self::create(|ctx| {
            let address = Arc::new(ctx.address());
            uas.opened(&address);
            Self {
                responses: address,
                transport,
                endpoints,
                uas,
                limits,
                clock,
                clients: Transactions::new(),
                servers: Transactions::new(),
                matching: Matching::new(),
                sessions: Slots::new(),
                adopted: false,
                serial: 0,
                random,
                tag: format!("{random:x}").into(),
                alarm: None,
                ending: None,
            }
        })
    }

    /// The UAS. After a change of its peer or of what it has due, call [`Self::reschedule`].
    pub(crate) fn uas_mut(&mut self) -> &mut U {
        &mut self.uas
    }

    /// Does what the UAS has due, and schedules what it has due next.
    pub(crate) fn reschedule(&mut self, ctx: &mut Context<Self>) {
        self.recognise();
        if let Some(at) = self.uas.sweep(self.clock.now()) {
            self.wake_at(at, ctx);
        }
    }

    /// Responds to a request of this connection that waits for it.
    pub(crate) fn respond(
        &mut self,
        responder: Responder,
        response: FinalResponse,
        ctx: &mut Context<Self>,
    ) {
        let transaction = responder.forward();
        self.answer(transaction, response, ctx);
    }

    fn next_serial(&mut self) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// Sees to it that [`Self::sweep`] runs at `at`, or before.
    fn wake_at(&mut self, at: Duration, ctx: &mut Context<Self>) {
        if let Some((earlier, handle)) = self.alarm {
            if earlier <= at {
                return;
            }
            ctx.cancel_future(handle);
        }
        let handle = ctx.run_later(at.saturating_sub(self.clock.now()), |this, ctx| {
            this.alarm = None;
            this.sweep(ctx);
        });
        self.alarm = Some((at, handle));
    }

    /// Does what has become due, and sets the alarm for what is due next.
    fn sweep(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        let next = [
            self.sweep_clients(now, ctx),
            self.sweep_servers(now),
            self.sweep_sessions(now, ctx),
            self.sweep_log_on(now, ctx),
            self.uas.sweep(now),
        ];
        if let Some(at) = next.into_iter().flatten().min() {
            self.wake_at(at, ctx);
        }
    }

    /// Lifts the limits of an unauthenticated peer as soon as it has authenticated.
    fn recognise(&mut self) {
        if self.endpoints.unauthenticated.is_some() && self.uas.peer().authenticated {
            self.endpoints.unauthenticated = None;
            self.transport.authenticated();
        }
    }

    /// Ends the connection of a peer that did not authenticate in time; returns when it must have.
    fn sweep_log_on(&mut self, now: Duration, ctx: &mut Context<Self>) -> Option<Duration> {
        self.recognise();
        let by = self.endpoints.unauthenticated.as_ref()?.log_on_by;
        if by > now {
            return Some(by);
        }
        self.end_for(Incident::NotAuthenticated, ctx);
        None
    }

    /// Reports an incident to the UAS, and logs it unless the UAS says otherwise.
    fn report(&self, incident: Incident<'_>, reason: Option<&str>) {
        if let Some(times) = self.uas.incident(incident) {
            let times = (times > 1).then_some(times);
            tracing::warn!(peer = %self.endpoints.peer, phone = self.phone(), who = self.who(), reason, times, "{}", incident.text());
        }
    }

    /// Reports an incident that ends the connection.
    fn end_for(&mut self, incident: Incident<'_>, ctx: &mut Context<Self>) {
        self.report(incident, None);
        self.end(incident.reason(), ctx);
    }

    /// Ends the connection when this turn is over; `reason` is for the log.
    pub(crate) fn end(&mut self, reason: impl Into<Box<str>>, ctx: &mut Context<Self>) {
        if self.ending.is_none() {
            self.ending = Some(reason.into());
            ctx.stop();
        }
    }
}

impl<U: Uas> Actor for SipConnection<U> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.add_stream(self.transport.frames());
        if let Some(peer) = &self.endpoints.unauthenticated {
            self.wake_at(peer.log_on_by, ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if std::thread::panicking() {
            let incident = Incident::Panicked;
            self.uas.incident(incident);
            tracing::error!(peer = %self.endpoints.peer, phone = self.phone(), who = self.who(), "{}", incident.text());
        }
        let reason = self
            .ending
            .take()
            .unwrap_or_else(|| "the server is stopping".into());
        self.transport.flush_now();
        self.forget_events();
        for slot in self
            .sessions
            .iter()
            .map(|(slot, _)| slot)
            .collect::<Vec<_>>()
        {
            self.finish(slot, SessionEnd::ConnectionLost);
        }
        self.uas.ended(&reason);
    }
}

impl<U: Uas> StreamHandler<Result<Frame, TransportError>> for SipConnection<U> {
    fn handle(&mut self, frame: Result<Frame, TransportError>, ctx: &mut Self::Context) {
        let error = match frame {
            Ok(frame) => {
                self.received(frame, ctx);
                while self.ending.is_none()
                    && let Some(response) = self.transport.response()
                {
                    self.received(response, ctx);
                }
                return;
            }
            Err(error) => error,
        };
        match error {
            TransportError::Idle => self.end(
                "nothing came from the peer for longer than a registration lasts",
                ctx,
            ),
            TransportError::Closed => self.end("the peer closed the connection", ctx),
            TransportError::Failed(error) => {
                self.end(format!("the connection failed: {error}"), ctx);
            }
            TransportError::Slow => self.end_for(Incident::SlowMessage, ctx),
            TransportError::BudgetExceeded => self.end_for(Incident::BudgetExceeded, ctx),
            TransportError::Overflow => self.end_for(Incident::Unread, ctx),
            TransportError::Framing(error) => {
                if let Some(answer) = error.answer() {
                    self.transport.compose(|out| out.extend_from_slice(answer));
                }
                let incident = Incident::Framing(&error);
                let detail = error.to_string();
                self.report(incident, Some(&detail));
                self.end(format!("{}: {detail}", incident.reason()), ctx);
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.end("the connection ended", ctx);
    }
}

impl<U: Uas> SipConnection<U> {
    fn received(&mut self, frame: Frame, ctx: &mut Context<Self>) {
        match frame {
            Frame::Message(message::Message::Request(request)) => self.request(request, ctx),
            Frame::Message(message::Message::Response(response)) => self.response(&response, ctx),
            // RFC 5626, section 3.5.1: a double CRLF is a ping, to be answered by a single one.
            Frame::Ping => self.transport.compose(|out| out.extend_from_slice(b"\r\n")),
            Frame::Pong => {}
            Frame::Refused(refused) => {
                self.report(Incident::Malformed, Some(refused.reason()));
                self.transport.compose(|out| refused.answer(out));
            }
        }
    }

    /// The device that the peer speaks for, as a field of log lines.
    fn phone(&self) -> Option<DisplayValue<&str>> {
        self.uas.peer().device.map(|device| display(&**device))
    }

    /// The name of the peer, as a field of log lines.
    fn who(&self) -> &str {
        self.uas.peer().name
    }

    fn id(&self, slot: usize) -> SessionId {
        SessionId {
            slot: slot as u32,
            serial: self.sessions[slot].serial,
        }
    }

    fn session(&self, id: SessionId) -> Option<usize> {
        let slot = id.slot as usize;
        self.sessions
            .get(slot)
            .filter(|session| session.serial == id.serial)
            .map(|_| slot)
    }
}
