//! A simulated phone: registers over its own connection and serves the CSTA session that the server opens (ECMA TR/87, section 7.1).

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, MessageResult,
    SpawnHandle, WrapFuture,
};
use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use uacsta_actors::{
    clock::Clock,
    sip::{
        connection::{Shut, SipConnection},
        session::{Login, RequestError, SessionEvent},
    },
};
use uacsta_connect::{ConnectError, ServerAddress};
use uacsta_schema::{
    csta::{self, DeviceId},
    mac::Mac,
};

use super::{
    maker::Maker,
    pbx::{
        LineId,
        actor::{LineReport, PbxActor, PbxResponse, Plug},
    },
};

mod challenge;
mod description;
mod lines;
mod registration;
mod session;
mod stage;
mod uas;

use challenge::Challenge;
pub(super) use lines::{AddLine, RemoveLine};
use registration::{Next, Registration};
use session::Session;
pub use stage::Stage;
pub(super) use stage::Status;
use uas::{HandsetUas, Invited, Lost};

/// What all phones of a fleet share.
pub(super) struct FleetContext {
    pub(super) server: ServerAddress,
    pub(super) password: Box<str>,
    /// The host part of the lines' identities.
    pub(super) domain: Box<str>,
    /// The registration period requested, in seconds.
    pub(super) expires: u32,
    pub(super) clock: Arc<dyn Clock>,
    /// Limits how many phones connect at the same time.
    pub(super) connect_permits: Semaphore,
    pub(super) tap: Option<Tap>,
    /// Whether sent events are kept for [`Record`].
    pub(super) keeps_events: bool,
    /// CSTA documents that all phones have written.
    pub(super) written: AtomicU64,
}

/// Receives every CSTA document that a phone writes.
pub type Tap = Arc<dyn Fn(Mac, &Bytes) + Send + Sync>;

/// An event that a phone sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sent {
    /// The line concerned.
    pub line: DeviceId,
    /// The document.
    pub document: Bytes,
}

/// A simulated phone.
pub(super) struct Handset {
    maker: Maker,
    mac: Mac,
    lines: Vec<(LineId, DeviceId)>,
    context: Arc<FleetContext>,
    pbx: Addr<PbxActor>,
    status: watch::Sender<Status>,
    plugged: bool,
    link: Option<Addr<SipConnection<HandsetUas>>>,
    /// Consecutive failed attempts to connect.
    failures: u32,
    retry: Option<SpawnHandle>,
    session: Option<Session>,
    /// Last serial number given to a session, monitor, registration, list or request.
    serial: u64,
    record: Vec<Sent>,
}

/// What a phone is created from.
pub(super) struct Parts {
    pub(super) maker: Maker,
    pub(super) mac: Mac,
    pub(super) lines: Vec<(LineId, DeviceId)>,
    pub(super) context: Arc<FleetContext>,
    pub(super) pbx: Addr<PbxActor>,
    pub(super) status: watch::Sender<Status>,
}

/// Plugs the phone in or out.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct SetPlugged(pub(super) bool);

/// Closes the phone's connection, as a network failure would; the phone reconnects.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Cut;

/// All events that the phone has sent, in order.
#[derive(Message)]
#[rtype(result = "Vec<Sent>")]
pub(super) struct Record;

/// The delay before the second attempt to connect, in milliseconds. It doubles with each failure.
const FIRST_WAIT: u64 = 500;
/// The longest delay, in milliseconds.
const LONGEST_WAIT: u64 = 60_000;

