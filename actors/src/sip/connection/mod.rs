//! The actor for one connection: its transactions, its sessions, who gets which request, and an answer for what nobody takes.

use std::{sync::Arc, time::Duration};

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Message, SpawnHandle, StreamHandler,
    Supervised,
};
use tracing::field::DisplayValue;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{codec::Frame, message},
};

use super::{
    responder::{FinalResponse, Responder, ResponseSink},
    session::{Ended, SessionId},
    uas::Uas,
    wire::{Broken, Wire},
};
use crate::{clock::Clock, counters::Event, repeats::again};

mod challenge;
mod dialog_migration;
mod ending;
mod exchange;
mod matching;
mod messages;
mod place;
mod receive;
mod refresh;
mod register;
mod serve;
mod sessions;
mod slots;

pub use dialog_migration::{Migrate, Moved, OrphanRequest, Prove};
pub use place::{Place, Stranger};
pub(crate) use receive::{csta_body, unacceptable, untaken};
pub use register::{SignOn, SignedOn};
pub(crate) use serve::stateless;

/// One connection.
pub struct SipConnection<U: Uas> {
    /// Where responders leave their responses: this connection.
    responses: Arc<dyn ResponseSink>,
    wire: Wire,
    place: Place,
    uas: U,
    clock: Arc<dyn Clock>,
    clients: slots::Slots<exchange::ClientTransaction>,
    servers: matching::Received,
    sessions: slots::Slots<sessions::Session>,
    registration: Option<Box<register::Registration>>,
    /// Whether a session came here from another link.
    adopted: bool,
    /// Counts transactions and sessions, so that a slot that is used again is told from its former use.
    serial: u32,
    /// Makes our branches and tags differ from those of other links and of earlier runs.
    random: u64,
    /// Our tag in answers outside of any dialog (RFC 3261 8.2.6.2).
    tag: Box<str>,
    alarm: Option<(Duration, SpawnHandle)>,
    /// Why the link is to end after this turn.
    ending: Option<Box<str>>,
}

/// Ends the link after what waits to be sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Shut {
    /// Why, for the log.
    pub reason: Box<str>,
}

/// Events came faster than the link took them: it ends, since its peer must miss no single one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Overrun;

/// How many messages of other actors may wait for a link's turn. Events to a slow client wait in its wire, which has a
/// bound in octets; this one holds between threads.
const MAILBOX: usize = 1 << 16;

impl<U: Uas> SipConnection<U> {
    /// A connection over a wire. `random` tells its branches and tags from those of all others.
    pub fn over(
        wire: Wire,
        place: Place,
        mut uas: U,
        clock: Arc<dyn Clock>,
        random: u64,
    ) -> Addr<Self> {
        Self::create(|ctx| {
            let address = Arc::new(ctx.address());
            uas.opened(&address);
            Self {
                responses: address,
                wire,
                place,
                uas,
                clock,
                clients: slots::Slots::new(),
                servers: matching::Received::new(),
                sessions: slots::Slots::new(),
                registration: None,
                adopted: false,
                serial: 0,
                random,
                tag: format!("{random:x}").into(),
                alarm: None,
                ending: None,
            }
        })
    }

    /// The UAS. Call [`Self::reschedule`] when a change of it may change when it next has something due, or who it knows.
    pub(crate) fn uas_mut(&mut self) -> &mut U {
        &mut self.uas
    }

