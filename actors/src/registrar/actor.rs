//! The actor of the registrar: its start and restart, the actors of phones, and notifications of phones and clients.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, ResponseFuture, WrapFuture,
};
use actix_rt::ArbiterHandle;
use futures_util::future::join_all;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{
    addrs::RegistrarAddrs,
    batches::{BATCH, Batches, HasBatches, TOLD, in_batches},
    clients::{self, Clients, moved_lines, user_parts},
    line_status::{self, LineStatusSubscriptions},
    messages::Stopping,
    persistence::{ListChange, Persistence},
    records::Records,
    waiter::Waiter,
};
use crate::{
    ConfigChanged, ServerContext,
    counters::Counters,
    directory::{Directory, LineFilter},
    licensing::LicensingNotice,
    phone::{AvailabilityChanged, LinesListed, Phone, PhoneRestarted, ReportAgain, Resume, Retire},
    phone_list::{ListedPhone, Save},
    registration::{BindingEnd, Bindings, Flow},
    supervision::{Restartable, RestartableAddr, restart_after_panic},
};

/// The registrar.
pub struct Registrar {
    pub(super) context: Arc<ServerContext>,
    pub(super) addrs: RegistrarAddrs,
    pub(super) store: Recipient<Save>,
    pub(super) bindings: Bindings<Flow>,
    pub(super) records: Records,
    pub(super) directory: Directory,
    pub(super) clients: Clients,
    pub(super) line_status: LineStatusSubscriptions,
    pub(super) persistence: Persistence<Waiter>,
    pub(super) batches: Batches<Self>,
    /// When the log last had that the phone list cannot be written.
    pub(super) disk_warned: Option<Duration>,
}

/// The size of the registrar's mailbox: after a power cut all phones register at once.
const MAILBOX: usize = 1 << 16;

impl Registrar {
    /// Creates the registrar at `addrs`, of a phone list that was read from disk; `writable` says whether the disk has room.
    pub fn new(
        context: Arc<ServerContext>,
        addrs: RegistrarAddrs,
        store: Recipient<Save>,
        listed: Vec<ListedPhone>,
        writable: bool,
    ) -> Self {
        let (records, renamed) = Records::of(listed, context.clock.wall());
        let mut persistence = Persistence::new(!writable);
        for (phone, former) in renamed {
            persistence.replace(phone, former);
        }
        Self {
            persistence,
            ..Self::of(context, addrs, store, records)
        }
    }

    fn of(
        context: Arc<ServerContext>,
        addrs: RegistrarAddrs,
        store: Recipient<Save>,
        records: Records,
    ) -> Self {
        let mut directory = Directory::default();
        for (phone, record) in records.after(None) {
            let lines = record.entry().lines.iter().cloned();
            directory.set(phone, lines.map(DeviceId::from));
            directory.set_availability(phone, record.availability());
            // There are no subscribers yet.
            directory.take_changes();
        }
        Self {
            context,
            addrs,
            store,
            bindings: Bindings::default(),
            records,
            directory,
            clients: Clients::default(),
            line_status: LineStatusSubscriptions::default(),
            persistence: Persistence::new(false),
            batches: Batches::default(),
            disk_warned: None,
        }
    }

    /// Requests again the reports that a panicked registrar may have lost.
    fn recover(&mut self, ctx: &mut Context<Self>) {
        self.retry(ctx);
        // The reports of their connections may be lost.
        let ended = self.bindings.iter().filter(|binding| {
            let is_listed = self.records.contains(binding.phone);
            !is_listed || !binding.flow.connection.connected()
        });
        for binding in ended.cloned().collect::<Vec<_>>() {
            self.bindings.remove(binding.phone);
            self.unbound(binding, BindingEnd::connection_ended(), None);
        }
        self.tell_phones(ctx, |phone| phone.do_send(ReportAgain));
        self.publish_status(|_| true, ctx);
        if !self.clients.is_empty() {
            self.lines_changed([], ctx);
        }
    }

