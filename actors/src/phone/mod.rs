//! One registered phone: its binding, its CSTA session, its identities, what is asked of it and who watches its lines.

use std::{sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Recipient};
use uacsta_schema::{
    csta::{DeviceId, Edition},
    phone_id::PhoneId,
};

use crate::{
    ServerContext,
    alarm::{Alarm, Wake},
    counters::Counters,
    licensing::LicencePermit,
    registration::PhoneBinding,
    sip::session::SessionEvent,
    supervision::{Restartable, RestartableAddr, WeakRestartableAddr, restart_after_panic},
};

mod binding;
mod capabilities;
mod client_request;
mod control;
mod emulating;
mod emulation;
mod events;
mod incoming;
mod licence;
mod lines;
mod messages;
mod monitors;
mod moving;
mod probe;
mod reports;
mod request_queue;
mod requests;
mod responses;
mod retiring;
mod session;

pub use binding::{Bound, Resume, Unbound};
use capabilities::Capabilities;
use lines::LineList;
pub use messages::*;
pub use probe::{Probe, ProbeAnswer, ProfileEntry};
pub use reports::{AvailabilityChanged, BindingMoved, LinesListed, PhoneRestarted};
use session::PhoneSession;

/// A phone.
pub struct Phone {
    phone: PhoneId,
    address: WeakRestartableAddr<Self>,
    context: Arc<ServerContext>,
    enabled: bool,
    /// Where the phone is, as the registrar told it.
    binding: Option<Arc<PhoneBinding>>,
    session: PhoneSession,
    lines: LineList,
    requests: request_queue::RequestQueue,
    capabilities: Capabilities,
    /// What the server keeps in the phone's place.
    emulation: emulation::Emulation,
    /// The lines with monitor points.
    monitored: monitors::MonitoredLines,
    permit: Option<LicencePermit>,
    /// Since when there has been no licence for it.
    unlicensed_since: Option<Duration>,
    alarm: Alarm,
}

/// How a phone can be reached.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is not registered.
    #[default]
    Away,
    /// It is registered, but no CSTA session is open.
    Registered,
    /// Its CSTA session is open.
    Controlled,
}

impl Phone {
    /// The actor of a phone, with the address that reaches it and its successors.
    pub fn new(
        phone: PhoneId,
        context: Arc<ServerContext>,
        enabled: bool,
        lines: Vec<DeviceId>,
        binding: Option<Arc<PhoneBinding>>,
        address: WeakRestartableAddr<Self>,
    ) -> Self {
        let capabilities = Capabilities::new(&context.config(), phone, None);
        Self {
            phone,
            address,
            context,
            enabled,
            binding,
            session: PhoneSession::new(Edition::Ed3),
            lines: LineList::new(phone, lines),
            requests: request_queue::RequestQueue::default(),
            capabilities,
            emulation: emulation::Emulation::default(),
            monitored: monitors::MonitoredLines::default(),
            permit: None,
            unlicensed_since: None,
            alarm: Alarm::default(),
        }
    }

    fn wake_at(&mut self, at: Duration, ctx: &mut Context<Self>) {
        self.alarm.set(at, self.context.clock.now(), ctx);
    }

    /// Tells the registrar how the phone can be reached now, and gives the licence permit of one that is away back.
    fn report(&mut self, reason: Option<String>) {
        let status = match (&self.binding, self.session.is_open()) {
            (None, _) => Status::Away,
            (Some(_), false) => Status::Registered,
            (Some(_), true) => Status::Controlled,
        };
        if status == Status::Away || !self.enabled {
            self.release_permit();
        }
        let reason = reason.or_else(|| self.lacks_permit());
        self.context.registrar.do_send(AvailabilityChanged {
            phone: self.phone,
            status,
            reason,
        });
    }
}

impl Wake for Phone {
    fn alarm(&mut self) -> &mut Alarm {
        &mut self.alarm
    }

    fn wake(&mut self, ctx: &mut Context<Self>) {
        let now = self.context.clock.now();
        self.sweep_requests(now, ctx);
        self.on_session(session::SessionInput::Due, ctx);
        match self.lines.next_due() {
            Some(at) if at > now => self.wake_at(at, ctx),
            Some(_) => {
                tracing::warn!(phone = %self.phone, "phone did not send the list of lines that it announced; it keeps the lines of before");
                self.give_up_list(ctx);
            }
            None => {}
        }
        let effects = self.emulation.expire(now);
        self.carry_out(effects, ctx);
    }
}

impl Actor for Phone {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if let Some(binding) = self.binding.take() {
            self.bound(binding, ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        restart_after_panic(self);
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
            self.enabled,
            lines,
            None,
            self.address.clone(),
        );
        successor.monitored = std::mem::take(&mut self.monitored);
        successor.monitored.session_lost();
        successor.emulation = std::mem::take(&mut self.emulation).inherited();
        successor.permit = self.permit.take();
        successor
    }

    fn report_restart(&self) {
        self.context
            .registrar
            .do_send(PhoneRestarted { phone: self.phone });
    }
}

/// How many messages may wait for the phone's turn.
const MAILBOX: usize = 4096;

impl Handler<EnabledChanged> for Phone {
    type Result = ();

    fn handle(&mut self, EnabledChanged(enabled): EnabledChanged, ctx: &mut Self::Context) {
        self.switched(enabled, ctx);
    }
}

impl Handler<SessionEvent> for Phone {
    type Result = ();

    fn handle(&mut self, happened: SessionEvent, ctx: &mut Self::Context) {
        self.session_event(happened, ctx);
    }
}

impl Handler<Request> for Phone {
    type Result = ();

    fn handle(&mut self, request: Request, ctx: &mut Self::Context) {
        self.ask(request, ctx);
    }
}

impl Phone {
    fn session_owner(&self, ctx: &Context<Self>) -> Recipient<SessionEvent> {
        ctx.address().recipient()
    }
}
