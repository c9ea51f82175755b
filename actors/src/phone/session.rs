//! The phone's CSTA session: opened after its REGISTER, prepared, kept alive, and opened anew when it is lost.

use std::time::Duration;

use actix::Context;
use bytes::Bytes;
use uacsta_schema::csta::{
    Document, Message, RequestSystemStatus, RequestTypes, Response, ServiceId, SystemRegister,
    SystemStatusValue,
};

use super::{Phone, request_queue::Requester};
use crate::{
    ServerContext,
    monitor::MonitorEvent,
    refusal::Refusal,
    sip::{
        session::{
            Close, Login, Open, RequestError, SessionEnd, SessionEvent, SessionEventKind, SessionId,
        },
        transaction::LIFE,
    },
};

/// Where the session stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// There is none, and none is to be.
    Closed,
    /// The next try comes at this time.
    Waiting(Duration),
    /// The INVITE waits for its answer, until this time at the latest.
    Opening(Duration),
    /// Open; the phone is asked for its lines.
    Preparing(SessionId),
    /// In use.
    Open(SessionId),
}

/// At which of the keep-alives a phone is asked for what it may not have told: calls, and lines.
const LOOK_ROUND: u32 = 5;

impl State {
    pub(super) fn is_closed(self) -> bool {
        self == Self::Closed
    }

    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The session, once the phone takes requests in it.
    pub(super) fn id(self) -> Option<SessionId> {
        match self {
            Self::Preparing(id) | Self::Open(id) => Some(id),
            Self::Closed | Self::Waiting(_) | Self::Opening(_) => None,
        }
    }

    /// Whether the session is open or will be without the phone's doing.
    pub(super) fn is_coming(self) -> bool {
        matches!(self, Self::Opening(_) | Self::Preparing(_) | Self::Open(_))
    }
}

impl Phone {
    /// Opens the session with an INVITE that carries RequestSystemStatus (TR/87 7.1).
    pub(super) fn open_session(&mut self, ctx: &mut Context<Self>) {
        if self.binding.is_none() || !self.enabled {
            return;
        }
        if self.permit.is_none() {
            self.session = State::Closed;
            return self.request_permit(ctx);
        }
        self.key += 1;
        // The link answers within the 64*T1 of its transaction, unless it ended while this was on its way.
        let until = self.context.clock.now() + LIFE + LIFE / 4;
        self.session = State::Opening(until);
        self.wake_at(until, ctx);
        let Some(binding) = &self.binding else {
            return;
        };
        let config = self.context.config();
        let host = config.settings.advanced.realm.as_str();
        binding.flow.connection.do_send(Open {
            owner: self.session_owner(ctx),
            key: self.key,
            target: binding.contact.clone(),
            to: format!("<{}>", binding.to).into(),
            from: format!("<sip:uacsta@{}>", domain(&binding.to).unwrap_or(host)).into(),
            edition: self.edition,
            interval: self.context.config().settings.advanced.sip_expires,
            login: Some(
                Login {
                    user: binding.identity.aor.0.bare().into(),
                    password: self
                        .context
                        .config()
                        .settings
                        .phones
                        .password
                        .expose()
                        .into(),
                }
                .into(),
            ),
        });
    }

    /// Something happened in a session with the phone.
    pub(super) fn happened(
        &mut self,
        SessionEvent { key, session, what }: SessionEvent,
        ctx: &mut Context<Self>,
    ) {
        if key != self.key {
            // A session that was given up: a request in it is in no dialog (RFC 3261 12.2.2).
            if let SessionEventKind::Request(_, reply) | SessionEventKind::Repeated(_, reply) = what
            {
                reply.nowhere();
            }
            return;
        }
        match what {
            SessionEventKind::Opened(body) => self.opened(session, body, ctx),
            SessionEventKind::Refused(why) => {
                let wait = match &why {
                    RequestError::Refused { retry_after, .. } => {
                        retry_after.filter(|wait| !wait.is_zero())
                    }
                    RequestError::TimedOut
                    | RequestError::Ended
                    | RequestError::TooLarge
                    | RequestError::NoDialog => None,
                };
                self.failed(&format!("the INVITE was {why}"), wait, ctx);
            }
            SessionEventKind::Request(body, reply) => self.asked(body, reply, ctx),
            SessionEventKind::Repeated(body, reply) => self.asked_again(body, reply),
            SessionEventKind::Response { ticket, answer } => self.responded(ticket, answer, ctx),
            SessionEventKind::Ended(SessionEnd::ConnectionLost) => {
                // The end of the link, which says why, follows.
                self.lose_session(ctx);
                self.session = State::Closed;
            }
            SessionEventKind::Ended(why) => {
                tracing::warn!(phone = %self.phone, reason = %why, "CSTA session with the phone lost");
                self.lose_session(ctx);
                // 481 says that the phone holds no session: the next one is opened at once.
                self.back_off.lost(self.context.clock.now());
                let at_once = why == SessionEnd::Unknown && self.back_off.is_fresh();
                let wait = at_once.then_some(Duration::ZERO);
                self.retry(wait, ctx);
                self.report(Some(why.to_string()));
            }
        }
    }

