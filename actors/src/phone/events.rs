//! Handles the phone's reports: events for the monitor points, its lines, its calls.

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, fut};
use bytes::Bytes;
use smallvec::SmallVec;
use uacsta_schema::{
    csta::{
        self, DeviceId, Document, Event, Message, MonitorCrossRefId, MonitorObject, MonitorStart,
        MonitorStop, Response, ServiceId, Snapshot, SnapshotDevice,
    },
    sip::Status,
};

use super::{
    Phone, Subscribe, actor::DRAIN_CHECK, admission::is_grace_over, capabilities::Provider,
    incoming::Incoming, monitors::Started, request_queue::Requester,
};
use crate::{
    counters::Counter,
    licensing::LicencePermit,
    log_limit::repeat_count,
    monitor::{
        Deps, LONGEST, Mark, Monitor, MonitorEvent, PointAction, PointRequest, Reconciled,
        Subscriber, SubscriptionChange,
    },
    refusal::Refusal,
    sip::responder::{FinalResponse, Responder},
    supervision::RestartableAddr,
    truncated::{Truncated, truncated},
};

impl Phone {
    /// The phone sent a CSTA document. A repeated document gets the same response; repeated events and notifications are
    /// ignored.
    pub(super) fn received(
        &mut self,
        body: Bytes,
        responder: Responder,
        is_repeated: bool,
        ctx: &mut Context<Self>,
    ) {
        let bad_request = |error: String| FinalResponse::from(Status::BAD_REQUEST).because(error);
        let document = match self.context.read(body) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(phone = %self.phone, %error, "phone sent an invalid CSTA document");
                return responder.with(bad_request(error.to_string()));
            }
        };
        let dialect = document.dialect();
        let incoming = Incoming::of(document);
        match incoming {
            Incoming::Request(response, note) => {
                tracing::info!(phone = %self.phone, response = response.name(), note, "phone sent a request");
                return responder.csta(csta::write(&response, &dialect));
            }
            Incoming::SystemStatus(status, response) => {
                let told = Truncated(status.as_str());
                tracing::info!(phone = %self.phone, status = %told, "phone reported its system status");
                if !is_repeated {
                    self.system_status(&status, true, ctx);
                }
                return responder.csta(csta::write(&response, &dialect));
            }
            Incoming::MonitorStop(cross_ref, response) => {
                self.monitored.stopped(cross_ref.as_str());
                return responder.csta(csta::write(&response, &dialect));
            }
            Incoming::Unexpected(error) => {
                tracing::warn!(phone = %self.phone, error, "phone sent an unexpected document");
                return responder.with(bad_request(error));
            }
            _ if is_repeated => {
                tracing::debug!(phone = %self.phone, "phone sent its last document again");
            }
            Incoming::Event(event) => self.observed(Arc::new(event)),
            // The report takes effect before the phone receives the response.
            Incoming::Lines(part) => self.lines_listed(part, ctx),
            Incoming::LinesChanged => self.lines_changed(ctx),
            Incoming::SystemRegisterAborted => self.system_register(ctx),
            Incoming::Ignored(notification) => {
                tracing::debug!(phone = %self.phone, notification, "unexpected notification");
            }
            Incoming::Unreadable(error) => {
                tracing::warn!(phone = %self.phone, error, "phone sent an unreadable notification");
            }
        }
        responder.ok();
    }

    /// Routes an event to the monitor point with its cross reference.
    fn observed(&mut self, event: Arc<Document>) {
        let is_starting = self.requests.is_starting_monitor();
        match self.monitored.observe(event, is_starting) {
            Ok(true) => {}
            Ok(false) => {
                if let Some(times) = self.may_log("long names in calls") {
                    tracing::warn!(phone = %self.phone, times = repeat_count(times), "phone sent an event with a name of more than {LONGEST} octets; the event was relayed, but the name is not kept");
                }
            }
            Err(event) => {
                self.context.counters.count(Counter::StrayEvent);
                tracing::debug!(phone = %self.phone, event = event.name(), monitor = truncated(event.cross_ref()), "event for unknown monitor");
            }
        }
    }

    /// Whether to log a fault of the phone's documents, at most once a minute; `Some` is how often it occurred since.
    pub(super) fn may_log(&self, what: &str) -> Option<u32> {
        let address = self.admission.binding()?.address.ip();
        let now = self.context.clock.now();
        self.context.log_limit.admit(address, what, now)
    }

    /// Requests the calls of a line with a running monitor, to compare them with the calls that events reported.
    pub(super) fn request_calls(&mut self, line: DeviceId, ctx: &mut Context<Self>) {
        let monitored = self.monitored.get(&line);
        let running = monitored.filter(|monitored| monitored.cross_ref.is_some());
        let Some(asked) = running.map(|monitored| monitored.calls.mark()) else {
            return;
        };
        if self.capabilities.is_worth_asking(ServiceId::SnapshotDevice) {
            let snapshot = SnapshotDevice {
                snapshot_object: line.clone(),
            };
            self.send_own(Requester::Snapshot { line, asked }, snapshot.into(), ctx);
        } else {
            self.end_former_calls(&line);
        }
    }

    /// The phone does not list the calls of a line: those from before a restart of the phone are over.
    fn end_former_calls(&mut self, line: &DeviceId) {
        if let Some(monitored) = self.monitored.get_mut(line) {
            let over = monitored.calls.end_former(line);
            self.notify_over(line, over);
        }
    }

    fn notify_over(&self, line: &DeviceId, over: Vec<Event>) {
        for over in over {
            tracing::info!(phone = %self.phone, %line, "call ended without an event; ConnectionCleared sent to its clients");
            self.monitored.notify_subscribers(line, over);
        }
    }

    /// The phone listed the calls of a line; the request was sent at `asked`.
    pub(super) fn calls_listed(
        &mut self,
        line: &DeviceId,
        asked: Mark,
        result: Result<Document, Refusal>,
    ) {
        let Ok(Ok(Message::Response(Response::SnapshotDeviceResponse(response)))) =
            result.map(|document| document.message())
        else {
            return self.end_former_calls(line);
        };
        let Some(monitored) = self.monitored.get_mut(line) else {
            return;
        };
        let Reconciled { over, unheard } = monitored.calls.reconcile(line, &response.data, asked);
        if unheard {
            tracing::warn!(phone = %self.phone, %line, "phone has a call that the line's monitor sent no event of; the monitor is restarted");
            monitored.monitor.do_send(MonitorEvent::Unheard);
        }
        self.notify_over(line, over);
        if !matches!(response.data, Snapshot::Data(_)) {
            self.end_former_calls(line);
        }
    }

    /// Sends MonitorStart for a line, unless the monitor runs or a MonitorStart is pending.
    pub(super) fn start_monitor(&mut self, line: &DeviceId, ctx: &mut Context<Self>) {
        let Some(monitored) = self.monitored.get(line) else {
            return;
        };
        let refusal = if !self.session.is_open() {
            Some(MonitorEvent::PhoneAway)
        } else if !self.lines.has(line) {
            Some(MonitorEvent::LineGone)
        } else {
            let running = monitored.cross_ref.clone();
            running.map(|cross_ref| MonitorEvent::Answered(Ok(cross_ref)))
        };
        if let Some(event) = refusal {
            return monitored.monitor.do_send(event);
        }
        if let Some(cross_ref) = self.emulation.reuse_monitor(line) {
            return self.monitor_started(line, Ok(cross_ref), ctx);
        }
        if !self.requests.starts_monitor_of(line) {
            let start = MonitorStart {
                monitor_object: MonitorObject::Device(line.clone()),
                ..MonitorStart::default()
            };
            self.send_own(Requester::MonitorStart(line.clone()), start.into(), ctx);
        }
    }

    /// The phone responded to the MonitorStart of a line.
    pub(super) fn monitor_started(
        &mut self,
        line: &DeviceId,
        result: Result<MonitorCrossRefId, Refusal>,
        ctx: &mut Context<Self>,
    ) {
        let started = self.monitored.started(line, result);
        if let Started::Stop(cross_ref) = &started {
            self.stop_monitor(line, cross_ref.clone(), ctx);
        }
        for event in self.monitored.take_early() {
            self.observed(event);
        }
        if started == Started::CheckCalls {
            self.request_calls(line.clone(), ctx);
        }
    }

    /// A monitor point of a line, to be started.
    fn monitor(&self, line: &DeviceId, ctx: &Context<Self>) -> Monitor {
        let address = self.address.upgrade();
        let address = address.unwrap_or_else(|| RestartableAddr::new(ctx.address()));
        let deps = Deps {
            phone: address.recipient(),
            context: Arc::clone(&self.context),
            licensing: self.upstream.licensing.clone(),
        };
        let is_ready = self.session.is_open() && self.lines.has(line);
        Monitor::new(self.phone, line.clone(), deps, is_ready)
    }

    /// Forwards a subscription change to the line's monitor point; the first subscriber starts the monitor point.
    fn subscribe(&mut self, Subscribe { line, change }: Subscribe, ctx: &Context<Self>) {
        if matches!(change, SubscriptionChange::Join(_)) && self.monitored.get(&line).is_none() {
            let monitor = self.monitor(&line, ctx).start();
            self.monitored.add(line.clone(), monitor);
        }
        self.monitored.forward(&line, change);
    }

    /// Stops a monitor on the phone that no longer has a monitor point.
    fn monitor_over(
        &mut self,
        line: &DeviceId,
        cross_ref: MonitorCrossRefId,
        ctx: &mut Context<Self>,
    ) {
        // Another session has other monitors, perhaps by the same cross references.
        if self.session.id().is_none() {
            return;
        }
        self.monitored.stopping(line, &cross_ref);
        self.stop_monitor(line, cross_ref, ctx);
    }

    /// Starts the successor of a monitor point that panicked.
    fn replace(
        &mut self,
        line: &DeviceId,
        subscribers: SmallVec<[Subscriber; 1]>,
        permit: Option<LicencePermit>,
        ctx: &mut Context<Self>,
    ) {
        self.context.counters.count(Counter::Panicked);
        tracing::error!(phone = %self.phone, %line, clients = subscribers.len(), "the line's monitor point panicked and was restarted");
        let monitor = self.monitor(line, ctx).inherited(subscribers, permit);
        if let Some(cross_ref) = self.monitored.replace(line, monitor.start()) {
            self.monitor_over(line, cross_ref, ctx);
        }
    }

    /// Stops a monitor of a line on the phone; without MonitorStop at the phone, the monitor keeps running.
    pub(super) fn stop_monitor(
        &mut self,
        line: &DeviceId,
        cross_ref: MonitorCrossRefId,
        ctx: &mut Context<Self>,
    ) {
        let line = line.clone();
        if self.capabilities.provider(ServiceId::MonitorStop) == Provider::Emulation {
            self.emulation.leave_running(line, cross_ref);
            return self.send_next(ctx);
        }
        let stop = MonitorStop {
            monitor_cross_ref_id: cross_ref.clone(),
        };
        self.send_own(Requester::MonitorStop { line, cross_ref }, stop.into(), ctx);
    }

    /// Notifies the monitor point of a line when the line has no more calls.
    fn drain_line(&mut self, line: DeviceId, since: Duration, ctx: &mut Context<Self>) {
        let Some(monitored) = self.monitored.get(&line) else {
            return;
        };
        if monitored.calls.is_empty() || is_grace_over(since, self.context.clock.now()) {
            monitored.monitor.do_send(MonitorEvent::Drained);
        } else {
            ctx.run_later(DRAIN_CHECK, move |phone, ctx| {
                phone.drain_line(line, since, ctx);
            });
        }
    }
}

