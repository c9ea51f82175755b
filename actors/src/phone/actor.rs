//! The actor of a phone: its lifetime, its alarm, and the effects of the session machine.

use std::{sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context};
use uacsta_schema::{
    csta::{DeviceId, Edition, RequestTypes, ServiceId, SystemRegister},
    phone_id::PhoneId,
};

use super::{
    AvailabilityChanged, PhoneRestarted, PhoneUpstream, Status,
    admission::Admission,
    capabilities::{Capabilities, Provider},
    emulation::Emulation,
    lines::LineList,
    monitors::MonitoredLines,
    request_queue::{RequestQueue, Requester},
    session::{PhoneSession, SessionEffect, SessionInput},
    system_status::OUT_OF_SERVICE,
};
use crate::{
    ServerContext,
    alarm::{Alarm, Wake},
    counters::Counters,
    licensing::{PermitHolder, RequestPermit},
    monitor::MonitorEvent,
    reason::Cause,
    registration::PhoneBinding,
    sip::session::{Close, Login, Open, Withdraw},
    supervision::{Restartable, RestartableAddr, WeakRestartableAddr, restart_after_panic},
};

/// The actor of a phone. Its machines decide; the actor receives messages, and carries out the machines' effects.
pub struct Phone {
    pub(super) phone: PhoneId,
    pub(super) address: WeakRestartableAddr<Self>,
    pub(super) context: Arc<ServerContext>,
    pub(super) upstream: Arc<PhoneUpstream>,
    pub(super) admission: Admission,
    pub(super) session: PhoneSession,
    pub(super) lines: LineList,
    pub(super) requests: RequestQueue,
    pub(super) capabilities: Capabilities,
    pub(super) emulation: Emulation,
    pub(super) monitored: MonitoredLines,
    pub(super) alarm: Alarm,
}

/// How many messages may wait for the phone's turn.
const MAILBOX: usize = 4096;
/// How often the server checks whether the calls of a phone or line without a licence are over.
pub(super) const DRAIN_CHECK: Duration = Duration::from_secs(5);

impl Phone {
    /// Creates the actor of a phone; `address` reaches the actor and its successors.
    pub fn new(
        phone: PhoneId,
        context: Arc<ServerContext>,
        upstream: Arc<PhoneUpstream>,
        enabled: bool,
        lines: Vec<DeviceId>,
        binding: Option<Arc<PhoneBinding>>,
        address: WeakRestartableAddr<Self>,
    ) -> Self {
        let capabilities = Capabilities::new(&context.config(), phone.mac(), None);
        Self {
            phone,
            address,
            context,
            upstream,
            admission: Admission::new(enabled, binding),
            session: PhoneSession::new(Edition::Ed3),
            lines: LineList::new(phone, lines),
            requests: RequestQueue::default(),
            capabilities,
            emulation: Emulation::default(),
            monitored: MonitoredLines::default(),
            alarm: Alarm::default(),
        }
    }

    pub(super) fn wake_at(&mut self, at: Duration, ctx: &mut Context<Self>) {
        self.alarm.set(at, self.context.clock.now(), ctx);
    }

    /// Reports the phone's status and its cause to the registrar, where no cause means that the one of before goes on; releases the
    /// licence permit of a phone that is away.
    pub(super) fn report(&mut self, cause: Option<Cause>) {
        let status = self.admission.status(self.session.is_open());
        if status == Status::Away || !self.admission.is_enabled() {
            self.admission.release_permit();
        }
        let is_unlicensed = self.admission.is_unlicensed() && self.session.is_closed();
        self.upstream.availability.do_send(AvailabilityChanged {
            phone: self.phone,
            status,
            cause: if is_unlicensed {
                Some(Cause::NoLicence)
            } else {
                cause
            },
        });
    }

    pub(super) fn request_permit(&self, ctx: &Context<Self>) {
        self.upstream.licensing.do_send(RequestPermit {
            holder: PermitHolder {
                phone: self.phone,
                line: None,
            },
            to: ctx.address().recipient(),
        });
    }

    /// Ends the session of a phone without a licence permit once the phone has no calls and no open requests. A permit opens
    /// the session again.
    pub(super) fn drain(&mut self, ctx: &mut Context<Self>) {
        if !self.admission.is_unlicensed() {
            return;
        }
        let is_over = self.admission.is_grace_over(self.context.clock.now());
        if self.session.is_closed() {
            self.report(None);
        } else if is_over || !self.monitored.has_calls() && self.requests.is_idle() {
            let reason = "there is no licence for the phone".into();
            self.on_session(SessionInput::Close(reason), ctx);
            self.refuse_waiting();
            self.report(None);
        } else {
            ctx.run_later(DRAIN_CHECK, Self::drain);
        }
    }

