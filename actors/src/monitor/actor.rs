//! The actor of a monitor point: carries out what [`MonitorPoint`] decides, and fans events out to the subscribers.

use std::mem;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use smallvec::SmallVec;
use uacsta_schema::{
    csta::{DeviceId, EventId},
    phone_id::PhoneId,
};

use super::{
    Deps, Emulated, Observed, PointAction, PointEnded, PointRequest, Subscriber,
    SubscriptionChange, SubscriptionChanged,
    point::{MonitorEffect, MonitorEvent, MonitorPoint},
    subscribers::Subscribers,
};
use crate::{
    licensing::{LicencePermit, LicensingNotice, PermitDecision, PermitHolder, RequestPermit},
    refusal::Refusal,
};

/// The monitor point of a line.
pub struct Monitor {
    phone: PhoneId,
    line: DeviceId,
    deps: Deps,
    pub(super) point: MonitorPoint,
    pub(super) subscribers: Subscribers,
    permit: Option<LicencePermit>,
    retry: Option<SpawnHandle>,
    /// Why the phone refused the monitor last, until it runs.
    pub(super) refusal: Option<Refusal>,
    /// How many clients have joined, as the phone counts them.
    joins: u64,
    /// Whether the phone accepts requests when this actor starts.
    ready: bool,
    /// Whether the log says that the line is not monitored.
    has_warned: bool,
}

/// How many messages may wait for the monitor point's turn.
const MAILBOX: usize = 4096;

impl Monitor {
    /// Creates the monitor point of a line, without subscribers; `ready` says whether the phone accepts requests now.
    pub fn new(phone: PhoneId, line: DeviceId, deps: Deps, ready: bool) -> Self {
        Self {
            phone,
            line,
            deps,
            point: MonitorPoint::default(),
            subscribers: Subscribers::default(),
            permit: None,
            retry: None,
            refusal: None,
            joins: 0,
            ready,
            has_warned: false,
        }
    }

    /// Creates the successor of a monitor point that panicked, with its subscribers and its permit.
    #[must_use]
    pub fn inherited(
        self,
        subscribers: SmallVec<[Subscriber; 1]>,
        permit: Option<LicencePermit>,
    ) -> Self {
        Self {
            point: MonitorPoint::inherited(subscribers.len(), permit.is_some()),
            subscribers: Subscribers(subscribers),
            permit,
            ..self
        }
    }

    fn on(&mut self, event: MonitorEvent, ctx: &mut Context<Self>) {
        let now = self.deps.context.clock.now();
        for effect in self.point.on(event, now) {
            self.carry_out(effect, ctx);
        }
    }

    fn carry_out(&mut self, effect: MonitorEffect, ctx: &mut Context<Self>) {
        match effect {
            MonitorEffect::RequestPermit => self.deps.licensing.do_send(RequestPermit {
                holder: PermitHolder {
                    phone: self.phone,
                    line: Some(self.line.clone()),
                },
                to: ctx.address().recipient(),
            }),
            MonitorEffect::ReleasePermit => self.permit = None,
            MonitorEffect::Unlicensed => {
                tracing::warn!(phone = %self.phone, line = %self.line, "there is no licence for the line; see: uacsta licenses");
            }
            MonitorEffect::Start => {
                if let Some(retry) = self.retry.take() {
                    ctx.cancel_future(retry);
                }
                self.ask(PointAction::Start);
            }
            MonitorEffect::Stop(cross_ref) => self.ask(PointAction::Stop(cross_ref)),
            MonitorEffect::Drain => self.ask(PointAction::Drain),
            MonitorEffect::RetryIn(wait, refusal) => {
                if let Some(refusal) = refusal {
                    self.has_warned = true;
                    tracing::warn!(phone = %self.phone, line = %self.line, reason = %refusal, seconds = wait.as_secs(), "line is not monitored");
                    self.refusal = Some(refusal);
                }
                let retry = ctx.run_later(wait, |monitor, ctx| {
                    monitor.retry = None;
                    monitor.on(MonitorEvent::RetryDue, ctx);
                });
                if let Some(former) = self.retry.replace(retry) {
                    ctx.cancel_future(former);
                }
            }
            MonitorEffect::Monitored => {
                self.refusal = None;
                let clients = self.subscribers.len();
                if mem::take(&mut self.has_warned) {
                    tracing::info!(phone = %self.phone, line = %self.line, clients, "line is monitored again");
                } else {
                    tracing::debug!(phone = %self.phone, line = %self.line, clients, "line is monitored");
                }
                self.subscribers.tell_all(&self.line, true);
            }
            MonitorEffect::OutOfService => self.subscribers.tell_all(&self.line, false),
            MonitorEffect::Greet { in_service } => {
                self.subscribers.tell_newest(&self.line, in_service);
            }
            MonitorEffect::GiveUp(refusal) => {
                tracing::warn!(phone = %self.phone, line = %self.line, reason = %refusal, "line cannot be monitored; MonitorStop sent to its clients");
                self.subscribers.stop_all();
            }
            MonitorEffect::End => self.ask(PointAction::End(self.joins)),
        }
    }

