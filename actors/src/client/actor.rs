//! The actor of a connected CTI client: its sessions, its monitors and its requests.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message};
use bytes::Bytes;
use tracing::field::display;
use uacsta_schema::{
    csta::{self, DeviceId, Dialect, Document, RequestSystemStatusResponse, SystemStatusValue},
    phone_id::PhoneId,
    sip::Status,
};

use super::{
    dial_via_office::DialViaOffice,
    line_cache::LineCache,
    listing,
    monitors::{ClientMonitor, CrossRefs},
    rights::{LogOn, Rights},
    system,
    uas::ClientConnection,
};
use crate::{
    ServerContext,
    counters::Counter,
    monitor::ClientAddrs,
    refusal::Refusal,
    registrar::{ClientConnected, Line},
    sip::{
        connection::Shut,
        responder::{FinalResponse, Responder},
        session::{Accept, Close, SessionEvent, SessionEventKind, SessionId},
    },
    truncated::Truncated,
};

/// A connected client.
pub struct Client {
    pub(super) context: Arc<ServerContext>,
    pub(super) link: Addr<ClientConnection>,
    /// Who logged on, and from where, for the log.
    pub(super) name: Box<str>,
    pub(super) address: IpAddr,
    pub(super) log_on: LogOn,
    pub(super) rights: Rights,
    pub(super) sessions: HashMap<u64, ClientSession>,
    pub(super) keys: u64,
    /// Names that were looked up, until lines change.
    pub(super) found: LineCache<Arc<Line>>,
    pub(super) cross_refs: Arc<CrossRefs>,
    pub(super) listings: listing::LineLists,
    /// Calls via the office that are on their way.
    pub(super) via_office: Vec<Addr<DialViaOffice>>,
    /// How its monitors reach it, once it has one.
    pub(super) addrs: Option<Arc<ClientAddrs>>,
    /// Held once more by each answer that the client waits for.
    pub(super) waiting: Arc<()>,
    /// Held once more by each of its monitors.
    pub(super) monitoring: Arc<()>,
    /// Why the connection is gone, once it is.
    pub(super) gone: Option<Box<str>>,
}

/// One session of a client's.
pub(super) struct ClientSession {
    pub(super) id: Option<SessionId>,
    pub(super) scope: Scope,
    pub(super) dialect: Dialect,
    /// Its monitors, by the client's cross reference.
    pub(super) monitored: HashMap<Arc<str>, ClientMonitor>,
    pub(super) registrations: Vec<system::Registration>,
    /// Runs while there are registrations.
    pub(super) subscription: Option<system::StatusSubscription>,
}

/// What a session reaches.
#[derive(Clone, Debug)]
pub(super) enum Scope {
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
    pub(super) fn phone(&self) -> Option<PhoneId> {
        match self {
            Self::Server => None,
            Self::Line { line, .. } => Some(line.entry.phone),
        }
    }
}

/// A client opens a session.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpenSession {
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
pub struct ClientDisconnected {
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
        cross_refs: Arc<CrossRefs>,
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
            listings: listing::LineLists::default(),
            via_office: Vec::new(),
            addrs: None,
            waiting: Arc::default(),
            monitoring: Arc::default(),
            gone: None,
        }
    }

    pub(super) fn invited(
        &mut self,
        OpenSession {
            line,
            user,
            content,
            reply,
        }: OpenSession,
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
                Truncated(document.name())
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
                tracing::warn!(client = %client.name, line = %Truncated(name.as_str()), "session refused: no right to the line");
                reply.with(FinalResponse::from(Status::FORBIDDEN).because("this log-on has no right to the line"));
            }
            Err(Refusal::NoLine(error)) => {
                tracing::info!(client = %client.name, line = %Truncated(name.as_str()), %error, "session refused");
                reply.with(FinalResponse::from(Status::NOT_FOUND).because(error.to_string()));
            }
            Err(_) => reply.with(Status::SERVICE_UNAVAILABLE),
        });
    }

    pub(super) fn accept(
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
            self.context.counters.count(Counter::TooManySessions);
            tracing::warn!(client = %self.name, sessions = self.sessions.len(), "session refused: there are too many on this connection");
            return reply.with(
                FinalResponse::from(Status::SERVICE_UNAVAILABLE)
                    .because("too many sessions on this connection"),
            );
        }
        self.keys += 1;
        let user = display(Truncated(user));
        match &scope {
            Scope::Server => tracing::info!(client = %self.name, user, "server's session opened"),
            Scope::Line { name, line, .. } => {
                tracing::info!(client = %self.name, user, phone = %line.entry.phone, line = %Truncated(name.as_str()), "line opened");
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
            ClientSession {
                id: None,
                scope,
                dialect,
                monitored: HashMap::new(),
                registrations: Vec::new(),
                subscription: None,
            },
        );
        self.link.do_send(Accept {
            responder: reply,
            response: FinalResponse::from(Status::OK).content(status),
            owner: ctx.address().recipient(),
            key: self.keys,
            interval: INTERVAL,
        });
    }

    /// A session is over: its monitors are stopped.
    pub(super) fn ended(&mut self, key: u64, reason: &str) {
        let Some(session) = self.sessions.remove(&key) else {
            return;
        };
        match &session.scope {
            Scope::Server => tracing::info!(client = %self.name, reason, "server's session closed"),
            Scope::Line { name, line, .. } => {
                tracing::info!(client = %self.name, phone = %line.entry.phone, line = %Truncated(name.as_str()), reason, "line closed");
            }
        }
        self.forget_list(key);
        for (cross_ref, ClientMonitor { line, .. }) in session.monitored {
            self.unsubscribe(&line, cross_ref);
        }
    }

    /// Keeps what a name means, so that it is not looked up again.
    pub(super) fn remember(&mut self, name: &str, line: &Arc<Line>) {
        // Who may watch so many lines has names for as many.
        let most = self.context.config().settings.limits.monitors_per_client;
        self.found.insert(name, Arc::clone(line), most);
    }

    /// The phone whose line a session is for.
    pub(super) fn mac_of(&self, key: u64) -> Option<PhoneId> {
        self.sessions.get(&key)?.scope.phone()
    }

    /// Answers a request that is refused.
    pub(super) fn refuse(
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
        self.context.registrar.do_send(ClientConnected {
            lines_changed: ctx.address().recipient(),
            config_changed: ctx.address().recipient(),
            stopping: ctx.address().recipient(),
            shut: self.link.clone().recipient(),
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // This runs after a panic too: what the client held is released, and its connection ends so that it comes back.
        let reason = self.gone.take().unwrap_or_else(|| {
            self.context.counters.count(Counter::Panicked);
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

impl Handler<OpenSession> for Client {
    type Result = ();

    fn handle(&mut self, invite: OpenSession, ctx: &mut Self::Context) {
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

impl Handler<ClientDisconnected> for Client {
    type Result = ();

    fn handle(
        &mut self,
        ClientDisconnected { reason }: ClientDisconnected,
        ctx: &mut Self::Context,
    ) {
        tracing::info!(client = %self.name, %reason, "client is gone");
        self.gone = Some(reason);
        ctx.stop();
    }
}