    /// The actor of a listed phone; starts one if there is none.
    pub(super) fn actor_of(
        &mut self,
        phone: PhoneId,
        arbiter: &ArbiterHandle,
    ) -> Option<RestartableAddr<Phone>> {
        // A client's request for the phone ends the pause after a restart.
        self.resume(phone);
        let binding = self.bindings.get(phone).cloned();
        let record = self.records.get_mut(phone)?;
        if let Some(actor) = record.actor() {
            return Some(actor.clone());
        }
        // The phone's actor runs on the thread of its connection.
        let arbiter = binding
            .as_ref()
            .map_or_else(|| arbiter.clone(), |binding| binding.flow.arbiter.clone());
        let (context, upstream) = (Arc::clone(&self.context), Arc::clone(&self.addrs.phones));
        let enabled = record.entry().enabled;
        let lines = record.entry().lines.iter().cloned();
        let lines = lines.map(DeviceId::from).collect();
        let actor = RestartableAddr::start_in(&arbiter, move |address| {
            Phone::new(phone, context, upstream, enabled, lines, binding, address)
        });
        record.set_actor(actor.clone(), self.context.clock.now());
        Some(actor)
    }

    /// Sends a restarted phone actor its binding.
    fn resume(&mut self, phone: PhoneId) {
        let record = self.records.get_mut(phone);
        let Some(record) = record.filter(|record| record.is_paused()) else {
            return;
        };
        record.resume(self.context.clock.now());
        if let Some(actor) = record.actor() {
            actor.do_send(Resume {
                enabled: record.entry().enabled,
                binding: self.bindings.get(phone).cloned(),
            });
        }
    }

    /// Names may mean other lines, and lines with these user parts may have moved to another phone: notifies clients and
    /// subscribers once for all changes of a turn.
    pub(super) fn lines_changed(
        &mut self,
        moved: impl IntoIterator<Item = Box<str>>,
        ctx: &mut Context<Self>,
    ) {
        let schedule = self.clients.lines_changed(moved);
        if schedule.at_end_of_turn {
            let turn_ends = std::future::ready(()).into_actor(self);
            ctx.spawn(turn_ends.map(|(), registrar, _| registrar.clients.tell_changed()));
        }
        if schedule.when_gathered {
            ctx.run_later(clients::GATHERED, |registrar, _| {
                registrar.clients.tell_moved();
            });
        }
        self.status_changed(ctx);
    }

    /// A line or a phone changed: schedules the notification of subscribers.
    fn status_changed(&mut self, ctx: &mut Context<Self>) {
        if self.line_status.is_empty() {
            self.directory.take_changes();
        } else if self.line_status.changed() {
            ctx.run_later(line_status::GATHERED, |registrar, ctx| {
                let changed = registrar.directory.take_changes();
                registrar.publish_status(move |filter| filter.is_touched(&changed), ctx);
            });
        }
    }

    /// Notifies subscribers whose lines may have changed. The cost depends on the lines that they see, not on all lines.
    fn publish_status(
        &mut self,
        may_have_changed: impl Fn(&LineFilter) -> bool + 'static,
        ctx: &mut Context<Self>,
    ) {
        let mut waiting = self.line_status.due();
        let work = move |registrar: &mut Self, _: &mut Context<Self>| {
            let mut looked_at = 0;
            while looked_at < BATCH {
                let Some(subscription) = waiting.pop() else {
                    return ControlFlow::Break(());
                };
                let (status, directory) = (&registrar.line_status, &registrar.directory);
                looked_at += 1 + status.tell(&subscription, directory, &may_have_changed);
            }
            ControlFlow::Continue(())
        };
        in_batches(self, ctx, Box::new(work));
    }

    /// Sends a message to every phone's actor.
    fn tell_phones(
        &mut self,
        ctx: &mut Context<Self>,
        tell: impl Fn(&RestartableAddr<Phone>) + 'static,
    ) {
        let mut last = None::<PhoneId>;
        let work = move |registrar: &mut Self, _: &mut Context<Self>| {
            let page = registrar.records.after(last).take(TOLD);
            let mut looked_at = 0;
            for (phone, record) in page {
                last = Some(phone);
                looked_at += 1;
                record.actor().into_iter().for_each(&tell);
            }
            if looked_at < TOLD {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        in_batches(self, ctx, Box::new(work));
    }
}

impl Actor for Registrar {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.recover(ctx);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        restart_after_panic(self);
    }
}

impl HasBatches for Registrar {
    fn batches(&mut self) -> &mut Batches<Self> {
        &mut self.batches
    }
}

impl Restartable for Registrar {
    fn address(&self) -> Option<RestartableAddr<Self>> {
        Some(self.addrs.registrar.clone())
    }