    fn opened(&mut self, session: SessionId, body: Bytes, ctx: &mut Context<Self>) {
        match status(&self.context, body) {
            Ok((status, document)) if status == SystemStatusValue::NORMAL => {
                self.session = State::Preparing(session);
                self.edition = document.edition().unwrap_or(self.edition);
                tracing::info!(phone = %self.phone, edition = ?self.edition, "CSTA session with the phone opened");
                self.prepare(ctx);
            }
            Ok((status, _)) => {
                self.give_up_session(session);
                self.failed(
                    &format!("its system status is {status}, not normal"),
                    None,
                    ctx,
                );
            }
            Err(refusal) => {
                self.give_up_session(session);
                self.failed(
                    &format!("the answer to RequestSystemStatus is of no use: {refusal}"),
                    None,
                    ctx,
                );
            }
        }
    }

    /// Subscribes to changes where the phone has that, and asks for its lines.
    fn prepare(&mut self, ctx: &mut Context<Self>) {
        self.system_register(ctx);
        self.ask_for_lines(ctx);
    }

    /// Subscribes to changes of the phone's configuration, where the phone has that (ECMA-269 system registration).
    pub(super) fn system_register(&mut self, ctx: &mut Context<Self>) {
        if !self.capabilities.has(ServiceId::SystemRegister) {
            return;
        }
        let register = SystemRegister {
            request_types: RequestTypes {
                system_status: Some(true),
                switching_function_devices_changed: Some(true),
                ..RequestTypes::default()
            },
            ..SystemRegister::default()
        };
        self.send_own(Requester::SystemRegister, register.into(), ctx);
    }

    /// The phone's lines are known: it takes requests, and its monitors start.
    pub(super) fn prepared(&mut self, ctx: &mut Context<Self>) {
        let State::Preparing(session) = self.session else {
            return;
        };
        self.session = State::Open(session);
        self.back_off.stands(self.context.clock.now());
        self.schedule_keep_alive(ctx);
        self.report(None);
        self.monitored.notify(&MonitorEvent::PhoneReady);
        self.send_next(ctx);
    }

    fn failed(&mut self, reason: &str, wait: Option<Duration>, ctx: &mut Context<Self>) {
        tracing::warn!(phone = %self.phone, reason, "no CSTA session with the phone");
        self.session = State::Closed;
        self.retry(wait, ctx);
        self.report(Some(reason.to_owned()));
    }

    /// Tries again after 1, 2, 4 ... 60 seconds, or after as long as the phone asks for.
    fn retry(&mut self, wait: Option<Duration>, ctx: &mut Context<Self>) {
        if self.binding.is_none() || !self.enabled {
            self.session = State::Closed;
            return;
        }
        let back_off = self.back_off.failed();
        // A phone may ask for a longer wait than this, never for a shorter one; zero is our own wish.
        let wait = wait.map_or(back_off, |wait| match wait.is_zero() {
            true => wait,
            false => wait.max(back_off),
        });
        if wait.is_zero() {
            return self.open_session(ctx);
        }
        let at = self.context.clock.now() + wait;
        self.session = State::Waiting(at);
        self.wake_at(at, ctx);
    }

