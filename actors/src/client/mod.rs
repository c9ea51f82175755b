//! One connected CTI client: its sessions, the lines it opened, its rights.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message};
use bytes::Bytes;
use tracing::field::display;
use uacsta_schema::{
    csta::{self, DeviceId, Dialect, Document, RequestSystemStatusResponse, SystemStatusValue},
    phone_id::PhoneId,
    sip::Status,
};

use self::{line_cache::LineCache, monitors::Monitored};
use crate::{
    ServerContext,
    counters::Event,
    monitor::ClientAddrs,
    quote::Quoted,
    refusal::Refusal,
    registrar::{Enter, Line},
    sip::{
        connection::Shut,
        responder::{Accepted, FinalResponse, Responder},
        session::{Close, SessionEvent, SessionEventKind, SessionId},
    },
};

mod change;
mod dial_via_office;
mod features;
mod following;
mod line_cache;
mod lines;
mod listing;
mod monitors;
mod requests;
mod rights;
mod segments;
mod system;
pub mod uas;

pub use lines::CrossRefs;
pub use rights::{LogOn, Rights};
pub use uas::ClientConnection;

/// A connected client.
pub struct Client {
    context: Arc<ServerContext>,
    link: Addr<ClientConnection>,
    /// Who logged on, and from where, for the log.
    name: Box<str>,
    address: IpAddr,
    log_on: LogOn,
    rights: Rights,
    sessions: HashMap<u64, Session>,
    keys: u64,
    /// Names that were looked up, until lines change.
    found: LineCache<Arc<Line>>,
    cross_refs: Arc<lines::CrossRefs>,
    listings: listing::Listings,
    /// Calls via the office that are on their way.
    via_office: Vec<Addr<dial_via_office::DialViaOffice>>,
    /// How its monitors reach it, once it has one.
    addrs: Option<Arc<ClientAddrs>>,
    /// Held once more by each answer that the client waits for.
    waiting: Arc<()>,
    /// Held once more by each of its monitors.
    monitoring: Arc<()>,
    /// Why the connection is gone, once it is.
    gone: Option<Box<str>>,
}

/// One session of a client's.
struct Session {
    id: Option<SessionId>,
    scope: Scope,
    dialect: Dialect,
    /// Its monitors, by the client's cross reference.
    monitored: HashMap<Arc<str>, Monitored>,
    registrations: Vec<system::Registration>,
    /// Runs while there are registrations.
    subscription: Option<system::Subscription>,
}

/// What a session reaches.
#[derive(Clone, Debug)]
enum Scope {
    /// Every line.
    Server,
    /// One line, by the name that the client opened it with, and what that name meant last.
    Line {
        name: DeviceId,
        line: Arc<Line>,
        /// Whether it may mean another line by now.
        is_old: bool,
    },
}

impl Scope {
    /// The phone that a session is confined to.
    fn phone(&self) -> Option<PhoneId> {
        match self {
            Self::Server => None,
            Self::Line { line, .. } => Some(line.entry.phone),
        }
    }
}

/// A client opens a session.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Invite {
    /// The line that the SIP headers name; none for the server's session.
    pub line: Option<DeviceId>,
    /// The user that the From names, for the log.
    pub user: Box<str>,
    /// The CSTA request that the INVITE carries.
    pub content: Option<Bytes>,
    /// Its answer.
    pub reply: Responder,
}

/// The client's connection is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Gone {
    /// Why, for the log.
    pub reason: Box<str>,
}

impl Client {
    /// A client that logged on over a link.
    pub fn new(
        context: Arc<ServerContext>,
        link: Addr<ClientConnection>,
        (name, address): (Box<str>, IpAddr),
        log_on: LogOn,
        rights: Rights,
        cross_refs: Arc<lines::CrossRefs>,
    ) -> Self {
        Self {
            context,
            link,
            name,
            address,
            log_on,
            rights,
            sessions: HashMap::new(),
            keys: 0,
            found: LineCache::default(),
            cross_refs,
            listings: listing::Listings::default(),
            via_office: Vec::new(),
            addrs: None,
            waiting: Arc::default(),
            monitoring: Arc::default(),
            gone: None,
        }
    }