    fn counters(&self) -> &Counters {
        &self.context.counters
    }

    fn successor(&mut self) -> Self {
        let listed = self.records.len();
        tracing::error!(listed, "the registrar panicked and was restarted");
        let (open, persistence) = self.persistence.hand_over();
        // A REGISTER that waited for the disk gets 500, and its phone keeps its former binding.
        for write in open.into_iter().rev() {
            if let Waiter::Phone { outcome, .. } = write.waiter {
                self.bindings.revert(outcome);
            }
        }
        Self {
            bindings: std::mem::take(&mut self.bindings),
            clients: self.clients.hand_over(),
            line_status: self.line_status.hand_over(),
            persistence,
            ..Self::of(
                Arc::clone(&self.context),
                self.addrs.clone(),
                self.store.clone(),
                self.records.hand_over(),
            )
        }
    }
}

impl Handler<LinesListed> for Registrar {
    type Result = ();

    fn handle(&mut self, LinesListed { phone, lines }: LinesListed, ctx: &mut Self::Context) {
        // The phone was removed before its report arrived.
        if !self.records.contains(phone) {
            return;
        }
        let changed = self.directory.set(phone, lines);
        let lines = self.directory.of(phone);
        let lines: Vec<String> = lines
            .iter()
            .map(|entry| entry.device.as_str().to_owned())
            .collect();
        let former = self.records.set_lines(phone, &lines);
        if changed {
            let moved = moved_lines(former.as_deref().unwrap_or(&lines), &lines);
            self.lines_changed(moved, ctx);
        }
        if former.is_some() || self.persistence.unsaved().contains(&phone) {
            self.save(phone, ListChange::Entry, Waiter::Nobody, ctx);
        }
    }
}

impl Handler<AvailabilityChanged> for Registrar {
    type Result = ();

    fn handle(&mut self, changed: AvailabilityChanged, ctx: &mut Self::Context) {
        let phone = changed.phone;
        let Some(record) = self.records.get_mut(phone) else {
            return;
        };
        let now = || self.context.clock.wall();
        let is_new = record.set_status(changed.status, changed.cause, now);
        let availability = record.availability();
        if self.directory.set_availability(phone, availability) {
            self.lines_changed(user_parts(&self.directory.of(phone)), ctx);
        } else if is_new {
            self.status_changed(ctx);
        }
    }
}

impl Handler<PhoneRestarted> for Registrar {
    type Result = ();

    fn handle(&mut self, PhoneRestarted { phone }: PhoneRestarted, ctx: &mut Self::Context) {
        // The lines of a removed phone stay out of service.
        let Some(record) = self.records.get_mut(phone) else {
            return;
        };
        let pause = record.actor_restarted(self.context.clock.now());
        if pause > Duration::ZERO {
            let seconds = pause.as_secs();
            tracing::warn!(%phone, seconds, "phone actor panicked repeatedly; its session is paused");
            ctx.run_later(pause, move |registrar, _| registrar.resume(phone));
        } else {
            self.resume(phone);
        }
    }
}

impl Handler<LicensingNotice> for Registrar {
    type Result = ();

    fn handle(&mut self, notice: LicensingNotice, ctx: &mut Self::Context) {
        self.tell_phones(ctx, move |phone| phone.do_send(notice));
    }
}

impl Handler<ConfigChanged> for Registrar {
    type Result = ();

    fn handle(&mut self, changed: ConfigChanged, ctx: &mut Self::Context) {
        self.tell_phones(ctx, move |phone| phone.do_send(changed));
        self.clients.tell_config_changed();
    }
}

impl Handler<Stopping> for Registrar {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Stopping, _: &mut Self::Context) -> Self::Result {
        Box::pin(self.clients.stop())
    }
}

impl Handler<Retire> for Registrar {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, retire: Retire, _: &mut Self::Context) -> Self::Result {
        let actors = self
            .records
            .after(None)
            .filter_map(|(_, record)| record.actor());
        let retired: Vec<_> = actors.map(|actor| actor.send(retire)).collect();
        Box::pin(async move {
            // An error means that the phone's actor has already ended.
            let _ = join_all(retired).await;
        })
    }
}