    /// Ends the session by our own wish.
    pub(super) fn close_session(&mut self, reason: &str, ctx: &mut Context<Self>) {
        let before = std::mem::replace(&mut self.session, State::Closed);
        if before.is_coming() {
            tracing::info!(phone = %self.phone, reason, "CSTA session with the phone closed");
        }
        if let Some(id) = before.id() {
            self.give_up_session(id);
        }
        self.key += 1;
        self.lose_session(ctx);
    }

    /// Ends the session, and opens the next one at once.
    pub(super) fn renew_session(&mut self, reason: &str, ctx: &mut Context<Self>) {
        self.close_session(reason, ctx);
        self.open_session(ctx);
    }

    fn give_up_session(&self, session: SessionId) {
        if let Some(binding) = &self.binding {
            binding.flow.connection.do_send(Close { session });
        }
    }

    /// What hung on the session goes with it: requests that were sent, and monitors.
    fn lose_session(&mut self, ctx: &mut Context<Self>) {
        self.keep_alive_at = None;
        // The next session asks for the lines anew.
        self.list_due = None;
        self.early.clear();
        self.interrupt();
        self.retiring = None;
        let effects = self.emulation.session_lost();
        self.carry_out(effects, ctx);
        self.monitored.session_lost();
    }

    /// Opens the session when its time has come; returns when that is.
    pub(super) fn sweep_session(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        let (State::Waiting(at) | State::Opening(at)) = self.session else {
            return None;
        };
        if at > now {
            return Some(at);
        }
        match self.session {
            State::Opening(_) => self.failed("the INVITE was never answered", None, ctx),
            _ => self.open_session(ctx),
        }
        None
    }

    pub(super) fn schedule_keep_alive(&mut self, ctx: &mut Context<Self>) {
        let at = self.context.clock.now() + self.context.config().settings.advanced.keep_alive;
        self.keep_alive_at = Some(at);
        self.wake_at(at, ctx);
    }

    /// Asks for the system status when it is time; returns when that is.
    pub(super) fn sweep_keep_alive(
        &mut self,
        now: Duration,
        ctx: &mut Context<Self>,
    ) -> Option<Duration> {
        let at = self.keep_alive_at?;
        if at > now {
            return Some(at);
        }
        self.keep_alive_at = None;
        self.send_own(
            Requester::KeepAlive,
            RequestSystemStatus::default().into(),
            ctx,
        );
        None
    }

    /// A phone that leaves the keep-alive unanswered is not there, whatever its connection looks like.
    pub(super) fn kept_alive(
        &mut self,
        result: &Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        match result {
            Err(Refusal::TimedOut) => {
                tracing::warn!(phone = %self.phone, "phone is away: it does not answer the keep-alive");
                self.leave_connection("the phone does not answer the keep-alive", ctx);
                self.report(Some("it does not answer the keep-alive".into()));
            }
            // The session's end is told by itself.
            Err(Refusal::Away) => {}
            result => {
                if let Err(refusal) = result {
                    tracing::warn!(phone = %self.phone, %refusal, "keep-alive refused");
                }
                self.schedule_keep_alive(ctx);
                self.keep_alives = self.keep_alives.wrapping_add(1);
                let all = self.keep_alives.is_multiple_of(LOOK_ROUND);
                self.check_all_calls(all, ctx);
                if all {
                    self.poll_for_lines(ctx);
                }
            }
        }
    }
}

/// The system status that a body reports.
fn status(context: &ServerContext, body: Bytes) -> Result<(SystemStatusValue, Document), Refusal> {
    let document = context
        .read(body)
        .map_err(|error| Refusal::NotCsta(error.to_string()))?;
    match document
        .message()
        .map_err(|error| Refusal::NotCsta(error.to_string()))?
    {
        Message::Response(Response::RequestSystemStatusResponse(response)) => {
            Ok((response.system_status, document))
        }
        Message::Failure(failure) => Err(Refusal::Failed {
            failure,
            document: document.into(),
        }),
        _ => Err(Refusal::NotCsta(format!(
            "{} came instead of RequestSystemStatusResponse",
            document.name()
        ))),
    }
}

/// The host of an address of record.
fn domain(identity: &str) -> Option<&str> {
    identity
        .split_once('@')
        .map(|(_, host)| host.split([';', '?', '>']).next().unwrap_or(host))
        .filter(|host| !host.is_empty())
}
