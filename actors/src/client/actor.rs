//! The actor of a connected client: opens and ends its sessions, and carries out the decisions of its machines.

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler};
use tracing::field::display;
use uacsta_schema::{
    csta::{
        self, DeviceId, Document, MonitorCrossRefId, MonitorStop, RequestSystemStatusResponse,
        ServiceId, SystemStatusValue,
    },
    sip::Status,
};

use super::{
    dial_via_office::{DialFailed, OfficeCalls},
    line_resolver::LineResolver,
    listing::{LineLists, ListEvent},
    messages::{ClientDisconnected, ClientUser, OpenSession},
    monitors::{CrossRefs, Monitors},
    relocation::Relocation,
    requests::PendingCount,
    rights::Rights,
    rights_changed::{Revoked, revoked},
    sessions::{ClientSession, Scope, SessionOffer, Sessions},
    system::Registrations,
    uas::ClientConnection,
};
use crate::{
    ConfigChanged, ServerContext,
    counters::Counter,
    monitor::MonitorStopped,
    registrar::{ClientConnected, ClientEnded, LineStatus, LinesChanged, Registrar},
    sip::{
        connection::Shut,
        responder::FinalResponse,
        session::{
            Accept, Body, Close, Notify, SessionEnd, SessionEvent, SessionEventKind, SessionId,
            Withdraw,
        },
    },
    supervision::RestartableAddr,
    truncated::Truncated,
};

/// The default session interval: 30 minutes.
const INTERVAL: Duration = Duration::from_secs(1800);
/// How many messages may wait for the actor.
const MAILBOX: usize = 4096;

/// A connected client.
pub struct Client {
    pub(super) context: Arc<ServerContext>,
    pub(super) registrar: RestartableAddr<Registrar>,
    pub(super) connection: Addr<ClientConnection>,
    pub(super) user: ClientUser,
    pub(super) sessions: Sessions,
    pub(super) resolver: LineResolver,
    pub(super) monitors: Monitors,
    pub(super) lists: LineLists,
    pub(super) registrations: Registrations,
    pub(super) pending: PendingCount,
    pub(super) office_calls: OfficeCalls,
}

impl Client {
    /// Creates a client that logged on over a connection.
    pub fn new(
        context: Arc<ServerContext>,
        registrar: RestartableAddr<Registrar>,
        connection: Addr<ClientConnection>,
        user: ClientUser,
        cross_refs: Arc<CrossRefs>,
    ) -> Self {
        Self {
            context,
            registrar,
            connection,
            user,
            sessions: Sessions::default(),
            resolver: LineResolver::default(),
            monitors: Monitors::new(cross_refs),
            lists: LineLists::default(),
            registrations: Registrations::default(),
            pending: PendingCount::default(),
            office_calls: OfficeCalls::default(),
        }
    }

    /// Accepts the INVITE for a session of this scope, up to the limit of the connection.
    pub(super) fn open_session(&mut self, scope: Scope, offer: SessionOffer, ctx: &Context<Self>) {
        let SessionOffer {
            user,
            dialect,
            reply,
        } = offer;
        let client = self.user.name.clone();
        let limit = self
            .context
            .config()
            .settings
            .limits
            .sessions_per_connection;
        let Some(key) = self.sessions.open(scope.clone(), dialect.clone(), limit) else {
            self.context.counters.count(Counter::TooManySessions);
            tracing::warn!(client = %client.user, peer = %client.peer, sessions = self.sessions.len(), "session refused: limits.sessions_per_connection reached");
            let reason = "too many sessions on this connection";
            return reply.with(FinalResponse::from(Status::SERVICE_UNAVAILABLE).because(reason));
        };
        let counted = self.context.counters.client_session();
        self.sessions.count(key, counted);
        let from = display(Truncated(&user));
        match &scope {
            Scope::Server => {
                tracing::info!(client = %client.user, peer = %client.peer, from, "server session opened");
            }
            Scope::Line { name, line, .. } => {
                tracing::info!(client = %client.user, peer = %client.peer, from, phone = %line.entry.phone, line = %Truncated(name.as_str()), "line session opened");
            }
        }
        let status = RequestSystemStatusResponse {
            system_status: SystemStatusValue::NORMAL,
        };
        let content = csta::write(&status.into(), &dialect);
        self.connection.do_send(Accept {
            responder: reply,
            response: FinalResponse::from(Status::OK).content(content),
            owner: ctx.address().recipient(),
            key,
            interval: INTERVAL,
        });
    }

