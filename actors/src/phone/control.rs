//! Carries out what the session machine decides: INVITE and BYE, subscription, keep-alives, reports to the registrar.

use actix::Context;
use bytes::Bytes;
use uacsta_schema::csta::{
    Document, Edition, Message, RequestSystemStatus, RequestTypes, Response, ServiceId,
    SystemRegister, SystemStatusValue,
};

use super::{
    Phone,
    capabilities::Provider,
    request_queue::Requester,
    session::{SessionEffect, SessionInput},
};
use crate::{
    ServerContext,
    monitor::MonitorEvent,
    refusal::Refusal,
    sip::session::{Close, Login, Open, RequestError, SessionEvent, SessionEventKind},
};

impl Phone {
    /// Tells the session machine an event, and carries out what it decides.
    pub(super) fn on_session(&mut self, input: SessionInput, ctx: &mut Context<Self>) {
        let now = self.context.clock.now();
        let keep_alive = self.context.config().settings.advanced.keep_alive;
        for effect in self.session.on(input, now, keep_alive) {
            self.carry_out_session(effect, ctx);
        }
        if let Some(at) = self.session.next_due() {
            self.wake_at(at, ctx);
        }
    }

    fn carry_out_session(&mut self, effect: SessionEffect, ctx: &mut Context<Self>) {
        match effect {
            SessionEffect::Invite => self.invite(ctx),
            SessionEffect::Bye(session) => {
                if let Some(binding) = &self.binding {
                    binding.flow.connection.do_send(Close { session });
                }
            }
            SessionEffect::Prepare => {
                tracing::info!(phone = %self.phone, edition = ?self.session.edition(), "CSTA session with the phone opened");
                self.system_register(ctx);
                self.request_lines(ctx);
            }
            SessionEffect::Ready => {
                self.report(None);
                self.monitored.notify(&MonitorEvent::PhoneReady);
                self.send_next(ctx);
            }
            SessionEffect::KeepAlive => {
                let request = RequestSystemStatus::default().into();
                self.send_own(Requester::KeepAlive, request, ctx);
            }
            SessionEffect::Poll { all } => {
                for line in self.monitored.to_check(all) {
                    self.request_calls(line, ctx);
                }
                // A phone that does not report changes of its lines is asked for them.
                let provider = self.capabilities.provider(ServiceId::SystemRegister);
                if all && provider == Provider::Emulation {
                    self.request_lines(ctx);
                }
            }
            SessionEffect::Lost => {
                self.lines.session_lost();
                self.interrupt();
                let effects = self.emulation.session_lost();
                self.carry_out(effects, ctx);
                self.monitored.session_lost();
            }
            SessionEffect::Failed(reason) => {
                tracing::warn!(phone = %self.phone, reason, "no CSTA session with the phone");
                self.report(Some(reason));
            }
            SessionEffect::Ended(why) => {
                tracing::warn!(phone = %self.phone, reason = %why, "CSTA session with the phone lost");
                self.report(Some(why.to_string()));
            }
            SessionEffect::Closed(reason) => {
                tracing::info!(phone = %self.phone, %reason, "CSTA session with the phone closed");
            }
        }
    }

    /// Opens the session if the phone may be controlled now; asks for the licence permit where only that is missing.
    pub(super) fn open_session(&mut self, ctx: &mut Context<Self>) {
        if self.binding.is_none() || !self.enabled {
            return;
        }
        if self.permit.is_some() {
            self.on_session(SessionInput::Wanted, ctx);
        } else {
            self.request_permit(ctx);
        }
    }

    /// Sends an INVITE that carries RequestSystemStatus (TR/87, section 7.1).
    fn invite(&mut self, ctx: &mut Context<Self>) {
        let Some(binding) = self.binding.as_ref().filter(|_| self.permit.is_some()) else {
            // The permit was withdrawn while the session waited for its next attempt.
            self.on_session(SessionInput::Unwanted, ctx);
            return self.open_session(ctx);
        };
        let config = self.context.config();
        let host = config.settings.advanced.realm.as_str();
        let login = Login {
            user: binding.identity.aor.0.bare().into(),
            password: config.settings.phones.password.expose().into(),
        };
        binding.flow.connection.do_send(Open {
            owner: self.session_owner(ctx),
            key: self.session.key(),
            target: binding.contact.clone(),
            to: format!("<{}>", binding.to).into(),
            from: format!("<sip:uacsta@{}>", domain(&binding.to).unwrap_or(host)).into(),
            edition: self.session.edition(),
            interval: config.settings.advanced.sip_expires,
            login: Some(login.into()),
        });
    }

    /// The connection reports an event of a session with the phone.
    pub(super) fn session_event(&mut self, event: SessionEvent, ctx: &mut Context<Self>) {
        let SessionEvent { key, session, what } = event;
        if key != self.session.key() {
            // A request in a session that the server closed is in no dialog (RFC 3261, section 12.2.2).
            if let SessionEventKind::Request(_, reply) | SessionEventKind::Repeated(_, reply) = what
            {
                reply.nowhere();
            }
            return;
        }
        match what {
            SessionEventKind::Opened(body) => {
                let edition = check_status(&self.context, body);
                self.on_session(SessionInput::Opened(session, edition), ctx);
            }
            SessionEventKind::Refused(why) => {
                let reason = format!("the INVITE was {why}");
                let retry_after = match why {
                    RequestError::Refused { retry_after, .. } => {
                        retry_after.filter(|wait| !wait.is_zero())
                    }
                    RequestError::TimedOut
                    | RequestError::Ended
                    | RequestError::TooLarge
                    | RequestError::NoDialog => None,
                };
                let rejected = SessionInput::Rejected {
                    reason,
                    retry_after,
                };
                self.on_session(rejected, ctx);
            }
            SessionEventKind::Request(body, reply) => self.received(body, reply, false, ctx),
            SessionEventKind::Repeated(body, reply) => self.received(body, reply, true, ctx),
            SessionEventKind::Response { ticket, answer } => self.responded(ticket, answer, ctx),
            SessionEventKind::Ended(why) => self.on_session(SessionInput::Ended(why), ctx),
        }
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

    /// A phone that leaves the keep-alive unanswered is away, whatever its connection looks like.
    pub(super) fn kept_alive(
        &mut self,
        result: &Result<Document, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        match result {
            Err(Refusal::TimedOut) => {
                tracing::warn!(phone = %self.phone, "phone is away: it did not respond to the keep-alive");
                self.leave_connection("the phone does not answer the keep-alive", ctx);
                self.report(Some("it does not answer the keep-alive".into()));
            }
            // The session's end is reported by itself.
            Err(Refusal::Away) => {}
            result => {
                if let Err(refusal) = result {
                    tracing::warn!(phone = %self.phone, %refusal, "keep-alive refused");
                }
                self.on_session(SessionInput::KeptAlive, ctx);
            }
        }
    }
}

/// Reads the response to RequestSystemStatus: the edition that the phone speaks, or why it cannot be controlled.
fn check_status(context: &ServerContext, body: Bytes) -> Result<Option<Edition>, String> {
    let is_useless =
        |refusal: Refusal| format!("the answer to RequestSystemStatus is of no use: {refusal}");
    let (status, document) = system_status(context, body).map_err(is_useless)?;
    if status == SystemStatusValue::NORMAL {
        Ok(document.edition())
    } else {
        Err(format!("its system status is {status}, not normal"))
    }
}

fn system_status(
    context: &ServerContext,
    body: Bytes,
) -> Result<(SystemStatusValue, Document), Refusal> {
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