    fn invited(
        &mut self,
        Invite {
            line,
            user,
            content,
            reply,
        }: Invite,
        ctx: &mut Context<Self>,
    ) {
        let document = match content.map(|body| self.context.read(body)).transpose() {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(client = %self.name, %error, "session refused: the INVITE does not carry CSTA");
                return reply
                    .with(FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()));
            }
        };
        if let Some(document) = document
            .as_ref()
            .filter(|document| document.name() != "RequestSystemStatus")
        {
            return reply.with(FinalResponse::from(Status::BAD_REQUEST).because(format!(
                "a session opens with RequestSystemStatus, not with {}",
                Quoted(document.name())
            )));
        }
        let dialect = document.as_ref().map(Document::dialect).unwrap_or_default();
        let line = document
            .as_ref()
            .and_then(|document| {
                document
                    .private_line()
                    .map(|line| DeviceId::from(line.into_owned()))
            })
            .or(line);
        let Some(line) = line else {
            return self.accept(Scope::Server, &user, dialect, reply, ctx);
        };
        self.look_up(line, None, ctx, move |client, name, found, ctx| match found {
            Ok(line) => {
                let scope = Scope::Line { name, line, is_old: false };
                client.accept(scope, &user, dialect, reply, ctx);
            }
            Err(Refusal::NoRight) => {
                tracing::warn!(client = %client.name, line = %Quoted(name.as_str()), "session refused: no right to the line");
                reply.with(FinalResponse::from(Status::FORBIDDEN).because("this log-on has no right to the line"));
            }
            Err(Refusal::NoLine(error)) => {
                tracing::info!(client = %client.name, line = %Quoted(name.as_str()), %error, "session refused");
                reply.with(FinalResponse::from(Status::NOT_FOUND).because(error.to_string()));
            }
            Err(_) => reply.with(Status::SERVICE_UNAVAILABLE),
        });
    }

    fn accept(
        &mut self,
        scope: Scope,
        user: &str,
        dialect: Dialect,
        reply: Responder,
        ctx: &Context<Self>,
    ) {
        if self.sessions.len()
            >= self
                .context
                .config()
                .settings
                .limits
                .sessions_per_connection
        {
            self.context.counters.count(Event::TooManySessions);
            tracing::warn!(client = %self.name, sessions = self.sessions.len(), "session refused: there are too many on this connection");
            return reply.with(
                FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                    .because("too many sessions on this connection"),
            );
        }
        self.keys += 1;
        let user = display(Quoted(user));
        match &scope {
            Scope::Server => tracing::info!(client = %self.name, user, "server's session opened"),
            Scope::Line { name, line, .. } => {
                tracing::info!(client = %self.name, user, phone = %line.entry.phone, line = %Quoted(name.as_str()), "line opened");
            }
        }
        let status = csta::write(
            &RequestSystemStatusResponse {
                system_status: SystemStatusValue::NORMAL,
            }
            .into(),
            &dialect,
        );
        self.sessions.insert(
            self.keys,
            Session {
                id: None,
                scope,
                dialect,
                monitored: HashMap::new(),
                registrations: Vec::new(),
                subscription: None,
            },
        );
        let session = Accepted {
            owner: ctx.address().recipient(),
            key: self.keys,
            interval: INTERVAL,
        };
        reply.with(
            FinalResponse::from(Status::OK)
                .content(status)
                .accept(session),
        );
    }

    /// A session is over: its monitors are stopped.
    fn ended(&mut self, key: u64, reason: &str) {
        let Some(session) = self.sessions.remove(&key) else {
            return;
        };
        match &session.scope {
            Scope::Server => tracing::info!(client = %self.name, reason, "server's session closed"),
            Scope::Line { name, line, .. } => {
                tracing::info!(client = %self.name, phone = %line.entry.phone, line = %Quoted(name.as_str()), reason, "line closed");
            }
        }
        self.forget_list(key);
        for (cross_ref, Monitored { line, .. }) in session.monitored {
            self.unsubscribe(&line, cross_ref);
        }
    }

    /// Keeps what a name means, so that it is not looked up again.
    fn remember(&mut self, name: &str, line: &Arc<Line>) {
        // Who may watch so many lines has names for as many.
        let most = self.context.config().settings.limits.monitors_per_client;
        self.found.insert(name, Arc::clone(line), most);
    }

    /// The phone whose line a session is for.
    fn mac_of(&self, key: u64) -> Option<PhoneId> {
        self.sessions.get(&key)?.scope.phone()
    }

    /// Answers a request that is refused.
    fn refuse(
        &self,
        phone: Option<PhoneId>,
        reply: Responder,
        dialect: &Dialect,
        service: &str,
        refusal: &Refusal,
    ) {
        let phone = phone.map(tracing::field::display);
        tracing::info!(client = %self.name, phone, service, %refusal, "request refused");
        reply.csta(csta::write(&refusal.failure().into(), dialect));
    }
}

/// "CME default 30 min": the session interval of a client that names none.
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(1800);

impl Actor for Client {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
        self.context.registrar.do_send(Enter {
            lines_changed: ctx.address().recipient(),
            config_changed: ctx.address().recipient(),
            stopping: ctx.address().recipient(),
            shut: self.link.clone().recipient(),
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // This runs after a panic too: what the client held is released, and its connection ends so that it comes back.
        let reason = self.gone.take().unwrap_or_else(|| {
            self.context.counters.count(Event::Panicked);
            tracing::error!(client = %self.name, "the client's actor failed; its connection ends, so that it comes back");
            self.link.do_send(Shut {
                reason: "the client's actor failed".into(),
            });
            "the client's actor failed".into()
        });
        for (key, session) in self
            .sessions
            .iter()
            .map(|(key, session)| (*key, session.id))
            .collect::<Vec<_>>()
        {
            // Its connection may be another user's now.
            if let Some(session) = session {
                self.link.do_send(Close { session });
            }
            self.ended(key, &reason);
        }
    }
}

impl Handler<Invite> for Client {
    type Result = ();

    fn handle(&mut self, invite: Invite, ctx: &mut Self::Context) {
        self.invited(invite, ctx);
    }
}

impl Handler<SessionEvent> for Client {
    type Result = ();

    fn handle(
        &mut self,
        SessionEvent { key, session, what }: SessionEvent,
        ctx: &mut Self::Context,
    ) {
        match what {
            SessionEventKind::Opened(_) => {
                if let Some(known) = self.sessions.get_mut(&key) {
                    known.id = Some(session);
                }
            }
            SessionEventKind::Request(body, reply) => self.asked(key, body, reply, ctx),
            SessionEventKind::Ended(why) => {
                self.ended(key, &why.to_string());
                self.next_list(ctx);
            }
            // Of what the server sends to clients only lists wait for answers.
            SessionEventKind::Response { ticket, .. } => self.segment_answered(ticket, ctx),
            // It opens no sessions. A request that comes again is refused, since it may have been done.
            SessionEventKind::Refused(_) | SessionEventKind::Repeated(..) => {}
        }
    }
}

impl Handler<Gone> for Client {
    type Result = ();

    fn handle(&mut self, Gone { reason }: Gone, ctx: &mut Self::Context) {
        tracing::info!(client = %self.name, %reason, "client is gone");
        self.gone = Some(reason);
        ctx.stop();
    }
}