impl Handset {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            maker: parts.maker,
            mac: parts.mac,
            lines: parts.lines,
            context: parts.context,
            pbx: parts.pbx,
            status: parts.status,
            plugged: false,
            link: None,
            failures: 0,
            retry: None,
            session: None,
            serial: 0,
            record: Vec::new(),
        }
    }

    fn plug(&mut self, inserted: bool, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.plugged, inserted) == inserted {
            return;
        }
        self.pbx.do_send(Plug {
            lines: self.line_ids(),
            phone: ctx.address().recipient(),
            inserted,
        });
        if inserted {
            self.failures = 0;
            self.connect(ctx);
        } else {
            if let Some(retry) = self.retry.take() {
                ctx.cancel_future(retry);
            }
            self.cut("the phone was unplugged");
        }
    }

    fn connect(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let (phone, mac, challenge) = (ctx.address(), self.mac, self.challenge());
        let uas = move |link: &Arc<Addr<_>>| HandsetUas::new(phone, mac, challenge, link);
        let agent: Arc<str> = self.maker.user_agent().into();
        let connecting = async move {
            // The semaphore is never closed; without a permit the phone connects as well.
            let _permit = context.connect_permits.acquire().await.ok();
            let clock = Arc::clone(&context.clock);
            context.server.connect(uas, agent, clock).await
        };
        ctx.spawn(connecting.into_actor(self).map(Self::connected));
    }

    fn connected(
        connected: Result<Addr<SipConnection<HandsetUas>>, ConnectError>,
        phone: &mut Self,
        ctx: &mut Context<Self>,
    ) {
        match connected {
            Ok(link) if phone.plugged => {
                phone.link = Some(link.clone());
                let registration = phone.registration();
                phone.register(link, registration, ctx);
            }
            Ok(link) => link.do_send(Shut {
                reason: "the phone was unplugged".into(),
            }),
            Err(error) => {
                tracing::debug!(mac = %phone.mac, %error, "simulated phone cannot connect");
                phone.trouble(&error.to_string());
                phone.connect_later(ctx);
            }
        }
    }

    /// The phone logs on with its MAC address as user name.
    fn registration(&self) -> Registration {
        let (user, server) = (self.mac.bare(), &self.context.server);
        let identity = format!("sip:{user}@{}", server.host());
        let login = Arc::new(Login {
            user: user.into(),
            password: self.context.password.clone(),
        });
        // Without random numbers the MAC address distinguishes the phone.
        let random = getrandom::u64().unwrap_or_default();
        let (agent, expires) = (self.maker.user_agent(), self.context.expires);
        Registration::new(&server.uri(), &identity, login, agent, expires, random)
    }

    /// Sends the next REGISTER on `connection`, as long as that is the phone's.
    fn register(
        &mut self,
        connection: Addr<SipConnection<HandsetUas>>,
        mut registration: Registration,
        ctx: &mut Context<Self>,
    ) {
        if self.link.as_ref() != Some(&connection) {
            return;
        }
        let sending = connection.send(registration.request());
        ctx.spawn(sending.into_actor(self).map(move |result, phone, ctx| {
            if phone.link.as_ref() != Some(&connection) {
                return;
            }
            match registration.on(result.unwrap_or(Err(RequestError::ConnectionLost))) {
                Next::Retry => phone.register(connection, registration, ctx),
                Next::Refresh(after) => {
                    phone.failures = 0;
                    if phone.status.borrow().stage < Stage::Registered {
                        phone.set_stage(Stage::Registered);
                    }
                    ctx.run_later(after, |phone, ctx| {
                        phone.register(connection, registration, ctx);
                    });
                }
                // `Lost` reports the end of the connection.
                Next::Failed(RequestError::ConnectionLost) => {}
                Next::Failed(why) => {
                    tracing::warn!(mac = %phone.mac, %why, "simulated phone: REGISTER failed");
                    phone.cut("the REGISTER failed");
                    phone.trouble(&format!("the REGISTER was {why}"));
                    phone.connect_later(ctx);
                }
            }
        }));
    }

    fn challenge(&self) -> Option<Challenge> {
        let algorithm = self.maker.challenge()?;
        Some(Challenge::new(algorithm, self.mac, &self.context.password))
    }

    /// Reconnects after a delay that doubles with each failure, with jitter.
    fn connect_later(&mut self, ctx: &mut Context<Self>) {
        if !self.plugged || self.retry.is_some() {
            return;
        }
        let longest = LONGEST_WAIT.min(FIRST_WAIT << self.failures.min(10));
        self.failures += 1;
        let share = getrandom::u32().unwrap_or_default() % 512;
        let wait = longest / 2 + longest * u64::from(share) / 1024;
        let retry = ctx.run_later(std::time::Duration::from_millis(wait), |phone, ctx| {
            phone.retry = None;
            phone.connect(ctx);
        });
        self.retry = Some(retry);
    }

    fn cut(&mut self, reason: &str) {
        self.session = None;
        self.set_stage(Stage::Away);
        if let Some(link) = self.link.take() {
            link.do_send(Shut {
                reason: reason.into(),
            });
        }
    }

    fn line_ids(&self) -> Vec<LineId> {
        self.lines.iter().map(|(line, _)| *line).collect()
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Writes a document in the maker's edition, prefix and layout.
    fn write(&self, message: impl Into<csta::Message>) -> Bytes {
        let document = csta::write(&message.into(), &self.maker.dialect());
        let document = match std::str::from_utf8(&document) {
            Ok(text) => Bytes::from(self.maker.format(text)),
            Err(_) => document,
        };
        self.context.written.fetch_add(1, Ordering::Relaxed);
        if let Some(tap) = &self.context.tap {
            tap(self.mac, &document);
        }
        document
    }
}

impl Actor for Handset {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
        self.plug(true, ctx);
    }
}

impl Handler<SetPlugged> for Handset {
    type Result = ();

    fn handle(&mut self, SetPlugged(inserted): SetPlugged, ctx: &mut Self::Context) {
        self.plug(inserted, ctx);
    }
}

impl Handler<Cut> for Handset {
    type Result = ();

    fn handle(&mut self, _: Cut, ctx: &mut Self::Context) {
        self.cut("the connection was cut");
        self.connect_later(ctx);
    }
}

impl Handler<Record> for Handset {
    type Result = MessageResult<Record>;

    fn handle(&mut self, _: Record, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.record.clone())
    }
}

impl Handler<Lost> for Handset {
    type Result = ();

    fn handle(&mut self, Lost { link, reason }: Lost, ctx: &mut Self::Context) {
        if self.link.as_ref() == Some(&link) {
            tracing::debug!(mac = %self.mac, %reason, "simulated phone: connection ended");
            self.link = None;
            self.session = None;
            self.set_stage(Stage::Away);
            self.trouble(&reason);
            self.connect_later(ctx);
        }
    }
}

impl Handler<Invited> for Handset {
    type Result = ();

    fn handle(&mut self, invited: Invited, ctx: &mut Self::Context) {
        self.accept_invite(invited, ctx);
    }
}

impl Handler<SessionEvent> for Handset {
    type Result = ();

    fn handle(&mut self, session_event: SessionEvent, ctx: &mut Self::Context) {
        self.session_event(session_event, ctx);
    }
}

impl Handler<PbxResponse> for Handset {
    type Result = ();

    fn handle(&mut self, response: PbxResponse, _: &mut Self::Context) {
        self.pbx_response(response);
    }
}

impl Handler<LineReport> for Handset {
    type Result = ();

    fn handle(&mut self, LineReport { line, event }: LineReport, _: &mut Self::Context) {
        self.report(line, &event);
    }
}
