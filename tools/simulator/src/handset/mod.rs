//! One simulated phone: registered over its own connection, with a CSTA session that the server opens (TR/87 7.1).

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
        connection::{Shut, SignOn, SignedOn, SipConnection},
        session::{Login, RequestError, SessionEvent},
    },
};
use uacsta_schema::{
    csta::{self, DeviceId},
    mac::Mac,
};

use super::{
    exchange::LineId,
    maker::Maker,
    switchboard::{Done, Noticed, Plug, Switchboard},
};
use uacsta_connect::{ConnectError, ServerAddress};

mod challenge;
mod description;
mod lines;
mod session;
mod standing;
mod uas;

use challenge::Challenge;
pub(super) use lines::{AddLine, RemoveLine};
use session::Session;
pub use standing::Standing;
pub(super) use standing::Status;
use uas::{HandsetUas, Invited, Lost};

/// What is common to all phones of a fleet.
pub(super) struct Site {
    pub(super) server: ServerAddress,
    pub(super) password: Box<str>,
    /// The host part of the lines' identities.
    pub(super) domain: Box<str>,
    /// Seconds that phones ask to be registered for.
    pub(super) expires: u32,
    pub(super) clock: Arc<dyn Clock>,
    /// So that a thousand phones do not all connect at once.
    pub(super) gate: Semaphore,
    pub(super) tap: Option<Tap>,
    /// Whether events are kept for [`Record`].
    pub(super) records: bool,
    /// CSTA documents written by all phones together.
    pub(super) written: AtomicU64,
}

/// Gets every CSTA document that a phone writes.
pub type Tap = Arc<dyn Fn(Mac, &Bytes) + Send + Sync>;

/// An event as a phone sent it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sent {
    /// The line that it is about.
    pub line: DeviceId,
    /// The document.
    pub document: Bytes,
}

/// A simulated phone.
pub(super) struct Handset {
    maker: Maker,
    mac: Mac,
    lines: Vec<(LineId, DeviceId)>,
    site: Arc<Site>,
    switchboard: Addr<Switchboard>,
    status: watch::Sender<Status>,
    plugged: bool,
    link: Option<Addr<SipConnection<HandsetUas>>>,
    /// Attempts to connect that have failed in a row.
    failures: u32,
    retry: Option<SpawnHandle>,
    session: Option<Session>,
    /// Counts sessions, monitors, registrations, lists and requests.
    serial: u64,
    record: Vec<Sent>,
}

/// What a phone is made of.
pub(super) struct Parts {
    pub(super) maker: Maker,
    pub(super) mac: Mac,
    pub(super) lines: Vec<(LineId, DeviceId)>,
    pub(super) site: Arc<Site>,
    pub(super) switchboard: Addr<Switchboard>,
    pub(super) status: watch::Sender<Status>,
}

/// Plugs the phone in or out.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct SetPlugged(pub(super) bool);

/// Cuts the phone's connection, as a network does: the phone comes back by itself.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Cut;

/// Asks for every event that the phone has sent, in order.
#[derive(Message)]
#[rtype(result = "Vec<Sent>")]
pub(super) struct Record;

/// The wait after the first failure to connect, in milliseconds; each further one doubles it.
const FIRST_WAIT: u64 = 500;
/// The longest wait, in milliseconds.
const LONGEST_WAIT: u64 = 60_000;

impl Handset {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            maker: parts.maker,
            mac: parts.mac,
            lines: parts.lines,
            site: parts.site,
            switchboard: parts.switchboard,
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
        self.switchboard.do_send(Plug {
            lines: self.line_ids(),
            phone: ctx.address(),
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
        let (site, uas) = (
            Arc::clone(&self.site),
            HandsetUas::new(ctx.address(), self.mac, self.challenge()),
        );
        let agent: Arc<str> = self.maker.user_agent().into();
        let connecting = async move {
            // The gate is never closed; without a permit the phone connects all the same.
            let _permit = site.gate.acquire().await.ok();
            let clock = Arc::clone(&site.clock);
            site.server.connect(uas, agent, clock).await
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
                link.do_send(phone.sign_on(ctx));
                phone.link = Some(link);
            }
            Ok(link) => link.do_send(Shut {
                reason: "the phone was unplugged".into(),
            }),
            Err(error) => {
                tracing::debug!(mac = %phone.mac, %error, "simulated phone does not connect");
                phone.trouble(&error.to_string());
                phone.connect_later(ctx);
            }
        }
    }