    fn ask(&self, action: PointAction) {
        self.deps.phone.do_send(PointRequest {
            line: self.line.clone(),
            action,
        });
    }
}

impl Actor for Monitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if self.ready {
            self.on(MonitorEvent::PhoneReady, ctx);
        } else {
            self.on(MonitorEvent::LicensingRestarted, ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // With subscribers left, only a panic ends a monitor point.
        if self.subscribers.len() > 0 || std::thread::panicking() {
            let (subscribers, permit) =
                (std::mem::take(&mut self.subscribers.0), self.permit.take());
            self.ask(PointAction::Replace {
                subscribers,
                permit,
            });
        }
    }
}

impl Handler<SubscriptionChanged> for Monitor {
    type Result = ();

    fn handle(&mut self, changed: SubscriptionChanged, ctx: &mut Self::Context) {
        self.joins = changed.joins;
        match changed.change {
            SubscriptionChange::Join(subscriber) => match self.subscribers.add(subscriber) {
                Ok(()) => self.on(MonitorEvent::Joined, ctx),
                Err(refused) => {
                    tracing::info!(phone = %self.phone, line = %self.line, monitor = %refused.cross_ref, "client has too many monitors of the line; MonitorStop sent");
                    refused.stop();
                }
            },
            SubscriptionChange::Filter { cross_ref, filter } => {
                self.subscribers.filter(&cross_ref, filter);
            }
            SubscriptionChange::Leave { cross_ref } => {
                let left = self.subscribers.remove(&cross_ref);
                self.on(MonitorEvent::Left(left), ctx);
            }
        }
    }
}

impl Handler<Observed> for Monitor {
    type Result = ();

    fn handle(&mut self, Observed(event): Observed, ctx: &mut Self::Context) {
        let in_service = match event.event() {
            Some(EventId::BackInServiceEvent) => Some(true),
            Some(EventId::OutOfServiceEvent) => Some(false),
            _ => None,
        };
        if let Some(in_service) = in_service {
            self.on(MonitorEvent::InService(in_service), ctx);
        }
        let left = self.subscribers.relay(&event, in_service);
        if left > 0 {
            self.on(MonitorEvent::Left(left), ctx);
        }
    }
}

impl Handler<Emulated> for Monitor {
    type Result = ();

    fn handle(&mut self, Emulated(event): Emulated, ctx: &mut Self::Context) {
        let left = self.subscribers.tell(&event);
        if left > 0 {
            self.on(MonitorEvent::Left(left), ctx);
        }
    }
}

impl Handler<MonitorEvent> for Monitor {
    type Result = ();

    fn handle(&mut self, event: MonitorEvent, ctx: &mut Self::Context) {
        self.on(event, ctx);
    }
}

impl Handler<LicensingNotice> for Monitor {
    type Result = ();

    fn handle(&mut self, notice: LicensingNotice, ctx: &mut Self::Context) {
        match notice {
            LicensingNotice::Restarted => self.on(MonitorEvent::LicensingRestarted, ctx),
            LicensingNotice::PermitsWithdrawn => {
                let withdrawn = self.permit.take_if(|permit| permit.is_withdrawn());
                if withdrawn.is_some() {
                    self.on(MonitorEvent::PermitWithdrawn, ctx);
                }
            }
        }
    }
}

impl Handler<PointEnded> for Monitor {
    type Result = ();

    fn handle(&mut self, _: PointEnded, ctx: &mut Self::Context) {
        // Licensing may still hold the monitor point's address while a permit request is pending.
        ctx.stop();
    }
}

impl Handler<PermitDecision> for Monitor {
    type Result = ();

    fn handle(&mut self, PermitDecision(permit): PermitDecision, ctx: &mut Self::Context) {
        let granted = permit.is_some();
        if granted {
            self.permit = permit;
        }
        self.on(MonitorEvent::Permit { granted }, ctx);
    }
}