    /// Carries out what the UAS has due, and sees to it that it is asked again in time.
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
        let handle = ctx.run_later(at.saturating_sub(self.clock.now()), |link, ctx| {
            link.alarm = None;
            link.sweep(ctx);
        });
        self.alarm = Some((at, handle));
    }

    /// Carries out what has become due, and sets the alarm for what comes next.
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

    /// A peer that has logged on is no stranger any more.
    fn recognise(&mut self) {
        if self.place.stranger.is_some() && self.uas.is_known() {
            self.place.stranger = None;
            self.wire.known();
        }
    }

    /// Ends the link of a peer that did not log on in time; returns when it must have.
    fn sweep_log_on(&mut self, now: Duration, ctx: &mut Context<Self>) -> Option<Duration> {
        self.recognise();
        let by = self.place.stranger.as_ref()?.log_on_by;
        if by > now {
            return Some(by);
        }
        self.complain(
            "connection ended: nobody logged on within limits.unauthenticated_time",
            None,
        );
        self.uas.count(Event::NeverLoggedOn);
        self.end("nobody logged on", ctx);
        None
    }

    /// Logs what the peer did wrong; that of one who has not logged on once a minute.
    fn complain(&self, what: &str, reason: Option<&str>) {
        let Some(times) = self.uas.mentions(what) else {
            return;
        };
        tracing::warn!(peer = %self.place.peer, mac = self.mac(), who = self.uas.peer(), reason, times = again(times), "{what}");
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
        ctx.add_stream(self.wire.frames());
        if let Some(stranger) = &self.place.stranger {
            self.wake_at(stranger.log_on_by, ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if std::thread::panicking() {
            tracing::error!(peer = %self.place.peer, mac = self.mac(), who = self.uas.peer(), "connection ended: serving it failed, which is a fault of uacsta; please report it");
            self.uas.count(Event::Panicked);
        }
        let reason = self
            .ending
            .take()
            .unwrap_or_else(|| "the server is stopping".into());
        self.wire.flush_now();
        self.forget_events();
        for slot in self
            .sessions
            .iter()
            .map(|(slot, _)| slot)
            .collect::<Vec<_>>()
        {
            self.finish(slot, Ended::ConnectionLost);
        }
        self.sign_off();
        self.uas.ended(&reason);
    }
}

impl<U: Uas> Supervised for SipConnection<U> {}

impl<U: Uas> StreamHandler<Result<Frame, Broken>> for SipConnection<U> {
    fn handle(&mut self, frame: Result<Frame, Broken>, ctx: &mut Self::Context) {
        match frame {
            Ok(frame) => {
                self.heard(frame, ctx);
                while self.ending.is_none()
                    && let Some(answer) = self.wire.answer()
                {
                    self.heard(answer, ctx);
                }
            }
            Err(Broken::Idle) => self.end(
                "nothing came from the peer for longer than a registration lasts",
                ctx,
            ),
            Err(Broken::Closed) => self.end("the peer closed the connection", ctx),
            Err(Broken::Failed(error)) => self.end(format!("the connection failed: {error}"), ctx),
            Err(Broken::Slow) => {
                self.complain(
                    "connection ended: a message took longer than limits.message_time",
                    None,
                );
                self.uas.count(Event::SlowMessage);
                self.end("a message took too long to arrive", ctx);
            }
            Err(Broken::Crowded) => {
                self.complain(
                    "connection ended: the messages that strangers have begun take limits.unauthenticated_memory",
                    None,
                );
                self.uas.count(Event::CrowdedOut);
                self.end("there is no room for a stranger's long message", ctx);
            }
            Err(Broken::Overflow) => {
                self.complain(
                    "connection ended: the peer leaves more than limits.client_queue unread",
                    None,
                );
                self.uas.count(Event::Unread);
                self.end("the peer does not read what it is sent", ctx);
            }
            Err(Broken::Framing(error)) => {
                let event = Event::from(&error);
                self.uas.count(event);
                if let Some(answer) = error.answer() {
                    self.wire.compose(|out| out.extend_from_slice(answer));
                }
                let reason = error.to_string();
                let limit = event.label();
                if !limit.is_empty() {
                    let what = "connection ended: a message passes a limit";
                    self.complain(what, Some(&format!("{limit}: {reason}")));
                    return self.end(format!("a message passes {limit}: {reason}"), ctx);
                }
                self.complain(
                    "connection ended: what came on it is not SIP",
                    Some(&reason),
                );
                self.end(format!("what came on it is not SIP: {reason}"), ctx);
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        self.end("the connection ended", ctx);
    }
}

impl<U: Uas> SipConnection<U> {
    fn heard(&mut self, frame: Frame, ctx: &mut Context<Self>) {
        match frame {
            Frame::Message(message::Message::Request(request)) => self.request(request, ctx),
            Frame::Message(message::Message::Response(response)) => self.response(&response, ctx),
            // RFC 5626 3.5.1: a double CRLF is a ping, to be answered by a single one.
            Frame::Ping => self.wire.compose(|out| out.extend_from_slice(b"\r\n")),
            Frame::Pong => {}
            Frame::Refused(refused) => {
                self.complain("message refused", Some(refused.reason()));
                self.uas.count(Event::Malformed);
                self.wire.compose(|out| refused.answer(out));
            }
        }
    }

    /// The phone that the connection is for, as a field of log lines.
    fn mac(&self) -> Option<DisplayValue<PhoneId>> {
        self.uas.mac().map(tracing::field::display)
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