impl Handler<Subscribe> for Phone {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, ctx: &mut Self::Context) {
        let monitored = self.monitored.get(&subscribe.line);
        if monitored.is_none_or(|monitored| monitored.monitor.connected()) {
            return self.subscribe(subscribe, ctx);
        }
        // The monitor point panicked: its request for a successor is in the mailbox, unless it asked a former actor of this phone.
        ctx.spawn(
            fut::ready(subscribe).map(|subscribe, phone: &mut Self, ctx| {
                let monitored = phone.monitored.get(&subscribe.line);
                if monitored.is_some_and(|monitored| !monitored.monitor.connected()) {
                    phone.replace(&subscribe.line, SmallVec::new(), None, ctx);
                }
                phone.subscribe(subscribe, ctx);
            }),
        );
    }
}

impl Handler<PointRequest> for Phone {
    type Result = ();

    fn handle(&mut self, PointRequest { line, action }: PointRequest, ctx: &mut Self::Context) {
        match action {
            PointAction::Start => self.start_monitor(&line, ctx),
            PointAction::Stop(cross_ref) => self.monitor_over(&line, cross_ref, ctx),
            PointAction::Drain => {
                let now = self.context.clock.now();
                self.drain_line(line, now, ctx);
            }
            PointAction::End(joins) => {
                let ended = self.monitored.remove(&line, joins);
                if let Some(cross_ref) = ended.and_then(|ended| ended.cross_ref) {
                    tracing::debug!(phone = %self.phone, %line, "line is no longer monitored");
                    self.stop_monitor(&line, cross_ref, ctx);
                }
            }
            PointAction::Replace {
                subscribers,
                permit,
            } => self.replace(&line, subscribers, permit, ctx),
        }
    }
}