    /// Ends a session, its monitors and its registrations. The log-off of the client is logged by itself.
    fn end_session(&mut self, key: u64, reason: &str, logs_off: bool) {
        let Some(session) = self.sessions.end(key) else {
            return;
        };
        let client = &self.user.name;
        match &session.scope {
            _ if logs_off => {}
            Scope::Server => {
                tracing::info!(client = %client.user, peer = %client.peer, reason, "server session closed");
            }
            Scope::Line { name, line, .. } => {
                tracing::info!(client = %client.user, peer = %client.peer, phone = %line.entry.phone, line = %Truncated(name.as_str()), reason, "line session closed");
            }
        }
        for monitor in self.monitors.session_ended(key) {
            Self::unsubscribe(&monitor.line, monitor.subscriber.cross_ref);
        }
        self.registrations.session_ended(key);
    }

    /// Ends all sessions and their dialogs, since another user may use the connection next.
    pub(super) fn end_all(&mut self, reason: &str, ctx: &Context<Self>) {
        let sessions: Vec<_> = self.sessions.iter().map(|(key, it)| (key, it.id)).collect();
        for (key, id) in sessions {
            self.end_dialog(key, id, ctx);
            self.end_session(key, reason, true);
        }
    }

    /// Ends the dialog of a session. Without an identifier, the connection is about to accept the INVITE, or has done so.
    pub(super) fn end_dialog(&self, key: u64, session: Option<SessionId>, ctx: &Context<Self>) {
        match session {
            Some(session) => self.connection.do_send(Close { session }),
            None => self.connection.do_send(Withdraw {
                owner: ctx.address().recipient(),
                key,
            }),
        }
    }

    /// Sends a document in an established session.
    pub(super) fn notify(&self, session: &ClientSession, message: impl Into<csta::Message>) {
        if let Some(id) = session.id {
            let content = csta::write(&message.into(), &session.dialect);
            self.connection.do_send(Notify {
                session: id,
                content: Body::Whole(content),
            });
        }
    }

    /// Stops a monitor of a line that the client may no longer see, and notifies the client.
    pub(super) fn revoke_monitor(&mut self, key: u64, cross_ref: &str) {
        let Some(monitor) = self.monitors.remove(key, cross_ref) else {
            return;
        };
        let (entry, cross_ref) = (&monitor.line.entry, monitor.subscriber.cross_ref);
        if let Some(session) = self.sessions.get(key) {
            let stop = MonitorStop {
                monitor_cross_ref_id: MonitorCrossRefId::from(Arc::clone(&cross_ref)),
            };
            self.notify(session, stop);
        }
        tracing::info!(client = %self.user.name.user, peer = %self.user.name.peer, phone = %entry.phone, line = %entry.device, "monitor stopped: the client has no right to the line any more");
        Self::unsubscribe(&monitor.line, cross_ref);
    }
}

impl Actor for Client {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.registrar.do_send(ClientConnected {
            lines_changed: ctx.address().recipient(),
            config_changed: ctx.address().recipient(),
            stopping: ctx.address().recipient(),
            shut: self.connection.clone().recipient(),
            client: Arc::clone(&self.user.connected),
            describe: ctx.address().recipient(),
            end: ctx.address().recipient(),
        });
    }

    fn stopped(&mut self, ctx: &mut Self::Context) {
        let client = ctx.address().recipient();
        self.registrar.do_send(ClientEnded(client));
        if !std::thread::panicking() {
            return;
        }
        self.context.counters.count(Counter::Panicked);
        tracing::error!(client = %self.user.name.user, peer = %self.user.name.peer, "client actor panicked; closing its connection, so that the client reconnects");
        let reason = "the client's actor panicked";
        self.connection.do_send(Shut {
            reason: reason.into(),
        });
        self.end_all(reason, ctx);
    }
}

impl Handler<OpenSession> for Client {
    type Result = ();

    fn handle(&mut self, request: OpenSession, ctx: &mut Self::Context) {
        let OpenSession {
            line,
            user,
            content,
            reply,
        } = request;
        let document = match content.map(|body| self.context.read(body)).transpose() {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(client = %self.user.name.user, peer = %self.user.name.peer, %error, "session refused: not a CSTA document");
                return reply
                    .with(FinalResponse::from(Status::BAD_REQUEST).because(error.to_string()));
            }
        };
        if let Some(document) = &document
            && document.service() != Some(ServiceId::RequestSystemStatus)
        {
            let reason = format!(
                "a session opens with RequestSystemStatus, not with {}",
                Truncated(document.name())
            );
            return reply.with(FinalResponse::from(Status::BAD_REQUEST).because(reason));
        }
        let dialect = document.as_ref().map(Document::dialect).unwrap_or_default();
        let private_line = document.as_ref().and_then(Document::private_line);
        let line = private_line.map(|line| DeviceId::from(&*line)).or(line);
        let offer = SessionOffer {
            user,
            dialect,
            reply,
        };
        match line {
            None => self.open_session(Scope::Server, offer, ctx),
            Some(name) => self.look_up_session(name, offer, ctx),
        }
    }
}