    /// Passes an event to the session machine, and carries out the effects.
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
            SessionEffect::Withdraw(key) => {
                if let Some(binding) = self.admission.binding() {
                    let owner = ctx.address().recipient();
                    let connection = &binding.flow.connection;
                    connection.do_send(Withdraw { owner, key });
                }
            }
            SessionEffect::Bye(session) => {
                if let Some(binding) = self.admission.binding() {
                    binding.flow.connection.do_send(Close { session });
                }
            }
            SessionEffect::Prepare => {
                tracing::info!(phone = %self.phone, edition = self.session.edition().number(), "CSTA session with the phone opened");
                self.system_register(ctx);
                self.request_lines(ctx);
            }
            SessionEffect::Ready => {
                self.report(None);
                if let Some(binding) = self.admission.binding() {
                    self.monitored.session_opened(binding);
                }
                self.monitored.notify(&MonitorEvent::PhoneReady);
                self.send_next(ctx);
            }
            SessionEffect::KeepAlive => self.keep_alive(ctx),
            SessionEffect::ProbeDialog => self.probe_dialog(ctx),
            SessionEffect::Poll { all } => {
                for line in self.monitored.to_check(all) {
                    self.request_calls(line, ctx);
                }
                // The phone does not report changes of its lines, so the server requests the lines.
                let provider = self.capabilities.provider(ServiceId::SystemRegister);
                if all && provider == Provider::Emulation {
                    self.lines_changed(ctx);
                }
            }
            SessionEffect::Lost => {
                self.lines.session_lost();
                self.interrupt();
                self.monitors_lost(ctx);
            }
            SessionEffect::MonitorsLost => self.monitors_lost(ctx),
            SessionEffect::EventsLost => self.monitored.events_lost(),
            SessionEffect::OutOfService => {
                tracing::warn!(phone = %self.phone, "phone is out of service: its system is disabled or starts");
                self.refuse_unsent();
                self.report(Some(Cause::PhoneOutOfService(OUT_OF_SERVICE.into())));
            }
            SessionEffect::Failed(cause) => {
                tracing::warn!(phone = %self.phone, reason = cause.code().name(), facts = %cause.facts(), "no CSTA session with the phone");
                self.report(Some(cause));
            }
            SessionEffect::Ended(why) => {
                tracing::warn!(phone = %self.phone, reason = %why, "CSTA session with the phone lost");
                self.report(Some(Cause::SessionLost(why)));
            }
            SessionEffect::Restarted => self.report(Some(Cause::Opening)),
            SessionEffect::Closed(reason) => {
                tracing::debug!(phone = %self.phone, %reason, "CSTA session with the phone closed");
            }
        }
    }

    fn monitors_lost(&mut self, ctx: &mut Context<Self>) {
        let effects = self.emulation.session_lost();
        self.carry_out(effects, ctx);
        self.monitored.session_lost();
    }

    /// Opens the session if the phone may be controlled now; requests the licence permit if only the permit is missing.
    pub(super) fn open_session(&mut self, ctx: &mut Context<Self>) {
        if !self.admission.is_wanted() || !self.context.service.is_running() {
            return;
        }
        if self.admission.has_permit() {
            self.on_session(SessionInput::Wanted, ctx);
        } else {
            self.request_permit(ctx);
        }
    }

    /// Sends an INVITE that carries RequestSystemStatus (TR/87, section 7.1).
    fn invite(&mut self, ctx: &mut Context<Self>) {
        let Some(binding) = self
            .admission
            .binding()
            .filter(|_| self.admission.has_permit())
        else {
            // The permit was withdrawn before the retry.
            self.on_session(SessionInput::Unwanted, ctx);
            return self.open_session(ctx);
        };
        let config = self.context.config();
        let host = config.settings.advanced.realm.as_str();
        let login = Login {
            user: binding.phone.bare().into(),
            password: config.settings.phones.password.expose().into(),
        };
        binding.flow.connection.do_send(Open {
            owner: ctx.address().recipient(),
            key: self.session.key(),
            target: binding.contact.clone(),
            to: format!("<{}>", binding.to).into(),
            from: format!("<sip:uacsta@{}>", domain(&binding.to).unwrap_or(host)).into(),
            routes: binding.path.clone(),
            edition: self.session.edition(),
            interval: config.settings.advanced.sip_expires,
            login: Some(login.into()),
        });
    }

    /// Subscribes to changes of the phone's configuration, if the phone supports that (ECMA-269, system registration).
    pub(super) fn system_register(&mut self, ctx: &mut Context<Self>) {
        // The phone may cancel the registration again and again, without an answer.
        let is_pending = self.requests.is_registering();
        if is_pending || !self.capabilities.has(ServiceId::SystemRegister) {
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
}

impl Actor for Phone {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Some(binding) = self.admission.unbind() {
            self.bound(binding, ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        restart_after_panic(self);
    }
}

impl Wake for Phone {
    fn alarm(&mut self) -> &mut Alarm {
        &mut self.alarm
    }

    fn wake(&mut self, ctx: &mut Context<Self>) {
        let now = self.context.clock.now();
        self.sweep_requests(now, ctx);
        self.on_session(SessionInput::Due, ctx);
        self.lines_due(now, ctx);
        let effects = self.emulation.expire(now);
        self.carry_out(effects, ctx);
    }
}

impl Restartable for Phone {
    fn address(&self) -> Option<RestartableAddr<Self>> {
        self.address.upgrade()
    }

    fn counters(&self) -> &Counters {
        &self.context.counters
    }

    /// Without a binding, until the registrar answers [`PhoneRestarted`].
    fn successor(&mut self) -> Self {
        tracing::error!(phone = %self.phone, "phone actor panicked and was restarted");
        let lines = self.lines.lines().to_vec();
        let mut successor = Self::new(
            self.phone,
            Arc::clone(&self.context),
            Arc::clone(&self.upstream),
            self.admission.is_enabled(),
            lines,
            None,
            self.address.clone(),
        );
        successor.monitored = std::mem::take(&mut self.monitored);
        successor.monitored.session_lost();
        successor.emulation = std::mem::take(&mut self.emulation).inherited();
        successor.admission = self.admission.inherited();
        successor
    }

    fn report_restart(&self) {
        self.upstream
            .restarted
            .do_send(PhoneRestarted { phone: self.phone });
    }
}

/// The host of an address of record.
fn domain(identity: &str) -> Option<&str> {
    identity
        .split_once('@')
        .map(|(_, host)| host.split([';', '?', '>']).next().unwrap_or(host))
        .filter(|host| !host.is_empty())
}