    /// The phone logs on with its MAC address, as the server knows phones by it.
    fn sign_on(&self, ctx: &mut Context<Self>) -> SignOn {
        SignOn {
            registrar: self.site.server.uri().into(),
            identity: format!("sip:{}@{}", self.mac.bare(), self.site.server.host()).into(),
            user: self.mac.bare().into(),
            expires: self.site.expires,
            login: Arc::new(Login {
                user: self.mac.bare().into(),
                password: self.site.password.clone(),
            }),
            agent: self.maker.user_agent().into(),
            owner: ctx.address().recipient(),
        }
    }

    fn challenge(&self) -> Option<Challenge> {
        let algorithm = self.maker.challenge()?;
        Some(Challenge::new(algorithm, self.mac, &self.site.password))
    }

    /// Connects again after a wait that doubles, and differs from phone to phone.
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
        self.stand(Standing::Away);
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

    /// Writes a document as the maker's phones do.
    fn write(&self, message: impl Into<csta::Message>) -> Bytes {
        let document = csta::write(&message.into(), &self.maker.speech());
        let document = match std::str::from_utf8(&document) {
            Ok(text) => Bytes::from(self.maker.laid_out(text)),
            Err(_) => document,
        };
        self.site.written.fetch_add(1, Ordering::Relaxed);
        if let Some(tap) = &self.site.tap {
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
        self.cut("the network is cut");
        self.connect_later(ctx);
    }
}

impl Handler<Record> for Handset {
    type Result = MessageResult<Record>;

    fn handle(&mut self, _: Record, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.record.clone())
    }
}

impl Handler<SignedOn> for Handset {
    type Result = ();

    fn handle(&mut self, SignedOn(result): SignedOn, ctx: &mut Self::Context) {
        match result {
            Ok(_) => {
                self.failures = 0;
                if self.status.borrow().standing < Standing::Registered {
                    self.stand(Standing::Registered);
                }
            }
            // The end of the link, which is told by its uas, is enough.
            Err(RequestError::Ended) => {}
            Err(why) => {
                tracing::warn!(mac = %self.mac, %why, "simulated phone is not registered");
                self.cut("the REGISTER failed");
                self.trouble(&format!("the REGISTER was {why}"));
                self.connect_later(ctx);
            }
        }
    }
}

impl Handler<Lost> for Handset {
    type Result = ();

    fn handle(&mut self, Lost { link, reason }: Lost, ctx: &mut Self::Context) {
        if self.link.as_ref() == Some(&link) {
            tracing::debug!(mac = %self.mac, %reason, "simulated phone has lost its connection");
            self.link = None;
            self.session = None;
            self.stand(Standing::Away);
            self.trouble(&reason);
            self.connect_later(ctx);
        }
    }
}

impl Handler<Invited> for Handset {
    type Result = ();

    fn handle(&mut self, invited: Invited, ctx: &mut Self::Context) {
        self.invited(invited, ctx);
    }
}

impl Handler<SessionEvent> for Handset {
    type Result = ();

    fn handle(&mut self, happened: SessionEvent, ctx: &mut Self::Context) {
        self.happened(happened, ctx);
    }
}

impl Handler<Done> for Handset {
    type Result = ();

    fn handle(&mut self, done: Done, _: &mut Self::Context) {
        self.done(done);
    }
}

impl Handler<Noticed> for Handset {
    type Result = ();

    fn handle(&mut self, Noticed { line, notice }: Noticed, _: &mut Self::Context) {
        self.report(line, &notice);
    }
}