impl Handler<SessionEvent> for Client {
    type Result = ();

    fn handle(&mut self, event: SessionEvent, ctx: &mut Self::Context) {
        let key = event.key;
        match event.what {
            SessionEventKind::Opened(_) => self.sessions.established(key, event.session),
            SessionEventKind::Request(body, reply) => self.request(key, body, reply, ctx),
            SessionEventKind::Ended(why) => {
                self.end_session(key, &why.to_string(), why == SessionEnd::ConnectionLost);
                self.on_list(ListEvent::SessionEnded(key), ctx);
            }
            // Only the segments of lists are requests to a client.
            SessionEventKind::Response { ticket, .. } => {
                self.on_list(ListEvent::SegmentAnswered(ticket), ctx);
            }
            // The server opens no sessions with clients. A repeated request may have been carried out, so its responder
            // rejects it.
            SessionEventKind::Refused(_) | SessionEventKind::Repeated(..) => {}
        }
    }
}

impl Handler<ClientDisconnected> for Client {
    type Result = ();

    fn handle(&mut self, gone: ClientDisconnected, ctx: &mut Self::Context) {
        let open = self.sessions.len();
        let sessions = (open > 0).then_some(open);
        tracing::info!(client = %self.user.name.user, peer = %self.user.name.peer, reason = %gone.reason, sessions, "client logged off");
        self.end_all(&gone.reason, ctx);
        ctx.stop();
    }
}

impl Handler<LinesChanged> for Client {
    type Result = ();

    fn handle(&mut self, LinesChanged { moved }: LinesChanged, ctx: &mut Self::Context) {
        if moved.is_empty() {
            self.resolver.clear();
            self.sessions.mark_stale();
        } else {
            self.relocate(Relocation::new(moved, &self.monitors), ctx);
        }
    }
}

impl Handler<ConfigChanged> for Client {
    type Result = ();

    fn handle(&mut self, _: ConfigChanged, ctx: &mut Self::Context) {
        let rights = self.user.log_on.rights(&self.context);
        let waiting = &self.user.changed_rights;
        waiting.set(rights.clone().unwrap_or_else(Rights::none));
        let Some(rights) = rights else {
            return self.connection.do_send(Shut {
                reason: "its account was removed".into(),
            });
        };
        self.user.rights = rights;
        let Revoked { sessions, monitors } =
            revoked(&self.sessions, &self.monitors, &self.user.rights);
        for (key, cross_ref) in monitors {
            self.revoke_monitor(key, &cross_ref);
        }
        for key in sessions {
            let id = self.sessions.get(key).and_then(|session| session.id);
            self.end_dialog(key, id, ctx);
            self.end_session(key, "the client has no right to the line any more", false);
            self.on_list(ListEvent::SessionEnded(key), ctx);
        }
        self.on_list(ListEvent::RightsChanged, ctx);
        // The cache contains lines that the former rights allowed.
        self.resolver.clear();
        self.sessions.mark_stale();
        for key in self.registrations.sessions() {
            self.subscribe_status(key, ctx);
        }
    }
}

impl Handler<MonitorStopped> for Client {
    type Result = ();

    fn handle(&mut self, MonitorStopped { cross_ref }: MonitorStopped, _: &mut Self::Context) {
        if let Some(monitor) = self.monitors.stopped(&cross_ref) {
            // The line may have moved to another phone meanwhile.
            Self::unsubscribe(&monitor.line, cross_ref);
        }
    }
}

impl Handler<LineStatus> for Client {
    type Result = ();

    fn handle(&mut self, LineStatus { key, lines }: LineStatus, _: &mut Self::Context) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let of_phone = session.scope.phone().is_some();
        for message in self.registrations.lines_changed(key, &lines, of_phone) {
            self.notify(session, message);
        }
    }
}

impl Handler<DialFailed> for Client {
    type Result = ();

    fn handle(&mut self, failed: DialFailed, _: &mut Self::Context) {
        for (key, monitor) in self.monitors.iter() {
            if monitor.line.entry.device == failed.line.entry.device
                && let Some(session) = self.sessions.get(key)
            {
                let cross_ref = Arc::clone(&monitor.subscriber.cross_ref);
                self.notify(session, failed.event().reported_by(cross_ref.into()));
            }
        }
    }
}
